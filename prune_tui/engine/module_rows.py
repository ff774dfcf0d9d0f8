"""The rows of the module tree, from what stands where. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from prune_tui.engine.rolled_up import Held, Place, shared_by, sums
from prune_tui.view_rows import ModuleRow


def rows(places: Sequence[Place], types: Sequence[str], held: list[tuple[Held, ...]]) -> tuple[ModuleRow, ...]:
    """A row for each place.

    Args:
        places: Of modules, parents before children.
        types: The class of the module at each, as it is to be written.
        held: What the module at each holds; nothing where it stands in an earlier place, too.
    """
    shared = shared_by(held)
    return tuple(
        ModuleRow(
            path=place.path,
            type=types[index],
            parent=place.parent,
            parameters=found.parameters,
            masked=found.masked,
            tensors=tuple(one.row for one in held[place.first] if one.row is not None),
            shared_with="" if place.first == index else places[place.first].path,
            shared_tensors=bool(shared)
            and any(one.identity in shared for one in held[place.first] if one.row is not None),
            bytes=found.bytes,
            dtypes=_in_order(found.dtypes),
            devices=_in_order(found.devices),
        )
        for index, (place, found) in enumerate(zip(places, sums(places, held, shared), strict=True))
    )


@lru_cache(1000)
def _in_order(names: frozenset[str]) -> tuple[str, ...]:
    """The same few for ten thousand modules."""
    return tuple(sorted(names))
