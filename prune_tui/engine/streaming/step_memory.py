"""How much memory a step needs that is done tensor by tensor, and which steps need all tensors at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prune_tui import steps
from prune_tui.engine import memory, planning, targets
from prune_tui.engine.targets import Seen

_ONE_BY_ONE = {"", "identity", "custom_from_mask", "semi_structured", "global_structured"}
"""Kinds of working, by `planning.working`, that go through the targets one by one; others rank all entries."""


_CHANNELS = 5
"""So many times the largest tensor is what torch's own ranking of channels takes, where it is asked."""


def draws_for_all(step: steps.Step) -> bool:
    """Whether it draws a score for every entry of all its targets before one is masked."""
    return isinstance(step, steps.GlobalUnstructured) and step.pruning_method == "RandomUnstructured"


def needs_all(step: steps.Step) -> bool:
    """Whether a step needs memory for all its targets together."""
    return draws_for_all(step) or planning.working(step) not in _ONE_BY_ONE


def needed(step: steps.Step, originals: Sequence[Tensor]) -> int:
    """Bytes that working out a step takes at the peak, beside its masks as bits."""
    if not originals:
        return 0
    kind = planning.working(step)
    largest = max(originals, key=lambda one: one.numel() * one.itemsize)
    if isinstance(step, steps.RandomStructured | steps.LnStructured):
        return _CHANNELS * largest.numel() * largest.itemsize
    if kind == "" or draws_for_all(step):
        scored = originals if draws_for_all(step) else [largest]
        return sum(one.numel() * one.itemsize for one in scored) + largest.numel()
    chosen = originals if needs_all(step) else [largest]
    return sum(memory.of_working(kind, chosen).values())


def check(step: steps.Step, seen: Sequence[Seen]) -> None:
    """Refuse before any work what would not fit.

    Raises:
        StepError: It needs more memory than is free; says how much.
    """
    originals = [one.original for one in seen]
    bits = sum(one.numel() for one in originals) // 8
    what = f"{steps.name_of(step)} of {targets.listed(one.path for one in seen)}"
    instead = "it ranks all of them at once: prune fewer tensors at a time" if needs_all(step) else ""
    memory.check(what, {torch.device("cpu"): needed(step, originals) + bits}, instead)
