"""For each step of the catalogue, what works out its masks; and what an amount such as `to 80%` comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from prune_tui import steps
from prune_tui.engine import bits
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.effects import channels_left, left_of
from prune_tui.engine.methods import (
    custom_methods,
    global_structured,
    layerwise,
    ranked_entries,
    semi_structured,
    torchs_own,
)
from prune_tui.engine.methods.torchs_own import Masked, Planner
from prune_tui.engine.selection.planned_masks import PlannedMask
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError


def _global_unstructured(step: steps.GlobalUnstructured, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """Torch's own, unless a floor is asked for, which torch has not."""
    torchs = torchs_own.PLANNERS[steps.GlobalUnstructured]
    return (ranked_entries.global_with_floor if step.floor else torchs)(step, found, stop)


PLANNERS: dict[type[steps.Step], Planner] = {
    **torchs_own.PLANNERS,
    steps.GlobalUnstructured: _global_unstructured,
    steps.SemiStructured: semi_structured.plan,
    steps.GlobalStructured: global_structured.plan,
    steps.Lamp: ranked_entries.lamp,
    steps.UniformPlus: layerwise.uniform_plus,
    steps.ErdosRenyiKernel: layerwise.erdos_renyi_kernel,
    steps.ImportanceScores: ranked_entries.importance_scores,
    steps.CustomMethod: custom_methods.plan,
}


def masks(step: steps.Step, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """The method objects and masks of a step.

    An amount that names a total is turned into a count: of each target where they are ranked one by one, else of
    all together. It is the smallest by which the total is reached, nothing where it is reached already.

    Raises:
        StepError: It cannot be done on these targets.
    """
    planner, total = PLANNERS[type(step)], steps.total_of(step)
    if total is None:
        return planner(step, found, stop)
    if isinstance(step, steps.CustomMethod):
        raise StepError(f"{step.name} is a plugin's, whose amount only it can read; give a fraction or a count")
    groups = [found] if steps.ranks_together(step) else [[target] for target in found]
    return [one for group in groups for one in _reaching(step, total.now, planner, group, stop)]


def _reaching(
    step: steps.Step, share: Fraction, planner: Planner, found: Sequence[Seen], stop: Stop
) -> list[Masked]:
    elements = sum(target.original.numel() for target in found)
    missing = max(0, math.ceil(share * elements) - elements + sum(map(left_of, found)))
    if not missing or steps.method_of(step).units == "entries":
        return planner(steps.with_amount(step, missing), found, stop)
    # Of channels it depends on which ones go: a channel may be masked in part. More of them are those and others.
    fewest, most = 0, sum(channels_left(target, getattr(step, "dim")) for target in found)  # noqa: B009
    while fewest < most:
        middle = (fewest + most) // 2
        with torch.random.fork_rng(devices=[]):  # torch draws channels on the CPU
            tried = planner(steps.with_amount(step, middle), found, stop)
        masked = elements - sum(_alive(mask) for _, mask in tried)
        fewest, most = (fewest, middle) if masked >= math.ceil(share * elements) else (middle + 1, most)
    return planner(steps.with_amount(step, fewest), found, stop)


def _alive(mask: Tensor | PlannedMask) -> int:
    made = mask if isinstance(mask, Tensor) else mask.made().mask
    return int(bits.alive(made).sum())
