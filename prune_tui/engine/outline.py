"""The module tree in rows: what stands where, how many parameters it has and how many of them are masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import nn

from prune_tui.engine import walking
from prune_tui.engine.pruned import base_names, mask
from prune_tui.engine.reading import elements_of, masked_entries, shape_of, stored
from prune_tui.engine.walking import Place
from prune_tui.view_rows import ModuleRow, ParameterRow


class _Held(NamedTuple):
    """One parameter a module holds, and what identifies it wherever else it stands."""

    identity: int
    elements: int
    row: ParameterRow


class _Count(NamedTuple):
    parameters: int
    masked: int


def outline(model: nn.Module) -> tuple[ModuleRow, ...]:
    """Every module of a model, parents before children, in the order of the model.

    A module that stands in several places is written out in the first and is a leaf in the others, so a model that
    holds itself ends too.
    """
    places = walking.places(model)
    return _rows(places, [_held(place.module, {}) if _leads(places, i) else () for i, place in enumerate(places)])


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
    held: list[tuple[_Held, ...]] = []
    for index, place in enumerate(places):
        known = index < len(before) and before[index].path == place.path and id(place.module) not in edited
        carried = {row.name: row.masked for row in before[index].tensors if row.pruned} if known else {}
        held.append(_held(place.module, carried) if _leads(places, index) else ())
    now = _rows(places, held)
    return tuple((i, row) for i, row in enumerate(now) if i >= len(before) or row != before[i])


def devices(model: nn.Module) -> str:
    """Where its tensors are: `cpu`, or `cpu, cuda:0`; `no tensors` when there are none."""
    found = {tensor.device for tensor in walking.tensors_of(model)}
    ordered = sorted(found, key=lambda device: (device.type, device.index or 0))
    return ", ".join(map(str, ordered)) or "no tensors"


def _leads(places: list[Place], index: int) -> bool:
    return places[index].first == index


def _held(module: nn.Module, carried: Mapping[str, int]) -> tuple[_Held, ...]:
    """Own parameters of a module; `carried` has the counts of masks that need no counting."""
    held = []
    for name in base_names(module):
        parameter = stored(module, name)
        if parameter is None:
            continue
        kept = mask(module, name)
        masked = 0 if kept is None else carried[name] if name in carried else masked_entries(kept)
        row = ParameterRow(name, shape_of(parameter), masked, kept is not None)
        held.append(_Held(id(parameter), elements_of(parameter), row))
    return tuple(held)


def _rows(places: list[Place], held: list[tuple[_Held, ...]]) -> tuple[ModuleRow, ...]:
    holders = Counter(one.identity for own in held for one in own)
    counts = _counts(places, held, holders)
    return tuple(
        ModuleRow(
            path=place.path,
            type=type(place.module).__name__,
            parent=place.parent,
            parameters=counts[place.first].parameters,
            masked=counts[place.first].masked,
            tensors=tuple(one.row for one in held[place.first]),
            shared_with="" if place.first == index else places[place.first].path,
            shared_tensors=any(holders[one.identity] > 1 for one in held[place.first]),
        )
        for index, place in enumerate(places)
    )


def _counts(places: list[Place], held: list[tuple[_Held, ...]], holders: Counter[int]) -> list[_Count]:
    """What stands in and below each place: by adding up, but by walking where something below is shared."""
    parameters = [sum(one.elements for one in own) for own in held]
    masked = [sum(one.row.masked for one in own) for own in held]
    tangled = [
        place.first != index or any(holders[one.identity] > 1 for one in held[index])
        for index, place in enumerate(places)
    ]
    children: list[list[int]] = [[] for _ in places]
    for index in range(len(places) - 1, 0, -1):  # children stand after their parent
        parent = places[index].parent
        children[parent].append(index)
        parameters[parent] += parameters[index]
        masked[parent] += masked[index]
        tangled[parent] |= tangled[index]
    return [
        _reached(index, places, held, children)
        if tangled[index] and _leads(places, index)
        else _Count(parameters[index], masked[index])
        for index in range(len(places))
    ]


def _reached(start: int, places: list[Place], held: list[tuple[_Held, ...]], children: list[list[int]]) -> _Count:
    """Count each Parameter that can be reached from a place once, with the mask of its first pruned place."""
    found: dict[int, _Held] = {}
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        index = places[waiting.pop()].first
        if index in seen:
            continue
        seen.add(index)
        for one in held[index]:
            known = found.get(one.identity)
            if known is None or (one.row.pruned and not known.row.pruned):
                found[one.identity] = one
        waiting.extend(children[index])  # last child first, so that the first is taken next
    return _Count(sum(one.elements for one in found.values()), sum(one.row.masked for one in found.values()))
