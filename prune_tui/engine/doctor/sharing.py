"""Checks of parameters that stand in several places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.doctor.examination import Examination, Holder, PrunedTensor
from prune_tui.engine.doctor.found import Found
from prune_tui.engine.reading import elements_of
from prune_tui.engine.targets import listed


class _Standing(NamedTuple):
    """One of the places of a parameter: its module, its name as people prune it, and its pruning there."""

    holder: Holder
    name: str
    pruned: PrunedTensor | None

    @property
    def path(self) -> str:
        return self.holder.dotted(self.name)


def _tied(seen: Examination) -> Iterator[list[_Standing]]:
    """The places of each parameter that has several."""
    pruned = {(id(one.holder.module), f"{one.name}_orig"): one for one in seen.pruned}
    found: dict[int, list[_Standing]] = {}
    for holder in seen.holders:
        for key, parameter in holder.parameters.items():
            if parameter is not None:
                one = pruned.get((id(holder.module), key))
                name = key if one is None else one.name
                found.setdefault(id(parameter), []).append(_Standing(holder, name, one))
    return (places for places in found.values() if len(places) > 1)


def diverging_masks(seen: Examination) -> Iterator[Found]:
    """Parameters that are masked in one place and not, or otherwise, in another."""
    for places in _tied(seen):
        if _diverge(places):
            masked = [place.path for place in places if place.pruned is not None]
            others = [place.path for place in places if place.pruned is None]
            how = f"{listed(others)} uses it unmasked" if others else "each place masks other entries"
            words = {"places": listed(place.path for place in places), "how": how}
            first = next(place for place in places if place.path == masked[0])
            yield Found(first.holder.path, first.path, words, tuple(place.path for place in places))


def _diverge(places: list[_Standing]) -> bool:
    masks = [place.pruned for place in places if place.pruned is not None]
    if not masks or not all(one.readable for one in masks):
        return False
    alive = [bits.alive(one.mask) for one in masks]
    if len(masks) < len(places):
        return not all(bool(one.all()) for one in alive)
    return not all(torch.equal(alive[0], one) for one in alive[1:])


def listed_twice(seen: Examination) -> Iterator[Found]:
    """Parameters that `global_unstructured` would rank twice when it is given all names."""
    for places in _tied(seen):
        parameter: Tensor | None = next(iter(places)).holder.parameters.get(places[0].name)
        if not _diverge(places) and (parameter is None or elements_of(parameter)):
            words = {"places": listed(place.path for place in places)}
            yield Found(places[0].holder.path, places[0].path, words)
