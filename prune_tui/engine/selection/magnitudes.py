"""Magnitudes as integers: without their sign bits, floats are ordered as their bit patterns are, NaN above all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Words = npt.NDArray[Any]
"""Bit patterns of floats, as signed integers of their size."""


class Kind(NamedTuple):
    """How one float dtype looks as integers.

    Attributes:
        signed: numpy's integer of its size.
        unsigned: The same without sign.
        integers: torch's integer of its size.
        most: All bits but the sign: the greatest pattern of a magnitude.
        infinite: The pattern of infinity; those above are NaN.
        one: The pattern of 1.
    """

    signed: type[np.signedinteger[Any]]
    unsigned: type[np.unsignedinteger[Any]]
    integers: torch.dtype
    most: int
    infinite: int
    one: int

    @property
    def bits(self) -> int:
        """How many a pattern has."""
        return self.most.bit_length() + 1


_INTEGERS: dict[int, tuple[Any, Any, torch.dtype]] = {
    2: (np.int16, np.uint16, torch.int16),
    4: (np.int32, np.uint32, torch.int32),
    8: (np.int64, np.uint64, torch.int64),
}


def _kind(dtype: torch.dtype) -> Kind:
    signed, unsigned, integers = _INTEGERS[dtype.itemsize]
    infinite, one = (int(torch.tensor(x, dtype=dtype, device="cpu").view(integers)) for x in (torch.inf, 1.0))
    return Kind(signed, unsigned, integers, int(torch.iinfo(integers).max), infinite, one)


KINDS = {dtype: _kind(dtype) for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}
"""The dtypes whose entries can be ranked by their patterns."""


def words(tensor: Tensor) -> Words:
    """The memory of a contiguous CPU tensor as one row of patterns; what is written there is written to it."""
    flat: Words = tensor.detach().view(-1).view(KINDS[tensor.dtype].integers).numpy()
    return flat


def number(word: int, dtype: torch.dtype) -> float:
    """The magnitude that a pattern means."""
    return float(torch.tensor(word, dtype=KINDS[dtype].integers, device="cpu").view(dtype))


def widened(found: Words, dtype: torch.dtype, wide: torch.dtype) -> Words:
    """Patterns of one dtype as those of another that holds all its numbers."""
    if dtype is wide:
        return found
    row: Words = torch.from_numpy(found).view(dtype).to(wide).view(KINDS[wide].integers).numpy()
    return row


def narrowed(word: int, wide: torch.dtype, dtype: torch.dtype) -> int:
    """The greatest pattern of a dtype whose magnitude is not above that of `word`; -1 where `word` is.

    Args:
        word: A pattern of `wide`; one of a NaN is told by the greatest of all.
        wide: A dtype that holds all numbers of `dtype`.
        dtype: The dtype asked for.
    """
    if dtype is wide or word < 0:
        return word
    kind = KINDS[dtype]
    if word > KINDS[wide].infinite:
        return kind.most
    exact = torch.tensor(word, dtype=KINDS[wide].integers, device="cpu").view(wide)
    nearest = exact.to(dtype)
    pattern = int(nearest.view(kind.integers))
    return pattern - 1 if nearest.to(wide) > exact else pattern
