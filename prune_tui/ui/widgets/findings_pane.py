"""The doctor's pane: what is wrong or surprising in the model, with a cursor on one finding."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from prune_tui.ui import keys
from prune_tui.ui.finding_lines import Line, counts_text, finding_lines, looked_at
from prune_tui.views import Finding, Findings


class FindingsPane(ScrollView, can_focus=True, inherit_bindings=False):
    """One line a finding; the one at the cursor is explained below it."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("findings")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"findings-pane--cursor"}
    DEFAULT_CSS = """
    FindingsPane {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        &:focus { border: heavy $border; }
        &:focus > .findings-pane--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
    }
    """

    cursor: reactive[int] = reactive(0, init=False)
    """The finding the cursor is on."""

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
        self.set_reactive(FindingsPane.auto_links, False)
        self._found: Findings | None = None
        self._lines: list[Line] = []
        self.note = "looking at the model…"

    def on_mount(self) -> None:
        """Title."""
        self.border_title = Content("Doctor")
        self.border_subtitle = Content("enter goes there · r repairs · ! closes")

    def on_show(self) -> None:
        """An explanation needs more lines than a module."""
        if self.parent is not None:
            self.parent.add_class("-examining")

    def on_hide(self) -> None:
        """Give them back, however the pane was left."""
        if self.parent is not None:
            self.parent.remove_class("-examining")

    # What the screen asks of it

    @property
    def finding(self) -> Finding | None:
        """The finding at the cursor."""
        found = () if self._found is None else self._found.findings
        return found[self.cursor] if self.cursor < len(found) else None

    def show_note(self, note: str) -> None:
        """Say something instead of findings."""
        self._found, self.note = None, note
        self.border_title = Content("Doctor")
        self._lay_out()

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
        self._lay_out()

    # Keys

    def action_cursor_up(self) -> None:
        """Go to the finding above."""
        self._move_to(self.cursor - 1)

    def action_cursor_down(self) -> None:
        """Go to the finding below."""
        self._move_to(self.cursor + 1)

    def action_page_up(self) -> None:
        """Go up as many findings as a page has lines."""
        self._move_to(self.cursor - self.size.height + 1)

    def action_page_down(self) -> None:
        """Go down as many."""
        self._move_to(self.cursor + self.size.height - 1)

    def action_first(self) -> None:
        """Go to the first finding."""
        self._move_to(0)

    def action_last(self) -> None:
        """Go to the last finding."""
        self._move_to(len(self._found.findings) - 1 if self._found is not None else 0)

    def action_select(self) -> None:
        """Tell that enter was pressed."""
        if self.finding is not None:
            self.post_message(self.Chosen(self.finding))

    def action_repair(self) -> None:
        """Tell that a repair is wanted."""
        if self.finding is not None:
            self.post_message(self.RepairWanted(self.finding))

    def _move_to(self, index: int) -> None:
        count = 0 if self._found is None else len(self._found.findings)
        self.cursor = min(max(index, 0), max(count - 1, 0))

    def watch_cursor(self) -> None:
        """Explain the finding under it."""
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y + self.scroll_offset.y < len(self._lines):
            self._move_to(self._lines[offset.y + self.scroll_offset.y].finding)

    def on_resize(self, _: events.Resize) -> None:
        """Wrap to the new width."""
        self._lay_out()

    # Drawing

    def _lay_out(self) -> None:
        width = self.container_size.width - 4  # frame, cursor, and a scrollbar that may come
        self._lines = [] if self._found is None else finding_lines(self._found, self.cursor, width)
        own = [index for index, line in enumerate(self._lines) if line.finding == self.cursor]
        self.virtual_size = Size(0, len(self._lines))
        if own:
            # Its headline before all else, where the whole explanation has no room.
            height = min(len(own), max(self.size.height, 1))
            self.scroll_to_region(Region(0, own[0], 1, height), animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if index >= len(self._lines):
            text = Text(f" {self.note}" if y == 0 and not self._lines else "")
            text.truncate(width, overflow="ellipsis")
            return self._strip(text, width)
        line = self._lines[index]
        first = line.finding == self.cursor and (index == 0 or self._lines[index - 1].finding != self.cursor)
        text = Text.assemble("›" if first else " ", line.text)
        text.truncate(width, overflow="ellipsis")
        at_cursor = first and self.has_focus
        return self._strip(
            text, width, self.get_component_rich_style("findings-pane--cursor") if at_cursor else None
        )

    def _strip(self, text: Text, width: int, style: Style | None = None) -> Strip:
        strip = Strip(text.render(self.app.console)).adjust_cell_length(width)
        return strip.apply_style(style or self.rich_style)
