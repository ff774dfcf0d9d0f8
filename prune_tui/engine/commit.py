"""Carrying a plan out: what torch's `prune` does to a module, all of it or nothing.

`BasePruningMethod.apply` deletes the old hook before it validates, so a failure destroys the pruning that was
there. Here the masks are known before anything is touched, and whatever still fails puts every module back: keys,
parameter order, hooks and their order, Parameter identity, container methods and values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable, Iterator, MutableMapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod, CustomFromMask, PruningContainer

from prune_tui import steps
from prune_tui.engine import memory, pruned, step_memory
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.planning import Part, Plan
from prune_tui.engine.put_away import put_away
from prune_tui.engine.refusals import refusals
from prune_tui.engine.selection import product
from prune_tui.engine.selection.planned_masks import PlannedMask
from prune_tui.engine.targets import listed

_Key = TypeVar("_Key", bound=Hashable)


def carry_out(plan: Plan) -> None:
    """Do to each target what torch's `apply` or `remove` does; after a failure everything is as before.

    Raises:
        StepError: A module or a hook refused, or the masks need more memory than is free.
    """
    _check_memory(plan)
    for_autograd = torch.is_grad_enabled()
    with (
        all_or_nothing(part.target.module for part in plan.parts),
        torch.inference_mode(False),
        torch.set_grad_enabled(for_autograd),  # leaving inference mode would switch it on
    ):
        for part in plan.parts:
            with refusals(part.target.path):
                if part.change is not None:
                    part.change()
                elif part.method is None or part.planned is None:
                    _remove(part)
                else:
                    _attach(part, part.method, part.planned)


def _check_memory(plan: Plan) -> None:
    """Refuse before anything is touched where the masks and what they leave of the values would not fit."""
    step_memory.check_removal([part.target for part in plan.parts if part.removes])
    # What is kept at one bit an entry is there already, or nearly so.
    masked = [
        part.target
        for part in plan.parts
        if part.planned is not None and part.change is None and not part.target.packs
    ]
    needed = memory.of_masks(target.parameter for target in masked)
    what = f"{steps.method_of(plan.step).name} of {listed(target.path for target in masked)}"
    memory.check(what, needed, "prune fewer tensors at a time, or remove earlier pruning first")


def _attach(part: Part, method: BasePruningMethod, planned: PlannedMask) -> None:
    """The second half of torch's `BasePruningMethod.apply`: same names, same order, same hook ids."""
    module, name = part.target.module, part.target.name
    original = part.target.parameter.detach()
    mask, computed = (planned.packed(), None) if part.target.packs else planned.made(original)
    hook = method
    found = pruned.pruning_hook(module, name)
    if found is None:
        module.register_parameter(f"{name}_orig", part.target.parameter)
        del module._parameters[name]
    else:
        identifier, old = found
        del module._forward_pre_hooks[identifier]
        hook = old if isinstance(old, PruningContainer) else PruningContainer(old)
        hook.add_pruning_method(method)
    if isinstance(method, CustomFromMask) and method.mask is None:  # of a global step: the hook holds its share
        method.mask = mask
    module.register_buffer(f"{name}_mask", mask)
    pruned.leave_computed(
        module, name, lambda: product.known(lambda: hook.apply_mask(module), mask, original, computed)
    )
    module.register_forward_pre_hook(hook)


def _remove(part: Part) -> None:
    """Do what `prune.remove` does, which itself stumbles over an empty container among the hooks."""
    module, name = part.target.module, part.target.name
    found = pruned.pruning_hook(module, name)
    if found is None:
        raise RuntimeError(f"the plan to remove {part.target.path} is older than the model")
    identifier, hook = found
    sharing, held = list(pruned.sharing_buffers(module, [name])), pruned.from_masks([hook])
    with torch.no_grad():
        hook.remove(module)
    del module._forward_pre_hooks[identifier]
    pruned.release(module, sharing)
    put_away(module, held)


@contextlib.contextmanager
def all_or_nothing(modules: Iterable[nn.Module], done: Stop = never) -> Iterator[None]:
    """Put modules back as they were when the block fails, by whatever exception.

    Args:
        modules: The modules.
        done: Whether the block has got so far that what it did stands, though an interrupt came after that.
    """
    before = [AsFound(module) for module in {id(module): module for module in modules}.values()]
    try:
        yield
    except BaseException:
        if not done():
            for found in before:
                found.put_back()
        raise


class AsFound:
    """A module as it is now, by reference: nothing is copied but its dictionaries, lists and sets.

    Args:
        module: The module.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._attributes: dict[str, Any] = dict(module.__dict__)
        self._mappings = {name: dict(value) for name, value in module.__dict__.items() if isinstance(value, dict)}
        self._lists = {name: list(value) for name, value in module.__dict__.items() if type(value) is list}
        self._sets = {name: set(value) for name, value in module.__dict__.items() if type(value) is set}
        self._data: list[tuple[Tensor, Tensor]] = [
            (parameter, parameter.data)
            for parameter in module._parameters.values()
            if parameter is not None and not is_lazy(parameter)
        ]
        self._methods = [
            (hook, hook._pruning_methods)
            for hook in module._forward_pre_hooks.values()
            if isinstance(hook, PruningContainer)
        ]
        self._masks = [
            (method, method.mask)
            for _, _, hook in pruned.pruning_hooks(module)
            for method in pruned.methods_of(hook)
            if isinstance(method, CustomFromMask)
        ]

    def put_back(self) -> None:
        """Make the module so again, in place: handles and optimizers hold its very dictionaries and Parameters."""
        refill(self.module.__dict__, self._attributes)
        for name, mapping in self._mappings.items():
            refill(self._attributes[name], mapping)
        for name, items in self._lists.items():
            self._attributes[name][:] = items
        for name, members in self._sets.items():
            self._attributes[name].symmetric_difference_update(members ^ self._attributes[name])
        for parameter, data in self._data:
            parameter.data = data
        for container, methods in self._methods:
            container._pruning_methods = methods
        for method, mask in self._masks:
            method.mask = mask


def refill(mapping: MutableMapping[_Key, Any], found: dict[_Key, Any]) -> None:
    """Give a dictionary its entries and their order back, without ever emptying it: others may be reading."""
    for key in [key for key in mapping if key not in found]:
        del mapping[key]
    for key, value in found.items():
        if key not in mapping or mapping[key] is not value:
            mapping[key] = value
    if list(mapping) != list(found):
        for key in found:
            mapping[key] = mapping.pop(key)
