"""Count, range, moments, quantiles and histogram of a whole tensor, all in one pass; or an estimate at once."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import torch
from torch import Tensor

from prune_tui.engine import reading
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.counting import figures
from prune_tui.engine.counting.figures import Figures
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.reading import elements_of
from prune_tui.engine.telling import Tell, silent
from prune_tui.views import Histogram, Statistics

SAMPLE = 2**14
"""Entries of a sample."""

_IN_REACH = (2.0**-100, 2.0**120)
"""Greatest magnitudes beside which float32 holds all that matters; other tensors are scaled to be counted."""


def statistics(layers: Layers | NoValues, cancelled: Stop, tell: Tell = silent) -> Statistics:
    """Statistics of one tensor, without a copy of it.

    Args:
        layers: The tensor in the view that is counted, or why it has no values.
        cancelled: Asked between pieces of about 2^18 entries.
        tell: Called with `counting 40%` now and then while that takes long.

    Returns:
        Counts, range and moments exactly; quantiles and histogram exactly of numbers of 8 and 16 bits and of
        tensors of one piece, else binned.

    Raises:
        Cancelled: `cancelled` said so.
    """
    if isinstance(layers, NoValues):
        return Statistics(layers.elements, layers.masked, note=layers.note)
    found, scale = _figures(layers, 1, cancelled, tell), 1.0
    if found.scalable and 0 < found.largest < math.inf and not _IN_REACH[0] <= found.largest <= _IN_REACH[1]:
        scale = 2.0 ** min(100 - math.frexp(found.largest)[1], 1023)  # a power of two costs no digits
        found = _figures(layers, scale, cancelled, tell)
    return _told(layers, found, 1 / scale)


def sampled(layers: Layers | NoValues, cancelled: Stop) -> Statistics:
    """An estimate from `SAMPLE` entries, in milliseconds at any size; a tensor of one piece is told exactly.

    Args:
        layers: As for `statistics`.
        cancelled: Likewise.

    Returns:
        Counts are those of the sample, scaled up; all else is of the sample as it is.

    Raises:
        Cancelled: `cancelled` said so.
    """
    if isinstance(layers, NoValues) or elements_of(layers.values) <= reading.PIECE:
        return statistics(layers, cancelled)
    elements = elements_of(layers.values)
    # One entry anywhere in each of many equal stretches. A generator of its own: the process's are not ours.
    places = (np.arange(SAMPLE) + np.random.default_rng(0).random(SAMPLE)) * (elements / SAMPLE)
    at = np.unravel_index(np.minimum(places.astype(np.int64), elements - 1), tuple(layers.values.shape))
    index = tuple(torch.from_numpy(one) for one in at)

    def picked(layer: Tensor) -> Tensor:
        return layer[index]

    return _scaled_up(statistics(layers.cut(picked), cancelled), elements)


def _figures(layers: Layers, scale: float, cancelled: Stop, tell: Tell) -> Figures:
    if elements_of(layers.values) <= reading.PIECE:
        return figures.of_few(layers, scale)
    return figures.of_many(layers, scale, cancelled, tell)


def _told(layers: Layers, counted: Figures, unit: float) -> Statistics:
    """What the figures come to, in numbers that are multiplied with `unit` again."""
    found, moments = counted.found, counted.found.moments
    some = moments.finite > 0
    quantiles = counted.seen.quantiles(moments.minimum, moments.maximum)
    histogram = counted.before.histogram(found.low, found.high)
    return Statistics(
        elements=elements_of(layers.values),
        masked=found.masked,
        zeros=found.zeros,
        nans=moments.nans,
        infinities=moments.infinities,
        minimum=moments.minimum * unit if some else None,
        maximum=moments.maximum * unit if some else None,
        mean=moments.mean * unit if some else None,
        std=None if moments.std is None else moments.std * unit,
        rms=None if moments.rms is None else moments.rms * unit,
        quantiles=tuple(quantile * unit for quantile in quantiles),
        histogram=None if histogram is None else _in_units(histogram, unit),
        spread=counted.spread,
        note="magnitudes" if layers.values.is_complex() and layers.view != "mask" else "",
    )


def _in_units(histogram: Histogram, unit: float) -> Histogram:
    return msgspec.structs.replace(histogram, low=histogram.low * unit, high=histogram.high * unit)


def _scaled_up(told: Statistics, elements: int) -> Statistics:
    def estimated(count: int) -> int:
        return round(count * elements / told.elements)

    histogram = told.histogram and msgspec.structs.replace(
        told.histogram,
        kept=tuple(map(estimated, told.histogram.kept)),
        masked=tuple(map(estimated, told.histogram.masked)),
    )
    return msgspec.structs.replace(
        told,
        elements=elements,
        masked=estimated(told.masked),
        zeros=estimated(told.zeros),
        nans=estimated(told.nans),
        infinities=estimated(told.infinities),
        histogram=histogram,
        quality="sampled",
        spread="sampled",
    )
