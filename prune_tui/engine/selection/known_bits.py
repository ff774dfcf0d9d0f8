"""A mask that is there as bits."""

from __future__ import annotations

import torch
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.selection.planned_masks import Cut, Made, PlannedMask
from prune_tui.step_settings import Bits


class KnownBits(PlannedMask):
    """A mask that is there as bits.

    Args:
        kept: The bits.
        dtype: What the mask has as a tensor.
    """

    def __init__(self, kept: Bits, dtype: torch.dtype) -> None:
        self._kept = kept
        self._dtype = dtype

    def effect(self) -> None:
        """Has to be counted."""

    def made(self, original: Tensor | None = None) -> Made:
        """As a tensor."""
        return Made(bits.unpack(self._kept).to(self._dtype))

    def packed(self) -> Bits:
        """Itself."""
        return self._kept

    def alive(self) -> Tensor:
        """As bool."""
        return bits.unpack(self._kept)

    def shown(self, cut: Cut) -> Tensor:
        """A part of it."""
        return cut(self.alive())
