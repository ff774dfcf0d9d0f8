"""The figures that statistics are made of: of few entries by sorting them, of many by one pass in pieces."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.counting import patterns
from prune_tui.engine.counting.distribution import Counts, Distribution, Floats
from prune_tui.engine.counting.moments import Moments, finite_ones
from prune_tui.engine.counting.parts import Part, Truths, part_of
from prune_tui.engine.counting.patterns import Coding
from prune_tui.engine.layers import Layers
from prune_tui.engine.reading import as_numbers, elements_of
from prune_tui.engine.selection import cores
from prune_tui.engine.telling import Share, Tell, silent
from prune_tui.views import Quality


@dataclass
class Found:
    """What some pieces hold.

    Attributes:
        moments: Of what the view shows.
        masked: Entries that the mask takes.
        zeros: Zeros that it keeps.
        low: The least finite value of those that the histogram is of; infinite where there is none.
        high: The greatest.
    """

    moments: Moments = field(default_factory=Moments)
    masked: int = 0
    zeros: int = 0
    low: float = math.inf
    high: float = -math.inf

    def add(self, other: Found) -> None:
        """Take in what others hold."""
        self.moments.add(other.moments)
        self.masked += other.masked
        self.zeros += other.zeros
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)


class Figures(NamedTuple):
    """What statistics are made of.

    Attributes:
        found: Counts, range and moments.
        seen: How many of the values that the view shows lie where.
        before: The same of those that the histogram is of.
        spread: How these two were counted.
        scalable: The numbers may be scaled to be counted; those of 8 and 16 bits are taken as they are.
    """

    found: Found
    seen: Distribution
    before: Distribution
    spread: Quality
    scalable: bool

    @property
    def largest(self) -> float:
        """The greatest magnitude of a finite value; negative where there is none."""
        moments = self.found.moments
        return max(-moments.minimum, moments.maximum, -self.found.low, self.found.high)


def of_few(layers: Layers, scale: float) -> Figures:
    """Of so few entries that they may be copied and sorted: everything exactly."""
    part = part_of(layers, scale)
    before = as_numbers(part.before).numpy()
    seen = part.numbers().copy()
    gone = np.zeros(before.size, np.bool_) if part.gone is None else part.gone
    _, low, high = finite_ones(before)
    found = Found(Moments(), int(np.count_nonzero(gone)), _zeros_kept(seen, gone), low, high)
    before_at = Distribution.of_values(before, gone)
    seen_at = before_at if part.seen is part.before else Distribution.of_values(seen, gone)
    found.moments = Moments.of_numbers(seen)
    return Figures(found, seen_at, before_at, "exact", not patterns.coding(part.before.dtype).exact)


def of_many(layers: Layers, scale: float, stop: Stop, tell: Tell = silent) -> Figures:
    """By one pass over pieces that stay in the cache, on all cores.

    Args:
        layers: The tensor in the view that is counted.
        scale: What numbers are multiplied with before, as in `parts.part_of`.
        stop: Asked before each piece.
        tell: Called with how far it is, now and then.

    Returns:
        Of numbers of 8 and 16 bits everything exactly; of others counts, range and moments exactly, the rest
        binned.

    Raises:
        Cancelled: `stop` said so.
    """
    pieces = list(layers.pieces())
    counting = _Counting(patterns.coding(part_of(pieces[0], scale).before.dtype), scale)
    counted = Share("counting", elements_of(layers.values), tell)

    def count(piece: Layers) -> Found:
        found = counting.count(piece)
        counted.add(elements_of(piece.values))
        return found

    return counting.figures(cores.spread(count, pieces, stop))


class _Counting:
    """One pass: counts of patterns, to which all threads add."""

    def __init__(self, coding: Coding, scale: float) -> None:
        self._coding = coding
        self._scale = scale
        self._seen: Counts = np.zeros((2, coding.size), np.int64)
        self._before: Counts = np.zeros((2, coding.size), np.int64)
        self._adding = threading.Lock()

    def count(self, piece: Layers) -> Found:
        """Count a piece; what its patterns do not tell is returned."""
        part = part_of(piece, self._scale)
        before, seen = self._counts(part)
        with self._adding:
            self._before[: len(before)] += before
            self._seen[: len(seen)] += seen
        found = Found(masked=0 if part.gone is None else int(np.count_nonzero(part.gone)))
        if not self._coding.exact:
            numbers = part.numbers()
            # The patterns of 0 hold the smallest numbers, too.
            found.zeros = _zeros_kept(numbers, part.gone) if seen[0, self._coding.zeros].any() else 0
            found.moments = Moments.of_numbers(numbers)
            found.low, found.high = found.moments.minimum, found.moments.maximum
            if part.seen is not part.before:
                _, found.low, found.high = finite_ones(part.before.numpy())
        return found

    def _counts(self, part: Part) -> tuple[Counts, Counts]:
        """What the histogram is of, and what the view shows."""
        size = self._coding.size
        before = patterns.counts(part.before, part.gone, size)
        if part.seen is part.before:
            return before, before
        if part.seen is None:
            return before, np.stack((before[0], self._coding.masked(before[1])))
        return before, patterns.counts(part.seen, part.gone, size)

    def figures(self, pieces: list[Found]) -> Figures:
        """What was found in all pieces, and what the counts tell."""
        coding, together = self._coding, Found()
        for found in pieces:
            together.add(found)
        seen, before = coding.distribution(self._seen), coding.distribution(self._before)
        if coding.exact:
            together.moments = Moments.of_counts(coding.lowest, self._seen.sum(axis=0))
            together.zeros = int(self._seen[0, coding.zeros].sum())
            if before.lowest.size:
                together.low, together.high = float(before.lowest[0]), float(before.highest[-1])
        return Figures(together, seen, before, "exact" if coding.exact else "binned", not coding.exact)


def _zeros_kept(numbers: Floats, gone: Truths | None) -> int:
    zeros = np.equal(numbers, 0, out=cores.scratch(np.bool_, numbers.size, 1))
    return int(np.count_nonzero(zeros if gone is None else np.greater(zeros, gone, out=zeros)))
