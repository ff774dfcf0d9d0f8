"""Among magnitudes equal to the threshold: which of them go.

`"torch"`: those that `torch.topk` picks, which follows from how it partitions and from nothing else. `"index"`:
the first ones, in the order of the targets and of their entries. Where all or none of them go, nobody is asked.

Asking `topk` costs many times what counting does, and what hangs on it are a few entries of millions. So it is
asked when a mask is made; until then it is told how far a tensor's count may be off.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Protocol

import torch

from prune_tui.engine import memory
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.selection import cores, living, magnitudes
from prune_tui.engine.selection.magnitudes import Words, narrowed
from prune_tui.engine.selection.passes import Ranked, Rule
from prune_tui.engine.selection.search import Selection, passes_of
from prune_tui.step_settings import Bits, StepError


class Ties(Protocol):
    """How many of the tied entries of each tensor go, and which."""

    def took(self, index: int) -> int:
        """How many of one tensor, give or take `unsure`; their sum is exact."""

    def unsure(self, index: int) -> int:
        """How many more or fewer it may be: 0 as soon as it is known."""

    def rule(self, index: int, stop: Stop) -> Rule:
        """Which entries of one tensor go, those below the threshold among them."""


def _words_of(tensors: Sequence[Ranked], selection: Selection, index: int) -> int:
    """The threshold in a tensor's own patterns."""
    return narrowed(selection.threshold, selection.dtype, tensors[index].values.dtype)


class All:
    """All of them go."""

    def __init__(self, tensors: Sequence[Ranked], selection: Selection) -> None:
        self._tensors = tensors
        self._selection = selection

    def took(self, index: int) -> int:
        """All of one tensor."""
        return self._selection.shares[index].tied

    def unsure(self, _: int) -> int:
        """Known."""
        return 0

    def rule(self, index: int, _: Stop) -> Rule:
        """Whatever is not above the threshold goes."""
        return Rule(_words_of(self._tensors, self._selection, index), self._tensors[index].values.numel())


class ByIndex:
    """The first ones go."""

    def __init__(self, tensors: Sequence[Ranked], selection: Selection) -> None:
        self._tensors = tensors
        self._selection = selection
        self._took = _by_index([share.tied for share in selection.shares], selection.wanted)

    def took(self, index: int) -> int:
        """Those of one tensor after the tensors before it had theirs."""
        return self._took[index]

    def unsure(self, _: int) -> int:
        """Known."""
        return 0

    def rule(self, index: int, stop: Stop) -> Rule:
        """From the position after the last one on, those equal to the threshold stay."""
        one, word = self._tensors[index], _words_of(self._tensors, self._selection, index)
        took, share = self._took[index], self._selection.shares[index]
        if took in {0, share.tied}:
            return Rule(word, one.values.numel() if took == share.tied else 0)
        of_each = _by_index(share.tied_by_piece, took)
        last = max(piece for piece, count in enumerate(of_each) if count)
        [found] = cores.spread(lambda job: job(), passes_of(one.values).equal_to(one, word)[last : last + 1], stop)
        if found.size != share.tied_by_piece[last]:
            raise StepError("the values changed while the step was worked out; ask again")
        return Rule(word, int(found[of_each[last] - 1]) + 1)


def _by_index(there: Sequence[int], wanted: int) -> list[int]:
    """How many are taken from each of several places, when the first ones go."""
    before = itertools.accumulate(there, initial=0)
    return [min(max(wanted - others, 0), own) for others, own in zip(before, there, strict=False)]


