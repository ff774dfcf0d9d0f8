"""Whether a model is the one it was: its parameters' names, shapes, dtypes and a sample of their values."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from prune_tui.engine import bits, pruned
from prune_tui.engine.reading import dtype_name, shape_of, why_no_values
from prune_tui.engine.walking import named_modules_of

SAMPLE = 4096
"""Entries of each tensor that are looked at, evenly spread: training moves all of them."""


def of_model(model: nn.Module) -> str:
    """A digest that is another one as soon as the model was trained, retyped, renamed or pruned otherwise.

    It reads at most `SAMPLE` entries of each parameter and each mask, so it takes milliseconds at any size; a
    change of other entries alone is not seen. The device does not matter, nor do buffers other than masks: a
    BatchNorm's statistics move with every forward and change nothing of what pruning does.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            parameter, mask = pruned.parameter_of(module, name), pruned.mask(module, name)
            for kind, tensor in (("values", parameter), ("mask", mask)):
                if tensor is not None:
                    shape = "x".join(map(str, shape_of(tensor)))
                    digest.update(f"{path} {name} {kind} {shape} {dtype_name(tensor)}\n".encode())
                    digest.update(_sample(tensor))
    return digest.hexdigest()


def _sample(tensor: Tensor) -> bytes:
    """The bits of some entries, in the order of their indices."""
    if why_no_values(tensor) or not tensor.numel():
        return b""
    with torch.inference_mode(False), torch.no_grad():
        step = -(-tensor.numel() // SAMPLE)
        places = torch.arange(0, tensor.numel(), step, device=tensor.device)
        if tensor.is_contiguous():
            entries = tensor.detach().view(-1)[places]
        else:  # by index, for whatever strides: nothing as large as the tensor is copied
            entries = tensor.detach()[torch.unravel_index(places, tensor.shape)]
        return bits.integers(entries).cpu().contiguous().numpy().tobytes()
