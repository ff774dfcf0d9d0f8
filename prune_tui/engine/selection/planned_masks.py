"""What a plan knows of the mask a tensor would get: enough to count, to draw a part of it, and to make it."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.views import Effect

Cut = Callable[[Tensor], Tensor]
"""Takes a part out of a tensor of the target's shape, and brings it to the CPU."""


class Made(NamedTuple):
    """A mask that was made.

    Attributes:
        mask: In the dtype torch gives it.
        product: `orig × mask`, where it was computed in the same pass.
    """

    mask: Tensor
    product: Tensor | None = None


class PlannedMask(abc.ABC):
    """A mask that a step would give to one tensor. It may not exist as a tensor yet."""

    @abc.abstractmethod
    def effect(self) -> Effect | None:
        """The counts, where it knows them without being made; None where they have to be counted."""

    @abc.abstractmethod
    def made(self, original: Tensor | None = None) -> Made:
        """The mask as a tensor.

        Args:
            original: The parameter without mask, where `orig × mask` is wanted, too.

        Raises:
            StepError: The values changed since it was planned.
        """

    def packed(self) -> Tensor:
        """The mask at one bit an entry; as it is where it holds other values than 0 and 1.

        Raises:
            StepError: The values changed since it was planned.
        """
        mask = self.made().mask
        kept = bits.packed(mask) if mask.is_contiguous() else None
        return mask if kept is None else PackedMask(kept, mask.dtype)

    def lasting(self) -> PlannedMask:
        """The same, which holds nothing as large as the tensor beside its values."""
        return Whole(self.packed())

    def alive(self) -> Tensor:
        """Which entries stay, as bool."""
        return bits.alive(self.made().mask)

    @abc.abstractmethod
    def shown(self, cut: Cut) -> Tensor:
        """A part of it: 0 where entries go, anything else where they stay."""


class Whole(PlannedMask):
    """A mask that is there as a tensor.

    Args:
        mask: In the dtype torch gives it.
    """

    def __init__(self, mask: Tensor) -> None:
        self._mask = mask

    def effect(self) -> Effect | None:
        """Has to be counted."""
        return None

    def made(self, original: Tensor | None = None) -> Made:
        """Itself."""
        return Made(self._mask)

    def shown(self, cut: Cut) -> Tensor:
        """A part of itself."""
        return cut(self._mask)
