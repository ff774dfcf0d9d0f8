"""The module tree without a screen: what is open, what the filter matches, and which rows that shows.

Rows come in preorder and are put into another one where siblings are sorted, so the modules below row `i` are the
rows `i + 1 .. end[i] - 1`. Everything here leans on that: a folded module is skipped in one step, and no operation
but sorting costs more than one pass over the rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from prune_tui.ui.sibling_order import preorder
from prune_tui.ui.tree_columns import Rank
from prune_tui.view_rows import ModuleRow

SMALL = 40
"""A model of at most so many modules starts with two levels open."""

OPEN_ALL_LIMIT = 2_000
"""Of a model with more modules than this, `open_all` opens two levels only."""


class OutlineModel:
    """The rows of the module tree, with the fold state and the filter that decide which are shown.

    A module is named by the index of its row in the order that is shown. While a filter is set the tree holds the
    matches and their ancestors only, and folding is on top of that; the fold state from before comes back with the
    empty filter.
    """

    def __init__(self, rows: Sequence[ModuleRow] = ()) -> None:
        self._rank: Rank | None = None
        # As they came; where each of them is now; and in the order that is shown.
        self._given: list[ModuleRow] = []
        self._place: list[int] = []
        self._rows: list[ModuleRow] = []
        self._parent: list[int] = []
        self._index: dict[str, int] = {}
        self._depth: list[int] = []
        self._end: list[int] = []
        self._open: set[int] = set()
        self._filter = ""
        self._matches: frozenset[int] = frozenset()
        # While a filter is set: what it lets through, and the fold state to come back to.
        self._passed: set[int] | None = None
        self._open_before: set[int] = set()
        self._visible: list[int] | None = None
        self._deepest = 0
        self._last_children: set[int] = set()
        self.replace_rows(rows)

    # Rows

    def replace_rows(self, rows: Sequence[ModuleRow]) -> None:
        """Take other rows; a path that was there before stays as open as it was, and the filter stays set.

        The same rows told once more change nothing, not even what was folded under a filter.
        """
        if self._given != list(rows):
            self._take(rows)

    def _take(self, rows: Sequence[ModuleRow]) -> None:
        known = set(self._index)
        open_before = self._open if self._passed is None else self._open_before
        opened = {self._rows[index].path for index in open_before}
        self._given = list(rows)
        self._arrange()
        self._index = {row.path: index for index, row in enumerate(self._rows)}
        self._measure()
        levels = 2 if len(self._rows) <= SMALL else 1
        self._open = {
            index
            for index, row in enumerate(self._rows)
            if (row.path in opened if row.path in known else self._depth[index] < levels)
        }
        self._passed = None
        self._visible = None
        self.set_filter(self._filter)

    def _arrange(self) -> None:
        """Put the rows into the order that is to be shown."""
        order = preorder(self._given, self._rank)
        self._rows = [self._given[index] for index in order]
        self._place = [0] * len(order)
        for place, index in enumerate(order):
            self._place[index] = place
        self._parent = [-1 if row.parent < 0 else self._place[row.parent] for row in self._rows]

    def set_rank(self, rank: Rank | None) -> None:
        """Sort siblings; None puts them as they came. What is open stays so; a filter unfolds anew."""
        self._rank = rank
        self._take(self._given)

    def _measure(self) -> None:
        """Find the depth of every row and where the rows below it end."""
        self._depth = []
        for parent in self._parent:
            self._depth.append(0 if parent < 0 else self._depth[parent] + 1)
        self._end = [index + 1 for index in range(len(self._rows))]
        for index in range(len(self._rows) - 1, 0, -1):
            parent = self._parent[index]
            if parent >= 0:
                self._end[parent] = max(self._end[parent], self._end[index])

    def update_rows(self, pairs: Sequence[tuple[int, ModuleRow]]) -> None:
        """Take new numbers for some rows; their paths, types and parents are the same as before.

        Args:
            pairs: Each row with its index among the rows as they came.
        """
        for index, row in pairs:
            self._given[index] = self._rows[self._place[index]] = row
        if self._rank is not None:
            self.set_rank(self._rank)

    @property
    def is_sorted(self) -> bool:
        """Whether siblings do not stand as they came."""
        return self._rank is not None

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, index: int) -> ModuleRow:
        """The row of a module."""
        return self._rows[index]

    @property
    def rows(self) -> Sequence[ModuleRow]:
        """All rows, shown or not."""
        return self._rows

    def index_of(self, path: str) -> int | None:
        """Where the module with this path is; None when there is none."""
        return self._index.get(path)

    # Structure

    def parent(self, index: int) -> int:
        """The module it is inside of; -1 for the model itself."""
        return self._parent[index]

    def has_children(self, index: int) -> bool:
        """Whether there are modules in it."""
        return self._end[index] > index + 1

    def is_open(self, index: int) -> bool:
        """Whether what is in it is shown, when it is shown itself."""
        return index in self._open and self.has_children(index)

    def is_last_child(self, index: int) -> bool:
        """Whether no module of the same parent is shown below it."""
        if self._passed is not None:
            self._lay_out()
            return index in self._last_children
        parent = self.parent(index)
        return parent < 0 or self._end[index] == self._end[parent]

    def guides(self, index: int, most: int | None = None) -> str:
        """The lines that lead to a row, two cells a level: `│ ├ `.

        Args:
            index: The row.
            most: Draw the innermost levels only, so many.
        """
        levels: list[str] = []
        inner = index
        while self.parent(inner) >= 0 and (most is None or len(levels) < most):
            last = self.is_last_child(inner)
            levels.append(("└ " if last else "├ ") if inner == index else ("  " if last else "│ "))
            inner = self.parent(inner)
        return "".join(reversed(levels))

    # What is shown

    @property
    def visible(self) -> list[int]:
        """The rows that are shown, from top to bottom. Not to be changed."""
        return self._lay_out()

    @property
    def deepest(self) -> int:
        """How many modules are around the deepest row that is shown."""
        self._lay_out()
        return self._deepest

    def depth(self, index: int) -> int:
        """How many modules are around a row."""
        return self._depth[index]

    def line_of(self, index: int) -> int | None:
        """Which line shows a row; None when it is folded away or filtered out."""
        visible = self._lay_out()
        line = bisect_left(visible, index)
        return line if line < len(visible) and visible[line] == index else None

    def nearest_visible(self, index: int) -> int | None:
        """The row itself or its innermost ancestor that is shown; None when none of them is."""
        while index >= 0 and self.line_of(index) is None:
            index = self.parent(index)
        return index if index >= 0 else None

    def _lay_out(self) -> list[int]:
        """List the visible rows, unless nothing changed since they were last listed."""
        if self._visible is not None:
            return self._visible
        visible: list[int] = []
        index = 0
        while index < len(self._rows):
            if self._passed is None or index in self._passed:
                visible.append(index)
            index = index + 1 if index in self._open else self._end[index]
        self._visible = visible
        self._deepest = max((self._depth[index] for index in visible), default=0)
        if self._passed is not None:
            # Of each parent the row that is listed last: later ones overwrite.
            self._last_children = set({self.parent(index): index for index in visible}.values())
        return visible

    # Folding

    def open(self, index: int) -> None:
        """Show what is in a module; under a filter that matched nothing in it, all that is in it."""
        self._open.add(index)
        if self._passed is not None:
            children = self._children(index)
            if self._passed.isdisjoint(children):
                self._passed.update(children)
        self._visible = None

    def close(self, index: int) -> None:
        """Hide what is in a module."""
        self._open.discard(index)
        self._visible = None

    def close_all(self) -> None:
        """Fold everything but the model itself."""
        self._open = {0} if self._rows else set()
        self._visible = None

    def open_all(self) -> None:
        """Unfold everything; of a model with more than `OPEN_ALL_LIMIT` modules, two levels, and fold the rest.

        Under a filter it is everything on the way to a match.
        """
        if self._passed is not None:
            self._open = self._on_the_way()
        elif len(self._rows) <= OPEN_ALL_LIMIT:
            self._open = set(range(len(self._rows)))
        else:
            self._open = {index for index, depth in enumerate(self._depth) if depth < 2}
        self._visible = None

    def reveal(self, index: int) -> None:
        """Open the modules around a row, so that it is shown; the filter lets it through too."""
        if self._passed is not None:
            self._passed.add(index)
        while (index := self.parent(index)) >= 0:
            self._open.add(index)
            if self._passed is not None:
                self._passed.add(index)
        self._visible = None

    def _children(self, index: int) -> list[int]:
        """The modules directly in a module."""
        children = []
        child = index + 1
        while child < self._end[index]:
            children.append(child)
            child = self._end[child]
        return children

    # The filter

    @property
    def filter(self) -> str:
        """The text that the shown modules contain; empty when all are shown."""
        return self._filter

    @property
    def matches(self) -> frozenset[int]:
        """The rows that the filter matches; empty when there is no filter."""
        return self._matches

    def set_filter(self, text: str) -> None:
        """Show only the modules that have every word of a text in their path or type, and their ancestors.

        Upper and lower case are the same, and all that is shown is unfolded. The empty text shows everything
        again, folded as it was before the first filter.
        """
        self._filter = text.strip()
        words = self._filter.casefold().split()
        if not words:
            if self._passed is not None:
                self._open, self._passed = self._open_before, None
            self._matches = frozenset()
        else:
            if self._passed is None:
                self._open_before = self._open
            self._matches = frozenset(index for index, row in enumerate(self._rows) if _holds(row, words))
            self._passed = self._with_ancestors(self._matches)
            self._open = self._on_the_way()
        self._visible = None

    def _with_ancestors(self, indices: frozenset[int]) -> set[int]:
        """Rows and all modules around them; each is visited once however many share it."""
        found: set[int] = set()
        for start in indices:
            index = start
            while index >= 0 and index not in found:
                found.add(index)
                index = self.parent(index)
        return found

    def _on_the_way(self) -> set[int]:
        """The modules that have something in them that the filter lets through."""
        return {self.parent(index) for index in self._passed or ()} - {-1}


def _holds(row: ModuleRow, words: list[str]) -> bool:
    """Whether every word is in the path or the type of a module."""
    text = f"{row.path} {row.type}".casefold()
    return all(word in text for word in words)
