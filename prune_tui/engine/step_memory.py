"""How much memory a step needs beyond what the model has, and the refusal where there is not so much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from prune_tui import steps
from prune_tui.engine import memory, targets
from prune_tui.engine.reading import masked_entries
from prune_tui.engine.targets import Target

_ONE_BY_ONE = {"", "identity", "custom_from_mask", "semi_structured", "global_structured"}
"""Kinds of working that go through the targets one by one; others rank all entries."""

_CHANNELS = 5
"""So many times the largest tensor is what torch's own ranking of channels takes, where it is asked."""

_FEWER = "prune fewer tensors at a time, or remove earlier pruning first"
_ALL = "it ranks all of them at once: prune fewer tensors at a time"


def check(step: steps.Step, found: Sequence[Target]) -> tuple[str, ...]:
    """Refuse before any work what could not be worked out, or not be carried out.

    Returns:
        What to say before a step that takes most of what is free.

    Raises:
        StepError: It needs more memory than is free; says how much.
    """
    packed = [target.parameter for target in found if target.packs]
    others = [target.parameter for target in found if not target.packs]
    needed = Counter(_of_tensors(step, others))
    if packed:
        needed[torch.device("cpu")] += _of_bits(step, packed)
    what = f"{steps.name_of(step)} of {targets.listed(target.path for target in found)}"
    memory.check(what, needed, _FEWER if others else _ALL if _needs_all(step) else "")
    return memory.cautions(needed)


def check_removal(found: Sequence[Target]) -> tuple[str, ...]:
    """Refuse to write the zeros into values that are mapped from files, where they do not fit.

    Returns:
        What to say before a removal that takes most of what is free.

    Raises:
        StepError: They need more memory than is free; says how much.
    """
    needed = largest = 0
    for target in found:
        if target.packs and target.mask is not None:
            size = target.parameter.itemsize
            # The values, and for undo those that the zeros replace; one of them twice, as torch asks for `weight`.
            needed += target.parameter.numel() * size + masked_entries(target.mask) * size
            largest = max(largest, target.parameter.numel() * size)
    if not needed:
        return ()
    what = f"remove of {targets.listed(target.path for target in found)}"
    by_device = {torch.device("cpu"): needed + largest}
    memory.check(what, by_device, "save in the removed form, which is written tensor by tensor")
    return memory.cautions(by_device)


def _of_tensors(step: steps.Step, originals: Sequence[Tensor]) -> dict[torch.device, int]:
    """Where masks and products are kept as torch has them."""
    needed = memory.of_masks(originals)
    kind = working(step)
    if not kind or not originals:
        return needed
    # A mask that is worked out whole is there already when its copy and the product are made.
    whole = {device: size + size // 2 for device, size in needed.items()}
    most = memory.of_working(kind, originals)
    return {device: max(whole[device], most[device]) for device in needed}


def _of_bits(step: steps.Step, originals: Sequence[Tensor]) -> int:
    """Where masks are kept at one bit an entry, and nothing else of one tensor when the next one's turn comes."""
    kept = sum(one.numel() for one in originals) // 8
    kind = working(step)
    largest = max(originals, key=lambda one: one.numel() * one.itemsize)
    if isinstance(step, steps.RandomStructured | steps.LnStructured):
        return kept + _CHANNELS * largest.numel() * largest.itemsize
    if kind == "" or _draws_for_all(step):
        scored = originals if _draws_for_all(step) else [largest]
        return kept + sum(one.numel() * one.itemsize for one in scored) + largest.numel()
    return kept + sum(memory.of_working(kind, originals if _needs_all(step) else [largest]).values())


def working(step: steps.Step) -> str:
    """The key of `memory.WORKING` for a step; empty where its masks are planned by threshold."""
    if isinstance(step, steps.CustomMethod):
        return "a plugin's"
    name = steps.name_of(step)
    if isinstance(step, steps.GlobalUnstructured):
        return f"{name} with a floor" if step.floor else ""
    across = isinstance(step, steps.ImportanceScores) and step.scope == "global"
    return f"{name} across all" if across else name if name in memory.WORKING else ""


def _draws_for_all(step: steps.Step) -> bool:
    """Whether it draws a score for every entry of all its targets before one is masked."""
    return isinstance(step, steps.GlobalUnstructured) and step.pruning_method == "RandomUnstructured"


def _needs_all(step: steps.Step) -> bool:
    """Whether it needs memory for all its targets together."""
    return _draws_for_all(step) or working(step) not in _ONE_BY_ONE
