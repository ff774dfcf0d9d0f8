"""For each step of the catalogue, what works out its masks."""

from __future__ import annotations

from collections.abc import Sequence

from prune_tui import steps
from prune_tui.engine import custom_methods, global_structured, layerwise, methods, ranked_entries, semi_structured
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.methods import Masked, Planner
from prune_tui.engine.targets import Seen


def _global_unstructured(step: steps.GlobalUnstructured, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """Torch's own, unless a floor is asked for, which torch has not."""
    torchs = methods.PLANNERS[steps.GlobalUnstructured]
    return (ranked_entries.global_with_floor if step.floor else torchs)(step, found, stop)


PLANNERS: dict[type[steps.Step], Planner] = {
    **methods.PLANNERS,
    steps.GlobalUnstructured: _global_unstructured,
    steps.SemiStructured: semi_structured.plan,
    steps.GlobalStructured: global_structured.plan,
    steps.Lamp: ranked_entries.lamp,
    steps.UniformPlus: layerwise.uniform_plus,
    steps.ErdosRenyiKernel: layerwise.erdos_renyi_kernel,
    steps.ImportanceScores: ranked_entries.importance_scores,
    steps.CustomMethod: custom_methods.plan,
}
