"""Checks of hooks: missing, too many, never called, called too late, and names that they no longer find."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from prune_tui.engine import pruned
from prune_tui.engine.doctor import orphans
from prune_tui.engine.doctor.examination import Examination, Holder
from prune_tui.engine.doctor.found import Found
from prune_tui.engine.hooks import hook_name
from prune_tui.engine.targets import NEVER_CALLED


def half_pruned(seen: Examination) -> Iterator[Found]:
    """Original and mask without a hook."""
    for holder in seen.holders:
        for key in holder.buffers:
            name = key.removesuffix("_mask")
            if name != key and orphans.half_pruned(holder.module, name) is not None:
                yield Found(holder.path, holder.dotted(name))


def lost(seen: Examination) -> Iterator[Found]:
    """An original without anything else."""
    for holder in seen.holders:
        for key in holder.parameters:
            name = key.removesuffix("_orig")
            if name != key and orphans.is_lost(holder.module, name):
                yield Found(holder.path, holder.dotted(name))


def _hooked(holder: Holder) -> dict[str, int]:
    """How many pruning hooks there are on each tensor."""
    counts: dict[str, int] = {}
    for _, hook in holder.hooks:
        name = pruned.pruned_name(hook)
        if name is not None:
            counts[name] = counts.get(name, 0) + 1
    return counts


def without_tensors(seen: Examination) -> Iterator[Found]:
    """Hooks whose original or mask is not there; an attribute would do for them."""
    for holder in seen.holders:
        for name in _hooked(holder):
            held = (holder.parameters, holder.buffers, holder.attributes)
            missing = [
                f"{name}{suffix}"
                for suffix in ("_orig", "_mask")
                if all(own.get(f"{name}{suffix}") is None for own in held)
            ]
            if missing:
                yield Found(holder.path, holder.dotted(name), {"missing": " and ".join(missing)})


def several(seen: Examination) -> Iterator[Found]:
    """More than one pruning hook on a tensor."""
    for holder in seen.holders:
        for name, count in _hooked(holder).items():
            if count > 1:
                yield Found(holder.path, holder.dotted(name), {"count": count})


def empty_containers(seen: Examination) -> Iterator[Found]:
    """Containers that hold nothing and know no tensor."""
    for holder in seen.holders:
        if orphans.empty_containers(holder.module):
            yield Found(holder.path, targets=(holder.path,))


def shadowed(seen: Examination) -> Iterator[Found]:
    """A Parameter under the very name that the hook wants to set."""
    for one in seen.pruned:
        if one.holder.parameters.get(one.name) is not None:
            yield Found(one.holder.path, one.path, {"name": one.name})


def nested(seen: Examination) -> Iterator[Found]:
    """The original behind a mask pruned once more."""
    for holder in seen.holders:
        hooked = _hooked(holder)
        for name in hooked:
            base = name.removesuffix("_orig")
            if base != name and base in hooked:
                yield Found(holder.path, holder.dotted(name), {"base": holder.dotted(base)})


def never_fires(seen: Examination) -> Iterator[Found]:
    """Pruned tensors of modules whose forward nobody calls: their parent reads the tensors itself."""
    for one in seen.pruned:
        if isinstance(one.holder.module, NEVER_CALLED):
            yield Found(one.holder.path, one.path, {"type": type(one.holder.module).__name__})


def _before_the_pruning(seen: Examination) -> Iterator[tuple[Holder, str, Any]]:
    """Each hook that is called before the pruning hook of a tensor of its module."""
    for one in seen.pruned:
        for _, hook in one.holder.hooks:
            if pruned.pruned_name(hook) == one.name:
                break
            yield one.holder, one.name, hook


def lagging_norms(seen: Examination) -> Iterator[Found]:
    """The old weight_norm and spectral_norm, which compute their weight before the pruning hook is called."""
    for holder, name, hook in _before_the_pruning(seen):
        if isinstance(hook, WeightNorm | SpectralNorm):
            reads = [f"{hook.name}_v", f"{hook.name}_g"] if isinstance(hook, WeightNorm) else [f"{hook.name}_orig"]
            if name in reads:
                yield Found(
                    holder.path, holder.dotted(name), {"norm": type(hook).__name__, "of": holder.dotted(hook.name)}
                )


def early_readers(seen: Examination) -> Iterator[Found]:
    """A person's hooks whose code names the tensor, and that are called before it is refreshed."""
    for holder, name, hook in _before_the_pruning(seen):
        if name in _names_read(hook):
            yield Found(holder.path, holder.dotted(name), {"hook": hook_name(hook), "name": name})


def _names_read(hook: Callable[..., Any]) -> tuple[str, ...]:
    """The attributes that a function, or a method of a person's, names in its code."""
    function = hook.__func__ if isinstance(hook, types.MethodType) else hook
    return function.__code__.co_names if isinstance(function, types.FunctionType) else ()
