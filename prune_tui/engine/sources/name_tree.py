"""Modules as the dotted names of tensors tell of them: names below names. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

Path = tuple[str, ...]
"""Of a module: the names that lead to it."""

_BUFFERS = {"running_mean", "running_var", "num_batches_tracked"}
"""What torch's own modules keep as buffers, though it has the dtype of a parameter."""


class Place(NamedTuple):
    """Where a module stands.

    Attributes:
        path: Dotted name; empty for the whole.
        parent: Index of the place above; -1 for the whole.
        first: Its own index: no module stands twice.
    """

    path: str
    parent: int
    first: int


class NameTree(Generic[T]):
    """What is to become modules.

    Args:
        own: Names that a module needs for itself.

    Attributes:
        tensors: Those of each module by their own names; inner modules come after outer ones.
    """

    def __init__(self, own: Collection[str]) -> None:
        self._own = own
        self.tensors: dict[Path, dict[str, T]] = {(): {}}
        self._children: dict[Path, dict[str, None]] = {(): {}}

    def put(self, name: str, tensor: T) -> str:
        """Add a tensor and the modules above it, or say why that cannot be."""
        *above, own = parts = name.split(".")
        bad = next((part for part in parts if not part or part in self._own), None)
        if bad is not None:
            return f"no module of torch can hold anything called {bad!r}"
        holder = tuple(above)
        if holder not in self.tensors and (refusal := self._add(holder)):
            return refusal
        if own in self._children[holder]:
            return f"there are tensors below {name}, and torch has nothing below tensors"
        self.tensors[holder][own] = tensor
        return ""

    def _add(self, holder: Path) -> str:
        """Add a module and those above it, or say why that cannot be."""
        missing = []
        while holder not in self.tensors:
            missing.append(holder)
            holder = holder[:-1]
        if missing[-1][-1] in self.tensors[holder]:
            return f"{'.'.join(missing[-1])} is a tensor, too, and torch has nothing below tensors"
        for place in reversed(missing):
            self._children[place[:-1]][place[-1]] = None
            self.tensors[place], self._children[place] = {}, {}
        return ""

    def in_preorder(self) -> tuple[list[Place], list[Mapping[str, T]]]:
        """Every module, depth first, parents before children, and the tensors of each."""
        places: list[Place] = []
        held: list[Mapping[str, T]] = []
        waiting: list[tuple[Path, int]] = [((), -1)]
        while waiting:
            path, parent = waiting.pop()
            index = len(places)
            places.append(Place(".".join(path), parent, index))
            held.append(self.tensors[path])
            if children := self._children[path]:
                waiting += [((*path, name), index) for name in reversed(children)]
        return places, held


def is_parameter(name: str, beside: Collection[str], *, has_values: bool) -> bool:
    """Whether a tensor is taken for a parameter; a state_dict does not say which is which.

    Floating and complex tensors are, but for masks and for the statistics of normalisation.

    Args:
        name: Its own.
        beside: Those of the same module's tensors.
        has_values: It is floating or complex.
    """
    masks = name.endswith("_mask") and f"{name.removesuffix('_mask')}_orig" in beside
    return has_values and not masks and name not in _BUFFERS
