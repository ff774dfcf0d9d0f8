"""How many finite values lie where, and what follows: quantiles and histogram."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from prune_tui.views import QUANTILES, Histogram

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

BINS = 256
"""Of a histogram; one where all values are equal."""


class Distribution(NamedTuple):
    """Values, or narrow ranges of values that do not overlap, in ascending order, with how often each occurs.

    Attributes:
        lowest: Where each begins.
        highest: Where it ends; equal to `lowest` where the value itself is known.
        kept: How many entries of it the mask keeps.
        masked: How many it takes.
    """

    lowest: Floats
    highest: Floats
    kept: Counts
    masked: Counts

    @classmethod
    def of_values(cls, values: Floats, gone: npt.NDArray[np.bool_]) -> Distribution:
        """Each value by itself.

        Args:
            values: In one row; what is not finite is left out.
            gone: Which of them the mask takes.
        """
        finite = np.isfinite(values)
        values, gone = values[finite], gone[finite]
        order = np.argsort(values)
        values, taken = values[order], gone[order].astype(np.int64)
        return cls(values, values, 1 - taken, taken)

    def quantiles(self, low: float, high: float) -> tuple[float, ...]:
        """At `QUANTILES`, between two entries by linear interpolation, as `torch.quantile`; () of nothing.

        Args:
            low: The least value, exactly.
            high: The greatest.
        """
        ends = np.cumsum(self.kept + self.masked)
        if not ends.size:
            return ()
        ranks = np.asarray(QUANTILES) * (ends[-1] - 1)
        below = np.floor(ranks)
        middles = self.lowest + (self.highest - self.lowest) / 2
        first, then = (
            middles[np.searchsorted(ends, np.minimum(rank, ends[-1] - 1), side="right")]
            for rank in (below, below + 1)
        )
        return tuple(np.clip(first + (then - first) * (ranks - below), low, high).tolist())

    def histogram(self, low: float, high: float) -> Histogram | None:
        """In bins of one width from the least value to the greatest; None of nothing."""
        if not self.kept.size:
            return None
        masked = tuple(self._binned(self.masked, low, high)) if self.masked.any() else ()
        return Histogram(low, high, tuple(self._binned(self.kept, low, high)), masked)

    def _binned(self, counts: Counts, low: float, high: float) -> list[int]:
        if low == high:
            return [int(counts.sum())]
        lowest, highest = np.clip(self.lowest, low, high), np.clip(self.highest, low, high)
        points = lowest == highest
        at = np.minimum((lowest[points] - low) / (high - low) * BINS, BINS - 1).astype(np.int64)
        binned = np.bincount(at, weights=counts[points], minlength=BINS).astype(np.int64)
        ranges = ~points
        if ranges.any():
            binned += _shared_out(lowest[ranges], highest[ranges], counts[ranges], low, high)
        found: list[int] = binned.tolist()
        return found


def _shared_out(lowest: Floats, highest: Floats, counts: Counts, low: float, high: float) -> Counts:
    """Counts of ranges as if each were evenly filled, for a range may be wider than a bin; their sum stays."""
    borders = np.column_stack((lowest, highest)).reshape(-1)
    ends = np.cumsum(counts)
    up_to = np.column_stack((ends - counts, ends)).reshape(-1)
    whole = np.rint(np.interp(np.linspace(low, high, BINS + 1), borders, up_to))
    shares: npt.NDArray[Any] = np.diff(whole).astype(np.int64)
    return shares
