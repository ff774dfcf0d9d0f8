"""What a module holds: parameters, buffers, what pruning computes, hooks, parametrizations and histories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Literal

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod

from prune_tui.engine import pruned
from prune_tui.engine.axes import axis_names
from prune_tui.engine.hooks import definition, hooks_of, settings_text
from prune_tui.engine.named import Named, class_name, computes
from prune_tui.engine.reading import (
    dtype_name,
    elements_of,
    masked_entries,
    pieces,
    product,
    shape_of,
    stored,
    unequal,
    why_no_values,
)
from prune_tui.engine.walking import places
from prune_tui.view_rows import HistoryRow, Parametrization, TensorHistory, TensorRow, View
from prune_tui.views import ModuleView

_Names = Mapping[int, tuple[str, ...]]


def module_view(
    model: nn.Module, path: str, module: nn.Module, recorded: Mapping[BasePruningMethod, HistoryRow]
) -> ModuleView:
    """Everything a module holds, its children apart.

    Args:
        model: The model it stands in, for the other places of its tensors.
        path: Its dotted name; empty for the model itself.
        module: The module.
        recorded: What the session knows of the method objects it applied.
    """
    names = _dotted_names(model, module)
    return ModuleView(
        path=path,
        title=_title(module),
        where="" if isinstance(module, Named) else definition(type(module)),
        training=module.training,
        parameters=tuple(_parameter_rows(path, module, names)),
        buffers=tuple(_buffer_rows(path, module, names)),
        computed=tuple(_computed_rows(path, module)),
        hooks=hooks_of(module),
        parametrizations=tuple(_parametrizations(module)),
        histories=tuple(_histories(module, recorded)),
    )


def is_stale(attribute: object, values: Tensor, kept: Tensor) -> bool:
    """Whether the attribute that pruning leaves behind is not `orig × mask` any more, NaN being equal to NaN.

    torch refreshes it in a forward_pre hook only: an optimizer's step, `load_state_dict` and `half()` leave it.
    """
    if not isinstance(attribute, Tensor):
        return True
    told = [(shape_of(one), one.dtype, one.device) for one in (attribute, values)]
    if told[0] != told[1]:
        return True
    if any(why_no_values(one) for one in (attribute, values, kept)):
        return False
    return any(
        bool(unequal(shown, product(value, mask)).any()) for shown, value, mask in pieces(attribute, values, kept)
    )


def _title(module: nn.Module) -> str:
    """`Conv2d(1, 6, kernel_size=(3, 3))`, as torch prints a module without children."""
    try:
        settings = module.extra_repr()
    except Exception:  # noqa: BLE001  # somebody else's extra_repr may raise anything, as before a lazy forward
        settings = "…"
    name = class_name(module)
    return name if isinstance(module, Named) and not settings else f"{name}({settings})"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _base(module: nn.Module, name: str, suffix: str) -> str | None:
    """`weight` of `weight_orig` or `weight_mask`, where they are what pruning made of it."""
    base = name.removesuffix(suffix)
    return base if base != name and pruned.is_pruned(module, base) else None


def _described(
    path: str,
    module: nn.Module,
    tensor: Tensor,
    *,
    kind: Literal["parameter", "buffer", "computed"],
    name: str,
    base: str,
    view: View,
    persistent: bool = True,
    kept: int = -1,
    stale: bool = False,
    names: _Names | None = None,
) -> TensorRow:
    shape = shape_of(tensor)
    here = _joined(path, base if kind == "parameter" else name)
    return TensorRow(
        kind=kind,
        name=name,
        tensor=_joined(path, base),
        view=view,
        shape=shape,
        axes=axis_names(module, base, shape),
        dtype=dtype_name(tensor),
        device=str(tensor.device),
        requires_grad=tensor.requires_grad,
        bytes=elements_of(tensor) * tensor.dtype.itemsize,
        persistent=persistent,
        kept=kept,
        elements=elements_of(tensor),
        stale=stale,
        shared_with=tuple(other for other in (names or {}).get(id(tensor), ()) if other != here),
        note=why_no_values(tensor),
    )


def _parameter_rows(path: str, module: nn.Module, names: _Names) -> Iterator[TensorRow]:
    for name, parameter in module._parameters.items():
        if parameter is None:
            continue
        base = _base(module, name, "_orig")
        view: View = "orig" if base else "effective"
        yield _described(
            path, module, parameter, kind="parameter", name=name, base=base or name, view=view, names=names
        )


def _buffer_rows(path: str, module: nn.Module, names: _Names) -> Iterator[TensorRow]:
    for name, buffer in module._buffers.items():
        if buffer is None:
            continue
        base = _base(module, name, "_mask")
        yield _described(
            path,
            module,
            buffer,
            kind="buffer",
            name=name,
            base=base or name,
            view="mask" if base else "effective",
            persistent=name not in module._non_persistent_buffers_set,
            kept=elements_of(buffer) - masked_entries(buffer) if base else -1,
            names=names,
        )


def _computed_rows(path: str, module: nn.Module) -> Iterator[TensorRow]:
    for _, name, hook in pruned.pruning_hooks(module):
        values, kept = stored(module, name), pruned.mask(module, name)
        if values is None or kept is None:
            continue
        attribute = vars(module).get(name)
        yield _described(
            path,
            module,
            attribute if isinstance(attribute, Tensor) else values,
            kind="computed",
            name=name,
            base=name,
            view="effective",
            persistent=False,
            kept=elements_of(kept) - masked_entries(kept),
            # What a person's own hook computes is known to that hook alone.
            stale=pruned.multiplies(hook)
            and not (computes(module) and attribute is None)
            and is_stale(attribute, values, kept),
        )


def _parametrizations(module: nn.Module) -> Iterator[Parametrization]:
    """Told from the registry: to read a parametrized attribute would compute it."""
    if parametrize.is_parametrized(module):
        registry = module._modules["parametrizations"]
        for name, applied in registry._modules.items() if registry is not None else ():
            if applied is not None:
                yield Parametrization(name, tuple(type(one).__name__ for one in applied._modules.values()))


def _histories(module: nn.Module, recorded: Mapping[BasePruningMethod, HistoryRow]) -> Iterator[TensorHistory]:
    # By identity, since a method of somebody else's may define equality.
    known = {id(method): row for method, row in recorded.items()}
    for _, name, hook in pruned.pruning_hooks(module):
        methods = pruned.methods_of(hook)
        yield TensorHistory(name, tuple(known.get(id(method)) or _remembered(method) for method in methods))


def _remembered(method: BasePruningMethod) -> HistoryRow:
    """What torch remembers of a method: not how many entries it took."""
    return HistoryRow(type(method).__name__, settings_text(method), took=-1, step=0)


def _dotted_names(model: nn.Module, module: nn.Module) -> _Names:
    """Every name in the model of each tensor that one module holds, by identity."""
    found: dict[int, list[str]] = {id(tensor): [] for _, tensor in _tensors(module)}
    for path, place, *_ in places(model, into_shared=True):
        for name, tensor in _tensors(place):
            if id(tensor) in found:
                base = _base(place, name, "_orig") or name
                found[id(tensor)].append(_joined(path, base))
    return {identity: tuple(names) for identity, names in found.items()}


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in chain(module._parameters.items(), module._buffers.items()):
        if tensor is not None:
            yield name, tensor
