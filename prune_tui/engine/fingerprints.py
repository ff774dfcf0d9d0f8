"""Whether a model is the one it was: its parameters' names, shapes, dtypes and a sample of their values."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from prune_tui.engine import bits, pruned
from prune_tui.engine.reading import dtype_name, shape_of, why_no_values
from prune_tui.engine.walking import named_modules_of

RUNS, RUN = 8, 512
"""So many runs of so many entries are looked at in each tensor, evenly spread: training moves all of them. In a
tensor that is mapped from a file a run is a page or two."""


def of_model(model: nn.Module) -> str:
    """A digest that is another one as soon as the model was trained, retyped, renamed or pruned otherwise.

    It reads at most 4,096 entries of each parameter and each mask, so their size does not matter; a
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
        held, count = tensor.detach(), tensor.numel()
        if count <= RUNS * RUN:
            entries = held.reshape(-1)
        elif held.is_contiguous():
            entries = held.as_strided((RUNS, RUN), ((count - RUN) // (RUNS - 1), 1), held.storage_offset())
        else:  # by index, for whatever strides: nothing as large as the tensor is copied
            places = torch.arange(RUNS, device=held.device)[:, None] * ((count - RUN) // (RUNS - 1))
            places = places + torch.arange(RUN, device=held.device)
            entries = held[torch.unravel_index(places, held.shape)]
        return bits.integers(entries.contiguous()).cpu().numpy().tobytes()
