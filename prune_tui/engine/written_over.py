"""What entries of a tensor held before steps wrote over them, found for any part of it: no tensor is made whole.

A part is cut from coordinates as from the tensor itself, so that whatever cuts it tells where its entries lie.
Which of the kept entries one is, is how many bits are set before its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.overwritten import Overwritten
from prune_tui.engine.reading import PIECE

_WORD = 64
"""Entries whose bits are counted at a time."""

_Words = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


class _Ranks:
    """Which of its kept entries each entry of a tensor is.

    Args:
        overwritten: The entries.
    """

    def __init__(self, overwritten: Overwritten) -> None:
        self.overwritten = overwritten

    @cached_property
    def _words(self) -> tuple[_Words, _Places]:
        """Its bits, the first of a word being the highest, and how many are set before each word."""
        data = self.overwritten.where.data
        padded = np.frombuffer(data + bytes(-len(data) % 8), ">u8").astype(np.uint64)
        counts = _ones(padded)
        return padded, np.cumsum(counts) - counts

    def put(self, part: Tensor, places: _Places) -> None:
        """Write those of the entries into a part that lie in it.

        Args:
            part: Of the tensor; written to.
            places: Where its entries lie in the whole, in their order.
        """
        if places.size and places[-1] - places[0] == places.size - 1 and bool((np.diff(places) == 1).all()):
            there, first = self._in_a_row(int(places[0]), places.size)
            entries = self.overwritten.entries[first : first + int(np.count_nonzero(there))]
        else:
            there, ranks = self._anywhere(places)
            entries = self.overwritten.entries[ranks]
        entries = entries.to(device=part.device, dtype=part.dtype)
        where = there.reshape(part.shape)
        if part.device.type == "cpu":  # numpy does it in this thread, where torch would wake others for each part
            bits.integers(part).numpy()[where] = bits.integers(entries).numpy()
        else:
            bits.put(part, torch.from_numpy(where).to(part.device), entries)

    def _in_a_row(self, first: int, count: int) -> tuple[_Bools, int]:
        """Which of consecutive entries were written over, and which of the kept ones is the first."""
        words, before = self._words
        word, bit = divmod(first, _WORD)
        data = words[word : (first + count - 1) // _WORD + 1].astype(">u8").view(np.uint8)
        alive = np.unpackbits(data).view(np.bool_)
        start = int(before[word]) + int(np.count_nonzero(alive[:bit]))
        return alive[bit : bit + count], start

    def _anywhere(self, places: _Places) -> tuple[_Bools, Tensor]:
        """The same of entries wherever they are."""
        words, before = self._words
        word, bit = places // _WORD, (places % _WORD).astype(np.uint64)
        there = (words[word] >> (np.uint64(_WORD - 1) - bit)) & np.uint64(1) != 0
        word, bit = word[there], bit[there]
        # The bits before it, by two shifts: one by all 64 would be none.
        above = (words[word] >> np.uint64(1)) >> (np.uint64(_WORD - 1) - bit)
        ranks = torch.from_numpy(before[word] + _ones(above))
        return there, ranks.to(self.overwritten.entries.device)


def _copied(part: Tensor) -> Tensor:
    """A copy; on the CPU by numpy, in this thread."""
    if part.device.type != "cpu":
        return part.clone()
    copy = torch.empty_like(part)
    np.copyto(bits.integers(copy).numpy(), bits.integers(part).numpy())
    return copy


def _ones(words: _Words) -> _Places:
    """How many bits are set in each word."""
    pairs = words - ((words >> np.uint64(1)) & np.uint64(0x5555555555555555))
    low = np.uint64(0x3333333333333333)
    fours = (pairs & low) + ((pairs >> np.uint64(2)) & low)
    eights = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    with np.errstate(over="ignore"):
        counts: _Places = ((eights * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)
    return counts


class WrittenOver(NamedTuple):
    """The entries of a tensor that steps wrote over.

    Attributes:
        steps: What each wrote over, the last step first.
        shape: Of the tensor.
        coordinates: An index for each axis, as large as the tensor and without memory; cut as the tensor is.
    """

    steps: Sequence[_Ranks]
    shape: tuple[int, ...]
    coordinates: tuple[Tensor, ...]

    @classmethod
    def of(cls, tensor: Tensor, written: Sequence[Overwritten]) -> WrittenOver:
        """Of a tensor.

        Args:
            tensor: As it is now.
            written: What was written over, the last step first.
        """
        shape = tuple(tensor.shape)
        axes = [
            torch.arange(size).view([-1 if other == axis else 1 for other in range(len(shape))]).expand(shape)
            for axis, size in enumerate(shape)
        ]
        return cls([_Ranks(one) for one in written], shape, tuple(axes))

    def back_in(self, part: Tensor, coordinates: Sequence[Tensor]) -> Tensor:
        """A part of the tensor as it was.

        Args:
            part: Its entries as they are now.
            coordinates: The same part of `coordinates`.

        Returns:
            A new tensor.
        """
        former = _copied(part.detach().resolve_conj())
        self._put(former, coordinates)
        return former

    def _put(self, former: Tensor, coordinates: Sequence[Tensor]) -> None:
        if former.numel() > PIECE:
            axis = max(range(former.dim()), key=lambda one: former.shape[one])
            rows = max(1, PIECE * former.shape[axis] // former.numel())
            for some, *where in zip(*(one.split(rows, axis) for one in (former, *coordinates)), strict=True):
                self._put(some, where)
            return
        places = np.zeros(former.shape, np.int64)
        for axis, coordinate in enumerate(coordinates):
            places += coordinate.numpy() * math.prod(self.shape[axis + 1 :])
        for step in self.steps:
            step.put(former, places.reshape(-1))
