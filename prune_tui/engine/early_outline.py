"""The module tree of a checkpoint before torch is imported: from its headers, by the names of its tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prune_tui.engine import module_rows
from prune_tui.engine.rolled_up import Held, Place
from prune_tui.engine.sources import early_tensors
from prune_tui.engine.sources.dtype_names import ITEMSIZES, has_values
from prune_tui.engine.sources.early_tensors import EarlyTensor, LeftToTorchError
from prune_tui.engine.sources.module_names import may_be_modules_own
from prune_tui.engine.sources.name_tree import NameTree, is_parameter
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.protocol import Open
from prune_tui.source_names import base_name, is_path
from prune_tui.view_rows import ParameterRow
from prune_tui.views import EarlyOutline

_MOST_MODULES = 50_000
_DEVICE = "cpu"
"""Where the tensors of a checkpoint are, unless another device is asked for."""


def early_outline(request: Open) -> EarlyOutline | None:
    """What can be told of a source without torch; None where that is nothing.

    Its rows are those that opening gives, but for what only values tell: how many entries a mask takes. Where a
    `config.json` tells of the modules, it is the tree of the names in the files, which may be another.

    Args:
        request: What is to be opened.
    """
    if (
        not is_path(request.source)
        or request.arguments
        or request.weights
        or request.device not in {"auto", _DEVICE}
    ):
        return None
    path = Path(request.source)
    try:
        found = early_tensors.read(path, request.key)
        rows = module_rows.rows(*_tree(found.tensors, base_name(path)))
    except (SourceError, OSError):
        return None  # whoever opens it with torch says why
    return EarlyOutline(rows, names_only=found.has_classes)


def _tree(
    tensors: Mapping[str, EarlyTensor], label: str
) -> tuple[Sequence[Place], Sequence[str], list[tuple[Held, ...]]]:
    """What stands where, as `named_modules.tree_of` and `restored_pruning.restore` would have it.

    Raises:
        LeftToTorchError: There are names that torch may have to be asked about, or too many modules.
    """
    tree: NameTree[EarlyTensor] = NameTree(())
    parts = {part for name in tensors for part in name.split(".")}
    if any(map(may_be_modules_own, parts)):
        raise LeftToTorchError("a name of it is one that torch's modules have themselves")
    for name, tensor in tensors.items():
        tree.put(name, tensor)  # what has no place there has none here
        if len(tree.tensors) > _MOST_MODULES:
            raise LeftToTorchError(f"its names make up more than {_MOST_MODULES:,} modules")
    places, held = tree.in_preorder()
    identities: dict[object, int] = {}
    return places, [label, *[""] * (len(places) - 1)], [_held(own, identities) for own in held]


def _held(tensors: Mapping[str, EarlyTensor], identities: dict[object, int]) -> tuple[Held, ...]:
    """Parameters and buffers of a module.

    Args:
        tensors: Its own, by name.
        identities: A number for each parameter and buffer of the model; new ones are added.
    """
    parameters: dict[str, EarlyTensor] = {}
    buffers: dict[str, EarlyTensor] = {}
    for name, one in tensors.items():
        is_value = is_parameter(name, tensors, has_values=has_values(one.dtype))
        (parameters if is_value else buffers)[name] = one
    found = [_parameter(name, one, parameters, buffers, identities) for name, one in parameters.items()]
    for one in buffers.values():
        identity = identities.setdefault(("buffer", id(one)), len(identities))
        found.append(Held(identity, _bytes(one), _DEVICE))
    return tuple(found)


def _parameter(
    name: str,
    tensor: EarlyTensor,
    parameters: Mapping[str, EarlyTensor],
    buffers: Mapping[str, EarlyTensor],
    identities: dict[object, int],
) -> Held:
    """A parameter; `weight_orig` beside `weight_mask` is `weight`, pruned."""
    base = name.removesuffix("_orig")
    mask = buffers.get(f"{base}_mask") if base != name and base not in parameters else None
    pruned = mask is not None and mask.shape == tensor.shape
    masked = mask.masked if mask is not None and pruned and tensor.elements else 0
    row = ParameterRow(base if pruned else name, tensor.shape, masked, pruned)
    known = tensor.memory if tensor.memory is not None else id(tensor)
    identity = identities.setdefault(("parameter", known), len(identities))
    return Held(identity, _bytes(tensor), _DEVICE, tensor.elements, tensor.dtype, row)


def _bytes(tensor: EarlyTensor) -> int:
    return tensor.elements * ITEMSIZES[tensor.dtype]
