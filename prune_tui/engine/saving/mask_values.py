"""A mask and the values under it, as files have them.

What is made here is as large as the values at most, beside one byte an entry for which of them stay.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.reading import comparable, masked_entries, pieces, pieces_in_order


def same(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two masks keep the same entries; None keeps all, and is no mask."""
    if one is None or other is None or one is other:
        return one is other
    return bits.is_binary(one) and bits.is_binary(other) and bits.kept_by(one) == bits.kept_by(other)


def kept_count(mask: Tensor) -> int:
    """How many entries it keeps."""
    return mask.numel() - masked_entries(mask)


def packed(mask: Tensor) -> Tensor:
    """A mask as bytes, the first entry in the highest bit."""
    return torch.from_numpy(np.frombuffer(bits.kept_by(mask).data, dtype=np.uint8).copy())


def is_zero_under(original: Tensor, mask: Tensor) -> bool:
    """Whether `orig × mask` is 0 wherever the mask is: 0 × Inf and 0 × NaN are NaN."""
    if not (original.is_floating_point() or original.is_complex()):
        return True
    # An Inf or a NaN makes the sum no number; so does a sum too large for its dtype, which the second look clears.
    if all(bool(torch.isfinite(comparable(values).sum())) for (values,) in pieces(original)):
        return True
    return all(
        bool((bits.alive(some) | torch.isfinite(comparable(values))).all())
        for values, some in pieces(original, mask)
    )


def kept_values(original: Tensor, mask: Tensor) -> Tensor:
    """The values that stay, one after the other."""
    kept = torch.empty(kept_count(mask), dtype=original.dtype)
    filled = 0
    for values, mine in pieces_in_order(original, mask):
        some = bits.integers(values)[bits.alive(mine)]  # as integers: torch gathers no float8
        bits.integers(kept)[filled : filled + len(some)] = some.cpu()
        filled += len(some)
    return kept
