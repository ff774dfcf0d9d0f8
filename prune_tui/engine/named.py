"""Modules that are known by the names of their tensors alone, since a checkpoint does not tell their classes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from prune_tui.engine.packed_masks import PackedMask


class Named(nn.Module):
    """A place in the tree of names; its class is not known, so it has no forward.

    What a pruned tensor comes to is worked out each time that somebody asks for it, and kept nowhere: nothing of a
    checkpoint is held that the files hold already, and its masks may be `PackedMask`s.

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
        """`weight` of `weight_orig` and `weight_mask` as torch's hook computes it, if no module has its name."""
        original, mask = _pair(self, name)
        if original is None or mask is None:
            return super().__getattr__(name)
        with torch.inference_mode(False):
            return mask.to(dtype=original.dtype) * original

    def __delattr__(self, name: str) -> None:
        """What torch's `remove` deletes: what it has found by that name, of which there is nothing to delete."""
        if name in self.__dict__ or None in _pair(self, name):
            super().__delattr__(name)

    def _load_from_state_dict(self, *given: Any, **named: Any) -> None:
        """Into an ordinary tensor in the place of each packed mask; packed again where it holds a mask still."""
        packed = {name: mask for name, mask in self._buffers.items() if isinstance(mask, PackedMask)}
        stands_in = {name: mask.spelled_out() for name, mask in packed.items()}
        self._buffers.update(stands_in)
        try:
            super()._load_from_state_dict(*given, **named)
        finally:
            for name, tensor in stands_in.items():
                if self._buffers[name] is tensor:  # `assign=True` puts another one there
                    self._buffers[name] = _packed_again(packed[name], tensor)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """What a person takes out of the model is of torch alone; only who asks for the very buffers gets them."""
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, mask in () if keep_vars else self._buffers.items():
            if isinstance(mask, PackedMask) and f"{prefix}{name}" in destination:
                destination[f"{prefix}{name}"] = mask.spelled_out()


def _pair(module: Named, name: str) -> tuple[Tensor | None, Tensor | None]:
    own = module.__dict__  # what torch's __init__ has not made yet would be asked for again and again
    if name in own.get("_modules", ()):
        return None, None
    return own.get("_parameters", {}).get(f"{name}_orig"), own.get("_buffers", {}).get(f"{name}_mask")


def _packed_again(mask: PackedMask, tensor: Tensor) -> Tensor:
    """A tensor packed where it holds zeros and ones; the very mask it was where it holds the same."""
    from prune_tui.engine import bits  # noqa: PLC0415 - it asks this module what computes

    found = bits.packed(tensor)
    if found is None:
        return tensor
    return mask if mask.whole and found == mask.bits else PackedMask(found, tensor.dtype)


_without_forward: weakref.WeakSet[nn.Module] = weakref.WeakSet()


def never_called(modules: Iterable[nn.Module]) -> None:
    """Say of modules with code that nobody calls their forward: what pruning computes is not kept there."""
    _without_forward.update(modules)


def computes(module: nn.Module) -> bool:
    """Whether what pruning computes is worked out when it is asked for, since no forward reads it."""
    return isinstance(module, Named) or module in _without_forward


def can_be_packed(parameter: Tensor) -> bool:
    """Whether masks of a parameter can be kept at one bit an entry.

    Those of strided ones are strided as torch made them, and those on another device are read there.
    """
    return parameter.device.type == "cpu" and parameter.is_contiguous()


def packs(module: nn.Module, parameter: Tensor) -> bool:
    """Whether the masks of a parameter are kept at one bit an entry."""
    return computes(module) and can_be_packed(parameter)


def called(module: Named, label: str) -> None:
    """Say what stands for a module's class where classes are told: the file's name for the whole, else nothing."""
    object.__setattr__(module, "_prune_tui_label", label)


def class_name(module: nn.Module) -> str:
    """What stands for a module's class where classes are told."""
    return module._prune_tui_label if isinstance(module, Named) else type(module).__name__
