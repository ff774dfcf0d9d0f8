"""Every hook that torch can hold on a module, told without calling any."""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Iterator
from numbers import Number

from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.nn.modules.module import _WrappedHook
from torch.nn.utils.prune import BasePruningMethod, PruningContainer

from prune_tui.engine.pruned import pruned_name
from prune_tui.view_rows import HookKind, HookRow

# Where a module keeps its hooks, and the dictionaries beside them whose keys say how a hook is called.
_OF_MODULES: tuple[tuple[HookKind, str, dict[str, str]], ...] = (
    ("forward_pre", "_forward_pre_hooks", {"with_kwargs": "_forward_pre_hooks_with_kwargs"}),
    (
        "forward",
        "_forward_hooks",
        {"with_kwargs": "_forward_hooks_with_kwargs", "always_call": "_forward_hooks_always_called"},
    ),
    ("backward_pre", "_backward_pre_hooks", {}),
    ("backward", "_backward_hooks", {}),
    ("state_dict_pre", "_state_dict_pre_hooks", {}),
    ("state_dict", "_state_dict_hooks", {}),
    ("load_state_dict_pre", "_load_state_dict_pre_hooks", {}),
    ("load_state_dict_post", "_load_state_dict_post_hooks", {}),
)
_OF_TORCH: dict[HookKind, tuple[str, dict[str, str]]] = {
    "forward_pre": ("_global_forward_pre_hooks", {}),
    "forward": (
        "_global_forward_hooks",
        {"with_kwargs": "_global_forward_hooks_with_kwargs", "always_call": "_global_forward_hooks_always_called"},
    ),
    "backward_pre": ("_global_backward_pre_hooks", {}),
    "backward": ("_global_backward_hooks", {}),
}
"""Hooks on every module of the process, which torch keeps beside its class."""

_OF_TENSORS: tuple[tuple[HookKind, str], ...] = (
    ("tensor_grad", "_backward_hooks"),
    ("tensor_post_accumulate_grad", "_post_accumulate_grad_hooks"),
)
_NAMED = (types.FunctionType, types.BuiltinFunctionType, type)


def hooks_of(module: nn.Module) -> tuple[HookRow, ...]:
    """Every hook of a module and of its parameters, forward_pre first, each kind in torch's order.

    Hooks on every module of the process come after the module's own of their kind, though torch calls them first.
    """
    return (*_module_hooks(module), *_tensor_hooks(module))


def _module_hooks(module: nn.Module) -> Iterator[HookRow]:
    for kind, registry, called in _OF_MODULES:
        for identifier, hook in _registered(module, registry):
            flags = [flag for flag, keys in called.items() if identifier in getattr(module, keys, ())]
            if kind == "backward":
                flags.append("full" if module._is_full_backward_hook else "non-full")
            yield _row(kind, identifier, hook, tensor=pruned_name(hook) or "", flags=tuple(flags))
        yield from _global_hooks(kind)


def _global_hooks(kind: HookKind) -> Iterator[HookRow]:
    registry, called = _OF_TORCH.get(kind, ("", {}))
    for identifier, hook in _registered(torch_module, registry):
        flags = [flag for flag, keys in called.items() if identifier in getattr(torch_module, keys, ())]
        if kind == "backward":
            flags.append("full" if torch_module._global_is_full_backward_hook else "non-full")
        yield _row(kind, identifier, hook, tensor="", flags=("global", *flags))


def _tensor_hooks(module: nn.Module) -> Iterator[HookRow]:
    for kind, registry in _OF_TENSORS:
        for name, parameter in module._parameters.items():
            for identifier, hook in _registered(parameter, registry):
                yield _row(kind, identifier, hook, tensor=name, flags=())


def _registered(owner: object, registry: str) -> list[tuple[int, Callable[..., object]]]:
    """A snapshot, since a forward in another thread may add hooks; a tensor without hooks has None there."""
    return list((getattr(owner, registry, None) or {}).items())


def _row(
    kind: HookKind, identifier: int, hook: Callable[..., object], tensor: str, flags: tuple[str, ...]
) -> HookRow:
    settings = settings_text(hook) if isinstance(hook, BasePruningMethod) else ""
    return HookRow(kind, identifier, hook_name(hook), definition(hook), tensor, settings, flags)


def settings_text(method: BasePruningMethod) -> str:
    """The settings a pruning method remembers, as in a call: `amount=0.5, n=2, dim=0`.

    A tensor is told by its shape: `mask=6×1×3×3`. A container is told by how many methods it holds.
    """
    if isinstance(method, PruningContainer):
        return "1 method" if len(method) == 1 else f"{len(method)} methods"
    public = {name: value for name, value in vars(method).items() if not name.startswith("_")}
    return ", ".join(f"{name}={_setting(value)}" for name, value in public.items())


def _setting(value: object) -> str:
    if isinstance(value, Tensor):
        return "×".join(map(str, value.shape)) or "scalar"
    try:
        # A number's repr may name its library: np.float64(0.3).
        return str(value) if isinstance(value, Number) else repr(value)
    except Exception:  # noqa: BLE001  # somebody else's __repr__ may raise anything; the type can always be told
        return f"<{type(value).__name__}>"


def hook_name(hook: object) -> str:
    """What a person would call a hook: its function, bound method or class; `partial(scale)` for a partial."""
    if isinstance(hook, _WrappedHook):
        return hook_name(hook.hook)
    if isinstance(hook, functools.partial):
        return f"partial({hook_name(hook.func)})"
    if isinstance(hook, types.MethodType):
        return hook_name(hook.__func__)
    if isinstance(hook, _NAMED):
        return hook.__qualname__.rpartition("<locals>.")[2]
    return type(hook).__name__


def definition(thing: object) -> str:
    """`file.py:12` of where a function, or the class of anything else, is defined; its module without source."""
    if isinstance(thing, _WrappedHook):
        return definition(thing.hook)
    if isinstance(thing, functools.partial):
        return definition(thing.func)
    if isinstance(thing, types.MethodType):
        return definition(thing.__func__)
    if isinstance(thing, types.FunctionType):
        code = _unwrapped(thing).__code__
        return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}"
    if isinstance(thing, types.BuiltinFunctionType):
        return str(thing.__module__ or type(thing.__self__).__module__)
    return _class_definition(thing if isinstance(thing, type) else type(thing))


def _unwrapped(function: types.FunctionType) -> types.FunctionType:
    """What a decorator has wrapped, which bears its name; unless that is no function."""
    try:
        found = inspect.unwrap(function)
    except ValueError:  # it wraps itself
        return function
    return found if isinstance(found, types.FunctionType) else function


@functools.lru_cache(maxsize=1024)
def _class_definition(kind: type) -> str:
    """Kept, since Python looks a class up by parsing its whole file."""
    try:
        source = inspect.getsourcefile(kind)
        _, line = inspect.findsource(kind)
    except (OSError, TypeError, SyntaxError):  # no source: built in, made on the fly, or typed at a prompt
        return kind.__module__
    return f"{os.path.basename(source)}:{line + 1}" if source else kind.__module__
