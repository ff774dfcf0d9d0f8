"""The values of one tensor in a grid that scrolls in both directions; only the visible part is ever asked for."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from prune_tui.protocol import Request
from prune_tui.tensor_requests import Block, GetTile
from prune_tui.ui import copied
from prune_tui.ui.aim import Aim
from prune_tui.ui.facets import Canvas, Span
from prune_tui.ui.numbers import counted
from prune_tui.ui.pictures import grid_heads, heatmap
from prune_tui.ui.pictures.backgrounds import behind
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.texts import plain
from prune_tui.ui.render import cell, number_format, seen
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.views import ALIVE, MASKED, NEWLY_MASKED, WOULD_GO, Body, Statistics, Tile, TileBlock

_ROLES: dict[int, Role] = {ALIVE: "plain", MASKED: "masked", NEWLY_MASKED: "newly", WOULD_GO: "would-go"}
"""Of the ink of an entry, by its state."""
_NUMBERED = 6
"""Lines from which on there is room for the numbers of the columns."""


class TensorGrid(Picture):
    """A grid of values under a line that names the axes; rows and columns are numbered."""

    has_entries = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._form = number_format(None, "", "effective")
        self._digits = 0
        self._scale = 0.0
        self._outdated = False  # what is held is of the model before an edit, good enough until better comes
        self._canvas: Canvas | None = None
        self._tile: dict[tuple[int, ...], tuple[Block, TileBlock]] = {}

    # What the pane asks of it

    def show(self, subject: Subject | None, aim: Aim | None) -> None:
        """Show a tensor, or none; its values are asked for, also when only they have changed."""
        before, self.subject, self.aim = self.subject, subject, aim
        self.note = "" if subject is None else subject.tensor.note
        if subject is None or before is None or subject.tensor.tensor != before.tensor.tensor:
            self.scroll_to(0, 0, animate=False, force=True)
            self._tile = {}
            self._digits = 0
        elif subject.view != before.view or aim is None or self.axes != aim.shown:
            self._tile = {}  # what stands there is of another view or other axes: not under this one's name
        self._outdated = True
        self._choose_format(self.statistics)
        self._lay_out()
        self._ask()
        if aim is not None:
            self._bring_into_sight(aim)

    def show_statistics(self, statistics: Statistics | None) -> None:
        """Write the values in the format that they suggest."""
        self.statistics = statistics
        self._scale = 0.0 if statistics is None else heatmap.scale_of(statistics)
        if statistics is not None:
            self._write_as(statistics)
            self.refresh()

    def receive(self, request: Request, body: Body) -> None:
        """Show what was asked for; as long as nothing is known of the other values, it suggests the format."""
        if not (isinstance(request, GetTile) and isinstance(body, Tile)):
            raise TypeError(f"{type(body).__name__} answers no GetTile")
        subject = self.subject
        if subject is None or (request.tensor, request.view) != (subject.tensor.tensor, subject.view):
            return  # it was asked for something else
        if (request.row_axis, request.column_axis) != self.axes:
            return
        self._tile = {
            block.facet: (block, values) for block, values in zip(request.blocks, body.blocks, strict=False)
        }
        self._outdated = False
        self.note = body.note
        if self.statistics is None:
            self._write_as(seen(body))
        self.refresh()

    def show_note(self, note: str) -> None:
        """Show a sentence in place of the values."""
        self.note = note
        self.virtual_size = Size(0, 0)
        self._tile = {}
        self.refresh()

    def next_digits(self, by: int) -> str:
        """Write one digit more, or one less."""
        self._digits = min(max(self._digits + by, -2), 6)
        self._write_as(self.statistics)
        return f"{counted(self._form.decimals, 'digit')} after the point"

    def _write_as(self, statistics: Statistics | None) -> None:
        """Write the values in another format; the first column that is seen stays, and the cursor in sight."""
        canvas, before, in_sight = self._canvas, self._form, self._cursor_in_sight
        self._choose_format(statistics)
        if canvas is None or self._form == before:
            return
        first = round(self.scroll_offset.x / canvas.cell)
        self._lay_out()
        if not canvas.titled:
            self.scroll_to(x=first * self._form.cell, animate=False, force=True)
        if in_sight and self.aim is not None:
            self._bring_into_sight(self.aim)
        self.want()

    def _choose_format(self, statistics: Statistics | None) -> None:
        if self.subject is not None:
            suggested = number_format(statistics, self.subject.tensor.dtype, self.subject.view)
            self._form = suggested.with_digits(self._digits)

    # The cursor

    def point(self, aim: Aim) -> None:
        """Move the cursor there, and into sight; only the two cells are drawn anew."""
        before, self.aim = self.aim, aim
        canvas = self._canvas
        if before is not None and canvas is not None and canvas.shown != aim.shown:
            self._tile = {}
            self._lay_out()
            self._ask()
        self._bring_into_sight(aim)
        if before is not None and before.slider != aim.slider:
            self.refresh(Region(0, 0, self.size.width, 1))  # the heading names the axis that slices go along
        for one in (before, aim):
            if one is not None:
                self._refresh_cell(one)

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """The entry beside it on the canvas, in the facet beside it past the edge."""
        return aim if self._canvas is None else aim.at(self._canvas.beside(aim.index, down, across))

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """The entry a page further."""
        steps = self.size.height - self._head - 1 if down else self._room // self._form.cell
        for _ in range(max(steps, 1)):
            aim = self.moved(aim, down, across)
        return aim

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """The first entry of all, or the last one."""
        return aim.at(tuple(size - 1 if last else 0 for size in aim.shape))

    def _cell_of(self, aim: Aim) -> Region | None:
        """Where an entry stands on the canvas, gutter and axis line not counted."""
        canvas = self._canvas
        if canvas is None or canvas.empty or aim.shape != canvas.shape:
            return None
        x, line = canvas.place(aim.index)
        return Region(x, line, canvas.cell, 1)

    @property
    def _cursor_in_sight(self) -> bool:
        found = None if self.aim is None else self._cell_of(self.aim)
        x, y = self.scroll_offset
        return found is not None and x <= found.x < x + self._room and y <= found.y < y + self.size.height

    def _bring_into_sight(self, aim: Aim) -> None:
        found = self._cell_of(aim)
        if found is None or not self.size.height:
            return
        x, y = self.scroll_offset
        # The lines of the scrollbar, the axes and the column numbers are none of the entries'.
        height = max(self.scrollable_content_region.height - self._head, 1)
        room = max(self._room, found.width)
        x = min(max(x, found.right - room), found.x)
        y = min(max(y, found.y - height + 1), found.y)
        canvas = self._canvas
        if canvas is not None and canvas.titled and found.y < height:
            y = min(y, max(found.y - 1, 0))  # the title above it, too
        if (x, y) != tuple(self.scroll_offset):
            self.scroll_to(x, y, animate=False, force=True)

    def _refresh_cell(self, aim: Aim) -> None:
        found = self._cell_of(aim)
        if found is not None:
            x, y = self.scroll_offset
            self.refresh(found.translate((self._gutter - x, self._head - y)))

    def on_click(self, event: events.Click) -> None:
        """Point at the entry that was clicked."""
        canvas, aim = self._canvas, self.aim
        if canvas is None or aim is None or event.y < self._head or event.x < self._gutter:
            return
        x, y = self.scroll_offset
        at = event.x - self._gutter + x
        for span in canvas.spans(event.y - self._head + y, x, x + self._room):
            column = span.start + (at - span.x) // canvas.cell
            if span.x <= at and column < span.stop:
                self.post_message(self.Pointed(canvas.index(span, column)))

    # What is here and what is asked for

    @property
    def axes(self) -> tuple[int, int]:
        """The row axis and the column axis of what is shown."""
        return (-1, -1) if self._canvas is None else self._canvas.shown

    def want(self) -> None:
        """Ask for what is visible, unless it is here already."""
        canvas = self._canvas
        if canvas is None or canvas.empty:
            return
        x, y = self.scroll_offset
        seen_now = canvas.blocks(y, y + self.size.height, x, x + self._room)
        if not all(self._holds(block) for block in seen_now):
            self._ask()

    def _ask(self) -> None:
        """Ask for what is visible and half a screen around it."""
        canvas, subject = self._canvas, self.subject
        if canvas is None or canvas.empty or self.note or subject is None or not self.size.height:
            return
        x, y = self.scroll_offset
        width, height = self._room, self.size.height
        blocks = canvas.blocks(y - height // 2, y + height * 3 // 2, x - width // 2, x + width * 3 // 2)
        request = GetTile(subject.tensor.tensor, subject.view, *self.axes, blocks, subject.preview)
        self.post_message(self.Wanted(request, Tile, self))

    def _holds(self, block: Block) -> bool:
        known = self._tile.get(block.facet)
        return (
            not self._outdated
            and known is not None
            and all(
                have[0] <= need[0] and need[1] <= have[1]
                for have, need in ((known[0].rows, block.rows), (known[0].columns, block.columns))
            )
        )

    def in_sight(self) -> str:
        """The values that are seen, with tabs between them."""
        canvas, subject = self._canvas, self.subject
        if canvas is None or subject is None or canvas.empty or self.note:
            return self.note
        x, y = self.scroll_offset
        lines = range(y, y + self.scrollable_content_region.height - self._head)
        return copied.rows(canvas, self._tile, lines, (x, x + self._room), subject.tensor.dtype)

    # Geometry

    @property
    def _head(self) -> int:
        """Lines above the entries, which stay where they are."""
        return 2 if self._canvas is not None and self._canvas.shape and self.size.height >= _NUMBERED else 1

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
        subject, aim = self.subject, self.aim
        if subject is None or aim is None:
            self._canvas = None
            self.virtual_size = Size(0, 0)
            return
        shape, axes = subject.tensor.shape, subject.tensor.axes
        self._canvas = Canvas(shape, axes, *aim.shown, self._form.cell, 1)
        # The scrollbar takes a column once there is one, so lay out for the width that is left then.
        room = max(1, self.container_size.width - self._gutter - 1)
        self._canvas = canvas = Canvas(shape, axes, *aim.shown, self._form.cell, room)
        self.virtual_size = Size(canvas.width + self._gutter if canvas.height else 0, canvas.height + self._head)
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

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        # Entries of one style side by side become one run: a third of the bytes over a slow line.
        return self._line(y).simplify().apply_style(self.rich_style)

    def _line(self, y: int) -> Strip:
        """The first line names the axes, the second one numbers the columns; the others scroll under both."""
        width = self.scrollable_content_region.width
        canvas = self._canvas
        if self.note or canvas is None or canvas.empty:
            empty = "" if canvas is None else f"{'×'.join(map(str, canvas.shape))}: no entries"
            return self.note_line(y, width, self.note or empty)
        if y == 0:
            return self.axis_line(width, grid_heads.axes_text(canvas, self.aim, self.scroll_offset.x))
        x, top = self.scroll_offset
        gutter = self._gutter
        room = max(0, width - gutter)
        if y < self._head:
            numbers = grid_heads.column_numbers(canvas, x, x + room)
            return Strip([Segment(" " * gutter), Segment(numbers, self.style("axis"))]).adjust_cell_length(width)
        line = top + y - self._head
        label = f"{canvas.label(line):>{max(gutter - 1, 0)}} "[:gutter]
        content = self._content(canvas, line, x, x + room).crop(0, room)
        return Strip.join([Strip([Segment(label, self.style("axis"))]), content]).adjust_cell_length(width)

    def _content(self, canvas: Canvas, line: int, left: int, right: int) -> Strip:
        """The entries, or the facet titles, between two x of one canvas line; starts exactly at `left`."""
        segments: list[Segment] = []
        x = left
        pieces: list[tuple[int, list[Segment], int]] = [
            (at, [Segment(title, self.style("axis"))], len(title)) for at, title in canvas.titles(line)
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
        subject, form = self.subject, self._form
        if subject is None:
            return []
        block, values = self._tile.get(span.facet, (None, None))
        waiting = Segment(f"{'…':>{form.cell - 2}}  ", self.style("note"))
        if block is None or values is None or not block.rows[0] <= span.row < block.rows[1]:
            return [waiting] * (span.stop - span.start)
        stride = block.columns[1] - block.columns[0]
        row = (span.row - block.rows[0]) * stride
        at_cursor = self._cursor_column(span)
        segments = []
        for column in range(span.start, span.stop):
            if not block.columns[0] <= column < block.columns[1]:
                segments.append(waiting)
                continue
            index = row + column - block.columns[0]
            state = values.states[index]
            original = values.origs[index] if values.origs else None
            text = cell(values.values[index], original, state, subject.view, form)
            style = ink(_ROLES[state], self.look)
            if state == ALIVE and subject.view != "mask":
                style += behind(values.values[index], self._scale, self.look)
            if self.look.ascii:
                text = plain(text, self.look)
            if column == at_cursor and state == NEWLY_MASKED:  # which stands out by being reversed itself
                segments += [Segment(text[:-1], style + _CURSOR_ON_REVERSED), Segment(text[-1:])]
            elif state in {NEWLY_MASKED, WOULD_GO} and column != at_cursor:
                # Only what is written stands out, not the room around it.
                written = text.strip()
                before, _, after = text.partition(written)
                segments += [Segment(before), Segment(written, style), Segment(after)]
            elif column == at_cursor:
                # The gap at its end is not part of the entry.
                segments += [Segment(text[:-1], style + _CURSOR), Segment(text[-1:])]
            else:
                segments.append(Segment(text, style))
        return segments

    def _cursor_column(self, span: Span) -> int:
        """The column of the cursor in a span; -1 where it is elsewhere."""
        aim = self.aim
        if aim is None or aim.empty or (aim.facet, aim.row) != (span.facet, span.row):
            return -1
        return aim.column


_CURSOR = Style(reverse=True)
_CURSOR_ON_REVERSED = Style(reverse=False, underline=True, bold=True)
