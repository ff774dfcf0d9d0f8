"""What a step has to remember to be taken back: small, and exact in both directions.

A `Moment` holds the pruning of some modules at one time: names and their order, hooks with their ids, container
methods, and masks at one bit an entry. `exchanged` restores it and yields the moment it replaces, so that one
record an edit serves undo and redo alike. Only `remove` overwrites values; those entries are kept, bit by bit.
Strides are kept, too: torch sums in the order of the memory, and a norm's last bit follows it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod, CustomFromMask, PruningContainer

from prune_tui.engine import bits, pruned
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.commit import all_or_nothing, refill
from prune_tui.engine.modules import is_stale
from prune_tui.engine.planning import Part
from prune_tui.engine.reading import why_no_values
from prune_tui.engine.refusals import refusals
from prune_tui.engine.targets import Target
from prune_tui.engine.walking import tensors_of
from prune_tui.step_settings import Bits, StepError


@dataclasses.dataclass(frozen=True)
class _Mask:
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
    def found(cls, module: nn.Module, name: str) -> _Mask | None:
        mask, parameter = pruned.mask(module, name), pruned.parameter_of(module, name)
        if mask is None or parameter is None:
            return None
        packed = bits.packed(mask) if _is_dense(mask) else None
        kept = mask if packed is None else packed
        persistent = f"{name}_mask" not in module._non_persistent_buffers_set
        return cls(kept, mask.stride(), mask.dtype, parameter.dtype, persistent)

    def buffer(self, parameter: nn.Parameter) -> Tensor:
        """The buffer again, where its parameter is now; `half()` would have converted it, too."""
        dtype = self.dtype if parameter.dtype == self.of else parameter.dtype
        if isinstance(self.kept, Bits):
            shape, device = self.kept.shape, parameter.device
            buffer = torch.empty_strided(shape, self.strides, dtype=dtype, device=device)
            return buffer.copy_(bits.unpack(self.kept, device))
        return self.kept.to(device=parameter.device, dtype=dtype)

    def alive(self) -> Tensor:
        """Which entries it keeps, as bool."""
        return bits.unpack(self.kept) if isinstance(self.kept, Bits) else bits.alive(self.kept)


def _is_dense(tensor: Tensor) -> bool:
    """Whether its entries fill their memory, each at a place of its own: it can be made again from its strides."""
    return torch.empty_like(tensor, device="meta").stride() == tensor.stride()


@dataclasses.dataclass(frozen=True)
class _ModuleMoment:
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
    masks: dict[str, _Mask | None]
    parameters: tuple[tuple[str, nn.Parameter | None], ...]
    buffers: tuple[str, ...]
    hooks: tuple[tuple[int, Callable[..., Any]], ...]
    methods: tuple[tuple[PruningContainer, tuple[BasePruningMethod, ...]], ...]
    sharing: tuple[tuple[str, CustomFromMask], ...]
    computed: dict[str, bool]
    attributes: dict[str, object] | None = None

    @classmethod
    def of(cls, module: nn.Module, names: Sequence[str], *, verbatim: bool = False) -> _ModuleMoment:
        odd = [name for name in names if not _follows(module, name)] if verbatim else []
        return cls(
            module,
            {name: _Mask.found(module, name) for name in names},
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

    def now(self) -> _ModuleMoment:
        """The same tensors of the same module as they are now."""
        return self.of(self.module, tuple(self.masks), verbatim=self.attributes is not None)

    def restore(self) -> None:
        """Put names, order, hooks and masks back, in place; the computed attributes follow from them."""
        module = self.module
        standing = dict(module._buffers)
        for name, mask in self.masks.items():
            parameter = dict(self.parameters).get(f"{name}_orig")
            if mask is not None and parameter is not None:
                standing[f"{name}_mask"] = mask.buffer(parameter)
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
                    setattr(module, name, found[1].apply_mask(module))
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


@dataclasses.dataclass(frozen=True)
class _Overwritten:
    """The entries of a parameter that `remove` writes over.

    Attributes:
        parameter: The parameter.
        where: Which entries, one bit each.
        entries: Their values, in order.
        strides: Of the parameter; None where it cannot be made again from them.
        memory: The whole tensor, where another tensor of the model shares its memory in one of the two states:
            `remove` parts them. It costs nothing, the other one keeps it alive.
    """

    parameter: nn.Parameter
    where: Bits
    entries: Tensor
    strides: tuple[int, ...] | None
    memory: Tensor | None

    @classmethod
    def found(cls, parameter: nn.Parameter, where: Bits, *, shared: bool) -> _Overwritten:
        """The entries as they are now."""
        data = parameter.data
        entries = data[bits.unpack(where, data.device)].clone()
        strides = data.stride() if _is_dense(data) else None
        return cls(parameter, where, entries, strides, data if shared else None)

    @property
    def is_contiguous(self) -> bool:
        """Whether its entries lay in the order of their indices."""
        if self.strides is None:
            return False
        return torch.empty_strided(self.where.shape, self.strides, device="meta").is_contiguous()

    def is_of(self, parameter: nn.Parameter) -> bool:
        """Whether it is of this parameter, or of one that has the same entries in the same memory."""
        if parameter is self.parameter:
            return True
        one, other = parameter.data, self.parameter.data
        if why_no_values(one) or why_no_values(other) or not one.numel():
            return False
        places = [(each.data_ptr(), each.dtype, each.shape, each.stride()) for each in (one, other)]
        return places[0] == places[1]

    def now(self) -> _Overwritten:
        """The same entries as they are now."""
        return self.found(self.parameter, self.where, shared=self.memory is not None)

    def write(self) -> None:
        """Put the entries back, and the parameter into the memory it had, unless that would lose other changes."""
        data = self.parameter.data
        where = bits.unpack(self.where, data.device)
        wanted = self._strided(data.clone() if self.memory is not None else data)
        bits.put(wanted, where, self.entries)
        if self.memory is not None and _identical(self.memory, wanted):
            wanted = self.memory
        # Trained or converted since, the memory holds other values; then the parameter goes on in its own.
        if wanted is not data:
            self.parameter.data = wanted

    def put_into(self, copy: Tensor) -> None:
        """Put the entries into a copy of the parameter."""
        bits.put(copy, bits.unpack(self.where, copy.device), self.entries)

    def _strided(self, data: Tensor) -> Tensor:
        if self.strides is None or self.strides == data.stride():
            return data
        return torch.empty_strided(data.shape, self.strides, dtype=data.dtype, device=data.device).copy_(data)


def _identical(one: Tensor, other: Tensor) -> bool:
    alike = (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
    return alike and torch.equal(bits.integers(one), bits.integers(other))


@contextlib.contextmanager
def _rewritten(values: Sequence[_Overwritten], done: Stop) -> Iterator[tuple[_Overwritten, ...]]:
    """Write entries back and yield those they replace; a failure before it is `done` writes these back.

    Which memory a parameter is in belongs to its module, and is put back with that.
    """
    replaced = tuple(overwritten.now() for overwritten in reversed(values))
    data = [overwritten.parameter.data for overwritten in replaced]
    try:
        for overwritten in reversed(values):
            overwritten.write()
        yield replaced
    except BaseException:
        if not done():
            for now, held in zip(replaced, data, strict=True):
                bits.put(held, bits.unpack(now.where, held.device), now.entries)
        raise


@dataclasses.dataclass(frozen=True)
class Moment:
    """The pruning of the tensors a step touches, at one time."""

    modules: tuple[_ModuleMoment, ...]
    values: tuple[_Overwritten, ...] = ()

    @contextlib.contextmanager
    def exchanged(self, expected: Standing, done: Stop = never) -> Iterator[Moment]:
        """Restore this moment and yield the one it replaces; after a failure, in the block too, all is as it was.

        Args:
            expected: How its modules must stand now.
            done: Whether the block has got so far that the exchange stands.

        Raises:
            StepError: Something outside the session changed them since.
        """
        modules = [moment.module for moment in self.modules]
        if not Standing.of(modules).same_as(expected):
            names = ", ".join(sorted({type(module).__name__ for module in modules}))
            raise StepError(
                f"hooks or parameters of {names} changed outside the session since that step;"
                " undo them there first, or the change would be lost"
            )
        for_autograd, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        with torch.inference_mode(False), torch.no_grad(), all_or_nothing(modules, done):
            replaced = tuple(moment.now() for moment in self.modules)
            with _rewritten(self.values, done) as values:
                for moment, left in zip(self.modules, replaced, strict=True):
                    moment.restore()
                    pruned.release(moment.module, left.sharing)
                with torch.inference_mode(inference), torch.set_grad_enabled(for_autograd):
                    yield Moment(replaced, values)

    def standing(self) -> Standing:
        """How its modules stand now."""
        return Standing.of(moment.module for moment in self.modules)

    def scattered(self) -> Iterator[nn.Parameter]:
        """The parameters written over whose entries did not lie in the order of their indices before."""
        return (overwritten.parameter for overwritten in self.values if not overwritten.is_contiguous)

    def buffer(self, target: Target) -> Tensor | None:
        """The mask that a target had at this moment, as torch had it; None when it was not pruned."""
        for moment in self.modules:
            mask = moment.masks.get(target.name) if moment.module is target.module else None
            if mask is not None:
                return mask.buffer(target.parameter)
        return None

    def former(self, parameter: nn.Parameter, values: Tensor) -> Tensor:
        """The values of a parameter at this moment, given those after its edit: the same where it wrote none."""
        for overwritten in self.values:
            if overwritten.is_of(parameter):
                values = values.detach().clone()
                overwritten.put_into(values)
        return values

    def prunes(self, module: nn.Module, name: str) -> bool:
        """Whether it remembers the mask of a tensor, or that it had none."""
        return any(moment.module is module and name in moment.masks for moment in self.modules)

    def overwrites(self, parameter: nn.Parameter) -> bool:
        """Whether its edit wrote over values of a parameter, whatever name that was pruned by."""
        return any(overwritten.is_of(parameter) for overwritten in self.values)

    def mask(self, module: nn.Module, name: str) -> Tensor | None:
        """Which entries of a tensor were kept at this moment, as bool; None when it was not pruned."""
        mask = self._mask(module, name)
        return None if mask is None else mask.alive()

    def factors(self, module: nn.Module, name: str) -> Tensor | None:
        """What entries were multiplied with: as `mask`, or as it was where it held other values than 0 and 1."""
        mask = self._mask(module, name)
        return mask.kept if mask is not None and isinstance(mask.kept, Tensor) else self.mask(module, name)

    def _mask(self, module: nn.Module, name: str) -> _Mask | None:
        return next((moment.masks.get(name) for moment in self.modules if moment.module is module), None)


def moment_before(model: nn.Module, parts: Sequence[Part]) -> Moment:
    """What to remember before a plan is carried out."""
    names: dict[int, tuple[nn.Module, list[str]]] = {}
    for part in parts:
        own = names.setdefault(id(part.target.module), (part.target.module, []))[1]
        own += [part.target.name] if part.target.name else []
    verbatim = any(part.change is not None for part in parts)
    removed = [part for part in parts if part.removes]
    holders = _holders(model) if removed else {}
    return Moment(
        tuple(_ModuleMoment.of(module, own, verbatim=verbatim) for module, own in names.values()),
        (
            *(_overwritten(part, holders) for part in removed),
            *(
                _Overwritten.found(part.target.parameter, part.overwrites, shared=False)
                for part in parts
                if part.overwrites is not None
            ),
        ),
    )


def _holders(model: nn.Module) -> dict[int, set[int]]:
    """For each piece of memory in a model, the tensors on it, both by address."""
    holders: dict[int, set[int]] = {}
    for tensor in tensors_of(model):
        if not why_no_values(tensor):
            holders.setdefault(tensor.untyped_storage().data_ptr(), set()).add(id(tensor))
    return holders


def _overwritten(part: Part, holders: dict[int, set[int]]) -> _Overwritten:
    parameter, mask = part.target.parameter, part.target.mask
    if mask is None:
        raise RuntimeError(f"the plan to remove {part.target.path} is older than the model")
    data = parameter.data
    found = pruned.pruning_hook(part.target.module, part.target.name)
    if found is not None and pruned.multiplies(found[1]):
        removed = pruned.applied(data, mask)
        # `x * 1` is not always x: it quiets a NaN, and makes NaN of a complex number with an infinite part.
        changed = bits.integers(removed) != bits.integers(data)
        where = ~bits.alive(mask) | (changed.any(dim=-1) if data.is_complex() else changed)
    else:  # what a person's class writes is not asked before it is done
        where = torch.ones(data.shape, dtype=torch.bool, device=data.device)
    shared = len(holders.get(data.untyped_storage().data_ptr(), ())) > 1
    return _Overwritten.found(parameter, bits.pack(where), shared=shared)
