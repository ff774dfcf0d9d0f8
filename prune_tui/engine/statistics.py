"""Count, range and moments of a whole tensor, exact, in one walk over pieces that stay in the cache."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from prune_tui.engine import pruned
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.reading import comparable, elements_of, masked_entries, pieces, stored, viewed, why_no_values
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


def statistics(
    module: nn.Module,
    name: str,
    view: View,
    cancelled: Stop,
    lock: contextlib.AbstractContextManager[object] | None = None,
) -> Statistics:
    """Exact statistics of one tensor, without a copy of it.

    Args:
        module: What holds the tensor.
        name: The tensor's name there: `weight`, also while it is pruned.
        view: Which of its values.
        cancelled: Asked between pieces of about 2^18 entries.
        lock: Held while the tensors are taken hold of, and not while they are walked through.

    Raises:
        Cancelled: `cancelled` said so.
    """
    with lock or contextlib.nullcontext():
        values, kept = stored(module, name), pruned.mask(module, name)
        if values is not None and not is_lazy(values):
            values, kept = values.detach(), None if kept is None else kept.detach()
    if values is None:
        return Statistics(elements=0, masked=0, note=f"{type(module).__name__} has no tensor {name}")
    note = why_no_values(values)
    if note:
        masked = 0 if kept is None else masked_entries(kept)
        return Statistics(elements=elements_of(values), masked=masked, note=note)
    moments = _Moments()
    for piece in pieces(values) if kept is None else pieces(values, kept):
        if cancelled():
            raise Cancelled
        mask = None if kept is None else piece[1]
        moments.add(viewed(piece[0], mask, view), mask)
    return _told(moments, values, view)


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
