"""The pruning of a module at one time: names and their order, hooks with their ids, methods, bit-packed masks.

A step remembers it of each module it touches; values are apart (`overwritten`), since only `remove` and a repair
write over them. Strides are kept: torch sums in the order of the memory, and a norm's last bit follows it.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod, CustomFromMask, PruningContainer

from prune_tui.engine import bits, pruned
from prune_tui.engine.commit import refill
from prune_tui.engine.modules import is_stale
from prune_tui.engine.named import packs
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.put_away import take_back
from prune_tui.engine.refusals import refusals
from prune_tui.engine.strides import is_dense
from prune_tui.step_settings import Bits


@dataclasses.dataclass(frozen=True)
class Mask:
    """A mask buffer: one bit an entry, or as it is where it holds other values than 0 and 1.

    Attributes:
        kept: Its entries.
        strides: Its strides.
        dtype: Its dtype.
        of: dtype of the parameter behind it: as long as that stays, the mask's does.
        persistent: It is saved in the state_dict.
    """

    kept: Bits | Tensor
    strides: tuple[int, ...]
    dtype: torch.dtype
    of: torch.dtype
    persistent: bool

    @classmethod
    def found(cls, module: nn.Module, name: str) -> Mask | None:
        """The mask of a tensor as it is now; None where it is not pruned."""
        mask, parameter = pruned.mask(module, name), pruned.parameter_of(module, name)
        if mask is None or parameter is None:
            return None
        packed = bits.packed(mask) if is_dense(mask) else None
        kept = mask if packed is None else packed
        persistent = f"{name}_mask" not in module._non_persistent_buffers_set
        return cls(kept, mask.stride(), mask.dtype, parameter.dtype, persistent)

    def buffer(self, module: nn.Module, parameter: nn.Parameter) -> Tensor:
        """The buffer again, where its parameter is now; `half()` would have converted it, too."""
        dtype = self.dtype if parameter.dtype == self.of else parameter.dtype
        if isinstance(self.kept, Bits):
            shape, device = self.kept.shape, parameter.device
            if packs(module, parameter) and self.strides == torch.empty(shape, device="meta").stride():
                return PackedMask(self.kept, dtype)
            buffer = torch.empty_strided(shape, self.strides, dtype=dtype, device=device)
            return buffer.copy_(bits.unpack(self.kept, device))
        return self.kept.to(device=parameter.device, dtype=dtype)

    def alive(self) -> Tensor:
        """Which entries it keeps, as bool."""
        return bits.unpack(self.kept) if isinstance(self.kept, Bits) else bits.alive(self.kept)

    def bits(self) -> Bits:
        """The same, packed."""
        return self.kept if isinstance(self.kept, Bits) else bits.kept_by(self.kept)


@dataclasses.dataclass(frozen=True)
class ModuleMoment:
    """The pruning of some tensors of one module at one time; whatever else the module holds stays as it is.

    Attributes:
        module: The module.
        masks: The tensors by name, each with its mask; None where it is not pruned.
        sharing: The methods whose mask is the buffer itself, each with the tensor's name.
        computed: The attributes that pruning leaves behind, in order, and whether autograd knows them.
        attributes: Those of them that do not follow from original and mask, as they are, `_MISSING` where there is
            none; None where an edit does not need them, since telling costs a walk over the tensor.
    """

    module: nn.Module
    masks: dict[str, Mask | None]
    parameters: tuple[tuple[str, nn.Parameter | None], ...]
    buffers: tuple[str, ...]
    hooks: tuple[tuple[int, Callable[..., Any]], ...]
    methods: tuple[tuple[PruningContainer, tuple[BasePruningMethod, ...]], ...]
    sharing: tuple[tuple[str, CustomFromMask], ...]
    computed: dict[str, bool]
    attributes: dict[str, object] | None = None

    @classmethod
    def of(cls, module: nn.Module, names: Sequence[str], *, verbatim: bool = False) -> ModuleMoment:
        """Some tensors of a module as they are now, attributes that do not follow included where `verbatim`."""
        odd = [name for name in names if not _follows(module, name)] if verbatim else []
        return cls(
            module,
            {name: Mask.found(module, name) for name in names},
            tuple(module._parameters.items()),
            tuple(module._buffers),
            tuple(module._forward_pre_hooks.items()),
            _methods(module),
            tuple(pruned.sharing_buffers(module, names)),
            {
                name: isinstance(value, Tensor) and value.requires_grad
                for name, value in module.__dict__.items()
                if name in odd or (isinstance(value, Tensor) and pruned.is_pruned(module, name))
            },
            {name: module.__dict__.get(name, _MISSING) for name in odd} if verbatim else None,
        )

    def now(self) -> ModuleMoment:
        """The same tensors of the same module as they are now."""
        return self.of(self.module, tuple(self.masks), verbatim=self.attributes is not None)

    def from_masks(self) -> list[CustomFromMask]:
        """The methods in its hooks that hold a mask of their own."""
        contained = [method for _, methods in self.methods for method in methods]
        alone = [hook for _, hook in self.hooks if not isinstance(hook, PruningContainer)]
        return pruned.from_masks([*contained, *alone])

    def restore(self) -> None:
        """Put names, order, hooks and masks back, in place; the computed attributes follow from them."""
        module = self.module
        standing = dict(module._buffers)
        for name, mask in self.masks.items():
            parameter = dict(self.parameters).get(f"{name}_orig")
            if mask is not None and parameter is not None:
                standing[f"{name}_mask"] = mask.buffer(module, parameter)
                change = module._non_persistent_buffers_set
                (change.discard if mask.persistent else change.add)(f"{name}_mask")
            else:
                module.__dict__.pop(name, None)
                if f"{name}_mask" not in self.buffers:  # an orphaned one stays as it is
                    module._non_persistent_buffers_set.discard(f"{name}_mask")
        refill(module._parameters, dict(self.parameters))
        refill(module._buffers, {name: standing[name] for name in self.buffers})
        refill(module._forward_pre_hooks, dict(self.hooks))
        for container, methods in self.methods:
            container._pruning_methods = methods
        take_back(self.from_masks())
        for name, method in self.sharing:
            method.mask = module._buffers[f"{name}_mask"]
        self._compute()

    def _compute(self) -> None:
        module = self.module
        kept = self.attributes or {}
        for name, value in kept.items():
            module.__dict__.pop(name, None)
            if value is not _MISSING:
                module.__dict__[name] = value
        for name, for_autograd in self.computed.items():
            found = pruned.pruning_hook(module, name)
            if name in self.masks and name not in kept and found is not None:
                with torch.set_grad_enabled(for_autograd), refusals(name):
                    pruned.leave_computed(module, name, functools.partial(found[1].apply_mask, module))
        if [name for name in module.__dict__ if name in self.computed] != list(self.computed):
            for name in [name for name in self.computed if name in module.__dict__]:
                module.__dict__[name] = module.__dict__.pop(name)
        if isinstance(module, nn.RNNBase):  # has its weights in a second list
            module._flat_weights[:] = [getattr(module, name, None) for name in module._flat_weights_names]


_MISSING = object()
"""Stands for an attribute that is not there."""


def _follows(module: nn.Module, name: str) -> bool:
    """Whether the attribute of a tensor is what its hook computes, so that it need not be kept."""
    values, mask = pruned.original(module, name), pruned.mask(module, name)
    return values is not None and mask is not None and not is_stale(module.__dict__.get(name), values, mask)


def _methods(module: nn.Module) -> tuple[tuple[PruningContainer, tuple[BasePruningMethod, ...]], ...]:
    hooks = module._forward_pre_hooks.values()
    return tuple((hook, hook._pruning_methods) for hook in hooks if isinstance(hook, PruningContainer))


@dataclasses.dataclass(frozen=True, eq=False)
class Standing:
    """What of some modules must still be so for a neighbouring moment to be restored without losing others' work.

    It holds the objects themselves: a mere address may be taken by another object meanwhile.
    """

    names: tuple[object, ...]
    objects: tuple[object, ...]

    @classmethod
    def of(cls, modules: Iterable[nn.Module]) -> Standing:
        """As these modules stand now."""
        names: list[object] = []
        objects: list[object] = []
        for module in modules:
            methods = _methods(module)
            names += [tuple(module._parameters), tuple(module._buffers), tuple(module._forward_pre_hooks)]
            names += [len(held) for _, held in methods]
            objects += [*module._parameters.values(), *module._forward_pre_hooks.values()]
            objects += [method for _, held in methods for method in held]
        return cls(tuple(names), tuple(objects))

    def same_as(self, other: Standing) -> bool:
        """Whether all names, ids and objects are the same ones in the same order."""
        return self.names == other.names and all(map(operator.is_, self.objects, other.objects))
