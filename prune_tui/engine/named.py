"""Modules that are known by the names of their tensors alone, since a checkpoint does not tell their classes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Named(nn.Module):
    """A place in the tree of names; its class is not known, so it has no forward.

    What a pruned tensor comes to is worked out when somebody asks for it, and then kept where torch keeps it: a
    checkpoint of pruned tensors opens without reading one.

    What stands for its class is kept under a name of ours, and read and set by functions: no checkpoint can have a
    module or a tensor of a name that this class has beside torch's own.
    """

    _prune_tui_label = ""

    def extra_repr(self) -> str:
        """`weight 8×3×3×3, bias 8`."""
        held = [*self._parameters.items(), *self._buffers.items()]
        return ", ".join(
            f"{name} {'×'.join(map(str, tensor.shape)) or 'scalar'}" for name, tensor in held if tensor is not None
        )

    def __getattr__(self, name: str) -> Any:
        """`weight` of `weight_orig` and `weight_mask`, as torch's hook computes it."""
        original, mask = self._parameters.get(f"{name}_orig"), self._buffers.get(f"{name}_mask")
        if original is None or mask is None:
            return super().__getattr__(name)
        with torch.inference_mode(False):
            computed = mask.to(dtype=original.dtype) * original
        object.__setattr__(self, name, computed)
        return computed


def called(module: Named, label: str) -> None:
    """Say what stands for a module's class where classes are told: the file's name for the whole, else nothing."""
    object.__setattr__(module, "_prune_tui_label", label)


def class_name(module: nn.Module) -> str:
    """What stands for a module's class where classes are told."""
    return module._prune_tui_label if isinstance(module, Named) else type(module).__name__
