"""Carrying a plan out: what torch's `prune` does to a module, all of it or nothing.

`BasePruningMethod.apply` deletes the old hook before it validates, so a failure destroys the pruning that was
there. Here the masks are known before anything is touched, and whatever still fails puts every module back: keys,
parameter order, hooks and their order, Parameter identity, container methods and values.
"""

from __future__ import annotations

import contextlib
import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod, PruningContainer

from prune_tui.engine import pruned
from prune_tui.engine.methods import Part, Plan


def carry_out(plan: Plan) -> None:
    """Do to each target what torch's `apply` or `remove` does; after a failure everything is as before."""
    modules = list({id(part.target.module): part.target.module for part in plan.parts}.values())
    with all_or_nothing(modules), torch.inference_mode(False):
        for part in plan.parts:
            if part.method is None:
                _remove(part)
            else:
                _attach(part, part.method)


def _attach(part: Part, method: BasePruningMethod) -> None:
    """The second half of torch's `BasePruningMethod.apply`: same names, same order, same hook ids."""
    module, name = part.target.module, part.target.name
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
    module.register_buffer(f"{name}_mask", part.mask)
    setattr(module, name, hook.apply_mask(module))
    module.register_forward_pre_hook(hook)


def _remove(part: Part) -> None:
    """Do what `prune.remove` does, which itself stumbles over an empty container among the hooks."""
    module, name = part.target.module, part.target.name
    found = pruned.pruning_hook(module, name)
    if found is None:
        raise RuntimeError(f"the plan to remove {part.target.path} is older than the model")
    identifier, hook = found
    with torch.no_grad():
        hook.remove(module)
    del module._forward_pre_hooks[identifier]


@contextlib.contextmanager
def all_or_nothing(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put modules back as they were when the block fails, by whatever exception."""
    before = [_Everything(module) for module in modules]
    try:
        yield
    except BaseException:
        for module in before:
            module.put_back()
        raise


class _Everything:
    """All that an edit could change in a module, by reference: nothing is copied but the dictionaries."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.attributes: dict[str, Any] = dict(module.__dict__)
        self.contents = {
            name: copy.copy(value)
            for name, value in module.__dict__.items()
            if type(value) in {dict, OrderedDict, list, set}
        }
        self.data: list[tuple[Tensor, Tensor]] = [
            (parameter, parameter.data)
            for parameter in module._parameters.values()
            if parameter is not None and not is_lazy(parameter)
        ]
        self.methods = [
            (hook, hook._pruning_methods)
            for _, _, hook in pruned.pruning_hooks(module)
            if isinstance(hook, PruningContainer)
        ]

    def put_back(self) -> None:
        """Restore in place: handles and optimizers hold references to these very dictionaries and Parameters."""
        self.module.__dict__.clear()
        self.module.__dict__.update(self.attributes)
        for name, content in self.contents.items():
            kept = self.module.__dict__[name]
            kept.clear()
            kept.extend(content) if isinstance(kept, list) else kept.update(content)
        for parameter, data in self.data:
            if parameter.data.data_ptr() != data.data_ptr():
                parameter.data = data
        for container, methods in self.methods:
            container._pruning_methods = methods
