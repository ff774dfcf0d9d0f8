"""What a module has left of a pruning that is not whole any more, and which of its tensors can be read.

Told from a module's own dictionaries; the checks and the repairs both go by these.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod, PruningContainer

from prune_tui.engine import pruned
from prune_tui.engine.reading import comparable, why_no_values


def hooks_on(module: nn.Module, name: str) -> list[tuple[int, BasePruningMethod]]:
    """Id and hook of each pruning hook on one tensor, in torch's order."""
    return [(identifier, hook) for identifier, hooked, hook in pruned.pruning_hooks(module) if hooked == name]


def half_pruned(module: nn.Module, name: str) -> tuple[nn.Parameter, Tensor] | None:
    """Original and mask that stand there without a hook, as a failed second prune leaves them; else None."""
    original = pruned.held(module._parameters, f"{name}_orig")
    mask = pruned.held(module._buffers, f"{name}_mask")
    if original is None or mask is None or is_lazy(original) or is_lazy(mask) or original.shape != mask.shape:
        return None
    whole = name in module._parameters or name in module._buffers or hooks_on(module, name)
    return None if whole or not name or not pruned.is_left_by_torch(module, name) else (original, mask)


def is_lost(module: nn.Module, name: str) -> bool:
    """Whether a module of torch's has an original, but neither mask nor hook nor the tensor itself.

    A first prune that fails before its mask is made leaves this: out of memory, `bias=None`, a lazy module.
    """
    if f"{name}_orig" not in module._parameters or not name or hooks_on(module, name):
        return False
    there = (module._parameters, module._buffers, module._modules, module.__dict__)
    if any(name in held for held in there) or f"{name}_mask" in module._buffers:
        return False
    # Torch's own modules have no parameter that is called so; a person's may.
    own = any(kind is not nn.Module and kind.__module__.startswith("torch.nn.") for kind in type(module).__mro__)
    return own and not hasattr(type(module), name)


def empty_containers(module: nn.Module) -> list[int]:
    """Ids of the pruning containers that hold nothing and know no tensor: torch's forward raises at them."""
    return [
        identifier
        for identifier, hook in module._forward_pre_hooks.items()
        if isinstance(hook, PruningContainer) and pruned.pruned_name(hook) is None and not len(hook)
    ]


def idle_hooks(module: nn.Module, name: str) -> list[int]:
    """Ids of the pruning hooks that do no work.

    Args:
        module: The module.
        name: A tensor: all hooks on it but the one with the longest history, or all where its original and mask
            are gone and the tensor itself is there. Empty: empty containers.
    """
    if not name:
        return empty_containers(module)
    found = hooks_on(module, name)
    gone = f"{name}_orig" not in module._parameters and f"{name}_mask" not in module._buffers
    if gone and name in module._parameters:
        return [identifier for identifier, _ in found]
    # The others compute the same from the same two tensors, unless a class of somebody's own does otherwise.
    if any(type(hook).apply_mask is not BasePruningMethod.apply_mask for _, hook in found):
        return []
    longest_last = sorted(found, key=lambda one: len(pruned.methods_of(one[1])))
    return [identifier for identifier, _ in longest_last[:-1]]


def has_values(tensor: Tensor) -> bool:
    """Whether its entries can be looked at: it is neither lazy nor meta, quantized, sparse or distributed."""
    return not why_no_values(tensor)


def finite(values: Tensor) -> Tensor:
    """Which entries are neither NaN nor infinite, as bool of the same shape; of any dtype with values."""
    if values.is_complex():
        return torch.view_as_real(values).isfinite().all(dim=-1)
    if not values.is_floating_point():
        return torch.ones_like(values, dtype=torch.bool)
    return comparable(values).isfinite()


def may_not_be_finite(values: Tensor) -> bool:
    """Whether some entries could be NaN or infinite: a sum is then, too, and that is told faster."""
    if values.is_complex():
        return True
    return values.is_floating_point() and not bool(comparable(values).sum().isfinite())
