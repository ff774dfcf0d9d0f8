"""Scores of entries, and the smallest of them: what the methods beyond torch's own rank by.

NaN ranks above all numbers, so that it never goes before one; among equal scores the first by index go, the same
on every device.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui.engine.reading import as_numbers, comparable
from prune_tui.engine.targets import Seen


def magnitudes(values: Tensor) -> Tensor:
    """|w| in a type that compares on every device: float32 for narrower floats, float64 for what is no float.

    Args:
        values: Any shape and dtype.

    Returns:
        A new tensor of the same shape.
    """
    if values.is_floating_point():
        return comparable(values if values.dtype is torch.float64 else values.to(torch.float32)).abs()
    return as_numbers(values).abs()


def alive(target: Seen) -> Tensor:
    """Which entries are ranked: those whose mask is 1, as torch counts them when it prunes again.

    Returns:
        A bool tensor of the target's shape.
    """
    if target.mask is None:
        return torch.ones_like(target.original, dtype=torch.bool)
    return comparable(target.mask) == 1


def keeping(target: Seen, kept: Tensor) -> tuple[prune.BasePruningMethod, Tensor]:
    """The method object and the mask that keep some entries of a target, as torch's `custom_from_mask` makes them.

    Args:
        target: The target.
        kept: bool, of its shape; what is masked already stays masked whatever it says.
    """
    method = prune.CustomFromMask(kept)
    method._tensor_name = target.name
    if target.mask is None:
        before = torch.ones_like(target.original)
    else:
        before = target.mask.detach().clone(memory_format=torch.contiguous_format).to(target.original.dtype)
    return method, method.compute_mask(target.original, default_mask=before)
