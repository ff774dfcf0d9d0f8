"""Rows of a tree in another order: siblings change places, what is in them goes with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prune_tui.view_rows import ModuleRow


def preorder(rows: Sequence[ModuleRow], rank: Callable[[ModuleRow], Any] | None) -> list[int]:
    """The indices of all rows, parents before what is in them, siblings by rank.

    Args:
        rows: In preorder.
        rank: What siblings are sorted by, smallest first; equal ones stay as they are. None leaves all.
    """
    if rank is None:
        return list(range(len(rows)))
    children: list[list[int]] = [[] for _ in rows]
    waiting: list[int] = []
    for index, row in enumerate(rows):
        (waiting if row.parent < 0 else children[row.parent]).append(index)
    order = []
    waiting.reverse()
    while waiting:
        index = waiting.pop()
        order.append(index)
        waiting.extend(sorted(children[index], key=lambda child: rank(rows[child]))[::-1])  # taken from the end
    return order
