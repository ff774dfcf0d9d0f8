"""A pane of lines with a cursor: how the cursor moves, stays in sight and follows the mouse."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip


class ListPane(ScrollView, can_focus=True, inherit_bindings=False):
    """Entries with a cursor on one of them; an entry may take several lines."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list-pane--cursor"}
    DEFAULT_CSS = """
    ListPane {
        height: 1fr;
        border: round $border-blurred;
        border-title-color: $foreground;
        border-subtitle-color: $foreground-muted;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        &:focus { border: heavy $border; }
        &:focus > .list-pane--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
    }
    """

    cursor: reactive[int] = reactive(0, init=False)
    """The entry the cursor is on."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        # There are no links in it, and looking for them repaints the pane at every move of the mouse.
        self.set_reactive(ListPane.auto_links, False)

    # What a pane of its kind says

    @property
    @abstractmethod
    def entry_count(self) -> int:
        """How many entries there are."""

    @abstractmethod
    def entry_at(self, line: int) -> int | None:
        """The entry that a line belongs to, counted from the top of the list; None below the last one."""

    @abstractmethod
    def lay_out(self) -> None:
        """Make the lines anew, for the width as it is now."""

    @abstractmethod
    def line_text(self, line: int) -> tuple[Text, Style]:
        """What stands on a line, however long, and the style of the whole line."""

    # Keys

    def action_cursor_up(self) -> None:
        """Go to the entry above."""
        self.move_to(self.cursor - 1)

    def action_cursor_down(self) -> None:
        """Go to the entry below."""
        self.move_to(self.cursor + 1)

    def action_page_up(self) -> None:
        """Go up as many entries as a page has lines."""
        self.move_to(self.cursor - self.size.height + 1)

    def action_page_down(self) -> None:
        """Go down as many."""
        self.move_to(self.cursor + self.size.height - 1)

    def action_first(self) -> None:
        """Go to the first entry."""
        self.move_to(0)

    def action_last(self) -> None:
        """Go to the last entry."""
        self.move_to(self.entry_count - 1)

    def action_lines(self, by: int) -> None:
        """Go so many entries down, or up."""
        self.move_to(self.cursor + by)

    def action_line(self, number: int) -> None:
        """Go to an entry by its number, from 1 on."""
        self.move_to(number - 1)

    def move_to(self, entry: int) -> None:
        """Put the cursor on an entry, or on the nearest there is."""
        self.cursor = min(max(entry, 0), max(self.entry_count - 1, 0))

    # Events

    def on_click(self, event: events.Click) -> None:
        """Move the cursor."""
        offset = event.get_content_offset(self)
        entry = None if offset is None else self.entry_at(offset.y + self.scroll_offset.y)
        if entry is not None:
            self.move_to(entry)

    def on_resize(self, _: events.Resize) -> None:
        """Fit the lines to the new width."""
        self.lay_out()

    # Drawing

    def set_line_count(self, lines: int) -> None:
        """Be as long as the lines are now, and draw them."""
        self.virtual_size = Size(0, lines)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        text, style = self.line_text(y + self.scroll_offset.y)
        text.truncate(width, overflow="ellipsis")
        return Strip(text.render(self.app.console)).adjust_cell_length(width).apply_style(style)
