"""Methods that rank entries by a score of their own: LAMP, scores from a file, and global ones with a floor.

In each, what is masked is not ranked, NaN goes after all numbers, and of equal scores the first by target and
index go. A floor of x leaves at least x of each tensor's entries; what cannot be taken there is taken elsewhere,
see `ranking.smallest_together`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.effects import comes_to
from prune_tui.engine.mask_files import read_scores
from prune_tui.engine.methods import ranking
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.targets import Seen, listed
from prune_tui.step_settings import Bits, StepError
from prune_tui.step_types import GlobalUnstructured, ImportanceScores, Lamp

_PIECE = 2**20
"""Entries gone through at a time."""

Scores = Callable[[Seen, Tensor], Tensor]
"""From a target, and which of its entries are alive, to a score for each of those, 1-D, float32 or float64."""


def lamp(step: Lamp, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """Global pruning by LAMP scores: w² over the sum of the squares of all in its tensor as large or larger.

    Source: Lee, Park, Mo, Ahn, Shin, "Layer-adaptive Sparsity for the Magnitude-based Pruning", ICLR 2021,
    arXiv 2010.07611. Unlike there, equal magnitudes have equal scores.
    """
    return _ranked_together(step, found, lamp_scores, stop)


def lamp_scores(target: Seen, alive: Tensor) -> Tensor:
    """The LAMP scores of the living entries of a tensor, float64."""
    sizes, order = ranking.magnitudes(target.original)[alive].sort(descending=True)  # NaN first
    squares = sizes.to(torch.float64, copy=True)
    squares.masked_fill_(~sizes.isfinite(), 0.0)
    # The score does not depend on the scale; without it a square could leave the range of numbers.
    largest = squares.max() if squares.numel() else squares.new_zeros(())
    squares.div_(largest.clamp_min(torch.finfo(torch.float64).tiny)).square_()
    at_least = squares.cumsum(0)  # of the squares up to this one
    _as_of_the_last_equal(at_least, sizes)
    # Where both are zero, the score is zero.
    squares.div_(at_least.masked_fill_(squares == 0, 1.0))
    squares.masked_fill_(sizes.isposinf(), 1.0)  # the largest there is
    squares.masked_fill_(sizes.isnan(), torch.nan)
    at_least[order] = squares
    return at_least


def _as_of_the_last_equal(sums: Tensor, sizes: Tensor) -> None:
    """Give entries of equal size the sum up to the last of them, in place and a piece at a time.

    Args:
        sums: 1-D, rising.
        sizes: Of the same length, falling.
    """
    beyond = sums.new_full((1,), math.inf)
    for end in range(len(sums), 0, -_PIECE):
        start = max(0, end - _PIECE)
        here = sums[start:end]
        equal_to_next = torch.zeros_like(here, dtype=torch.bool)
        following = sizes[start + 1 : end + 1]
        equal_to_next[: len(following)] = sizes[start : start + len(following)] == following
        waiting = torch.cat([here.masked_fill(equal_to_next, math.inf), beyond])
        here.copy_(waiting.flip(0).cummin(0).values.flip(0)[:-1])
        beyond = here[:1].clone()


def importance_scores(step: ImportanceScores, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """Prune by scores of a file, made by Taylor, Wanda or by a person's own rule.

    Sources of the two: Molchanov et al. 2017, arXiv 1611.06440; Sun et al. 2023, arXiv 2306.11695.

    The smallest go, by sign and all. `torch.nn.utils.prune.l1_unstructured(importance_scores=...)` ranks by their
    magnitude instead: for scores that are not negative, the same.
    """

    def scores(target: Seen, alive: Tensor) -> Tensor:
        stored = read_scores(step.file, target.path, target.original.shape).to(target.original.device)
        wide = stored.to(
            torch.float64 if stored.dtype.itemsize > 2 and stored.dtype is not torch.float32 else torch.float32
        )
        return wide[alive]

    if step.scope == "global":
        return _ranked_together(step, found, scores, stop)
    return [one for target in each(found, stop) for one in _ranked_together(step, [target], scores, stop)]


def global_with_floor(step: GlobalUnstructured, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """`global_unstructured` that leaves each tensor its floor; it draws as many numbers as it does without."""
    if step.pruning_method == "L1Unstructured":
        return _ranked_together(
            step, found, lambda target, alive: ranking.magnitudes(target.original)[alive], stop
        )
    left = [int(ranking.alive(target).sum()) for target in found]
    # torch takes those that drew the largest numbers.
    drawn = iter(torch.rand(sum(left), device=found[0].original.device).neg().split(left))
    return _ranked_together(step, found, lambda target, _: next(drawn).to(target.original.device), stop)


def _ranked_together(step: Any, found: Sequence[Seen], scores: Scores, stop: Stop) -> list[Masked]:
    alive = [ranking.alive(target) for target in each(found, stop)]
    count, most = amount_and_most(
        step, found, [int(one.sum()) for one in alive], [target.original.numel() for target in found]
    )
    of_each = [scores(target, one) for target, one in zip(each(found, stop), alive, strict=True)]
    kind = torch.float64 if any(one.dtype is torch.float64 for one in of_each) else torch.float32
    ranked = [ranking.ordered(of_each.pop(0).to(kind)) for _ in found]  # one by one, to free them
    masked: list[Masked] = []
    for target, one, gone in zip(found, alive, ranking.smallest_together(ranked, count, most), strict=True):
        kept = torch.ones_like(one, memory_format=torch.contiguous_format)
        kept[one] = ~gone
        masked.append(ranking.keeping(target, kept))
    return masked


def as_recorded(
    step: ImportanceScores, groups: Sequence[Sequence[Seen]], counts: Sequence[int] | None, stop: Stop
) -> list[Masked] | None:
    """The masks that a step came to when its scores were read.

    Args:
        step: With a mask for each target, or one for all.
        groups: The targets, in groups that are ranked together.
        counts: What each group is to lose; None where the amount tells.
        stop: Asked between targets.

    Returns:
        None where these masks are not of such targets or not of this amount: then the scores are to be read anew.
    """
    found = [target for group in groups for target in group]
    masks = step.mask if isinstance(step.mask, tuple) else (step.mask,) * len(found)
    whole = [
        isinstance(mask, Bits) and len(mask.data) == -(-math.prod(mask.shape) // 8) and mask.shape == (*shape,)
        for mask, shape in zip(masks, (target.original.shape for target in found), strict=False)
    ]
    if len(masks) != len(found) or not all(whole):
        return None
    kept, taken, left = [], [], []
    for target, mask in zip(each(found, stop), masks, strict=True):
        alive = ranking.alive(target)
        kept.append(bits.unpack(cast(Bits, mask), target.original.device) | ~alive)
        taken.append(int((~kept[-1]).sum()))
        left.append(int(alive.sum()))
    most = most_of(step, left, [target.original.numel() for target in found])
    start = 0
    for number, group in enumerate(groups):
        own = slice(start, start := start + len(group))
        count = comes_to(step.amount, sum(left[own])) if counts is None else counts[number]
        if sum(taken[own]) != count:
            return None
    if any(one > may for one, may in zip(taken, most, strict=True)):
        return None
    return [ranking.keeping(target, one) for target, one in zip(found, kept, strict=True)]


def amount_and_most(
    step: Any, found: Sequence[Seen], left: Sequence[int], all_of: Sequence[int], units: str = "entries"
) -> tuple[int, list[int]]:
    """What a step takes in all, and how much each target may lose.

    Args:
        step: With an amount and a floor.
        found: The targets.
        left: How many units of each are left.
        all_of: How many it has, masked ones included: the floor is a share of these.
        units: What they are called.

    Raises:
        StepError: The amount asks for more than there is, or than the floor allows.
    """
    where = listed(target.path for target in found)
    count = comes_to(step.amount, sum(left))
    if count > sum(left):
        raise StepError(f"{where}: {sum(left)} {units} left; amount {step.amount} asks for more")
    most = most_of(step, left, all_of)
    if count > sum(most):
        raise StepError(
            f"{where}: amount {step.amount} takes {count} {units}; a floor of {step.floor} lets {sum(most)} go."
            " Lower one of them"
        )
    return count, most


def most_of(step: Any, left: Sequence[int], all_of: Sequence[int]) -> list[int]:
    """How many units each target may lose to a step with a floor, of those left and of all it has."""
    return [max(0, now - ranking.floor_of(step.floor, every)) for now, every in zip(left, all_of, strict=True)]
