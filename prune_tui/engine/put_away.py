"""The masks of methods that have left the model: at one bit an entry, until the methods come back.

torch reads `CustomFromMask.mask` once, when the method is applied; the objects stay in the history all the same.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import CustomFromMask

from prune_tui.engine import bits, pruned
from prune_tui.engine.packed_masks import bits_of
from prune_tui.engine.strides import is_dense
from prune_tui.step_settings import Bits


class _Away(NamedTuple):
    packed: Bits
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


_away: weakref.WeakKeyDictionary[CustomFromMask, _Away] = weakref.WeakKeyDictionary()


def put_away(module: nn.Module, methods: Iterable[CustomFromMask]) -> None:
    """Pack the masks of those methods that no hook of the module holds any more."""
    hooked = {id(method) for _, _, hook in pruned.pruning_hooks(module) for method in pruned.methods_of(hook)}
    for method in methods:
        mask = method.mask
        if id(method) in hooked or not isinstance(mask, Tensor) or bits_of(mask) or not is_dense(mask):
            continue
        packed = bits.packed(mask)
        if packed is not None:
            _away[method] = _Away(packed, mask.stride(), mask.dtype, mask.device)
            method.mask = None


def take_back(methods: Iterable[CustomFromMask]) -> None:
    """Give methods that come back to the model their masks again."""
    for method in methods:
        away = _away.pop(method, None)
        if away is not None and method.mask is None:
            shape, dtype, device = away.packed.shape, away.dtype, away.device
            mask = torch.empty_strided(shape, away.strides, dtype=dtype, device=device)
            method.mask = mask.copy_(bits.unpack(away.packed, device))
