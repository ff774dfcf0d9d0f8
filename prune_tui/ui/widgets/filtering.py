"""What of a tree of modules is shown: the filter, and the way from one match of it to the next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from prune_tui.ui import keys
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.arranging import Arranging
from prune_tui.view_rows import ModuleRow


class Filtering(Arranging):
    """Shows what matches a text, and the modules around that."""

    cursor: int

    def _lines_changed(self) -> None:
        """Draw everything again."""
        raise NotImplementedError

    def _cursor_line(self) -> int | None:
        """Which line the cursor is on; None when it is on none."""
        raise NotImplementedError

    @property
    def filtered(self) -> str:
        """What the tree is filtered by; empty where it is not."""
        return self._outline.filter

    def shown_rows(self) -> list[ModuleRow]:
        """The modules that the filter matches, folded or not; all of them when there is no filter."""
        if not self._outline.filter:
            return list(self._outline.rows)
        return [self._outline.row(index) for index in sorted(self._outline.matches)]

    def set_filter(self, text: str) -> int:
        """Show only what matches a text, and say how much that is; the empty text shows everything.

        The cursor stays where it is if that is still shown; otherwise it goes to the next match.
        """
        self._outline.set_filter(text)
        if not self._outline.filter and self.cursor >= 0:
            self._outline.reveal(self.cursor)
        self._lines_changed()
        if self._cursor_line() is None:
            self.go_to_match()
        return len(self._outline.matches)

    def go_to_match(self) -> None:
        """Move the cursor to the next match of the filter, from itself on, or else to the last one."""
        matches = sorted(self._outline.matches)
        if matches:
            index = matches[min(bisect_left(matches, self.cursor), len(matches) - 1)]
            self._outline.reveal(index)
            self._lines_changed()
            self.cursor = index

    # Keys

    def action_next_match(self, direction: int) -> None:
        """Move the cursor to the next match of the filter, or to the one before, and round the end."""
        matches = sorted(self._outline.matches)
        if not matches:
            self.tell(self._no_match())
            return
        at = bisect_right(matches, self.cursor) if direction > 0 else bisect_left(matches, self.cursor) - 1
        index = matches[at % len(matches)]
        self._outline.reveal(index)
        self._lines_changed()
        self.cursor = index
        self.tell(f"match {at % len(matches) + 1:,} of {len(matches):,}")

    def _no_match(self) -> str:
        """Why there is none to go to."""
        if self._outline.filter:
            return f"nothing matches '{printable(self._outline.filter)}'"
        key = keys.keymap_of(self).first("tree.filter")
        return "no filter is set" + (f": {key} sets one" if key else "")
