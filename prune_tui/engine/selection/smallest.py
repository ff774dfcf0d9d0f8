"""The mask of the entries of smallest magnitude: planned as a threshold, made in one pass when it is wanted."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.selection import cores, hugepages, magnitudes, product
from prune_tui.engine.selection.passes import Ranked
from prune_tui.engine.selection.planned_masks import Cut, Made, PlannedMask
from prune_tui.engine.selection.search import Selection, greatest_below, passes_of, smallest
from prune_tui.engine.selection.ties import All, Ties, chosen
from prune_tui.step_settings import StepError
from prune_tui.views import Effect


class SmallestMasked(PlannedMask):
    """The mask after the smallest magnitudes of one tensor are taken, told by a threshold.

    Args:
        path: The tensor's dotted name.
        tensors: All tensors that were ranked together.
        index: Which of them is this one.
        selection: What was found of them.
        ties: Who chooses among those equal to the threshold.
        values: The tensor's own values, where it is ranked by other scores.
        stop: Asked between pieces.
    """

    def __init__(
        self,
        path: str,
        tensors: Sequence[Ranked],
        index: int,
        selection: Selection,
        ties: Ties,
        *,
        values: Tensor | None,
        stop: Stop,
    ) -> None:
        self._path = path
        self._ranked = tensors[index]
        self._index = index
        self._selection = selection
        self._ties = ties
        self._took = selection.shares[index].below + ties.took(index)
        self._greatest = self._greatest_magnitude(stop) if values is None else self._greatest_gone(values, stop)

    def _greatest_magnitude(self, stop: Stop) -> float | None:
        """Where magnitudes are the scores: the threshold, or what is next below it."""
        share = self._selection.shares[self._index]
        if self._ties.took(self._index):
            greatest = self._selection.threshold
        elif share.greatest_below is not None:
            greatest = share.greatest_below
        else:
            greatest = greatest_below(self._ranked, self._selection, stop)
        return None if greatest < 0 else magnitudes.number(greatest, self._selection.dtype)

    def _greatest_gone(self, values: Tensor, stop: Stop) -> float | None:
        """Where scores are others, of the values that go, NaN apart."""
        one, rule = self._ranked, self._ties.rule(self._index, stop)
        found = cores.spread(lambda job: job(), passes_of(values).greatest_gone(one, rule, values), stop)
        if rule.also is not None and rule.also.size:
            at = torch.as_tensor(rule.also, device=values.device)
            words = values.view(-1)[at].view(one.kind.integers) & one.kind.most
            found.append(int(words.masked_fill_(words > one.kind.infinite, -1).max()))
        greatest = max(found, default=-1)
        return None if greatest < 0 else magnitudes.number(greatest, values.dtype)

    def effect(self) -> Effect:
        """The counts, which fall out of the selection."""
        elements, living = self._ranked.values.numel(), self._ranked.living
        return Effect(self._path, self._took, living, elements, self._took, living, "entries", self._greatest)

    def made(self, original: Tensor | None = None) -> Made:
        """The mask, and in the same pass `orig × mask` where it is the same as torch's."""
        one = self._ranked
        mask = hugepages.empty_like(one.values)
        computable = original is not None and product.computable(mask, original)
        weight = hugepages.empty_like(mask) if computable else None
        rule = self._ties.rule(self._index, never)
        jobs = passes_of(one.values).masked(one, rule, mask, None if weight is None else original, weight)
        kept = sum(cores.spread(lambda job: job(), jobs, never))
        if rule.also is not None:
            kept -= self._put(rule.also, mask, weight, original)
        if kept != one.living - self._took:
            raise StepError(f"{self._path} changed while the step was worked out; ask again")
        return Made(mask, weight)

    def _put(self, also: object, mask: Tensor, weight: Tensor | None, original: Tensor | None) -> int:
        """Take further entries; returns how many they are."""
        at = torch.as_tensor(also, device=mask.device)
        mask.view(-1)[at] = 0
        if weight is not None and original is not None:
            weight.view(-1)[at] = original.detach().view(-1)[at] * 0
        return int(at.numel())

    def shown(self, cut: Cut) -> Tensor:
        """A part of it; where only magnitudes decide, nothing else is computed."""
        if not isinstance(self._ties, All):
            return cut(self._whole)
        one = self._ranked
        word = self._ties.rule(self._index, never).word
        values = cut(one.values)
        kept = (values.contiguous().view(one.kind.integers) & one.kind.most) > word
        return kept if one.mask is None else kept & (cut(one.mask) == 1)

    @functools.cached_property
    def _whole(self) -> Tensor:
        return self.made().mask != 0


def planned(
    paths: Sequence[str],
    tensors: Sequence[Ranked],
    count: int,
    *,
    ties: str,
    what: str,
    stop: Stop,
    values: Sequence[Tensor] | None = None,
) -> list[SmallestMasked] | None:
    """The masks of some tensors after the `count` smallest magnitudes of all are taken.

    Equal, bit by bit, to what `torch.nn.utils.prune` makes with `L1Unstructured`, by itself, in a container or
    through `global_unstructured`; with `ties="index"` equal in number and threshold.

    Args:
        paths: Dotted names.
        tensors: The tensors.
        count: How many go, at most as many as are ranked.
        ties: `"torch"` or `"index"`.
        what: The step and its targets, for a refusal.
        stop: Asked between pieces.
        values: The tensors' own values, contiguous, where they are ranked by other scores.

    Returns:
        One for each tensor; None where a NaN would go, which is left to torch.

    Raises:
        StepError: Asking torch about ties needs more memory than is free.
        Cancelled: `stop` said so.
    """
    selection = smallest(tensors, count, stop)
    if selection is None:
        return None
    at_random = values is not None
    refusal = (what, "") if at_random else (f"{what}: ties=torch", "ties=index needs none of it")
    choice = chosen(tensors, selection, count, ties, refusal)
    own = [None] * len(tensors) if values is None else list(values)
    return [
        SmallestMasked(path, tensors, index, selection, choice, values=own[index], stop=stop)
        for index, path in enumerate(paths)
    ]
