"""A target whose mask is kept at one bit an entry, and made a tensor for as long as somebody looks at it."""

from __future__ import annotations

from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.saving import mask_values
from prune_tui.engine.targets import Seen, Target
from prune_tui.step_settings import Bits


class PackedSeen(Seen):
    """As `Seen`, with bits for a mask: each look at the mask unpacks it, and nothing keeps it."""

    __slots__ = ()

    @classmethod
    def packed(cls, target: Target, kept: Bits) -> PackedSeen:
        """A target now, under these bits."""
        return cls(target.path, target.name, target.parameter.detach(), kept)  # type: ignore[arg-type]

    @property
    def mask(self) -> Tensor | None:
        """The mask in the dtype of the values."""
        kept = self.before
        return bits.unpack(kept).to(self.original.dtype) if isinstance(kept, Bits) else kept

    @property
    def alive(self) -> Tensor | None:
        """The mask as bool."""
        kept = self.before
        return bits.unpack(kept) if isinstance(kept, Bits) else super().alive

    @property
    def values(self) -> Tensor:
        """Effective values, made without the mask as a tensor."""
        kept = self.before
        return mask_values.under(self.original, kept) if isinstance(kept, Bits) else super().values

    @property
    def before(self) -> Tensor | Bits | None:
        """The bits; a tensor where a part was cut out."""
        return self[3]
