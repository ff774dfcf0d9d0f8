"""Whether a tensor can be made again from its shape and its strides."""

from __future__ import annotations

import torch
from torch import Tensor


def is_dense(tensor: Tensor) -> bool:
    """Whether its entries fill their memory, each at a place of its own: it can be made again from its strides."""
    return torch.empty_like(tensor, device="meta").stride() == tensor.stride()
