"""Counting entries by their bit patterns: numbers of 8 and 16 bits by all of them, wider ones by the first 16.

Of a float32 the first 16 bits are sign, exponent and seven binary digits: patterns are 0.8% apart, and the middle
of one is within 0.4% of every value in it. Other wide numbers are rounded to float32 for this. Work is done in
scratch memory: new memory of that size costs more than the counting.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine.counting.distribution import Counts, Distribution, Floats
from prune_tui.engine.selection.cores import scratch

_UNSIGNED: dict[int, tuple[Any, torch.dtype]] = {1: (np.uint8, torch.uint8), 2: (np.uint16, torch.int16)}
"""numpy's unsigned integer of so many bytes, and the integer of torch that is viewed as that."""

_ONE = torch.ones((), dtype=torch.int64, device="cpu")


class Coding(NamedTuple):
    """What the patterns of a dtype mean.

    Attributes:
        lowest: float64, for each pattern the least value it may stand for; NaN or infinite where it is neither.
        highest: The greatest.
        zeros: The patterns that stand for 0; float8_e8m0fnu has none.
        nothing: The pattern of NaN; None where there is none.
        ascending: The patterns of finite values, from the least to the greatest.
        exact: Each pattern stands for one value.
    """

    lowest: Floats
    highest: Floats
    zeros: tuple[int, ...]
    nothing: int | None
    ascending: npt.NDArray[np.intp]
    exact: bool

    @property
    def size(self) -> int:
        """How many patterns there are."""
        return self.lowest.size

    def distribution(self, counts: Counts) -> Distribution:
        """What was counted.

        Args:
            counts: Of each pattern, kept and masked: two rows.
        """
        found = self.ascending[counts[:, self.ascending].any(axis=0)]
        return Distribution(self.lowest[found], self.highest[found], counts[0, found], counts[1, found])

    def masked(self, taken: Counts) -> Counts:
        """What becomes of patterns that are multiplied with 0: that, and NaN of what is not finite.

        Args:
            taken: How often each occurs; the dtype must have a 0.
        """
        product = np.zeros_like(taken)
        finite = int(taken[self.ascending].sum())
        product[self.zeros[0]] = finite
        if self.nothing is not None:
            product[self.nothing] = int(taken.sum()) - finite
        return product


def coding(dtype: torch.dtype) -> Coding:
    """How entries of a dtype are counted."""
    return _of_all_bits(dtype) if dtype.itemsize <= 2 else _of_first_bits()


def counts(values: Tensor, gone: npt.NDArray[np.bool_] | None, size: int) -> Counts:
    """How often each pattern occurs: a row of the kept and, where something is pruned, one of the masked.

    Args:
        values: In one row on the CPU, at most `cores.PIECE`; what has more than 16 bits is rounded to float32.
        gone: Which of them the mask takes; None where nothing is pruned.
        size: How many patterns there are.
    """
    places = scratch(np.int32, values.numel())
    _patterns(values, places)
    rows = 1 if gone is None else 2
    if gone is not None:
        places += np.multiply(gone, np.int32(size), out=scratch(np.int32, values.numel(), 1))
    # numpy's bincount keeps the interpreter lock, and torch's wakes threads of its own beside those that work.
    found = torch.zeros(rows * size, dtype=torch.int64, device="cpu")
    found.index_add_(0, torch.from_numpy(places), _ONE.expand(places.size))
    occurrences: Counts = found.numpy().reshape(rows, size)
    return occurrences


def _patterns(values: Tensor, out: npt.NDArray[np.int32]) -> None:
    if values.dtype.itemsize <= 2:
        unsigned, integers = _UNSIGNED[values.dtype.itemsize]
        np.copyto(out, values.view(integers).numpy().view(unsigned))
        return
    if values.dtype is not torch.float32:
        values = torch.from_numpy(scratch(np.float32, values.numel())).copy_(values)
    np.right_shift(values.numpy().view(np.uint32), 16, out=out.view(np.uint32))


@cache
def _of_all_bits(dtype: torch.dtype) -> Coding:
    integers = torch.uint8 if dtype.itemsize == 1 else torch.int16
    every = torch.arange(1 << 8 * dtype.itemsize, device="cpu").to(integers)
    # A bool that was made by a view of other memory may be any byte; all but 0 are True.
    numbers = every != 0 if dtype is torch.bool else every.view(dtype)
    values = numbers.to(torch.float64).numpy()
    return _coding(values, values, exact=True)


@cache
def _of_first_bits() -> Coding:
    first = np.arange(1 << 16, dtype=np.uint32) << 16
    with np.errstate(invalid="ignore"):  # patterns of signalling NaN
        towards_zero, away = (words.view(np.float32).astype(np.float64) for words in (first, first | 0xFFFF))
    # What is not finite begins as infinity; the smallest numbers of all, below 1e-40, stand with 0.
    away = np.where(np.isfinite(towards_zero) & (towards_zero != 0), away, towards_zero)
    return _coding(np.minimum(towards_zero, away), np.maximum(towards_zero, away), exact=False)


def _coding(lowest: Floats, highest: Floats, *, exact: bool) -> Coding:
    finite = np.flatnonzero(np.isfinite(lowest))
    nan = np.flatnonzero(np.isnan(lowest))
    return Coding(
        lowest,
        highest,
        tuple(np.flatnonzero(lowest == 0).tolist()),
        int(nan[0]) if nan.size else None,
        finite[np.argsort(lowest[finite], kind="stable")],
        exact,
    )
