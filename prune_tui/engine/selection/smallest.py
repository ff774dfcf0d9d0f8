"""The mask of the entries of smallest magnitude: planned as a threshold, made in one pass when it is wanted."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.selection import cores, hugepages, magnitudes, passes, product
from prune_tui.engine.selection import living as living_of
from prune_tui.engine.selection.living import Before
from prune_tui.engine.selection.magnitudes import narrowed
from prune_tui.engine.selection.passes import Ranked
from prune_tui.engine.selection.planned_masks import Cut, Made, PlannedMask
from prune_tui.engine.selection.search import Counted, Selection, greatest_below, passes_of, smallest
from prune_tui.engine.selection.ties import All, Ties, chosen
from prune_tui.step_settings import Bits, StepError
from prune_tui.views import Effect


class SmallestMasked(PlannedMask):
    """The mask after the smallest magnitudes of one tensor are taken, told by a threshold.

    Args:
        path: The tensor's dotted name.
        tensors: All tensors that were ranked together.
        index: Which of them is this one.
        selection: What was found of them.
        ties: Who chooses among those equal to the threshold.
        at_random: It is ranked by random scores, not by its magnitudes.
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
        at_random: bool,
        stop: Stop,
    ) -> None:
        self._ranked = tensors[index]
        self._index = index
        self._selection = selection
        self._ties = ties
        self._at_random = at_random
        self._effect = self._counted(path, stop)

    def _counted(self, path: str, stop: Stop) -> Effect:
        greatest = None if self._at_random else self._greatest_magnitude(stop)
        took = self._selection.shares[self._index].below + self._ties.took(self._index)
        elements, living = self._ranked.values.numel(), self._ranked.living
        unsure = self._ties.unsure(self._index)
        return Effect(path, took, living, elements, took, living, "entries", greatest, unsure)

    def _greatest_magnitude(self, stop: Stop) -> float | None:
        """The threshold, or what is next below it."""
        share = self._selection.shares[self._index]
        if self._ties.took(self._index) or self._ties.unsure(self._index):
            greatest = self._selection.threshold
        elif share.greatest_below is not None:
            greatest = share.greatest_below
        else:
            greatest = greatest_below(self._ranked, self._selection, stop)
        return None if greatest < 0 else magnitudes.number(greatest, self._selection.dtype)

    def effect(self) -> Effect:
        """The counts, which fall out of the selection."""
        if self._effect.unsure and not self._ties.unsure(self._index):
            self._effect = self._counted(self._effect.target, never)
        return self._effect

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
        self._check(kept)
        return Made(mask, weight)

    def _put(self, also: object, mask: Tensor, weight: Tensor | None, original: Tensor | None) -> int:
        """Take further entries; returns how many they are."""
        at = torch.as_tensor(also, device=mask.device)
        mask.view(-1)[at] = 0
        if weight is not None and original is not None:
            weight.view(-1)[at] = original.detach().view(-1)[at] * 0
        return int(at.numel())

    def packed(self) -> Tensor:
        """The mask at one bit an entry, without the mask itself where the values are on the CPU."""
        one = self._ranked
        if one.values.device.type != "cpu":
            return super().packed()
        rule = self._ties.rule(self._index, never)
        data = np.empty(-(-one.values.numel() // 8), np.uint8)
        kept = sum(cores.spread(lambda job: job(), passes.packed(one, rule, data), never))
        if rule.also is not None:
            np.bitwise_and.at(data, rule.also >> 3, ~(128 >> (rule.also & 7)).astype(np.uint8))
            kept -= len(rule.also)
        self._check(kept)
        return PackedMask(Bits(tuple(one.values.shape), data.tobytes()), one.values.dtype)

    def lasting(self) -> PlannedMask:
        """Itself where it is told by the values; random scores are kept no longer than needed."""
        return super().lasting() if self._at_random else self

    def _check(self, kept: int) -> None:
        if kept != self._ranked.living - self.effect().took:
            raise StepError(f"{self._effect.target} changed while the step was worked out; ask again")

    def shown(self, cut: Cut) -> Tensor:
        """A part of it. As long as it holds no entry whose going is decided by ties, nothing else is computed."""
        one = self._ranked
        word = narrowed(self._selection.threshold, self._selection.dtype, one.values.dtype)
        magnitudes_of = cut(one.values).contiguous().view(one.kind.integers) & one.kind.most
        living = None if one.mask is None else cut(_as_tensor(one.mask)) == 1
        kept = magnitudes_of > word
        if not isinstance(self._ties, All):
            tied = magnitudes_of == word
            if bool((tied if living is None else tied & living).any()):
                return cut(self._whole)
        return kept if living is None else kept & living

    @functools.cached_property
    def _whole(self) -> Tensor:
        return self.made().mask != 0


def _as_tensor(mask: Before) -> Tensor:
    return mask if isinstance(mask, Tensor) else living_of.flags(mask).view(mask.shape)


def planned(
    paths: Sequence[str],
    tensors: Sequence[Ranked],
    count: int,
    *,
    ties: str,
    what: str,
    stop: Stop,
    at_random: bool = False,
    counted: Counted | None = None,
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
        at_random: They are random scores, not magnitudes.
        counted: A first pass over the tensors, where there was one.

    Returns:
        One for each tensor; None where a NaN would go, which is left to torch.

    Raises:
        StepError: Asking torch about ties needs more memory than is free.
        Cancelled: `stop` said so.
    """
    selection = smallest(tensors, count, stop, counted)
    if selection is None:
        return None
    refusal = (what, "") if at_random else (f"{what}: ties=torch", "ties=index needs none of it")
    choice = chosen(tensors, selection, count, ties, refusal)
    return [
        SmallestMasked(path, tensors, index, selection, choice, at_random=at_random, stop=stop)
        for index, path in enumerate(paths)
    ]
