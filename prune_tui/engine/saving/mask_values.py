"""A mask and the values under it, as files have them. The mask may be a tensor, or bits.

What is made here is as large as the values at most, beside one byte an entry for which of them stay.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine import bits, pruned
from prune_tui.engine.reading import comparable, masked_entries, pieces, pieces_in_order
from prune_tui.engine.selection import living
from prune_tui.step_settings import Bits

Mask = Tensor | Bits
"""What masks a tensor: torch's buffer, or one bit an entry."""


def is_binary(mask: Mask) -> bool:
    """Whether it holds zeros and ones only, so that bits say all of it."""
    return isinstance(mask, Bits) or bits.is_binary(mask)


def same(one: Mask | None, other: Mask | None) -> bool:
    """Whether two masks keep the same entries; None keeps all, and is no mask."""
    if one is None or other is None or one is other:
        return one is other
    return is_binary(one) and is_binary(other) and _bits(one) == _bits(other)


def kept_count(mask: Mask) -> int:
    """How many entries it keeps."""
    if isinstance(mask, Bits):
        return living.count(mask)
    return mask.numel() - masked_entries(mask)


def spelled_out(mask: Bits, dtype: torch.dtype) -> Tensor:
    """A mask as torch has it."""
    return bits.unpack(mask).to(dtype)


def packed(mask: Mask) -> Tensor:
    """A mask as bytes, the first entry in the highest bit."""
    return torch.from_numpy(np.frombuffer(_bits(mask).data, dtype=np.uint8).copy())


def under(original: Tensor, mask: Mask) -> Tensor:
    """`orig × mask`, bit by bit as torch multiplies."""
    if isinstance(mask, Tensor):
        return pruned.applied(original, mask)
    product = torch.empty(original.shape, dtype=original.dtype)
    for values, stays, out in pieces_in_order(original, bits.unpack(mask), product):
        out.copy_(stays.to(values.dtype) * values)
    return product


def is_zero_under(original: Tensor, mask: Mask) -> bool:
    """Whether `orig × mask` is 0 wherever the mask is: 0 × Inf and 0 × NaN are NaN."""
    if not (original.is_floating_point() or original.is_complex()):
        return True
    # An Inf or a NaN makes the sum no number; so does a sum too large for its dtype, which the second look clears.
    if all(bool(torch.isfinite(comparable(values).sum())) for (values,) in pieces(original)):
        return True
    return all(
        bool((stays | torch.isfinite(comparable(values))).all())
        for values, stays in pieces(original, _alive(mask, original.device))
    )


def kept_values(original: Tensor, mask: Mask) -> Tensor:
    """The values that stay, one after the other."""
    alive = _alive(mask, original.device)
    kept = torch.empty(kept_count(mask), dtype=original.dtype)
    filled = 0
    for values, stays in pieces_in_order(original, alive):
        some = bits.integers(values)[stays]  # as integers: torch gathers no float8
        bits.integers(kept)[filled : filled + len(some)] = some.cpu()
        filled += len(some)
    return kept


def _alive(mask: Mask, device: torch.device) -> Tensor:
    return bits.unpack(mask, device) if isinstance(mask, Bits) else bits.alive(mask)


def _bits(mask: Mask) -> Bits:
    return mask if isinstance(mask, Bits) else bits.pack(bits.alive(mask))
