"""The marks pane: every marked tensor with its size and how much of it is pruned, and a cursor on one of them."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from prune_tui.ui import keys
from prune_tui.ui.mark_lines import Mark, mark_text, total_text
from prune_tui.ui.widgets.list_pane import ListPane


class MarksPane(ListPane):
    """One line a tensor; the totals are in the frame."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("marks")]

    class Chosen(Message):
        """Enter was pressed on a mark."""

        def __init__(self, mark: Mark) -> None:
            self.mark = mark
            """The marked tensor."""
            super().__init__()

    class ClearWanted(Message):
        """All of them are to be unmarked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._marks: list[Mark] = []

    def on_mount(self) -> None:
        """What its keys do."""
        self.border_title = Content("Marks")
        self.border_subtitle = Content(
            keys.told(self, ("marks.go", "goes there"), ("marks.toggle", "unmarks"), ("marks.list", "closes"))
        )

    # What the screen asks of it

    @property
    def mark(self) -> Mark | None:
        """The mark at the cursor."""
        return self._marks[self.cursor] if self.cursor < len(self._marks) else None

    def show_marks(self, found: list[Mark]) -> None:
        """Show what is marked; the cursor stays on its tensor, or else on its line."""
        known, before = self.mark, self.cursor
        self._marks = found
        same = [index for index, one in enumerate(found) if known is not None and one.tensor == known.tensor]
        last = max(len(found) - 1, 0)
        self.set_reactive(MarksPane.cursor, same[0] if same else min(before, last))
        self.border_title = Content(f"Marks  {total_text(found)}".strip())
        self.lay_out()

    # Keys

    def action_select(self) -> None:
        """Tell that enter was pressed."""
        if self.mark is not None:
            self.post_message(self.Chosen(self.mark))

    def action_clear(self) -> None:
        """Tell that nothing is to be marked any more."""
        self.post_message(self.ClearWanted())

    def watch_cursor(self) -> None:
        """Draw it where it is, and keep it in sight."""
        self.lay_out()

    # Drawing

    @property
    def entry_count(self) -> int:
        """The number of marks."""
        return len(self._marks)

    def entry_at(self, line: int) -> int | None:
        """The line itself."""
        return line if line < len(self._marks) else None

    def lay_out(self) -> None:
        """A line for each, the one at the cursor in sight."""
        self.set_line_count(len(self._marks))
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def line_text(self, line: int) -> tuple[Text, Style]:
        """A mark with the sign of the cursor; what to do where there is none."""
        if line >= len(self._marks):
            none = self._none_texts()
            return Text(f" {none[line]}" if line < len(none) else ""), self.rich_style
        at_cursor = line == self.cursor
        style = (
            self.get_component_rich_style("list-pane--cursor") if at_cursor and self.has_focus else self.rich_style
        )
        # The scrollbar may come or go with the number of lines: lay out for the width that is always there.
        text = mark_text(self._marks[line], self.container_size.width - 4)
        return Text.assemble("›" if at_cursor else " ", text), style

    def _none_texts(self) -> list[str]:
        """How to mark; nothing where there are marks."""
        if self._marks:
            return []
        ways = (
            ("marks.toggle", "marks the tensor at the cursor"),
            ("marks.type", "the same in all modules of its type"),
            ("marks.pattern", "by a pattern of names"),
            ("marks.shown", "all weights the filter shows"),
        )
        return ["nothing is marked", *(keys.told(self, way) for way in ways if keys.told(self, way))]
