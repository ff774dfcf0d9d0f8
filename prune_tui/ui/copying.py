"""Copying by key: what the cursor is on, or all of the pane, is sent to the terminal's clipboard."""

from __future__ import annotations

from textual.widget import Widget

from prune_tui.ui import copied
from prune_tui.ui.clipboard import TooLongError
from prune_tui.ui.numbers import counted
from prune_tui.ui.panes import Panes
from prune_tui.ui.widgets.edit_log import EditLog
from prune_tui.ui.widgets.findings_pane import FindingsPane
from prune_tui.ui.widgets.marks_pane import MarksPane
from prune_tui.ui.widgets.module_pane import ModulePane
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.picture import Picture

_TOLD = 40


class Copying(Panes):
    """What is copied depends on the pane that has the focus."""

    def action_copy(self) -> None:
        """Send what the cursor is on."""
        self._send(self._at_cursor(self.focused))

    def action_copy_all(self) -> None:
        """Send all of the pane."""
        self._send(self._all_of(self.focused))

    def _at_cursor(self, focused: Widget | None) -> str:
        if isinstance(focused, ModuleTree):
            return "" if focused.current is None else focused.current.path
        if isinstance(focused, ModulePane):
            return focused.copied
        if isinstance(focused, Picture):
            return self.tensor_pane.copied
        if isinstance(focused, FindingsPane):
            return "" if focused.finding is None else copied.finding(focused.finding)
        if isinstance(focused, MarksPane):
            return "" if focused.mark is None else focused.mark.tensor
        if isinstance(focused, EditLog):
            return copied.calls(self.entries).rpartition("\n")[2]
        return ""

    def _all_of(self, focused: Widget | None) -> str:
        if isinstance(focused, ModuleTree):
            return "\n".join(row.path for row in focused.shown_rows() if row.path)
        if isinstance(focused, ModulePane):
            return focused.all_text
        if isinstance(focused, Picture):
            return focused.in_sight()
        if isinstance(focused, FindingsPane):
            return "\n".join(map(copied.finding, focused.findings))
        if isinstance(focused, MarksPane):
            return "\n".join(sorted(self.marked))
        if isinstance(focused, EditLog):
            return copied.calls(self.entries)
        return ""

    def _send(self, text: str) -> None:
        """Send a text, and say so: whether the terminal took it, it does not tell."""
        if not text:
            self.say("there is nothing to copy here")
            return
        try:
            self.app.copy_to_clipboard(text)
        except TooLongError as error:
            self.say(str(error), "warning")
            return
        first, *others = text.splitlines()
        short = first if len(first) <= _TOLD else f"{first[: _TOLD - 1]}…"
        told = counted(len(others) + 1, "line") if others else short
        self.say(f"sent to the terminal: {told}")
