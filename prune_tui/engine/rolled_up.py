"""What stands in and below each module of a model, added up: shared tensors count once. Needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple, Protocol

from prune_tui.view_rows import ParameterRow


class Place(Protocol):
    """Where a module stands in a model, as `walking.places` has it, or the tree of a checkpoint's names."""

    @property
    def path(self) -> str:
        """Dotted name; empty for the model itself."""

    @property
    def parent(self) -> int:
        """Index of the place above; -1 for the model itself."""

    @property
    def first(self) -> int:
        """Index of the first place of this very module."""


class Held(NamedTuple):
    """One tensor that a module holds.

    Attributes:
        identity: The same wherever else it stands.
        bytes: Of its elements.
        device: Where it is.
        elements: How many it has; 0 for a buffer, which is none of the parameters.
        dtype: Of a parameter; empty for a buffer: counters of integers are beside the point.
        row: A parameter as the outline knows it; None for a buffer.
        squares: Sum of the squares of its values, where that was counted.
    """

    identity: int
    bytes: int
    device: str
    elements: int = 0
    dtype: str = ""
    row: ParameterRow | None = None
    squares: float = 0.0

    @property
    def pruned(self) -> bool:
        """Whether it has a mask."""
        return self.row is not None and self.row.pruned


class Sums(NamedTuple):
    """What some tensors come to.

    Attributes:
        parameters: Entries of parameters.
        masked: How many of them a mask takes; -1 where that is not known of all.
        bytes: Of parameters and buffers.
        squares: Sum of the squares of parameters.
        dtypes: Of parameters.
        devices: Of parameters and buffers.
    """

    parameters: int = 0
    masked: int = 0
    bytes: int = 0
    squares: float = 0.0
    dtypes: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()

    @classmethod
    def of(cls, held: Iterable[Held]) -> Sums:
        """Added up."""
        parameters = masked = size = 0
        squares, dtypes, devices = 0.0, _NONE, _NONE
        for one in held:
            size += one.bytes
            devices = _united(devices, _only(one.device))
            if one.row is not None:
                parameters += one.elements
                masked = together(masked, one.row.masked)
                squares += one.squares
                dtypes = _united(dtypes, _only(one.dtype))
        return cls(parameters, masked, size, squares, dtypes, devices)

    def plus(self, other: Sums) -> Sums:
        """Of both."""
        return Sums(
            self.parameters + other.parameters,
            together(self.masked, other.masked),
            self.bytes + other.bytes,
            self.squares + other.squares,
            _united(self.dtypes, other.dtypes),
            _united(self.devices, other.devices),
        )


def together(one: int, other: int) -> int:
    """The sum of two counts; -1 where one of them is not known."""
    return -1 if one < 0 or other < 0 else one + other


def shared_by(held: Iterable[Iterable[Held]]) -> set[int]:
    """The identities of tensors that stand in several places."""
    holders = Counter(one.identity for own in held for one in own)
    return {identity for identity, count in holders.items() if count > 1}


_NONE: frozenset[str] = frozenset()


@cache
def _only(name: str) -> frozenset[str]:
    return frozenset((name,))


def _united(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Both, without a set for each of ten thousand modules."""
    return one if one is other or other <= one else other if one <= other else one | other


def sums(places: Sequence[Place], held: list[tuple[Held, ...]], shared: set[int]) -> list[Sums]:
    """What stands in and below each place: by adding up, but by walking where something below is shared.

    Args:
        places: Every place of a module.
        held: What the module at each holds; nothing where it stands in an earlier place, too.
        shared: Identities of tensors that stand in several places.
    """
    found = [Sums.of(own) for own in held]
    tangled = [
        place.first != index or any(one.identity in shared for one in held[index])
        for index, place in enumerate(places)
    ]
    children: list[list[int]] = [[] for _ in places]
    for index in range(len(places) - 1, 0, -1):  # children stand after their parent
        parent = places[index].parent
        children[parent].append(index)
        found[parent] = found[parent].plus(found[index])
        tangled[parent] |= tangled[index]
    for index, place in enumerate(places):
        if tangled[index] and place.first == index:
            found[index] = _reached(index, places, held, children)
    return [found[place.first] for place in places]


def _reached(start: int, places: Sequence[Place], held: list[tuple[Held, ...]], children: list[list[int]]) -> Sums:
    """Count each tensor that can be reached from a place once, with the mask of its first pruned place."""
    found: dict[int, Held] = {}
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        index = places[waiting.pop()].first
        if index in seen:
            continue
        seen.add(index)
        for one in held[index]:
            known = found.get(one.identity)
            if known is None or (one.pruned and not known.pruned):
                found[one.identity] = one
        waiting.extend(children[index])  # last child first, so that the first is taken next
    return Sums.of(found.values())
