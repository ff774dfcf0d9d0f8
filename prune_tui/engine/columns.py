"""What each column of a band of a tensor holds: extremes or a sum, entries kept, whether there is a NaN, a zero...

A band is a rectangle that stays in the cache. On the CPU numpy reads it in the dtype it is stored in, outside the
interpreter lock. Where that would not be exact - NaN, Inf, a mask of other numbers than 0 and 1, a dtype that
numpy lacks - torch reads the band, as float64, on the device where it lies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine.earlier import Earlier
from prune_tui.engine.layers import Layers
from prune_tui.engine.reading import as_numbers, comparable
from prune_tui.engine.selection import cores
from prune_tui.engine.selection.magnitudes import KINDS
from prune_tui.engine.selection.planned_masks import PlannedMask
from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_NEWLY_MASKED, HAS_ZERO, Pool

Array = npt.NDArray[Any]
Cut = Callable[[Tensor], Tensor]

TOTALS = 2.0**64
"""Sums are told in this unit: as many float64 as a tensor has cannot overflow it, and dividing by a power of two
costs no digit that a float32 shows."""


class Columns(NamedTuple):
    """One number for each column; those of two bands under each other are joined by `JOINED`.

    Attributes:
        first: The greatest finite value, -inf where there is none; for the mean the sum of the finite ones.
        second: The least, inf where there is none; for the mean how many finite ones there are.
        kept: Entries that the mask keeps.
        going: Those of them that the previewed step would mask.
        marks: uint8: bits `HAS_…`.
    """

    first: Array
    second: Array
    kept: Array
    going: Array
    marks: Array


class Found(NamedTuple):
    """What a band holds.

    Attributes:
        columns: By column.
        living: By row: whether the mask keeps any of it; None where it keeps all.
    """

    columns: Columns
    living: Array | None


JOINED: dict[Pool, tuple[np.ufunc, ...]] = {
    "extreme": (np.maximum, np.minimum, np.add, np.add, np.bitwise_or),
    "mean": (np.add, np.add, np.add, np.add, np.bitwise_or),
}
"""For each kind of pool what joins two `first`, two `second` and so on."""

NOTHING: dict[Pool, tuple[float, float]] = {"extreme": (-np.inf, np.inf), "mean": (0.0, 0.0)}
"""`first` and `second` of no entries."""


class Marked(NamedTuple):
    """What is marked in a tensor beside its values.

    Attributes:
        alive_before: What was alive before the last step, where that took any.
        planned: The mask that the previewed step would give.
        asking: Held while `planned` is asked: where ties decide it makes its whole mask, which is wanted once.
    """

    alive_before: Tensor | None
    planned: PlannedMask | None
    asking: threading.Lock

    def newly(self, cut: Cut) -> Tensor | None:
        """A band of what was alive; None where nothing was taken."""
        return None if self.alive_before is None else cut(self.alive_before)

    def going(self, cut: Cut) -> Tensor | None:
        """True where the planned mask is 0; on the CPU."""
        if self.planned is None:
            return None
        with self.asking:
            return comparable(self.planned.shown(lambda whole: cut(whole).cpu())) == 0


def columns(layers: Layers, marked: Marked, cut: Cut, pool: Pool) -> Found:
    """What one band holds.

    Args:
        layers: The whole tensor in the view that is shown.
        marked: What is marked in it.
        cut: Takes the band out of a tensor: rows × columns, none of them 0.
        pool: What is told of the values.
    """
    band = layers.cut(cut)
    found = _by_numpy(band, marked, cut, pool) if _plain(band) else None
    return _by_torch(band, marked, cut, pool) if found is None else found


# ---------------------------------------------------------------- numpy, in the stored dtype

_NATIVE = {
    torch.float32,
    torch.float64,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
}


def _widened_bfloat16(values: Tensor, number: int) -> Array:
    """A bfloat16 is the upper half of a float32."""
    wide = _scratch(np.uint32, values, number)
    np.left_shift(values.view(torch.int16).numpy().view(np.uint16), 16, out=wide, dtype=np.uint32)
    return wide.view(np.float32)


def _widened_float16(values: Tensor, number: int) -> Array:
    wide = _scratch(np.float32, values, number)
    np.copyto(wide, values.numpy())
    return wide


_READERS: dict[torch.dtype, Callable[[Tensor, int], Array]] = {
    **dict.fromkeys(_NATIVE, lambda values, _: values.numpy()),
    torch.bool: lambda values, _: values.view(torch.uint8).numpy(),
    torch.bfloat16: _widened_bfloat16,
    torch.float16: _widened_float16,
}
"""A band as numbers of numpy, without loss; those that numpy lacks or is slow with are widened into a scratch."""


def _plain(band: Layers) -> bool:
    """Whether numpy can read all of it."""
    there = [band.values, band.kept, *(band.earlier or ())]
    return all(
        type(one) is Tensor and one.device.type == "cpu" and one.dtype in _READERS
        for one in there
        if one is not None
    )


def _scratch(kind: npt.DTypeLike, like: Tensor | Array, number: int) -> Array:
    """An array of this thread in the shape of a band."""
    rows, width = like.shape
    return cores.scratch(kind, rows * width, number).reshape(rows, width)


def _read(values: Tensor, number: int) -> Array:
    return _READERS[values.dtype](values, number)


def _by_numpy(band: Layers, marked: Marked, cut: Cut, pool: Pool) -> Found | None:
    """None where torch has to look: there are NaN or Inf, or a mask holds other numbers than 0 and 1."""
    kept = None if band.kept is None else _kept(band.kept, 0)
    with np.errstate(all="ignore"):
        shown = None if kept is not None and kept.other else _shown(band, kept)
        if shown is None:
            return None
        first, second = _EXTREMES_OR_SUM[pool](shown)
        if not (np.isfinite(first).all() and np.isfinite(second).all()):
            return None
    rows, width = shown.shape
    marks = np.zeros(width, np.uint8)
    alive = None if kept is None else kept.alive
    _mark(marks, HAS_ZERO, np.equal(shown, 0, out=_scratch(np.bool_, shown, 8)), alive)
    before, going = marked.newly(cut), marked.going(cut)
    if before is not None and alive is not None:
        taken = np.greater(before.numpy(), alive, out=_scratch(np.bool_, shown, 9))
        _mark(marks, HAS_NEWLY_MASKED, taken, None)
    counts = np.full(width, rows, np.int64) if alive is None else _count(alive)
    living: Array | None = None if alive is None else np.logical_or.reduce(alive, axis=1)
    return Found(Columns(first, second, counts, _going(going, alive, width), marks), living)


def _going(going: Tensor | None, alive: Array | None, width: int) -> Array:
    """Of each column how many of the living would go; `going` is used up."""
    if going is None:
        return np.zeros(width, np.int64)
    where: Array = going.numpy()
    if alive is not None:
        where &= alive
    return _count(where)


class _Kept(NamedTuple):
    """A band of a mask.

    Attributes:
        alive: bool: where it is not 0.
        other: It holds other numbers than 0 and 1.
    """

    alive: Array
    other: bool


def _kept(mask: Tensor, number: int) -> _Kept:
    """A band of a mask; `number` tells apart the scratches of several."""
    kind = KINDS.get(mask.dtype)
    # Of floats the patterns are compared, so that halves need not be widened; a -0 counts as another number.
    numbers, one = (_read(mask, number), 1) if kind is None else (mask.view(kind.integers).numpy(), kind.one)
    alive = np.not_equal(numbers, 0, out=_scratch(np.bool_, numbers, number))
    ones = np.equal(numbers, one, out=_scratch(np.bool_, numbers, 2))
    return _Kept(alive, not np.array_equal(alive, ones))


def _shown(band: Layers, kept: _Kept | None) -> Array | None:
    """What the view shows of a band; None where a former mask holds other numbers than 0 and 1."""
    if band.view == "mask":
        return np.ones(band.values.shape, np.float32) if kept is None else kept.alive.view(np.uint8)
    if band.view == "orig":
        return _read(band.values, 0)
    if band.view == "effective":
        return _effective(band.values, kept, 0)
    if band.earlier is None:
        return np.zeros(band.values.shape, np.float32)
    return _changed(band.values, kept, band.earlier)


def _effective(values: Tensor, kept: _Kept | None, number: int) -> Array:
    """`orig × mask`: NaN where Inf or NaN is masked, as torch has it."""
    numbers = _read(values, number)
    if kept is None:
        return numbers
    return np.multiply(numbers, kept.alive, out=_scratch(numbers.dtype, numbers, 4 + number))


def _changed(values: Tensor, kept: _Kept | None, earlier: Earlier) -> Array | None:
    then_kept = None if earlier.mask is None else _kept(earlier.mask, 1)
    if then_kept is not None and then_kept.other:
        return None
    now, then = _effective(values, kept, 0), _effective(earlier.values, then_kept, 1)
    return np.subtract(now, then, out=_scratch(np.float64, now, 6), dtype=np.float64)


def _extremes(shown: Array) -> tuple[Array, Array]:
    """Greatest and least of each column; a NaN makes both NaN."""
    if len(shown) == 1:
        row = shown[0].copy()  # `shown` may be a scratch, which the next band is written to
        return row, row
    return np.maximum.reduce(shown, axis=0), np.minimum.reduce(shown, axis=0)


def _sum(shown: Array) -> tuple[Array, Array]:
    """Sum of each column, added up as float64, and how many there are."""
    wide = _scratch(np.float64, shown, 7)
    np.copyto(wide, shown)
    return np.add.reduce(wide, axis=0) / TOTALS, np.full(shown.shape[1], float(len(shown)))


_EXTREMES_OR_SUM: dict[Pool, Callable[[Array], tuple[Array, Array]]] = {"extreme": _extremes, "mean": _sum}


def _mark(marks: Array, bit: int, where: Array, among: Array | None) -> None:
    """Set a bit of the columns that hold a True; `where` is used up."""
    if among is not None:
        where &= among
    if where.any():  # as a rule not: it is a quick look through
        marks |= where.any(axis=0).astype(np.uint8) * np.uint8(bit)


def _count(alive: Array) -> Array:
    """Trues of each column: bytes are added as bytes as long as they cannot overflow."""
    kind = np.uint8 if len(alive) <= 255 else np.uint32
    counts: Array = np.add.reduce(alive.view(np.uint8), axis=0, dtype=kind)
    return counts.astype(np.int64)


# ---------------------------------------------------------------- torch, as float64


def _by_torch(band: Layers, marked: Marked, cut: Cut, pool: Pool) -> Found:
    shown = band.shown()
    finite = shown.isfinite()
    alive = None if band.kept is None else as_numbers(band.kept) != 0
    if alive is None:
        alive = torch.ones_like(shown, dtype=torch.bool)
    before, going = marked.newly(cut), marked.going(cut)
    found = {
        HAS_NAN: shown.isnan(),
        HAS_INF: shown.isinf(),
        HAS_ZERO: (shown == 0) & alive,
        HAS_NEWLY_MASKED: None if before is None else before.to(alive.device) & ~alive,
    }
    marks = torch.zeros(shown.shape[1], dtype=torch.uint8, device=shown.device)
    for bit, where in found.items():
        if where is not None:
            marks |= where.any(dim=0).to(torch.uint8) * bit
    if pool == "extreme":
        first = shown.where(finite, -torch.inf).amax(dim=0)
        second = shown.where(finite, torch.inf).amin(dim=0)
    else:
        first, second = (shown.where(finite, 0) / TOTALS).sum(dim=0), finite.sum(dim=0)
    goes = torch.zeros_like(alive) if going is None else going.to(alive.device) & alive
    told = (first, second, alive.sum(dim=0), goes.sum(dim=0), marks)
    living = None if band.kept is None else alive.any(dim=1).cpu().numpy()
    return Found(Columns(*(one.cpu().numpy() for one in told)), living)
