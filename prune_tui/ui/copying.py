"""Copying by key: what the cursor is on, or all of the pane, is sent to the terminal's clipboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
        self._send(self._copied(0))

    def action_copy_all(self) -> None:
        """Send all of the pane."""
        self._send(self._copied(1))

    def _copied(self, way: int) -> str:
        """What the focused pane has at its cursor, or all that it has."""
        ways = next((ways for kind, *ways in self._ways() if isinstance(self.focused, kind)), None)
        return "" if ways is None else ways[way]()

    def _ways(self) -> Iterator[tuple[type[Widget], Callable[[], str], Callable[[], str]]]:
        """Of each pane, what is copied: where its cursor is, and all of it."""
        main = self._main
        tree, module, tensor = main.module_tree, main.module_pane, self.tensor_pane
        findings, marks = self.findings_pane, self.marks_pane
        yield (
            ModuleTree,
            lambda: "" if tree.current is None else tree.current.path,
            lambda: "\n".join(row.path for row in tree.shown_rows() if row.path),
        )
        yield ModulePane, lambda: module.copied, lambda: module.all_text
        yield Picture, lambda: tensor.copied, tensor.picture.in_sight
        yield (
            FindingsPane,
            lambda: "" if findings.finding is None else copied.finding(findings.finding),
            lambda: "\n".join(map(copied.finding, findings.findings)),
        )
        yield (
            MarksPane,
            lambda: "" if marks.mark is None else marks.mark.tensor,
            lambda: "\n".join(sorted(self.marked)),
        )
        yield (
            EditLog,
            lambda: copied.calls(self.entries).rpartition("\n")[2],
            lambda: copied.calls(self.entries),
        )

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
