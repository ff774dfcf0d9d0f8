"""Each index of an axis in a row: norm, range, what the mask keeps, and a profile; exact, in one walk."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt
import torch

from prune_tui.engine.boxes import Box, alive, boxes, parts_of
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.tensor_views import HAS_INF, HAS_NAN, PROFILE, Channels

MOST = 2**20
"""Channels that have a row each, at most: a person cannot read more, and an answer holds 30 bytes for each."""
_AT_A_TIME = 2**12
"""Channels whose profiles are made at a time: what that takes besides stays in the cache."""

_Numbers = npt.NDArray[np.float64]


class Rows:
    """What is known of each channel so far.

    Args:
        channels: How many there are.
        entries: Of each.
        magnitude: A type that holds the magnitude of each value exactly.

    Attributes:
        lowest: float64: the least finite value; Inf where there is none.
        highest: Likewise the greatest; -Inf where there is none.
        magnitudes: `channels × stretches`: the greatest finite magnitude of each stretch; 0 where there is none.
        squares: float64: the sum of the squared finite values.
        finite: int64: how many those are.
        kept: int64: entries that the mask keeps.
        bad: uint8: bits `HAS_NAN`, `HAS_INF`.
    """

    def __init__(self, channels: int, entries: int, magnitude: npt.DTypeLike) -> None:
        self.entries = entries
        self.stretches = min(PROFILE, entries)
        self.lowest: _Numbers = np.full(channels, np.inf)
        self.highest: _Numbers = np.full(channels, -np.inf)
        self.magnitudes: npt.NDArray[np.floating] = np.zeros((channels, self.stretches), magnitude)
        self.squares: _Numbers = np.zeros(channels)
        self.finite = np.zeros(channels, np.int64)
        self.kept = np.zeros(channels, np.int64)
        self.bad = np.zeros(channels, np.uint8)

    def add(self, box: Box, layers: Layers) -> None:
        """Take in the values and the mask of a box."""
        values: _Numbers = layers.shown().numpy()
        if layers.kept is None:
            self.kept[box.channels] += values.shape[1]
        else:
            self.kept[box.channels] += alive(layers.kept).sum(axis=1, dtype=np.uint32)
        finite = np.isfinite(values)
        self.finite[box.channels] += np.count_nonzero(finite, axis=1)
        if finite.all():
            self._add_finite(box, values, values, values)
            return
        nan, infinite = np.isnan(values).any(axis=1), np.isinf(values).any(axis=1)
        self.bad[box.channels] |= (nan * HAS_NAN + infinite * HAS_INF).astype(np.uint8)
        filled = (np.where(finite, values, other) for other in (np.inf, -np.inf, 0.0))
        self._add_finite(box, *filled)

    def _add_finite(self, box: Box, low: _Numbers, high: _Numbers, values: _Numbers) -> None:
        """Take in values in which others stand for what is not finite: nothing that changes a bound or a sum."""
        first, starts = parts_of(box.entries, self.entries, self.stretches)
        here = (box.channels, slice(first, first + len(starts)))
        least, most = _reduced(np.minimum, low, starts), _reduced(np.maximum, high, starts)
        self.magnitudes[here] = np.maximum(self.magnitudes[here], np.maximum(most, -least))
        self.lowest[box.channels] = np.minimum(self.lowest[box.channels], least.min(axis=1))
        self.highest[box.channels] = np.maximum(self.highest[box.channels], most.max(axis=1))
        with np.errstate(over="ignore"):  # beyond float64's range the sum is Inf
            self.squares[box.channels] += np.einsum("ij,ij->i", values, values)


def _reduced(bound: np.ufunc, values: _Numbers, starts: list[int]) -> _Numbers:
    """The bound of each stretch of each channel."""
    found: _Numbers
    if len(starts) > 1 and values.flags.c_contiguous:
        found = bound.reduceat(values, starts, axis=1)
    else:  # across the memory reduceat takes ten times as long
        stops = [*starts[1:], values.shape[1]]
        parts = [bound.reduce(values[:, at:stop], axis=1) for at, stop in zip(starts, stops, strict=True)]
        found = np.stack(parts, axis=1)
    return found


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
    entries = prod(shape[:dim]) * prod(shape[dim + 1 :])
    found = Rows(shape[dim], entries, _magnitude(layers.cut(lambda one: one[..., :0]).seen().dtype))
    for box in boxes(layers.values, dim):
        if stop():
            raise Cancelled
        found.add(box, layers.cut(box.cut))
    return found


def _magnitude(dtype: torch.dtype) -> npt.DTypeLike:
    """The narrowest type that holds the magnitudes of a dtype exactly: there are many of them."""
    narrow = dtype is torch.float32 or (dtype.itemsize <= 2 and not dtype.is_complex)
    return np.float32 if narrow else np.float64


def channels(layers: Layers | NoValues, dim: int, stop: Stop) -> Channels:
    """A row for each index of an axis.

    Args:
        layers: The tensor in the view asked for, or why it has no values.
        dim: The axis, from 0.
        stop: Asked between boxes of 2^15 entries.

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
    shares = (found.kept / found.entries if found.entries else np.ones_like(found.squares)).astype(np.float32)
    # 1.0 is all: what float32 would round to it stays below.
    shares[(found.kept < found.entries) & (shares == 1)] = np.nextafter(np.float32(1), np.float32(0))
    return Channels(
        dim=dim,
        entries=found.entries,
        norms=_floats(np.sqrt(found.squares)),
        kept=_floats(shares),
        minima=_floats(np.where(np.isinf(found.lowest), np.nan, found.lowest)),
        maxima=_floats(np.where(np.isinf(found.highest), np.nan, found.highest)),
        bad=found.bad.tobytes(),
        profiles=_profiles(found),
    )


def _floats(values: npt.NDArray[np.floating]) -> bytes:
    with np.errstate(over="ignore"):  # beyond float32's range it is Inf
        return values.astype("<f4").tobytes()


def _profiles(found: Rows) -> bytes:
    """Rounded up, so that only nothing is 0."""
    greatest = float(found.magnitudes.max(initial=0.0)) or 1.0
    profiles = np.empty(found.magnitudes.shape, np.uint8)
    for at in range(0, len(profiles), _AT_A_TIME):
        some = slice(at, at + _AT_A_TIME)
        profiles[some] = np.ceil(found.magnitudes[some].astype(np.float64) / greatest * 255)
    return profiles.tobytes()
