"""Which entries of a tensor are ranked: those that a mask before keeps, read from the mask or from its bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine.selection.magnitudes import Kind, Words, words
from prune_tui.step_settings import Bits

Before = Tensor | Bits
"""A mask of zeros and ones: a tensor in the dtype of its values, or one bit an entry on the CPU."""

_ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def count(kept: Bits) -> int:
    """How many entries a mask keeps."""
    return int(_ONES[np.frombuffer(kept.data, np.uint8)].sum(dtype=np.int64))


def patterns(before: Before, kind: Kind, piece: slice) -> Words:
    """A piece of a mask on the CPU as torch has it in memory: 0, or the pattern of 1."""
    if isinstance(before, Tensor):
        found: Words = words(before)[piece]
        return found
    found = _unpacked(before, piece).astype(kind.signed)
    found *= kind.signed(kind.one)
    return found


def _unpacked(kept: Bits, piece: slice) -> npt.NDArray[np.uint8]:
    first, last = piece.start // 8, -(-piece.stop // 8)
    some = np.unpackbits(np.frombuffer(kept.data, np.uint8, last - first, first))
    return some[piece.start - 8 * first : piece.stop - 8 * first]


def at(before: Before, positions: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether the entries at some positions are kept; of bits, or of a tensor on the CPU."""
    if isinstance(before, Tensor):
        return np.asarray(words(before).take(positions) != 0)
    data = np.frombuffer(before.data, np.uint8)
    kept: npt.NDArray[np.bool_] = ((data[positions >> 3] >> (7 - (positions & 7)).astype(np.uint8)) & 1) == 1
    return kept


def flags(before: Before) -> Tensor:
    """All of a mask as bool, 1-D."""
    if isinstance(before, Tensor):
        return before.view(-1) == 1
    size = torch.Size(before.shape).numel()
    return torch.from_numpy(np.unpackbits(np.frombuffer(before.data, np.uint8), count=size).view(np.bool_))
