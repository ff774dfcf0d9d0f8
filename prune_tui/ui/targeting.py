"""Which tensors a pruning key works on. Pure: from the outline, the cursor and the marks to dotted names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prune_tui.steps import Method
from prune_tui.ui import keys
from prune_tui.view_rows import ModuleRow, ParameterRow, TensorRow


def dotted(row: ModuleRow, tensor: ParameterRow) -> str:
    """The dotted name of a module's tensor."""
    return f"{row.path}.{tensor.name}" if row.path else tensor.name


def weights(rows: Iterable[ModuleRow]) -> tuple[str, ...]:
    """What people mean by "all weights": parameters of two axes or more, so neither biases nor norms.

    Shared modules are named once, at their first place.
    """
    return tuple(
        dotted(row, tensor)
        for row in rows
        if not row.shared_with
        for tensor in row.tensors
        if len(tensor.shape) >= 2
    )


def tensors(rows: Iterable[ModuleRow]) -> tuple[str, ...]:
    """All that can be marked, weights and biases; those of shared modules at their first place."""
    return tuple(dotted(row, tensor) for row in rows if not row.shared_with for tensor in row.tensors)


def of_same_type(rows: Iterable[ModuleRow], current: ModuleRow, name: str) -> tuple[str, ...]:
    """The tensors of a name in all modules of a type: the weights, or the biases, of every Linear.

    Where only names are known, those at the same place of repeated modules: `layers.*.attention.query`.

    Args:
        rows: The whole outline.
        current: A module of that type.
        name: The tensor's name in its module.
    """
    kind = kind_of(current)
    alike = (row for row in rows if kind_of(row) == kind and not row.shared_with)
    return tuple(dotted(row, tensor) for row in alike for tensor in row.tensors if tensor.name == name)


def kind_of(row: ModuleRow) -> str:
    """A module's type; where only names are known, its place with `*` for the numbers of repeated modules."""
    return row.type or ".".join("*" if part.isdecimal() else part for part in row.path.split("."))


def inverted(marked: frozenset[str], shown: Sequence[ModuleRow]) -> frozenset[str]:
    """The marks the other way round: among the weights of what is shown; what is not shown stays as it is."""
    here = marked & {dotted(row, tensor) for row in shown for tensor in row.tensors}
    return (marked - here) | (frozenset(weights(shown)) - here)


def pruned(rows: Iterable[ModuleRow]) -> tuple[str, ...]:
    """All tensors that have a pruning hook."""
    return tuple(
        dotted(row, tensor) for row in rows if not row.shared_with for tensor in row.tensors if tensor.pruned
    )


def below(rows: Sequence[ModuleRow], path: str) -> list[ModuleRow]:
    """A module and all modules in it."""
    return [row for row in rows if not path or row.path == path or row.path.startswith(f"{path}.")]


def selected(current: ModuleRow, tensor: TensorRow | None) -> str:
    """The tensor at the cursor: what the module pane has selected, once it shows the module the tree is on.

    Until then it is what the pane will select: the weight, be it left half pruned, else the first parameter.
    """
    if tensor is not None and tensor.tensor.rpartition(".")[0] == current.path:
        return tensor.tensor
    first = next((own for own in current.tensors if own.name in {"weight", "weight_orig"}), current.tensors[0])
    return dotted(current, first)


def targets(
    method: Method,
    marked: frozenset[str],
    rows: Sequence[ModuleRow],
    current: ModuleRow | None,
    tensor: TensorRow | None,
) -> tuple[str, ...]:
    """What a method works on.

    The marked tensors, when there are any; else the tensor at the cursor. A module that holds none itself stands
    for all weights in it (for `remove`, all that are pruned), and a global step for all weights of the model.

    Args:
        method: From the catalogue.
        marked: Dotted names.
        rows: The whole outline.
        current: The module at the cursor.
        tensor: The tensor at the cursor.

    Returns:
        Dotted names in the order of the model; empty when there is nothing to work on.
    """
    if marked:
        return tuple(dotted(row, own) for row in rows for own in row.tensors if dotted(row, own) in marked)
    if method.many:
        return weights(rows)
    if current is None:
        return ()
    if current.tensors:
        return (selected(current, tensor),)
    inside = below(rows, current.path)
    return pruned(inside) if method.name == "remove" else weights(inside)


def nothing_to_do(
    method: Method, current: ModuleRow | None, filtered: str = "", keymap: keys.Keymap = keys.OURS
) -> str:
    """Why `targets` found none, and what to do.

    Args:
        method: From the catalogue.
        current: The module at the cursor; None where none is shown.
        filtered: What the tree is filtered by; empty where it is not.
        keymap: The keys that it names.
    """
    if current is None and filtered:
        return _nothing_shown(filtered, keymap)
    where = "this model" if current is None or not current.path else current.path
    if method.name == "remove":
        return f"nothing in {where} is pruned; there is nothing to remove"
    instead = keymap.named_in("go to a module that does, or mark tensors with {marks.toggle}")
    return f"{where} holds no weights to prune; {instead}"


def nothing_to_mark(current: ModuleRow | None, filtered: str, keymap: keys.Keymap = keys.OURS) -> str:
    """Why there is no tensor to mark, and what to do; arguments as for `nothing_to_do`."""
    if current is None and filtered:
        return _nothing_shown(filtered, keymap)
    return keymap.named_in("no tensor at the cursor to mark; {marks.shown} marks all weights the tree shows")


def _nothing_shown(filtered: str, keymap: keys.Keymap) -> str:
    return f"the filter {filtered!r} shows no module; {keymap.named_in('{app.back} clears it')}"
