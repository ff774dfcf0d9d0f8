"""From dotted names to the tensors they mean, or a sentence that says why a tensor cannot be pruned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from prune_tui.engine import bits, pruned
from prune_tui.engine.named import class_name, packs
from prune_tui.engine.packed_masks import bits_of
from prune_tui.engine.reading import why_no_values
from prune_tui.engine.walking import named_modules_of
from prune_tui.step_settings import Bits, StepError, nearest


class Target(NamedTuple):
    """A parameter as people prune it.

    Attributes:
        path: Dotted name, `conv1.weight`.
        module: The module that holds it.
        name: Its name there, `weight`, also while torch calls the parameter `weight_orig`.
    """

    path: str
    module: nn.Module
    name: str

    @property
    def parameter(self) -> nn.Parameter:
        """The Parameter behind it."""
        found = pruned.parameter_of(self.module, self.name)
        if found is None:
            raise StepError(f"{self.path} is gone: the module no longer holds it")
        return found

    @property
    def mask(self) -> Tensor | None:
        """Its mask, or None where it is not pruned."""
        return pruned.mask(self.module, self.name)

    @property
    def packs(self) -> bool:
        """Whether its masks are kept at one bit an entry."""
        return packs(self.module, self.parameter)

    def condition(self) -> object:
        """Differs as soon as an optimizer's step, `load_state_dict` or `half()` has changed its values or mask."""
        return _condition(self.parameter), None if self.mask is None else _condition(self.mask)


class Seen(NamedTuple):
    """A target's tensors at one moment, which an edit in another thread leaves as they are.

    Attributes:
        path: Dotted name.
        name: Its name in its module.
        original: Values before masking, detached.
        mask: Its mask, detached, or None where it was not pruned.
    """

    path: str
    name: str
    original: Tensor
    mask: Tensor | None

    @classmethod
    def of(cls, target: Target, mask: Tensor | None) -> Seen:
        """A target now, with this mask."""
        return cls(target.path, target.name, target.parameter.detach(), None if mask is None else mask.detach())

    @property
    def before(self) -> Tensor | Bits | None:
        """Its mask as it is kept: what ranks by thresholds needs it as bits only."""
        packed = bits_of(self.mask)
        return (
            self.mask if packed is None or self.mask is None or self.mask.dtype != self.original.dtype else packed
        )

    @property
    def alive(self) -> Tensor | None:
        """Which entries its mask keeps, as bool; None where it was not pruned."""
        return None if self.mask is None else bits.alive(self.mask)

    @property
    def values(self) -> Tensor:
        """Effective values, `orig × mask`, without gradient; never the attribute, it may be stale.

        Strided as torch would read them: the order of a sum, and so a norm's last bit, follows the strides.
        """
        return self.original if self.mask is None else pruned.applied(self.original, self.mask)


def _condition(tensor: Tensor) -> tuple[object, ...]:
    version = None if tensor.is_inference() else tensor._version
    memory = tensor.data_ptr() if type(tensor) in {Tensor, nn.Parameter} else None
    return id(tensor), version, memory, tensor.dtype, tensor.device


def locate(model: nn.Module, path: str) -> tuple[nn.Module, str]:
    """The module that should hold a tensor, and the tensor's name there.

    Raises:
        StepError: No such module; names the nearest one.
    """
    module_path, dot, name = path.rpartition(".")
    parts = module_path.split(".") if dot else []
    module = model
    for depth, part in enumerate(parts):
        child = pruned.held(module._modules, part)
        if child is None:
            above = ".".join(parts[:depth]) or class_name(model)
            raise StepError(f"{path}: {above} has no module {part!r}{nearest(part, module._modules.keys())}")
        module = child
    return module, name


def resolve(
    model: nn.Module,
    paths: Iterable[str],
    *,
    removing: bool = False,
) -> tuple[list[Target], list[str]]:
    """The tensors that dotted names mean, each once.

    A tensor named twice, through a shared module or a tied parameter, is pruned once, by the first name given:
    torch's `global_unstructured` would count it twice.

    Args:
        model: The model.
        paths: Dotted names.
        removing: Masks are meant rather than tensors: both sides of a tied pair may have one.

    Returns:
        The targets in order, and a note for each name left out.

    Raises:
        StepError: A name means nothing, or a tensor that cannot be pruned.
    """
    first: dict[object, Target] = {}
    notes: list[str] = []
    for path in paths:
        target = Target(path, *locate(model, path))
        refuse_what_cannot_be_pruned(target, removing=removing)
        key = (id(target.module), target.name) if removing else id(target.parameter)
        known = first.setdefault(key, target)
        if known is target:
            continue
        if known.path == path:
            notes.append(f"{path} is named twice: taken once")
        else:
            notes.append(f"{path} is the same tensor as {known.path}: taken once, as {known.path}")
    targets = list(first.values())
    return targets, notes + _notes(model, targets, removing=removing)


