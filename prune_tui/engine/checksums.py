"""One digest of masks: equal exactly when the masks are, whatever their dtype, device or strides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from torch import Tensor, nn

from prune_tui.engine import bits, pruned
from prune_tui.engine.walking import named_modules_of
from prune_tui.step_settings import Bits


def of(masks: Mapping[str, Bits]) -> str:
    """The digest of masks by dotted name.

    SHA-256 over, for each name in sorted order, the line `name 6x1x3x3` and the mask's bits as `numpy.packbits`
    makes them: what an exported script computes with torch and the standard library alone.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in sorted(masks):
        digest.update(f"{path} {'x'.join(map(str, masks[path].shape))}\n".encode())
        digest.update(masks[path].data)
    return digest.hexdigest()


def packed(masks: Mapping[str, Tensor]) -> dict[str, Bits]:
    """Masks of any dtype and device as bits."""
    return {path: bits.kept_by(mask) for path, mask in masks.items()}


def of_model(model: nn.Module) -> str:
    """The digest of every mask that is attached in a model, each module by its first name."""
    masks = {}
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            mask = pruned.mask(module, name)
            if mask is not None:
                masks[f"{path}.{name}" if path else name] = mask
    return of(packed(masks))
