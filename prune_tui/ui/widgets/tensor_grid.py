"""The values of one tensor in a grid that scrolls in both directions; only the visible part is ever asked for."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from prune_tui.protocol import Block
from prune_tui.ui import keys
from prune_tui.ui.facets import Canvas, Span
from prune_tui.ui.render import STATE_STYLES, NumberFormat, cell
from prune_tui.ui.tree_line import cut
from prune_tui.view_rows import TensorRow, View
from prune_tui.views import Tile, TileBlock


@dataclasses.dataclass(frozen=True)
class Picture:
    """What the grid shows: a tensor in a view, written in one format."""

    tensor: TensorRow
    view: View
    form: NumberFormat


class TensorGrid(ScrollView, can_focus=True, inherit_bindings=False):
    """A grid of values under a line that names the axes; rows are numbered at the left.

    It knows no tensor: it posts `Wanted` with the blocks it lacks and draws what `show_tile` brings.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("tensor")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"tensor-grid--{style}" for style in STATE_STYLES.values()),
        "tensor-grid--axis",
        "tensor-grid--note",
    }
    DEFAULT_CSS = """
    TensorGrid {
        height: 1fr;
        overflow: auto auto;
        scrollbar-size: 1 1;
        & > .tensor-grid--masked { color: $text-error; text-style: dim; }
        & > .tensor-grid--newly-masked { color: $text-error; text-style: bold reverse; }
        & > .tensor-grid--would-go { color: $text-warning; text-style: bold; }
        & > .tensor-grid--axis { color: $text-muted; }
        & > .tensor-grid--note { text-style: dim; }
    }
    """

    class Wanted(Message):
        """The grid is about to draw blocks whose values it does not have.

        Attributes:
            blocks: What is visible, and half a screen around it.
        """

        def __init__(self, blocks: tuple[Block, ...]) -> None:
            self.blocks = blocks
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.set_reactive(TensorGrid.auto_links, False)
        self._picture: Picture | None = None
        self._canvas: Canvas | None = None
        self._tile: dict[tuple[int, ...], tuple[Block, TileBlock]] = {}
        self._note = ""

    # What the pane asks of it

    def show(self, picture: Picture | None) -> None:
        """Show a tensor in a view, or none; its values are asked for, also when only they have changed."""
        before = self._picture
        self._picture = picture
        self._note = "" if picture is None else picture.tensor.note
        if picture is None or before is None or picture.tensor.tensor != before.tensor.tensor:
            self.scroll_to(0, 0, animate=False, force=True)
            self._tile = {}
        elif picture.view != before.view:
            self._tile = {}  # what stands there is of another view: not under this one's name
        self._lay_out()
        self._ask()

    def write_as(self, form: NumberFormat) -> None:
        """Write the values in another format; the first column that is seen stays."""
        picture, canvas = self._picture, self._canvas
        if picture is None or canvas is None or picture.form == form:
            return
        first = round(self.scroll_offset.x / canvas.cell)
        self._picture = dataclasses.replace(picture, form=form)
        self._lay_out()
        if not canvas.titled:
            self.scroll_to(x=first * form.cell, animate=False, force=True)
        self.want()

    def show_note(self, note: str) -> None:
        """Show a sentence in place of the values."""
        self._note = note
        self.virtual_size = Size(0, 0)
        self._tile = {}
        self.refresh()

    def show_tile(self, blocks: tuple[Block, ...], tile: Tile) -> None:
        """Show the values that were asked for."""
        self._tile = {block.facet: (block, values) for block, values in zip(blocks, tile.blocks, strict=False)}
        self._note = tile.note
        self.refresh()

    @property
    def axes(self) -> tuple[int, int]:
        """The row axis and the column axis of what is shown."""
        return (-1, -1) if self._canvas is None else (self._canvas.row_axis, self._canvas.column_axis)

    def want(self) -> None:
        """Ask for what is visible, unless it is here already."""
        canvas = self._canvas
        if canvas is None or canvas.empty:
            return
        x, y = self.scroll_offset
        seen = canvas.blocks(y, y + self.size.height, x, x + self._room)
        if not all(self._holds(block) for block in seen):
            self._ask()

    def _ask(self) -> None:
        """Ask for what is visible and half a screen around it."""
        canvas = self._canvas
        if canvas is None or canvas.empty or self._note or not self.size.height:
            return
        x, y = self.scroll_offset
        width, height = self._room, self.size.height
        blocks = canvas.blocks(y - height // 2, y + height * 3 // 2, x - width // 2, x + width * 3 // 2)
        self.post_message(self.Wanted(blocks))

    def refetch(self) -> None:
        """Ask for what is visible, also when it is here: its states have changed."""
        self._ask()

    def _holds(self, block: Block) -> bool:
        known = self._tile.get(block.facet)
        return known is not None and all(
            have[0] <= need[0] and need[1] <= have[1]
            for have, need in ((known[0].rows, block.rows), (known[0].columns, block.columns))
        )

    # Geometry

    @property
    def _gutter(self) -> int:
        """Cells of the row numbers at the left."""
        canvas = self._canvas
        if canvas is None or not canvas.shape:
            return 0
        longest = canvas.columns if canvas.wrapped else canvas.rows
        return len(str(max(longest - 1, 0))) + 1

    @property
    def _room(self) -> int:
        return max(1, self.scrollable_content_region.width - self._gutter)

    def _lay_out(self) -> None:
        picture = self._picture
        if picture is None:
            self._canvas = None
            self.virtual_size = Size(0, 0)
            return
        shape, axes = picture.tensor.shape, picture.tensor.axes
        self._canvas = Canvas(shape, axes, picture.form.cell, 1)
        # The scrollbar takes a column once there is one, so lay out for the width that is left then.
        room = max(1, self.container_size.width - self._gutter - 1)
        self._canvas = canvas = Canvas(shape, axes, picture.form.cell, room)
        self.virtual_size = Size(canvas.width + self._gutter if canvas.height else 0, canvas.height + 1)
        self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Lay out anew: facets flow, a long row wraps elsewhere."""
        self._lay_out()
        self.want()

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Ask for what has come into sight."""
        super().watch_scroll_x(old_value, new_value)
        if round(old_value) != round(new_value):
            self.want()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for what has come into sight."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.want()

    # Keys

    def action_scroll_up(self) -> None:
        """Scroll up a line."""
        self.scroll_relative(y=-1, animate=False, force=True)

    def action_scroll_down(self) -> None:
        """Scroll down a line."""
        self.scroll_relative(y=1, animate=False, force=True)

    def action_scroll_left(self) -> None:
        """Scroll left by one entry."""
        self.scroll_relative(x=-self._step, animate=False, force=True)

    def action_scroll_right(self) -> None:
        """Scroll right by one entry."""
        self.scroll_relative(x=self._step, animate=False, force=True)

    def action_page_up(self) -> None:
        """Scroll up a page."""
        self.scroll_relative(y=2 - self.size.height, animate=False, force=True)

    def action_page_down(self) -> None:
        """Scroll down a page."""
        self.scroll_relative(y=self.size.height - 2, animate=False, force=True)

    def action_page_left(self) -> None:
        """Scroll left a page of whole entries."""
        self.scroll_relative(x=-max(self._room // self._step, 1) * self._step, animate=False, force=True)

    def action_page_right(self) -> None:
        """Scroll right a page of whole entries."""
        self.scroll_relative(x=max(self._room // self._step, 1) * self._step, animate=False, force=True)

    def action_scroll_home(self) -> None:
        """Go to the first entries."""
        self.scroll_to(0, 0, animate=False, force=True)

    def action_scroll_end(self) -> None:
        """Go to the last entries."""
        self.scroll_to(self.max_scroll_x, self.max_scroll_y, animate=False, force=True)

    @property
    def _step(self) -> int:
        return self._picture.form.cell if self._picture is not None else 1

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        # Entries of one style side by side become one run: a third of the bytes over a slow line.
        return self._line(y).simplify().apply_style(self.rich_style)

    def _line(self, y: int) -> Strip:
        """The first line names the axes and stays, the others scroll under it."""
        width = self.scrollable_content_region.width
        canvas = self._canvas
        if self._note or canvas is None or canvas.empty:
            return self._note_line(y, width)
        if y == 0:
            return Strip([Segment(cut(self._axes_text(canvas), width), self._style("axis"))]).adjust_cell_length(
                width
            )
        x, top = self.scroll_offset
        line = top + y - 1
        gutter = self._gutter
        label = f"{canvas.label(line):>{max(gutter - 1, 0)}} "[:gutter]
        room = max(0, width - gutter)
        content = self._content(canvas, line, x, x + room).crop(0, room)
        return Strip.join([Strip([Segment(label, self._style("axis"))]), content]).adjust_cell_length(width)

    def _note_line(self, y: int, width: int) -> Strip:
        text = self._note
        if not text and self._canvas is not None and self._picture is not None:
            text = f"{'×'.join(map(str, self._canvas.shape))}: no entries"
        if y != self.size.height // 2 or not text:
            return Strip.blank(width)
        return Strip([Segment(cut(text, width).center(width), self._style("note"))]).adjust_cell_length(width)

    def _axes_text(self, canvas: Canvas) -> str:
        """What runs down and across, and how many facets there are."""
        names = canvas.axes
        if not canvas.shape:
            return "a scalar"
        if canvas.wrapped:
            return f"{names[0]} 0-{canvas.columns - 1} →, {canvas.per_line} on a line"
        down, across = names[canvas.row_axis], names[canvas.column_axis]
        text = f"↓ {down} 0-{canvas.rows - 1}   → {across} 0-{canvas.columns - 1}"
        first = (self.scroll_offset.x // canvas.cell) if not canvas.titled else 0
        if first:
            text += f", from {first}"
        if canvas.titled:
            facets = " × ".join(f"{names[axis]} {canvas.shape[axis]}" for axis in canvas.facet_axes)
            text += f"   for each of {facets}"
        return text

    def _content(self, canvas: Canvas, line: int, left: int, right: int) -> Strip:
        """The entries, or the facet titles, between two x of one canvas line; starts exactly at `left`."""
        segments: list[Segment] = []
        x = left
        pieces: list[tuple[int, list[Segment], int]] = [
            (at, [Segment(title, self._style("axis"))], len(title)) for at, title in canvas.titles(line)
        ]
        for span in canvas.spans(line, left, right):
            drawn = self._span(span)
            pieces.append((span.x, drawn, (span.stop - span.start) * canvas.cell))
        for at, drawn, cells in pieces:
            strip = Strip(drawn, cells)
            if at < x:
                strip = strip.crop(x - at, cells)
                at, cells = x, max(0, at + cells - x)  # noqa: PLW2901 - cut at the left edge
            segments.append(Segment(" " * (at - x)))
            segments.extend(strip)
            x = at + cells
        return Strip(segments).adjust_cell_length(right - left)

    def _span(self, span: Span) -> list[Segment]:
        """The cells of a run of entries; those whose values are not here yet are a dim `…`."""
        picture = self._picture
        if picture is None:
            return []
        form = picture.form
        block, values = self._tile.get(span.facet, (None, None))
        waiting = Segment(f"{'…':>{form.cell - 2}}  ", self._style("note"))
        if block is None or values is None or not block.rows[0] <= span.row < block.rows[1]:
            return [waiting] * (span.stop - span.start)
        stride = block.columns[1] - block.columns[0]
        row = (span.row - block.rows[0]) * stride
        segments = []
        for column in range(span.start, span.stop):
            if not block.columns[0] <= column < block.columns[1]:
                segments.append(waiting)
                continue
            index = row + column - block.columns[0]
            state = values.states[index]
            original = values.origs[index] if values.origs else None
            text = cell(values.values[index], original, state, picture.view, form)
            segments.append(Segment(text, self._style(STATE_STYLES[state])))
        return segments

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"tensor-grid--{name}")
