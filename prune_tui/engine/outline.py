"""The module tree in rows: what stands where, how many parameters it has and how many of them are masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import torch
from torch import Tensor, nn

from prune_tui.engine import module_rows, walking
from prune_tui.engine.named import class_name
from prune_tui.engine.pruned import base_names, mask
from prune_tui.engine.reading import dtype_name, elements_of, masked_entries, shape_of, stored
from prune_tui.engine.rolled_up import Held, Sums, shared_by, sums
from prune_tui.engine.walking import Place
from prune_tui.view_rows import ModuleRow, ParameterRow


def outline(model: nn.Module) -> tuple[ModuleRow, ...]:
    """Every module of a model, parents before children, in the order of the model.

    A module that stands in several places is written out in the first and is a leaf in the others, so a model that
    holds itself ends too.
    """
    places = walking.places(model)
    return _rows(
        places, [held_by(place.module, {}) if _leads(places, i) else () for i, place in enumerate(places)]
    )


def changed_rows(
    model: nn.Module, before: tuple[ModuleRow, ...], touched: Iterable[nn.Module]
) -> tuple[tuple[int, ModuleRow], ...]:
    """The rows that an edit of some modules changed, with their indices: theirs, and those they are counted in.

    Masks of untouched modules are not counted again: their counts are carried over from `before`.

    Args:
        model: The model now. Its modules must stand where they stood.
        before: The outline before the edit.
        touched: The modules that were edited.
    """
    edited = {id(module) for module in touched}
    places = walking.places(model)
    held: list[tuple[Held, ...]] = []
    for index, place in enumerate(places):
        known = index < len(before) and before[index].path == place.path and id(place.module) not in edited
        carried = {row.name: row.masked for row in before[index].tensors if row.pruned} if known else {}
        held.append(held_by(place.module, carried) if _leads(places, index) else ())
    now = _rows(places, held)
    return tuple((i, row) for i, row in enumerate(now) if i >= len(before) or row != before[i])


def devices(model: nn.Module) -> str:
    """Where its tensors are: `cpu`, or `cpu, cuda:0`; `no tensors` when there are none."""
    found = {tensor.device for tensor in walking.tensors_of(model)}
    ordered = sorted(found, key=lambda device: (device.type, device.index or 0))
    return ", ".join(map(str, ordered)) or "no tensors"


def _leads(places: list[Place], index: int) -> bool:
    return places[index].first == index


def held_by(module: nn.Module, carried: Mapping[str, int]) -> tuple[Held, ...]:
    """Own parameters and buffers of a module; `carried` has the counts of masks that need no counting."""
    held = []
    for name in base_names(module):
        parameter = stored(module, name)
        if parameter is None:
            continue
        kept = mask(module, name)
        masked = 0 if kept is None else carried[name] if name in carried else masked_entries(kept)
        row = ParameterRow(name, shape_of(parameter), masked, kept is not None)
        held.append(_held(parameter, row))
    return (*held, *(_held(buffer) for buffer in module._buffers.values() if buffer is not None))


def _held(tensor: Tensor, row: ParameterRow | None = None) -> Held:
    elements = elements_of(tensor)
    size, device = elements * tensor.dtype.itemsize, _device_name(tensor.device)
    if row is None:
        return Held(id(tensor), size, device)
    return Held(id(tensor), size, device, elements, dtype_name(tensor), row)


@cache
def _device_name(device: torch.device) -> str:
    return str(device)


def rolled_up(places: list[Place], held: list[tuple[Held, ...]]) -> list[Sums]:
    """What stands in and below each place."""
    return sums(places, held, shared_by(held))


def _rows(places: list[Place], held: list[tuple[Held, ...]]) -> tuple[ModuleRow, ...]:
    return module_rows.rows(places, [class_name(place.module) for place in places], held)
