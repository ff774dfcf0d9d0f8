"""What torch.nn.utils.prune leaves in a module: the hook, the original, the mask and the computed attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod, PruningContainer

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


def is_pruned(module: nn.Module, name: str) -> bool:
    """Whether a hook, an original and a mask stand for this tensor."""
    return (
        pruning_hook(module, name) is not None
        and held(module._parameters, f"{name}_orig") is not None
        and held(module._buffers, f"{name}_mask") is not None
    )


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
