"""What a person has made of the panes, and the bounds within which that is possible. Pure.

The designed layout stands in `app.tcss`, for windows of three widths: in the first, of `pages`, the tree has the
window for itself, or module and tensor have; in the second the tree stands beside them; in the third, the wide
one, the edit log has a place of its own beside the module.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Pane = Literal["tree", "module", "tensor", "log"]
PANES: tuple[Pane, ...] = get_args(Pane)

COLUMNS_FROM = 72
"""Columns of a window from which on the tree stands beside module and tensor."""
WIDE_FROM = 160
"""Columns from which on the edit log stands beside the module."""
TALL_FROM = 45
"""Lines from which on the module pane takes a smaller share of them."""

_TREE_LEAST = 20
_BESIDE_LEAST = 32
"""Columns that the tree leaves to module and tensor."""
_MODULE_LEAST = 5
_TENSOR_LEAST = 8
"""Lines that the module pane leaves to the tensor."""


class Layout(NamedTuple):
    """What is other than designed, and what was looked at last.

    Attributes:
        tree: The tree's share of the window's width; None as designed.
        module: The module pane's share of the height of the panes; None as designed.
        hidden: Panes that are not shown.
        picture: The picture of a tensor.
        column: What the tree shows of each module.
    """

    tree: float | None = None
    module: float | None = None
    hidden: tuple[Pane, ...] = ()
    picture: str = "values"
    column: str = "params"

    def with_tree(self, columns: int, window: int) -> Layout:
        """The tree so wide, or as wide as it may be."""
        return self._replace(tree=round(_within(columns, _TREE_LEAST, window - _BESIDE_LEAST) / window, 4))

    def with_module(self, lines: int, room: int) -> Layout:
        """The module pane so high, or as high as it may be.

        Args:
            lines: Of it, with its frame.
            room: Lines of module and tensor pane together.
        """
        return self._replace(module=round(_within(lines, _MODULE_LEAST, room - _TENSOR_LEAST) / room, 4))

    def tree_columns(self, window: int) -> int | None:
        """Columns of the tree in a window of so many; None as designed."""
        return (
            None if self.tree is None else _within(round(self.tree * window), _TREE_LEAST, window - _BESIDE_LEAST)
        )

    def module_lines(self, room: int) -> int | None:
        """Lines of the module pane where there are so many for it and the tensor pane; None as designed."""
        return (
            None
            if self.module is None
            else _within(round(self.module * room), _MODULE_LEAST, room - _TENSOR_LEAST)
        )

    def toggled(self, pane: Pane) -> Layout | None:
        """With a pane hidden, or shown again; None where it is the last one there is."""
        hidden = tuple(one for one in PANES if (one in self.hidden) != (one == pane))
        return None if {"tree", "module", "tensor"} <= set(hidden) else self._replace(hidden=hidden)

    def shown(self, pane: Pane) -> Layout:
        """With a pane shown."""
        return self._replace(hidden=tuple(one for one in self.hidden if one != pane))

    def designed(self) -> Layout:
        """All panes as they are designed; picture and column stay."""
        return Layout(picture=self.picture, column=self.column)


def _within(number: int, least: int, most: int) -> int:
    return max(min(number, most), least)
