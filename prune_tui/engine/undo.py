"""What a step has to remember to be taken back: small, and exact in both directions.

A `Moment` holds the pruning of some modules at one time: names and their order, hooks with their ids, container
methods, and masks at one bit an entry. `exchange` restores it and returns the moment it replaced, so that one
record an edit serves undo and redo alike. Only `remove` overwrites values; those entries are kept, bit by bit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod, PruningContainer

from prune_tui.engine import bits, pruned
from prune_tui.engine.methods import Part
from prune_tui.steps import Bits, StepError


@dataclasses.dataclass(frozen=True)
class _PackedMask:
    """A mask buffer at one bit an entry."""

    packed: Bits
    dtype: torch.dtype

    def unpack(self, like: Tensor) -> Tensor:
        """The buffer again, where its parameter is now."""
        # `.half()` or `.to()` since then converted the buffers that stood; this one must follow.
        dtype = self.dtype if not self.dtype.is_floating_point else like.dtype
        return bits.unpack(self.packed, like.device).to(dtype)


@dataclasses.dataclass(frozen=True)
class _ModuleMoment:
    """The pruning of one module at one time."""

    module: nn.Module
    parameters: tuple[tuple[str, nn.Parameter | None], ...]
    buffers: tuple[tuple[str, Tensor | _PackedMask | None], ...]
    hooks: tuple[tuple[int, Callable[..., Any]], ...]
    methods: tuple[tuple[PruningContainer, tuple[BasePruningMethod, ...]], ...]

    @classmethod
    def of(cls, module: nn.Module) -> _ModuleMoment:
        masks = {f"{name}_mask" for _, name, _ in pruned.pruning_hooks(module)}
        return cls(
            module,
            tuple(module._parameters.items()),
            tuple(
                (name, _packed(buffer) if name in masks else buffer) for name, buffer in module._buffers.items()
            ),
            tuple(module._forward_pre_hooks.items()),
            tuple(
                (hook, hook._pruning_methods)
                for _, _, hook in pruned.pruning_hooks(module)
                if isinstance(hook, PruningContainer)
            ),
        )

    def shape(self) -> object:
        """What must still hold for this moment's neighbour to be restored without losing a stranger's work."""
        return (
            [(name, id(parameter)) for name, parameter in self.parameters],
            [name for name, _ in self.buffers],
            [(identifier, id(hook)) for identifier, hook in self.hooks],
            [(id(container), tuple(map(id, methods))) for container, methods in self.methods],
        )

    def restore(self) -> None:
        """Put names, order, hooks and masks back, in place; the computed attributes follow from them."""
        module = self.module
        for _, name, _ in list(pruned.pruning_hooks(module)):
            module.__dict__.pop(name, None)
        module._parameters.clear()
        module._parameters.update(self.parameters)
        module._buffers.clear()
        for name, buffer in self.buffers:
            module._buffers[name] = self._unpacked(name, buffer)
        module._forward_pre_hooks.clear()
        module._forward_pre_hooks.update(self.hooks)
        for container, methods in self.methods:
            container._pruning_methods = methods
        for _, name, hook in list(pruned.pruning_hooks(module)):
            # By setattr, not into __dict__: an LSTM keeps its weights in a second list that follows only so.
            setattr(module, name, hook.apply_mask(module))
        if isinstance(module, nn.RNNBase):
            module._flat_weights = [getattr(module, name, None) for name in module._flat_weights_names]

    def _unpacked(self, name: str, buffer: Tensor | _PackedMask | None) -> Tensor | None:
        if not isinstance(buffer, _PackedMask):
            return buffer
        original = self.module._parameters[f"{name.removesuffix('_mask')}_orig"]
        return None if original is None else buffer.unpack(original)


def _packed(mask: Tensor | None) -> Tensor | _PackedMask | None:
    """A mask at one bit an entry; one with other values than 0 and 1 is kept as it is."""
    if mask is None or mask.is_meta or not bits.is_binary(mask):
        return mask
    return _PackedMask(bits.pack(bits.alive(mask)), mask.dtype)


@dataclasses.dataclass(frozen=True)
class _Overwritten:
    """The entries of a parameter that `remove` writes over.

    Attributes:
        parameter: The parameter.
        where: Which entries, one bit each.
        entries: Their values as integers, in order.
        aliased: The whole former tensor, where another tensor of the model shares its memory: `remove` parts
            them, and only the same memory joins them again. It costs nothing, the other one keeps it alive.
    """

    parameter: nn.Parameter
    where: Bits
    entries: Tensor
    aliased: Tensor | None

    def exchange(self) -> _Overwritten:
        parameter = self.parameter
        where = bits.unpack(self.where, parameter.device)
        present = parameter.data
        now = bits.integers(present)[where].clone()
        if self.aliased is not None:
            parameter.data = self.aliased
        bits.integers(parameter.data)[where] = self.entries.to(parameter.device)
        return dataclasses.replace(self, entries=now, aliased=None if self.aliased is None else present)


@dataclasses.dataclass(frozen=True)
class Moment:
    """The pruning of the modules a step touches, at one time."""

    modules: tuple[_ModuleMoment, ...]
    values: tuple[_Overwritten, ...] = ()

    def exchange(self, expected: object) -> Moment:
        """Restore this moment and return the one it replaces.

        Args:
            expected: The `shape` the modules must have now.

        Raises:
            StepError: Something outside the session changed them since; nothing is touched.
        """
        replaced = tuple(_ModuleMoment.of(moment.module) for moment in self.modules)
        if [moment.shape() for moment in replaced] != expected:
            names = ", ".join(sorted({type(moment.module).__name__ for moment in self.modules}))
            raise StepError(
                f"hooks or parameters of {names} changed outside the session since that step;"
                " undo them there first, or the change would be lost"
            )
        values = tuple(overwritten.exchange() for overwritten in reversed(self.values))
        for moment in self.modules:
            moment.restore()
        return Moment(replaced, values)

    def mask(self, module: nn.Module, buffer: str) -> Tensor | None:
        """Which entries a mask buffer kept at this moment, as bool; None when there was no such mask."""
        for moment in self.modules:
            found = dict(moment.buffers).get(buffer) if moment.module is module else None
            if isinstance(found, _PackedMask):
                return bits.unpack(found.packed)
            if found is not None:
                return bits.alive(found)
        return None

    def shape(self) -> object:
        """See `exchange`."""
        return [moment.shape() for moment in self.modules]


def moment_of(modules: Iterable[nn.Module]) -> Moment:
    """The pruning of these modules now, each once."""
    unique = {id(module): module for module in modules}.values()
    return Moment(tuple(_ModuleMoment.of(module) for module in unique))


def moment_before(model: nn.Module, parts: Sequence[Part]) -> Moment:
    """What to remember before a plan is carried out."""
    moment = moment_of(part.target.module for part in parts)
    values = tuple(_overwritten(model, part) for part in parts if part.method is None)
    return dataclasses.replace(moment, values=values)


def _overwritten(model: nn.Module, part: Part) -> _Overwritten:
    parameter, mask = part.target.parameter, part.target.mask
    if mask is None:
        raise RuntimeError(f"the plan to remove {part.target.path} is older than the model")
    data = parameter.data
    where = ~bits.alive(mask) if bits.is_binary(mask) else torch.ones_like(mask, dtype=torch.bool)
    storage = data.untyped_storage().data_ptr()
    shared = any(
        other is not parameter and other.untyped_storage().data_ptr() == storage
        for other in [*model.parameters(), *model.buffers()]
        if other.layout is torch.strided and not other.is_meta
    )
    return _Overwritten(parameter, bits.pack(where), bits.integers(data)[where].clone(), data if shared else None)