def refuse_what_cannot_be_pruned(target: Target, *, removing: bool) -> None:
    """Refuse what no step can be done on.

    Raises:
        StepError: Why, and what to do.
    """
    _refuse_other_things(target)
    # An original that was itself pruned can only be freed from that.
    if not (removing and pruned.is_pruned(target.module, target.name)):
        _refuse_broken_pruning(target)
    path, module, name = target
    parameter = pruned.parameter_of(module, name)
    if parameter is None:
        known = pruned.base_names(module)
        has = f"it has {', '.join(known)}" if known else "it has no parameters of its own"
        raise StepError(
            f"{path}: this {type(module).__name__} has no parameter {name!r}{nearest(name, known)}; {has}"
        )
    if is_lazy(parameter):
        raise StepError(f"{path} is not initialised; run one forward pass, which gives it its shape, then open it")
    if parameter.is_meta:
        raise StepError(f"{path} is on the meta device and has no values; load its weights first")
    if parameter.layout is not torch.strided:
        raise StepError(f"{path} has layout {parameter.layout}; only dense tensors can be pruned")
    reason = why_no_values(parameter)
    if reason:
        raise StepError(f"{path} cannot be pruned: {reason}")


def _refuse_other_things(target: Target) -> None:
    """Names of what is no parameter, or none that torch could register another beside."""
    path, module, name = target
    if isinstance(module, torch.jit.ScriptModule):
        raise StepError(
            f"{path} is inside a ScriptModule; torch cannot add a parameter or a hook to compiled code."
            " Open the Python module it was scripted from"
        )
    base = name.removesuffix("_orig")
    if base != name and pruned.is_pruned(module, base):
        raise StepError(f"{path} is the original behind a mask; name {path.removesuffix('_orig')} instead")
    if parametrize.is_parametrized(module, name):
        raise StepError(
            f"{path} is computed by a parametrization; torch cannot prune it."
            " Remove the parametrization first (torch.nn.utils.parametrize.remove_parametrizations)"
        )
    if name in module._buffers:
        raise StepError(f"{path} is a buffer; only parameters can be pruned")
    if name in module._parameters and module._parameters[name] is None:
        raise StepError(f"{path} is None: this {type(module).__name__} was built without it")


def _refuse_broken_pruning(target: Target) -> None:
    """What torch leaves when its own prune fails, or would overwrite without a word."""
    path, module, name = target
    base = name.removesuffix("_orig")
    hooks = sum(hooked == base for _, hooked, _ in pruned.pruning_hooks(module))
    if hooks > 1:
        raise StepError(f"{path} has {hooks} pruning hooks; torch wants one. Remove all but one of them first")
    if pruned.is_pruned(module, base):
        return
    reserved = [
        taken
        for taken in (f"{base}_orig", f"{base}_mask")
        if any(taken in held for held in (module._parameters, module._buffers, module._modules, module.__dict__))
    ]
    if hooks or (len(reserved) == 2 and pruned.is_left_by_torch(module, base)):
        has = ", ".join([*reserved, *["a pruning hook"] * hooks])
        raise StepError(
            f"{path} is half pruned: of {base}_orig, {base}_mask and a pruning hook it has only {has}."
            " torch leaves this behind when a prune fails. The doctor (! or prune-tui check) may mend it; if not,"
            " load the model again"
        )
    if reserved and base == name:
        raise StepError(
            f"{path}: this {type(module).__name__} has a {reserved[0]} of its own, and torch needs that name"
        )


def _notes(model: nn.Module, targets: list[Target], *, removing: bool) -> list[str]:
    """What a person should know before pruning these tensors."""
    places: dict[int, list[Target]] = {}
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            here = Target(f"{path}.{name}" if path else name, module, name)
            places.setdefault(id(here.parameter), []).append(here)
    never_called = [target for target in targets if isinstance(target.module, NEVER_CALLED)]
    notes = []
    if never_called and not removing:
        notes.append(
            f"{listed(target.path for target in never_called)}: the forward of this"
            f" {type(never_called[0].module).__name__} is never called, so torch's hook never fires;"
            " the mask holds until the values change. Remove before you train on"
        )
    for target in targets:
        notes += [
            f"{target.path} is tied to {other.path}, {_what_happens_to(removing, other.mask is not None)}"
            for other in places[id(target.parameter)]
            if other.module is not target.module or other.name != target.name
        ]
    return notes


def listed(paths: Iterable[str]) -> str:
    """Names in a sentence: `a`, `a and b`, `a, b and 10 more`."""
    names = list(paths)
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} more"


NEVER_CALLED = (NonDynamicallyQuantizableLinear, nn.ParameterList, nn.ParameterDict)
"""Modules whose parents read their tensors themselves: no hook on them ever fires."""


def _what_happens_to(removing: bool, has_mask: bool) -> str:
    """To the other name of a tied tensor."""
    if removing:
        return "where the zeros go too"
    return "which has a mask of its own" if has_mask else "which stays unmasked until remove"