class ByTorch:
    """Those go that `torch.topk` picks; it is asked as late as possible, and not for an order.

    `topk` on the CPU selects first and sorts then, so that its set does not depend on `sorted`.

    Args:
        tensors: The tensors, all on one device.
        selection: What was found of them.
        count: How many entries go.
        refusal: What the step is called where it has to be refused, and what would need less memory.
    """

    def __init__(
        self, tensors: Sequence[Ranked], selection: Selection, count: int, refusal: tuple[str, str]
    ) -> None:
        self._tensors = tensors
        self._selection = selection
        self._count = count
        self._refusal = refusal
        self._as_if_by_index = _by_index([share.tied for share in selection.shares], selection.wanted)

    def took(self, index: int) -> int:
        """As if the first ones went; as torch has it, once it was asked."""
        return self._picked[index].size if self._asked else self._as_if_by_index[index]

    def unsure(self, index: int) -> int:
        """0 where only one tensor holds such entries, or once torch was asked."""
        if self._asked:
            return 0
        tied, wanted = self._selection.shares[index].tied, self._selection.wanted
        fewest, most = max(0, wanted - (self._selection.tied - tied)), min(tied, wanted)
        return max(self._as_if_by_index[index] - fewest, most - self._as_if_by_index[index])

    def rule(self, index: int, _: Stop) -> Rule:
        """Those below the threshold, and the picked ones."""
        word = _words_of(self._tensors, self._selection, index)
        if not self._selection.shares[index].tied:
            return Rule(word, self._tensors[index].values.numel())
        return Rule(word, 0, self._picked[index])

    @property
    def _asked(self) -> bool:
        return "_picked" in self.__dict__

    def check(self) -> None:
        """Refuse where torch's way needs more memory than is free.

        Raises:
            StepError: It does.
        """
        living = sum(one.living for one in self._tensors)
        gathered = len(self._tensors) > 1 or self._tensors[0].mask is not None
        needed = memory.of_topk(living, self._count, self._selection.dtype.itemsize, gathered=gathered)
        if self._tensors:
            what, instead = self._refusal
            memory.check(what, {self._tensors[0].values.device: needed}, instead)

    @functools.cached_property
    def _picked(self) -> list[Words]:
        """For each tensor the positions of the tied entries that go, sorted."""
        alive = [_alive_positions(one) for one in self._tensors]
        rows = [
            one.values.view(-1) if at is None else one.values.view(-1)[at]
            for one, at in zip(self._tensors, alive, strict=True)
        ]
        row = rows[0] if len(rows) == 1 else torch.cat(rows)
        picked, places = torch.topk(row.abs(), self._count, largest=False, sorted=False)
        patterns = picked.view(magnitudes.KINDS[self._selection.dtype].integers)
        tied = places[patterns == self._selection.threshold].sort().values
        ends = torch.tensor([len(one) for one in rows], dtype=torch.int64, device="cpu").cumsum(0)
        borders = torch.searchsorted(tied, ends[:-1].to(tied.device)).cpu()
        parts = torch.tensor_split(tied, borders)
        found = []
        for part, at, last, one in zip(parts, alive, ends, rows, strict=True):
            positions = part - (int(last) - len(one))
            found.append((positions if at is None else at[positions]).cpu().numpy())
        return found


def _alive_positions(one: Ranked) -> torch.Tensor | None:
    if one.mask is None:
        return None
    kept = living.flags(one.mask) if isinstance(one.mask, Bits) else one.mask.view(-1)
    return kept.nonzero().view(-1)


def chosen(
    tensors: Sequence[Ranked], selection: Selection, count: int, way: str, refusal: tuple[str, str]
) -> Ties:
    """Who chooses among the entries equal to the threshold.

    Args:
        tensors: The tensors.
        selection: What was found of them.
        count: How many entries go.
        way: `"torch"` or `"index"`; on several devices, which `torch.topk` cannot rank together, always by index.
        refusal: What the step is called where it has to be refused, and what would need less memory.

    Raises:
        StepError: torch has to be asked, and that needs more memory than is free.
    """
    if selection.tied == selection.wanted:
        return All(tensors, selection)
    devices = {one.values.device for one in tensors}
    if way == "index" or len(devices) > 1:
        return ByIndex(tensors, selection)
    torchs = ByTorch(tensors, selection, count, refusal)
    torchs.check()
    return torchs
