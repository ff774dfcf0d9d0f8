"""How the tree's cursor moves after a count: so many lines, to a line, so many levels."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from prune_tui.ui.outline import OutlineModel


class CountedMoves:
    """Moves of a tree, each done several times."""

    cursor: int
    _outline: OutlineModel

    def action_lines(self, by: int) -> None:
        """Go so many lines down, or up."""
        self._move_by(by)

    def action_line(self, number: int) -> None:
        """Go to a line by its number, from 1 on."""
        line = self._cursor_line()
        if line is not None:
            self._move_by(number - 1 - line)

    def action_fold_levels(self, times: int) -> None:
        """Fold, or go to the parent, so many times."""
        self._until_nothing_changes(self.action_fold, times)

    def action_unfold_levels(self, times: int) -> None:
        """Unfold, or go to the first module in it, so many times."""
        self._until_nothing_changes(self.action_unfold, times)

    def _until_nothing_changes(self, move: Callable[[], None], times: int) -> None:
        for _ in range(times):
            before = self._place()
            move()
            if self._place() == before:
                return

    def _place(self) -> Hashable:
        return self.cursor, len(self._outline.visible)

    # What the tree has

    def _move_by(self, lines: int) -> None:
        raise NotImplementedError

    def _cursor_line(self) -> int | None:
        raise NotImplementedError

    def action_fold(self) -> None:
        """Fold, or go to the parent."""
        raise NotImplementedError

    def action_unfold(self) -> None:
        """Unfold, or go to the first module in it."""
        raise NotImplementedError
