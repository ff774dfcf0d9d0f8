"""Methods that rank entries by a score of their own: LAMP, scores from a file, and global ones with a floor.

In each, what is masked is not ranked, NaN goes after all numbers, and of equal scores the first by target and
index go. A floor of x leaves at least x of each tensor's entries; what cannot be taken there is taken elsewhere,
see `ranking.smallest_together`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.effects import comes_to
from prune_tui.engine.mask_files import read_scores
from prune_tui.engine.methods import ranking
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.targets import Seen, listed
from prune_tui.step_settings import StepError
from prune_tui.step_types import GlobalUnstructured, ImportanceScores, Lamp

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
    sizes, order = ranking.magnitudes(target.original)[alive].sort()  # NaN last
    finite = sizes.isfinite()
    wide = torch.where(finite, sizes, 0.0).to(torch.float64)
    # The score does not depend on the scale; without it a square could leave the range of numbers.
    largest = wide.max() if wide.numel() else wide.new_zeros(())
    squares = (wide / largest.clamp_min(torch.finfo(torch.float64).tiny)) ** 2
    at_least = squares.flip(0).cumsum(0).flip(0)  # of the squares from this one on
    places = torch.arange(sizes.numel(), device=sizes.device)
    new = torch.ones_like(finite)
    new[1:] = sizes[1:] != sizes[:-1]
    first_equal = torch.where(new, places, 0).cummax(0).values
    in_order = torch.where(squares > 0, squares / at_least[first_equal], 0.0)
    in_order = torch.where(sizes.isposinf(), 1.0, in_order)  # the largest there is
    in_order = torch.where(sizes.isnan(), torch.nan, in_order)
    scores = torch.empty_like(in_order)
    scores[order] = in_order
    return scores


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
    ranked = [ranking.ordered(one.to(kind)) for one in of_each]
    masked: list[Masked] = []
    for target, one, gone in zip(found, alive, ranking.smallest_together(ranked, count, most), strict=True):
        kept = torch.ones_like(one, memory_format=torch.contiguous_format)
        kept[one] = ~gone
        masked.append(ranking.keeping(target, kept))
    return masked


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
    most = [max(0, now - math.ceil(step.floor * every)) for now, every in zip(left, all_of, strict=True)]
    if count > sum(most):
        raise StepError(
            f"{where}: amount {step.amount} takes {count} {units}; a floor of {step.floor} lets {sum(most)} go."
            " Lower one of them"
        )
    return count, most
