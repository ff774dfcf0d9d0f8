"""Masks at one bit an entry: how the history and the steps keep them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.cancelling import never
from prune_tui.engine.packed_masks import PackedMask, bits_of
from prune_tui.engine.reading import comparable
from prune_tui.engine.selection import cores
from prune_tui.engine.selection.magnitudes import KINDS, words
from prune_tui.step_settings import Bits

_INTEGER_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def alive(mask: Tensor) -> Tensor:
    """Which entries a mask keeps.

    Args:
        mask: Any dtype, any shape; float8 included, which torch cannot compare.

    Returns:
        A bool tensor of the same shape.
    """
    # Beside a number, torch would compare a copy of flags in int64.
    return mask.ne(False) if mask.dtype is torch.bool else comparable(mask) != 0


def integers(tensor: Tensor) -> Tensor:
    """The same memory seen as integers, so that NaN payloads and -0.0 are moved bit by bit.

    A complex tensor is seen as pairs: it gets a last dimension of two.
    """
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    return tensor.view(_INTEGER_OF_SIZE[tensor.dtype.itemsize])


def pack(kept: Tensor) -> Bits:
    """Pack a mask.

    Args:
        kept: bool, any shape and device.
    """
    flat = kept.detach().to(device="cpu", dtype=torch.bool).contiguous().view(-1).numpy()
    return Bits(tuple(kept.shape), np.packbits(flat).tobytes())


def kept_by(mask: Tensor) -> Bits:
    """Which entries a mask keeps, packed. It may be of any dtype, and hold other values than 0 and 1."""
    return bits_of(mask) or pack(alive(mask))


def packed(mask: Tensor) -> Bits | None:
    """Pack a mask in one pass, without a copy of it.

    Args:
        mask: Any dtype and device.

    Returns:
        Its bits; None where unpacking would not give back the very same ones: other values than 0 and 1, or -0.0.
    """
    known = bits_of(mask)
    if known is not None:
        return known
    quick = mask.dtype in KINDS and mask.device.type == "cpu" and mask.is_contiguous()
    if not quick or type(mask.detach()) is not Tensor:
        return pack(alive(mask)) if survives(mask) else None
    row, one = words(mask), KINDS[mask.dtype].one
    data = np.empty(-(-row.size // 8), np.uint8)

    def job(piece: slice) -> bool:
        kept = np.not_equal(row[piece], 0, out=cores.scratch(np.bool_, piece.stop - piece.start))
        # A piece is a multiple of eight entries, so that each begins with a byte of its own.
        data[piece.start // 8 : -(-piece.stop // 8)] = np.packbits(kept)
        ones = np.equal(row[piece], one, out=cores.scratch(np.bool_, kept.size, 1))
        return int(np.count_nonzero(ones)) == int(np.count_nonzero(kept))

    binary = all(cores.spread(job, list(cores.slices(row.size)), never))
    return Bits(tuple(mask.shape), data.tobytes()) if binary else None


def unpack(bits: Bits, device: torch.device | str = "cpu") -> Tensor:
    """The bool tensor that `pack` was given, on a device."""
    packed = np.frombuffer(bits.data, dtype=np.uint8)
    flat = np.unpackbits(packed, count=math.prod(bits.shape)).view(np.bool_)
    return torch.from_numpy(flat).reshape(bits.shape).to(device)


def is_binary(mask: Tensor) -> bool:
    """Whether a mask holds zeros and ones only. torch counts only `== 1` as alive when it prunes again."""
    if mask.dtype is torch.bool or isinstance(mask, PackedMask):
        return True
    wide = comparable(mask)
    return bool(((wide == 0) | (wide == 1)).all())


def survives(mask: Tensor) -> bool:
    """Whether packing and unpacking gives back the very same bits: zeros and ones only, and no -0.0."""
    one = integers(torch.ones((), dtype=mask.dtype, device=mask.device))
    held = integers(mask)
    same = (held == 0, held == one)
    if mask.is_complex():  # pairs
        same = (same[0].all(dim=-1), same[1].all(dim=-1))
    return bool((same[0] | same[1]).all())


def put(tensor: Tensor, where: Tensor, entries: Tensor) -> None:
    """Write entries into a tensor, in place and bit by bit where both have one dtype.

    Args:
        tensor: What is written to.
        where: bool, of its shape.
        entries: 1-D, one for each True of `where`; of another dtype or device when the model was moved meanwhile.
    """
    integers(tensor)[where] = integers(entries.to(device=tensor.device, dtype=tensor.dtype))
