"""Each index of an axis in a row: norm, range, what the mask keeps, and a profile; exact, in one walk."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np
import numpy.typing as npt

from prune_tui.engine.boxes import Box, boxes
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.reading import comparable
from prune_tui.tensor_views import HAS_INF, HAS_NAN, PROFILE, Channels

MOST = 2**20
"""Channels that have a row each, at most: a person cannot read more, and an answer holds 30 bytes for each."""

_Numbers = npt.NDArray[np.float64]


class Rows:
    """What is known of each channel so far.

    Args:
        channels: How many there are.
        entries: Of each.

    Attributes:
        lowest: float64, `channels × stretches`: over finite values; Inf where there are none.
        highest: Likewise; -Inf where there are none.
        squares: float64: the sum of the squared finite values.
        kept: int64: entries that the mask keeps.
        bad: uint8: bits `HAS_NAN`, `HAS_INF`.
    """

    def __init__(self, channels: int, entries: int) -> None:
        self.entries = entries
        self.stretches = min(PROFILE, entries)
        self.lowest: _Numbers = np.full((channels, self.stretches), np.inf)
        self.highest: _Numbers = np.full((channels, self.stretches), -np.inf)
        self.squares: _Numbers = np.zeros(channels)
        self.kept = np.zeros(channels, np.int64)
        self.bad = np.zeros(channels, np.uint8)

    def add(self, box: Box, layers: Layers) -> None:
        """Take in the values and the mask of a box."""
        values: _Numbers = layers.shown().numpy()
        if layers.kept is None:
            self.kept[box.channels] += values.shape[1]
        else:
            alive = (comparable(layers.kept) != 0).numpy().view(np.uint8)
            self.kept[box.channels] += alive.sum(axis=1, dtype=np.int64)
        for stretch, part in self._stretches(box.entries):
            self._add_stretch(box.channels, stretch, values[:, part])

    def _stretches(self, entries: slice) -> list[tuple[int, slice]]:
        """The stretches that some entries lie in, each with its part of them."""
        edges = [stretch * self.entries // self.stretches for stretch in range(self.stretches + 1)]
        found = []
        for stretch, (start, stop) in enumerate(pairwise(edges)):
            first, last = max(start, entries.start), min(stop, entries.stop)
            if first < last:
                found.append((stretch, slice(first - entries.start, last - entries.start)))
        return found

    def _add_stretch(self, channels: slice, stretch: int, values: _Numbers) -> None:
        low, high = values.min(axis=1), values.max(axis=1)  # NaN where there is one
        finite = values
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            nan, infinite = np.isnan(values), np.isinf(values)
            self.bad[channels] |= (nan.any(axis=1) * HAS_NAN + infinite.any(axis=1) * HAS_INF).astype(np.uint8)
            bad = nan | infinite
            low = np.where(bad, np.inf, values).min(axis=1)
            high = np.where(bad, -np.inf, values).max(axis=1)
            finite = np.where(bad, 0.0, values)
        self.lowest[channels, stretch] = np.minimum(self.lowest[channels, stretch], low)
        self.highest[channels, stretch] = np.maximum(self.highest[channels, stretch], high)
        with np.errstate(over="ignore"):  # beyond float64's range the sum is Inf
            self.squares[channels] += np.einsum("ij,ij->i", finite, finite)


def rows(layers: Layers, dim: int, stop: Stop) -> Rows:
    """Walk through a tensor once; what is held besides is as long as the axis.

    Args:
        layers: The tensor in the view that is measured.
        dim: An axis that it has.
        stop: Asked between boxes.

    Raises:
        Cancelled: `stop` said so.
    """
    shape = layers.values.shape
    found = Rows(shape[dim], prod(shape[:dim]) * prod(shape[dim + 1 :]))
    for box in boxes(layers.values, dim):
        if stop():
            raise Cancelled
        found.add(box, layers.cut(box.cut))
    return found


def channels(layers: Layers | NoValues, dim: int, stop: Stop) -> Channels:
    """A row for each index of an axis.

    Args:
        layers: The tensor in the view asked for, or why it has no values.
        dim: The axis, from 0.
        stop: Asked between boxes of about 2^18 entries.

    Returns:
        The rows, or a note why there are none.

    Raises:
        Cancelled: `stop` said so.
    """
    if isinstance(layers, NoValues):
        return Channels(dim, note=layers.note)
    note = _misfit(tuple(layers.values.shape), dim)
    return Channels(dim, note=note) if note else _told(dim, rows(layers, dim, stop))


def _misfit(shape: tuple[int, ...], dim: int) -> str:
    """Why there is no row for each index of an axis."""
    if not shape:
        return "a scalar has no channels"
    times = "×".join(map(str, shape))
    if not 0 <= dim < len(shape):
        return f"the shape is {times}: it has no axis {dim}"
    if shape[dim] > MOST:
        return f"axis {dim} of {times} is too long: at most {MOST:,} channels have a row each"
    return ""


def _told(dim: int, found: Rows) -> Channels:
    lowest = found.lowest.min(axis=1, initial=np.inf)
    highest = found.highest.max(axis=1, initial=-np.inf)
    shares = (found.kept / found.entries if found.entries else np.ones_like(found.squares)).astype(np.float32)
    # 1.0 is all: what float32 would round to it stays below.
    shares[(found.kept < found.entries) & (shares == 1)] = np.nextafter(np.float32(1), np.float32(0))
    return Channels(
        dim=dim,
        entries=found.entries,
        norms=_floats(np.sqrt(found.squares)),
        kept=_floats(shares),
        minima=_floats(np.where(np.isinf(lowest), np.nan, lowest)),
        maxima=_floats(np.where(np.isinf(highest), np.nan, highest)),
        bad=found.bad.tobytes(),
        profiles=_profiles(found),
    )


def _floats(values: npt.NDArray[np.floating]) -> bytes:
    with np.errstate(over="ignore"):  # beyond float32's range it is Inf
        return values.astype("<f4").tobytes()


def _profiles(found: Rows) -> bytes:
    """Rounded up, so that only nothing is 0."""
    magnitudes = np.maximum(np.maximum(found.highest, -found.lowest), 0.0)
    greatest = magnitudes.max(initial=0.0)
    return np.ceil(magnitudes / (greatest or 1.0) * 255).astype(np.uint8).tobytes()
