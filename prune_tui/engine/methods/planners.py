"""For each step of the catalogue, what works out its masks; and what an amount such as `to 80%` comes to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from prune_tui import steps
from prune_tui.engine import bits, targets
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
from prune_tui.totals import Total


def _global_unstructured(step: steps.GlobalUnstructured, found: Sequence[Seen], stop: Stop) -> Iterable[Masked]:
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


def masks(step: steps.Step, found: Sequence[Seen], stop: Stop) -> Iterator[Masked]:
    """The method objects and masks of a step, in the order of its targets.

    An amount that names a total is turned into a count: of each target where they are ranked one by one, else of
    all together. It is the smallest by which the total is reached, nothing where it is reached already.

    Raises:
        StepError: It cannot be done on these targets.
    """
    planner, total = PLANNERS[type(step)], steps.total_of(step)
    groups = [found] if steps.ranks_together(step) else [[target] for target in found]
    if isinstance(step, steps.ImportanceScores) and step.mask is not None:
        missing = None if total is None else [_missing(step, total, group) for group in groups]
        recorded = ranked_entries.as_recorded(step, groups, missing, stop)
        if recorded is not None:
            yield from recorded
            return
    if total is None:
        yield from planner(step, found, stop)
        return
    if isinstance(step, steps.CustomMethod):
        raise StepError(f"{step.name} is a plugin's, whose amount only it can read; give a fraction or a count")
    for group in groups:
        yield from _reaching(step, total, planner, group, stop)


def _missing(step: steps.Step, total: Total, found: Sequence[Seen]) -> int:
    """Entries that are still to go until the total of all is masked."""
    elements = sum(target.original.numel() for target in found)
    masked = elements - sum(map(left_of, found))
    return max(0, math.ceil(total.after(masked, elements, _unit(step, found)) * elements) - masked)


def _unit(step: steps.Step, found: Sequence[Seen]) -> int:
    """The most entries that go together: one, or those of a channel."""
    if steps.method_of(step).units == "entries":
        return 1
    dim: int = getattr(step, "dim")  # noqa: B009 - every step of channels has it
    return max(target.original.numel() // max(1, target.original.shape[dim]) for target in found)


def _reaching(
    step: steps.Step, total: Total, planner: Planner, found: Sequence[Seen], stop: Stop
) -> Iterable[Masked]:
    if steps.method_of(step).units == "entries":
        return planner(steps.with_amount(step, _missing(step, total, found)), found, stop)
    for target in found:
        torchs_own.refuse_without_channels(
            target,
            getattr(step, "dim"),  # noqa: B009 - every step of channels has it
            torchs_own.instead_of_channels(step),
        )
    missing = _missing(step, total, found)
    # Which channels go decides it: one may be masked in part already. More of them are those and others.
    fewest, most = 0, _most_channels(step, found) if missing else 0
    if missing > 0 and (reached := _taken(step, most, planner, found, stop)) < missing:
        where = targets.listed(target.path for target in found)
        raise StepError(
            f"{where}: amount {getattr(step, 'amount')} takes {missing} entries more; a floor of"  # noqa: B009
            f" {getattr(step, 'floor', 0.0)} lets {most} channels go, of {reached} entries. Lower one of them"
        )
    while fewest < most:
        middle = (fewest + most) // 2
        reached = _taken(step, middle, planner, found, stop)
        fewest, most = (fewest, middle) if reached >= missing else (middle + 1, most)
    return planner(steps.with_amount(step, fewest), found, stop)


def _most_channels(step: steps.Step, found: Sequence[Seen]) -> int:
    """The channels that may go: those that are left, but for what a floor keeps."""
    if isinstance(step, steps.GlobalStructured):
        return sum(global_structured.most_of_each(step, found))
    return sum(channels_left(target, getattr(step, "dim")) for target in found)  # noqa: B009


def _taken(step: steps.Step, channels: int, planner: Planner, found: Sequence[Seen], stop: Stop) -> int:
    """Entries that so many channels take with them."""
    with torch.random.fork_rng(devices=[]):  # torch draws channels on the CPU
        stays = sum(_alive(mask) for _, mask in planner(steps.with_amount(step, channels), found, stop))
    return sum(map(left_of, found)) - stays


def _alive(mask: Tensor | PlannedMask) -> int:
    made = mask if isinstance(mask, Tensor) else mask.made().mask
    return int(bits.alive(made).sum())
