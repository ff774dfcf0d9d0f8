"""The mask of whole channels of a tensor that was not pruned before: planned as one flag a channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui.engine.cancelling import never
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.selection import cores, hugepages, magnitudes, product
from prune_tui.engine.selection.magnitudes import KINDS
from prune_tui.engine.selection.planned_masks import Cut, Made, PlannedMask
from prune_tui.step_settings import Bits
from prune_tui.views import Effect

_DTYPES = (torch.float32, torch.float64)

_Block = tuple[slice, slice]


def kept_by_norm(values: Tensor, method: prune.LnStructured, count: int) -> Tensor:
    """Which channels stay when those of smallest norm go: torch's own norm and its own choice.

    Args:
        values: Strided as torch would read them: the last bit of a sum follows its order.
        method: Its n and dim.
        count: How many go, at least one.

    Returns:
        bool, one for each channel.
    """
    norm = prune._compute_norm(values, method.n, method.dim)
    kept = torch.zeros(norm.shape, dtype=torch.bool, device=norm.device)
    kept[torch.topk(norm, k=norm.numel() - count, largest=True).indices] = True
    return kept


def kept_at_random(channels: int, count: int) -> Tensor:
    """Which channels stay when `count` go at random, drawn as `RandomStructured` draws; at least one goes.

    Returns:
        bool, one for each channel.
    """
    drawn = torch.rand(channels, device="cpu")  # of the default dtype, as torch's
    kept: Tensor = drawn > torch.kthvalue(drawn, k=count).values
    return kept


class ChannelsMasked(PlannedMask):
    """The mask after whole channels are taken.

    Args:
        path: The tensor's dotted name.
        values: On the CPU, contiguous, of a dtype that `can_be_planned`; not pruned before.
        dim: The axis of the channels.
        kept: bool, one for each channel.
        units_took: How many channels the step asked for.
    """

    def __init__(self, path: str, values: Tensor, dim: int, kept: Tensor, *, units_took: int) -> None:
        self._path = path
        self._values = values
        self._dim = dim % values.dim()
        self._kept = kept.numpy()
        self._units_took = units_took
        shape = values.shape
        self._shape = (shape[: self._dim].numel(), shape[self._dim], shape[self._dim + 1 :].numel())

    def effect(self) -> Effect:
        """The counts."""
        elements, channels = self._values.numel(), self._shape[1]
        took = int(np.count_nonzero(~self._kept)) * self._shape[0] * self._shape[2]
        return Effect(self._path, took, elements, elements, self._units_took, channels, "channels")

    def made(self, original: Tensor | None = None) -> Made:
        """The mask, and in the same pass `orig × mask` where it is the same as torch's."""
        values = self._values
        mask = hugepages.empty_like(values, torch.preserve_format)
        multiplies = original is not None and product.computable(mask, original)
        weight = hugepages.empty_like(mask, torch.preserve_format) if multiplies else None
        kept = self._kept.astype(magnitudes.KINDS[values.dtype].signed) * KINDS[values.dtype].one
        rows = magnitudes.words(mask).reshape(self._shape)
        factors: tuple[npt.NDArray[Any], ...] = ()
        if original is not None and weight is not None:
            factors = tuple(one.detach().view(self._shape).numpy() for one in (mask, original, weight))

        def job(block: _Block) -> None:
            rows[block] = kept[None, block[1], None]
            if factors:
                with np.errstate(all="ignore"):  # 0 × inf is NaN, as torch has it, without a word
                    np.multiply(factors[0][block], factors[1][block], out=factors[2][block])

        cores.spread(job, list(_blocks(self._shape)), never)
        return Made(mask, weight)

    def packed(self) -> Tensor:
        """The mask at one bit an entry, without the mask itself."""
        entries = np.broadcast_to(self._kept[None, :, None], self._shape)
        kept = Bits(tuple(self._values.shape), np.packbits(entries).tobytes())
        return PackedMask(kept, self._values.dtype)

    def lasting(self) -> ChannelsMasked:
        """Itself: it is one flag a channel."""
        return self

    def shown(self, cut: Cut) -> Tensor:
        """A part of it."""
        flags = torch.from_numpy(self._kept).view(
            [-1 if axis == self._dim else 1 for axis in range(self._values.dim())]
        )
        return cut(flags.expand(self._values.shape))


def can_be_planned(values: Tensor, mask: Tensor | None) -> bool:
    """Whether `ChannelsMasked` takes a tensor; others are left to torch."""
    plain = type(values) is Tensor and values.device.type == "cpu" and values.is_contiguous()
    return mask is None and plain and values.dtype in _DTYPES and values.numel() > 0


def _blocks(shape: tuple[int, int, int]) -> Iterator[_Block]:
    """Pieces of (before, channel, behind): whole runs of channels, or single ones where those are large."""
    outer, channels, inner = shape
    if not outer * channels * inner:
        return
    if channels * inner <= cores.PIECE:
        step = cores.PIECE // (channels * inner)
        yield from ((slice(at, min(at + step, outer)), slice(0, channels)) for at in range(0, outer, step))
        return
    step = max(cores.PIECE // inner, 1)
    for row in range(outer):
        for at in range(0, channels, step):
            yield slice(row, row + 1), slice(at, min(at + step, channels))
