"""Count, range and moments of a whole tensor, exact, in one walk over pieces that stay in the cache."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.reading import comparable, elements_of
from prune_tui.view_rows import View
from prune_tui.views import Statistics


@dataclass
class _Moments:
    """Of the values so far; pieces are merged as by Chan, Golub and LeVeque: a large mean costs no digits."""

    zeros: int = 0
    masked: int = 0
    nans: int = 0
    infinities: int = 0
    finite: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    mean: float = 0.0
    deviations: float = 0.0
    """Sum of the squared deviations from the mean."""

    def add(self, values: Tensor, kept: Tensor | None) -> None:
        """Take in a piece of the values and, where pruned, of the mask."""
        zero = values == 0
        if kept is not None:
            gone = comparable(kept) == 0
            self.masked += int(gone.sum())
            zero &= ~gone
        self.zeros += int(zero.sum())
        values = values.reshape(-1)
        if values.numel():
            self._add_finite(*self._finite(values))

    def _finite(self, values: Tensor) -> tuple[Tensor, float, float]:
        """The finite values with their range; counts the others."""
        low, high = (float(bound) for bound in values.aminmax())
        if math.isfinite(low) and math.isfinite(high):  # a NaN makes both NaN
            return values, low, high
        self.nans += int(values.isnan().sum())
        self.infinities += int(values.isinf().sum())
        values = values[values.isfinite()]
        low, high = (float(bound) for bound in values.aminmax()) if values.numel() else (math.inf, -math.inf)
        return values, low, high

    def _add_finite(self, values: Tensor, low: float, high: float) -> None:
        count = values.numel()
        if not count:
            return
        # Of equal values the mean is that value to the last bit, and nothing deviates.
        mean = low if low == high else float(values.mean())
        apart = values - mean
        delta = mean - self.mean
        together = self.finite + count
        self.deviations += float(torch.dot(apart, apart)) + delta * delta * (self.finite / together) * count
        self.mean += delta * (count / together)
        self.finite = together
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)


def statistics(layers: Layers | NoValues, cancelled: Stop) -> Statistics:
    """Exact statistics of one tensor, without a copy of it.

    Args:
        layers: The tensor in the view that is counted, or why it has no values.
        cancelled: Asked between pieces of about 2^18 entries.

    Raises:
        Cancelled: `cancelled` said so.
    """
    if isinstance(layers, NoValues):
        return Statistics(layers.elements, layers.masked, note=layers.note)
    moments = _Moments()
    for piece in layers.pieces():
        if cancelled():
            raise Cancelled
        moments.add(piece.shown(), piece.kept)
    return _told(moments, layers.values, layers.view)


def _told(moments: _Moments, values: Tensor, view: View) -> Statistics:
    some, finite = moments.finite > 0, moments.finite
    return Statistics(
        elements=elements_of(values),
        masked=moments.masked,
        zeros=moments.zeros,
        nans=moments.nans,
        infinities=moments.infinities,
        minimum=moments.minimum if some else None,
        maximum=moments.maximum if some else None,
        mean=moments.mean if some else None,
        std=math.sqrt(moments.deviations / (finite - 1)) if finite > 1 else None,
        rms=math.sqrt(moments.deviations / finite + moments.mean * moments.mean) if some else None,
        note="magnitudes" if values.is_complex() and view != "mask" else "",
    )
