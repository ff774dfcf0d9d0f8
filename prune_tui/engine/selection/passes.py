"""One pass over a tensor on the CPU: counting, collecting and writing by its patterns, piece by piece.

`device_passes` does the same with torch's own operations, for tensors on other devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine.selection import living, magnitudes
from prune_tui.engine.selection.cores import scratch, slices
from prune_tui.engine.selection.living import Before
from prune_tui.engine.selection.magnitudes import KINDS, Kind, Words

_NONE = np.empty(0, np.int8)
_OF_NUMPY = {torch.float32, torch.float64}
"""The dtypes into which numpy writes a bool as quickly as an integer."""


class Ranked(NamedTuple):
    """What is ranked of one tensor.

    Attributes:
        values: Contiguous, of a dtype of `magnitudes.KINDS`, without gradient; the smallest magnitudes go first.
        mask: Of its shape, zeros and ones only; where it is 0 nothing is ranked. A tensor is of its dtype, and
            contiguous; bits are on the CPU.
        living: Entries that are ranked.
    """

    values: Tensor
    mask: Before | None
    living: int

    @property
    def kind(self) -> Kind:
        """How its entries look as integers."""
        return KINDS[self.values.dtype]


class Tally(NamedTuple):
    """What a pass found in a piece, in the patterns of the tensor's own dtype.

    Attributes:
        below: How many magnitudes are at or below `low`.
        inside: How many lie strictly between `low` and `high`.
        collected: Those, where they were asked for.
    """

    below: int
    inside: int
    collected: Words


class Rule(NamedTuple):
    """Which entries of a tensor go.

    Attributes:
        word: The greatest pattern that goes.
        until: From this position on, entries of that very pattern stay.
        also: Positions of others that go, sorted; None where there are none.
    """

    word: int
    until: int
    also: Words | None = None

    def over(self, pieces: Iterable[slice]) -> Iterator[tuple[slice, int]]:
        """Pieces of the tensor, cut in two at `until`, each with the greatest pattern that goes there."""
        for piece in pieces:
            border = min(max(self.until, piece.start), piece.stop)
            parts = ((slice(piece.start, border), self.word), (slice(border, piece.stop), self.word - 1))
            yield from ((part, word) for part, word in parts if part.start < part.stop)


def _magnitudes(ranked: Ranked, piece: slice) -> Words:
    """The patterns of a piece without their sign bits, in scratch memory; `most` where nothing is ranked."""
    kind, row = ranked.kind, magnitudes.words(ranked.values)[piece]
    found = scratch(kind.signed, row.size)
    if ranked.mask is None:
        np.bitwise_and(row, kind.signed(kind.most), out=found)
        return found
    dead = scratch(kind.signed, row.size, 1)
    np.subtract(living.patterns(ranked.mask, kind, piece), kind.signed(1), out=dead)  # negative where it was 0
    np.right_shift(dead, kind.signed(kind.bits - 1), out=dead)
    np.bitwise_or(row, dead, out=found)
    np.bitwise_and(found, kind.signed(kind.most), out=found)
    return found


def tallies(ranked: Ranked, low: int, high: int, *, collect: bool) -> list[Callable[[], Tally]]:
    """Jobs that count and collect.

    Args:
        ranked: The tensor.
        low: A pattern; -1 where nothing is below.
        high: A pattern above it, `most` at the most: what is not ranked has that one.
        collect: Collect what lies inside; else it is counted only.
    """
    return [partial(_tally, ranked, low, high, collect, piece) for piece in slices(ranked.values.numel())]


def _tally(ranked: Ranked, low: int, high: int, collect: bool, piece: slice) -> Tally:
    kind, found = ranked.kind, _magnitudes(ranked, piece)
    matches = scratch(np.bool_, found.size)
    below = 0
    if low >= 0:
        # What is below `low + 1` becomes negative, and so greater than any width when it is seen without sign.
        np.subtract(found, kind.signed(low + 1), out=found)
        below = int(np.count_nonzero(np.less(found, kind.signed(0), out=matches)))
    np.less(found.view(kind.unsigned), kind.unsigned(high - low - 1), out=matches)
    if not collect:
        return Tally(below, int(np.count_nonzero(matches)), _NONE)
    collected = found[matches]
    collected += kind.signed(low + 1)
    return Tally(below, collected.size, collected)


def greatest_below(ranked: Ranked, word: int) -> list[Callable[[], int]]:
    """Jobs that look for the greatest pattern below one; -1 where there is none. The greatest of all holds."""

    def job(piece: slice) -> int:
        kind, found = ranked.kind, _magnitudes(ranked, piece)
        np.subtract(found, kind.signed(word), out=found)
        # Negative numbers are the greatest when seen without sign, and among them the one nearest to zero.
        apart = int(found.view(kind.unsigned).max(initial=0)) - (1 << kind.bits)
        return apart + word if apart >= -word else -1

    return [partial(job, piece) for piece in slices(ranked.values.numel())]


def equal_to(ranked: Ranked, word: int) -> list[Callable[[], Words]]:
    """Jobs that collect the positions of one pattern, in their order."""

    def job(piece: slice) -> Words:
        found = _magnitudes(ranked, piece)
        matches = np.equal(found, ranked.kind.signed(word), out=scratch(np.bool_, found.size))
        positions: Words = np.flatnonzero(matches) + piece.start
        return positions

    return [partial(job, piece) for piece in slices(ranked.values.numel())]


def counts(mask: Tensor) -> list[Callable[[], tuple[int, int]]]:
    """Jobs that count the zeros and the ones of a contiguous mask; -0.0 is neither."""
    kind, flat = KINDS[mask.dtype], magnitudes.words(mask)

    def job(piece: slice) -> tuple[int, int]:
        matches = scratch(np.bool_, piece.stop - piece.start)
        zeros = int(np.count_nonzero(np.equal(flat[piece], kind.signed(0), out=matches)))
        ones = int(np.count_nonzero(np.equal(flat[piece], kind.signed(kind.one), out=matches)))
        return zeros, ones

    return [partial(job, piece) for piece in slices(flat.size)]


def masked(
    ranked: Ranked, rule: Rule, mask: Tensor, original: Tensor | None, product: Tensor | None
) -> list[Callable[[], int]]:
    """Jobs that write a mask and, where wanted, `orig × mask`; `also` of the rule is left to the caller.

    Args:
        ranked: The tensor.
        rule: Which entries go.
        mask: Contiguous, of its shape and dtype: what is written.
        original: What the mask is multiplied with.
        product: Where that goes.

    Returns:
        The jobs; each returns how many entries of its piece are kept.
    """
    kind, scores, out = ranked.kind, magnitudes.words(ranked.values), magnitudes.words(mask)
    before = ranked.mask
    ones = mask.view(-1).numpy() if mask.dtype in _OF_NUMPY and before is None else None
    factors = None
    if original is not None and product is not None:
        factors = tuple(tensor.detach().view(-1).numpy() for tensor in (mask, original, product))

    def job(piece: slice, word: int) -> int:
        found = scratch(kind.signed, piece.stop - piece.start)
        np.bitwise_and(scores[piece], kind.signed(kind.most), out=found)
        if ones is not None:
            stays = np.greater(found, kind.signed(word), out=scratch(np.bool_, found.size))
            np.copyto(ones[piece], stays)
            kept = int(np.count_nonzero(stays))
        else:
            np.subtract(kind.signed(word), found, out=found)  # negative where it is kept
            np.right_shift(found, kind.signed(kind.bits - 1), out=found)
            one = kind.signed(kind.one) if before is None else living.patterns(before, kind, piece)
            np.bitwise_and(found, one, out=out[piece])
            kept = int(np.count_nonzero(out[piece]))
        if factors is not None:
            with np.errstate(all="ignore"):  # 0 × inf is NaN, as torch has it, without a word
                np.multiply(factors[0][piece], factors[1][piece], out=factors[2][piece])
        return kept

    return [partial(job, piece, word) for piece, word in rule.over(slices(scores.size))]


def packed(ranked: Ranked, rule: Rule, data: npt.NDArray[np.uint8]) -> list[Callable[[], int]]:
    """As `masked`, but the mask is written as bits: nothing as large as the tensor is made.

    Args:
        ranked: The tensor.
        rule: Which entries go.
        data: A byte for every eight entries: what is written.
    """
    kind, scores = ranked.kind, magnitudes.words(ranked.values)

    def job(piece: slice) -> int:
        stays = scratch(np.bool_, piece.stop - piece.start)
        for part, word in rule.over([piece]):
            found = scratch(kind.signed, part.stop - part.start)
            np.bitwise_and(scores[part], kind.signed(kind.most), out=found)
            np.greater(found, kind.signed(word), out=stays[part.start - piece.start : part.stop - piece.start])
        if ranked.mask is not None:
            stays &= living.patterns(ranked.mask, kind, piece) != 0
        # A piece is a multiple of eight entries, so that each begins with a byte of its own.
        data[piece.start // 8 : -(-piece.stop // 8)] = np.packbits(stays)
        return int(np.count_nonzero(stays))

    return [partial(job, piece) for piece in slices(scores.size)]
