"""What torch.nn.utils.prune leaves in a module: the hook, the original, the mask and the computed attribute."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod, CustomFromMask, PruningContainer

from prune_tui.engine.named import computes

_Held = TypeVar("_Held")


def held(registry: Mapping[str, _Held], name: str) -> _Held | None:
    """What a module's registry holds under a name; the registries of a ScriptModule have no `get`."""
    return registry[name] if name in registry else None  # noqa: SIM401


def pruned_name(hook: object) -> str | None:
    """The tensor a pruning hook works on; None for other hooks and for an empty container, which has no name."""
    if not isinstance(hook, BasePruningMethod):
        return None
    name = getattr(hook, "_tensor_name", None)
    return name if isinstance(name, str) else None


def pruning_hooks(module: nn.Module) -> Iterator[tuple[int, str, BasePruningMethod]]:
    """Id, tensor name and hook of each pruning hook of a module, in torch's order."""
    for identifier, hook in module._forward_pre_hooks.items():
        name = pruned_name(hook)
        if name is not None:
            yield identifier, name, hook  # type: ignore[misc]  # pruned_name has checked its class


def pruning_hook(module: nn.Module, name: str) -> tuple[int, BasePruningMethod] | None:
    """Id and hook of the pruning of one tensor, or None when it is not pruned."""
    for identifier, hooked, hook in pruning_hooks(module):
        if hooked == name:
            return identifier, hook
    return None


def methods_of(hook: BasePruningMethod) -> tuple[BasePruningMethod, ...]:
    """The container history: what a container holds, or a single method as a history of one."""
    return tuple(hook) if isinstance(hook, PruningContainer) else (hook,)


def multiplies(hook: BasePruningMethod) -> bool:
    """Whether a hook makes `orig × mask`, as torch's do; a person's class may do otherwise."""
    own = any(name in vars(hook) for name in ("apply_mask", "remove"))
    kind, base = type(hook), BasePruningMethod
    return not own and (kind.apply_mask, kind.remove) == (base.apply_mask, base.remove)


def is_pruned(module: nn.Module, name: str) -> bool:
    """Whether a hook, an original and a mask stand for this tensor."""
    return (
        pruning_hook(module, name) is not None
        and held(module._parameters, f"{name}_orig") is not None
        and held(module._buffers, f"{name}_mask") is not None
    )


def is_left_by_torch(module: nn.Module, name: str) -> bool:
    """Whether `weight_orig` and `weight_mask` without a hook are what torch's pruning leaves.

    The attribute it has computed still stands there, or the module is one of torch's that was built with `weight`;
    a person's own module may have parameters and buffers of such names.
    """
    return isinstance(vars(module).get(name), Tensor) or name in named_by_torch(module)


def named_by_torch(module: nn.Module) -> set[str]:
    """What the constructors of a module's torch classes name, parameters among it; containers name none."""
    if isinstance(module, nn.RNNBase):
        return set(module._flat_weights_names)
    classes = [kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.")]
    constructors = [vars(kind).get("__init__") for kind in classes]
    codes = [one.__code__ for one in constructors if isinstance(one, types.FunctionType)]
    # `self.bias = …` names it, `register_parameter("bias", None)` has it as a constant.
    return {name for code in codes for name in (*code.co_names, *code.co_consts) if isinstance(name, str)}


def sharing_buffers(module: nn.Module, names: Iterable[str]) -> Iterator[tuple[str, CustomFromMask]]:
    """The methods whose mask is the very mask buffer of a tensor, as after a global step, each with its name."""
    for name in names:
        found, kept = pruning_hook(module, name), mask(module, name)
        for method in () if found is None or kept is None else methods_of(found[1]):
            if type(method) is CustomFromMask and method.mask is kept:
                yield name, method


def from_masks(hooks: Iterable[object]) -> list[CustomFromMask]:
    """The methods of some hooks that hold a mask of their own."""
    pruning = [hook for hook in hooks if isinstance(hook, BasePruningMethod)]
    return [method for hook in pruning for method in methods_of(hook) if type(method) is CustomFromMask]


def release(module: nn.Module, sharing: Iterable[tuple[str, CustomFromMask]]) -> None:
    """Free methods of their masks that have left a module: torch reads these once, before the hook is attached.

    The session remembers the methods for as long as a step can be done again, and the masks at one bit an entry.
    """
    hooked = {id(method) for _, _, hook in pruning_hooks(module) for method in methods_of(hook)}
    for _, method in sharing:
        if id(method) not in hooked:
            method.mask = None


def original(module: nn.Module, name: str) -> Tensor | None:
    """The values before masking, without gradient: `weight_orig` where pruned, else the tensor itself."""
    found: Tensor | None = parameter_of(module, name)
    if found is None:
        found = held(module._buffers, name)
    # An uninitialised parameter refuses to be detached; it has no values to keep apart either.
    return found if found is None or is_lazy(found) else found.detach()


def mask(module: nn.Module, name: str) -> Tensor | None:
    """The mask of a pruned tensor; None where it is not pruned."""
    return module._buffers[f"{name}_mask"] if is_pruned(module, name) else None


def effective(module: nn.Module, name: str) -> Tensor | None:
    """`orig × mask` as torch's hook computes it, never the attribute, which may be stale.

    Returns:
        A new tensor where pruned, the tensor itself (detached) where not.
    """
    values, kept = original(module, name), mask(module, name)
    return values if values is None or kept is None else applied(values, kept)


def applied(values: Tensor, kept: Tensor) -> Tensor:
    """`orig × mask`, without gradient, as the `apply_mask` of torch's hook computes it."""
    with torch.no_grad():
        return kept.to(dtype=values.dtype) * values


def leave_computed(module: nn.Module, name: str, compute: Callable[[], Tensor]) -> None:
    """Set the attribute that torch's hook computes before each forward, unless there is none that reads it."""
    if computes(module):
        module.__dict__.pop(name, None)  # of before, as opening a pruned checkpoint with its code leaves it
    else:
        setattr(module, name, compute())


def base_names(module: nn.Module) -> list[str]:
    """Own parameters by the names people prune them by: `weight`, also while torch calls it `weight_orig`."""
    names = []
    for name, parameter in module._parameters.items():
        if parameter is None:
            continue
        base = name.removesuffix("_orig")
        names.append(base if base != name and is_pruned(module, base) else name)
    return names


def parameter_of(module: nn.Module, name: str) -> nn.Parameter | None:
    """The Parameter behind a name people prune by: `weight_orig` where pruned, else `weight`."""
    return held(module._parameters, f"{name}_orig" if is_pruned(module, name) else name)
