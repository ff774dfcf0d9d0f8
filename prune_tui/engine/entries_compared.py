"""What differs between the entries of two tensors, counted exactly and without copies of a whole tensor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from prune_tui.comparison_views import MasksCompared, TensorCompared
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.reading import comparable, dtype_name, effective, pieces, unequal

_IN_FLOAT64 = {torch.bool, torch.uint8, torch.int8, torch.uint16, torch.int16, torch.uint32, torch.int32} | {
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
}
"""Dtypes of which float64 holds every number; so it does of all float8."""
_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Stored(NamedTuple):
    """A tensor as it is stored.

    Attributes:
        values: Before masking.
        kept: Its mask; None where it is not pruned.
    """

    values: Tensor
    kept: Tensor | None


class _Sums:
    """What was counted so far."""

    def __init__(self) -> None:
        self.differ = self.not_finite = self.under_mask = self.bits = 0
        self.masked_a = self.masked_b = self.only_a = self.only_b = 0
        self.greatest = -1.0
        self.squares = self.squares_of_a = 0.0


def compared(name: str, a: Stored, b: Stored, stop: Stop = never) -> TensorCompared | str | None:
    """Compare two tensors of one shape.

    Args:
        name: Of both.
        a: The one.
        b: The other.
        stop: Asked between pieces of 2^18 entries.

    Returns:
        What differs; None where they are the same to the last bit and have the same mask; or why nobody can say.

    Raises:
        Cancelled: `stop` said so.
    """
    wide = _common(a.values.dtype, b.values.dtype)
    if wide is None:
        one, other = dtype_name(a.values), dtype_name(b.values)
        return f"no dtype holds every number of {one} and of {other}"
    if _identical(a, b, stop):
        return None
    sums = _Sums()
    for piece in _pieces(a, b):
        if stop():
            raise Cancelled
        _count(*piece, wide, sums)
    return _told(name, a, b, sums)


def _common(a: torch.dtype, b: torch.dtype) -> torch.dtype | None:
    """The dtype that two are compared in, exactly; their own where it is one."""
    if a == b:
        return a
    if all(dtype in _IN_FLOAT64 or (dtype.is_floating_point and dtype.itemsize == 1) for dtype in (a, b)):
        return torch.float64
    if all(dtype.is_complex or dtype in _IN_FLOAT64 for dtype in (a, b)) and (a.is_complex or b.is_complex):
        return torch.complex128
    whole = all(not dtype.is_floating_point and not dtype.is_complex for dtype in (a, b))
    return torch.int64 if whole and torch.uint64 not in (a, b) else None


def _pieces(a: Stored, b: Stored) -> Iterator[tuple[Stored, Stored]]:
    """Both side by side, on the CPU."""
    for parts in pieces(*(one for one in (*a, *b) if one is not None)):
        left = map(Tensor.cpu, parts)
        yield (
            Stored(next(left), None if a.kept is None else next(left)),
            Stored(next(left), None if b.kept is None else next(left)),
        )


def _identical(a: Stored, b: Stored, stop: Stop) -> bool:
    """Whether both have the same dtype, the same bits and the same mask."""
    if a.values.dtype != b.values.dtype or (a.kept is None) != (b.kept is None):
        return False
    for one, other in _pieces(a, b):
        if stop():
            raise Cancelled
        if bool(_other_bits(one.values, other.values).any()):
            return False
        if one.kept is not None and other.kept is not None:
            masks = (comparable(kept.to(one.values.dtype)) for kept in (one.kept, other.kept))
            if not torch.equal(*masks):  # one may scale, too: then it is more than zeros and ones
                return False
    return True


def _other_bits(a: Tensor, b: Tensor) -> Tensor:
    """Where two tensors of one dtype differ in their bits."""
    if a.is_complex():
        return _other_bits(torch.view_as_real(a), torch.view_as_real(b)).any(-1)
    word = _WORDS[a.dtype.itemsize]
    return a.view(word) != b.view(word)


def _count(a: Stored, b: Stored, wide: torch.dtype, sums: _Sums) -> None:
    """Add what a piece has."""
    ours, theirs = (effective(*one) for one in (a, b))
    mixed = wide != ours.dtype or wide != theirs.dtype
    differ = unequal(ours.to(wide), theirs.to(wide)) if mixed else unequal(ours, theirs)
    count = int(differ.sum())
    sums.differ += count
    _count_masks(a.kept, b.kept, sums)
    if not mixed and (a.kept is None) == (b.kept is None):
        other = unequal(a.values, b.values)
        sums.under_mask += int((other & ~differ).sum())
        sums.bits += int((_other_bits(a.values, b.values) & ~other & ~differ).sum())
    elif mixed and a.kept is not None and b.kept is not None:
        sums.under_mask += int((unequal(a.values.to(wide), b.values.to(wide)) & ~differ).sum())
    _count_squares(ours, theirs, differ if count else None, sums)


def _count_masks(ours: Tensor | None, theirs: Tensor | None, sums: _Sums) -> None:
    if ours is None and theirs is None:
        return
    one, other = (None if kept is None else comparable(kept) == 0 for kept in (ours, theirs))
    both = int((one & other).sum()) if one is not None and other is not None else 0
    masked_a, masked_b = (0 if masked is None else int(masked.sum()) for masked in (one, other))
    sums.masked_a += masked_a
    sums.masked_b += masked_b
    sums.only_a += masked_a - both
    sums.only_b += masked_b - both


def _count_squares(ours: Tensor, theirs: Tensor, differ: Tensor | None, sums: _Sums) -> None:
    finite = _magnitude(ours)
    sums.squares_of_a += float(finite[finite.isfinite()].square().sum())
    if differ is None:
        return
    apart = _apart(ours[differ], theirs[differ])
    held = apart[apart.isfinite()]
    sums.not_finite += apart.numel() - held.numel()
    if held.numel():
        sums.greatest = max(sums.greatest, float(held.max()))
        sums.squares += float(held.square().sum())


def _magnitude(values: Tensor) -> Tensor:
    return (values.to(torch.complex128) if values.is_complex() else values.to(torch.float64)).abs()


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """How far entries are apart, as float64; of integers of 64 bits rounded once."""
    if a.dtype == b.dtype and a.dtype in {torch.int64, torch.uint64}:
        if a.dtype == torch.uint64:  # the same distances, in signed numbers
            a, b = (one.view(torch.int64) ^ torch.iinfo(torch.int64).min for one in (a, b))
        high = (a >> 32).to(torch.float64) - (b >> 32).to(torch.float64)
        low = (a & 0xFFFFFFFF).to(torch.float64) - (b & 0xFFFFFFFF).to(torch.float64)
        return (high * 2.0**32 + low).abs()
    if a.is_complex() or b.is_complex():
        return (a.to(torch.complex128) - b.to(torch.complex128)).abs()
    return (a.to(torch.float64) - b.to(torch.float64)).abs()


def _told(name: str, a: Stored, b: Stored, sums: _Sums) -> TensorCompared | None:
    pruned = a.kept is not None or b.kept is not None
    masks = MasksCompared(
        None if a.kept is None else sums.masked_a,
        None if b.kept is None else sums.masked_b,
        sums.only_a,
        sums.only_b,
    )
    relative = math.sqrt(sums.squares / sums.squares_of_a) if sums.squares_of_a else None
    found = TensorCompared(
        name,
        a.values.numel(),
        differ=sums.differ,
        not_finite=sums.not_finite,
        max_abs=sums.greatest if sums.greatest >= 0 else None,
        relative=relative if sums.greatest >= 0 else None,
        under_mask=sums.under_mask,
        bits=sums.bits,
        masks=masks if pruned else None,
    )
    apart = found.differ or found.under_mask or found.bits or found.other_masks or a.values.dtype != b.values.dtype
    return found if apart else None
