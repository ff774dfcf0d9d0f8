"""The doctor's pane: what is wrong or surprising in the model, with a cursor on one finding."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from prune_tui.ui import keys
from prune_tui.ui.finding_lines import Line, counts_text, finding_lines, looked_at
from prune_tui.ui.widgets.list_pane import ListPane
from prune_tui.views import Finding, Findings


class FindingsPane(ListPane):
    """One line a finding; the one at the cursor is explained below it."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("findings")]

    class Chosen(Message):
        """Enter was pressed on a finding."""

        def __init__(self, finding: Finding) -> None:
            self.finding = finding
            """The finding."""
            super().__init__()

    class RepairWanted(Message):
        """The key for repairs was pressed on a finding."""

        def __init__(self, finding: Finding) -> None:
            self.finding = finding
            """The finding."""
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._found: Findings | None = None
        self._lines: list[Line] = []
        self.note = "looking at the model…"

    def on_mount(self) -> None:
        """Title."""
        self.border_title = Content("Doctor")
        meanings = ("findings.go", "goes there"), ("findings.repair", "repairs"), ("app.doctor", "closes")
        self.border_subtitle = Content(keys.told(self, *meanings))

    # What the screen asks of it

    @property
    def finding(self) -> Finding | None:
        """The finding at the cursor."""
        found = () if self._found is None else self._found.findings
        return found[self.cursor] if self.cursor < len(found) else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return () if self._found is None else self._found.findings

    def show_note(self, note: str) -> None:
        """Say something instead of findings."""
        self._found, self.note = None, note
        self.border_title = Content("Doctor")
        self.lay_out()

    def show_findings(self, found: Findings) -> None:
        """Show what was found; the cursor stays on its finding, or else on its line."""
        known, before = self.finding, self.cursor
        self._found = found
        same = [
            index
            for index, one in enumerate(found.findings)
            if known is not None and (one.check, one.where) == (known.check, known.where)
        ]
        last = max(len(found.findings) - 1, 0)
        self.set_reactive(FindingsPane.cursor, same[0] if same else min(before, last))
        counts = counts_text(found)
        self.note = "" if found.findings else f"nothing found: {looked_at(found)}"
        self.border_title = Content(f"Doctor  {counts}".strip())
        self.lay_out()

    # Keys

    def action_select(self) -> None:
        """Tell that enter was pressed."""
        if self.finding is not None:
            self.post_message(self.Chosen(self.finding))

    def action_repair(self) -> None:
        """Tell that a repair is wanted."""
        if self.finding is not None:
            self.post_message(self.RepairWanted(self.finding))

    def watch_cursor(self) -> None:
        """Explain the finding under it."""
        self.lay_out()

    # Drawing

    @property
    def entry_count(self) -> int:
        """The number of findings."""
        return 0 if self._found is None else len(self._found.findings)

    def entry_at(self, line: int) -> int | None:
        """The finding that a line is of, or explains."""
        return self._lines[line].finding if line < len(self._lines) else None

    def lay_out(self) -> None:
        """Wrap to the width, and bring what explains the finding at the cursor into sight."""
        width = self.container_size.width - 4  # frame, cursor, and a scrollbar that may come
        self._lines = [] if self._found is None else finding_lines(self._found, self.cursor, width)
        own = [index for index, line in enumerate(self._lines) if line.finding == self.cursor]
        self.set_line_count(len(self._lines))
        if own:
            # Its headline before all else, where the whole explanation has no room.
            height = min(len(own), max(self.size.height, 1))
            self.scroll_to_region(Region(0, own[0], 1, height), animate=False, force=True)

    def line_text(self, line: int) -> tuple[Text, Style]:
        """A line with the mark of the cursor; the note where there are no findings."""
        if line >= len(self._lines):
            return Text(f" {self.note}" if line == 0 else ""), self.rich_style
        shown = self._lines[line]
        first = shown.finding == self.cursor and (line == 0 or self._lines[line - 1].finding != self.cursor)
        at_cursor = first and self.has_focus
        style = self.get_component_rich_style("list-pane--cursor") if at_cursor else self.rich_style
        return Text.assemble("›" if first else " ", shown.text), style
