"""Count, range and moments of numbers, exact in float64, merged piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_tui.engine.counting.distribution import Counts, Floats

Row = npt.NDArray[np.floating[Any]]


@dataclass
class Moments:
    """Of the values so far; merged as by Chan, Golub and LeVeque: a large mean costs no digits.

    Attributes:
        nans: NaN among them; the rest is of the finite ones only.
        infinities: Infinite ones.
        finite: How many are neither.
        minimum: The least; infinite of none.
        maximum: The greatest.
        mean: Their mean.
        deviations: Sum of the squared deviations from the mean.
    """

    nans: int = 0
    infinities: int = 0
    finite: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    mean: float = 0.0
    deviations: float = 0.0

    @classmethod
    def of_numbers(cls, values: Floats) -> Moments:
        """Of a row of numbers, which is overwritten."""
        finite, low, high = finite_ones(values)
        found = cls(finite=finite.size, minimum=low, maximum=high)
        if finite.size < values.size:
            found.nans, found.infinities = (int(np.count_nonzero(test(values))) for test in (np.isnan, np.isinf))
        if finite.size:
            with np.errstate(over="ignore"):
                # Of equal values the mean is that value to the last bit, and nothing deviates.
                found.mean = low if low == high else float(finite.mean())
                # Not a dot product: numpy's BLAS would wake threads of its own beside those that work already.
                apart = np.subtract(finite, found.mean, out=finite)
                found.deviations = float(np.multiply(apart, apart, out=apart).sum())
        return found

    @classmethod
    def of_counts(cls, values: Floats, counts: Counts) -> Moments:
        """Of values that occur so often each, NaN and infinities among them."""
        values, often = values[counts > 0], counts[counts > 0]
        nan, infinite = np.isnan(values), np.isinf(values)
        found = cls(nans=int(often[nan].sum()), infinities=int(often[infinite].sum()))
        values, often = values[~nan & ~infinite], often[~nan & ~infinite]
        if values.size:
            found.finite = int(often.sum())
            found.minimum, found.maximum = float(values.min()), float(values.max())
            found.mean = found.minimum if values.size == 1 else float((values * often).sum()) / found.finite
            found.deviations = float((often * (values - found.mean) ** 2).sum())
        return found

    def add(self, other: Moments) -> None:
        """Take in those of other values."""
        self.nans += other.nans
        self.infinities += other.infinities
        if not other.finite:
            return
        delta = other.mean - self.mean
        together = self.finite + other.finite
        self.deviations += other.deviations + delta * delta * (self.finite / together) * other.finite
        self.mean += delta * (other.finite / together)
        self.finite = together
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)

    @property
    def std(self) -> float | None:
        """Unbiased; None of fewer than two values."""
        return math.sqrt(self.deviations / (self.finite - 1)) if self.finite > 1 else None

    @property
    def rms(self) -> float | None:
        """Root mean square; None of no value."""
        return math.sqrt(self.deviations / self.finite + self.mean * self.mean) if self.finite else None


def finite_ones(values: Row) -> tuple[Row, float, float]:
    """The finite ones of a row of floats, the least and the greatest; infinite and the wrong way round of none."""
    if values.size:
        low, high = float(values.min()), float(values.max())
        if math.isfinite(low) and math.isfinite(high):  # a NaN makes both NaN
            return values, low, high
        finite = values[np.isfinite(values)]
        if finite.size:
            return finite_ones(finite)
    return values[:0], math.inf, -math.inf
