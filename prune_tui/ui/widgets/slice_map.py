"""A slice of a tensor as a map of cells, pooled or magnified, with a cursor; `tensor_map` has its kinds.

A tensor of one axis is folded like text, so that all of it is seen.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import msgspec
from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from prune_tui.protocol import Request
from prune_tui.tensor_requests import Block, GetHeatmap
from prune_tui.tensor_views import Heatmap, Pool
from prune_tui.ui.aim import Aim
from prune_tui.ui.fold import Fold
from prune_tui.ui.pictures.inks import ink
from prune_tui.ui.pictures.legend import Room
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.ui.window import Window
from prune_tui.view_rows import View
from prune_tui.views import Body, Statistics

_AXES = 1
"""Lines above the map: what runs down and across."""
_SHORT, _TALL = 5, 14
"""Lines from which on there is room for a legend of one line, and of two."""
_MOST = 3
"""Lines of a legend, at most."""


class Dots(NamedTuple):
    """How cells of a map share text.

    Attributes:
        rows: Rows of cells that a line shows.
        cells: So many cells, side by side,
        columns: stand in so many columns of text.
    """

    rows: int
    cells: int
    columns: int


class Drawn(NamedTuple):
    """A map as text.

    Attributes:
        lines: Of the map.
        legend: Below it, as wide as the widget.
    """

    lines: list[list[Segment]]
    legend: list[list[Segment]]


_Steps = Callable[[int, int, int, int], tuple[int, int]]
"""From a row and a column so far down and across to others."""


class TensorMap(Picture):
    """One slice at a time; the window onto it follows the cursor."""

    DEFAULT_CSS = """
    TensorMap { overflow: hidden hidden; }
    """
    has_entries = True
    margin_right: ClassVar[int] = 0
    """Cells to the right of the map."""
    foot: ClassVar[int] = 0
    """Lines of marks below it, none where it is folded."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._window: Window | Fold | None = None
        self._axes = (-1, -1)  # those the window was made for
        self._asked: Window | Fold | None = None
        self._drawn: Window | Fold | None = None
        self._request: Request | None = None
        self._answer: Heatmap | None = None
        self._lines: list[Strip] = []
        self._legend: list[Strip] = []

    # What kinds of map differ in

    @property
    @abc.abstractmethod
    def dots(self) -> Dots:
        """How its cells share text."""

    @abc.abstractmethod
    def draw(self, answer: Heatmap, times: int) -> Drawn:
        """The lines of a map, each cell so often down and across, and its legend."""

    @property
    def _reserved(self) -> int:
        """Lines that the map leaves to its legend."""
        return (self.size.height >= _SHORT) + (self.size.height >= _TALL)

    def room_below(self, lines: int) -> Room:
        """What there is for the legend of a map of so many lines: what is reserved, or more where it is short."""
        free = min(self.size.height - _AXES - lines, _MOST)
        return Room(self.size.width, max(free, self._reserved))

    @property
    def pooled(self) -> bool:
        """Whether a cell of what is drawn holds several entries."""
        return self._drawn is not None and self._drawn.pooled != (1, 1)

    @property
    def folded(self) -> bool:
        """Whether it is one axis in several lines."""
        return self.aim is not None and self.aim.row_axis < 0

    @property
    def view(self) -> View:
        """Which values it asks for."""
        return "effective" if self.subject is None else self.subject.view

    @property
    def pool(self) -> Pool:
        """What becomes of the entries of a cell."""
        return "extreme"

    # What the pane asks of it

    def show(self, subject: Subject | None, aim: Aim | None) -> None:
        """Show a tensor, or none; values are asked for, also when only they have changed."""
        before, self.subject, self.aim = self.subject, subject, aim
        self.note = "" if subject is None else subject.tensor.note
        if aim is not None and aim.empty:
            self.note = f"{'×'.join(map(str, aim.shape))}: no entries"
        if subject is None or before is None or subject.tensor.tensor != before.tensor.tensor:
            self._window = None
            self._forget()
        elif subject.view != before.view:
            self._forget()
        self._ask()

    def _forget(self) -> None:
        self._answer, self._drawn, self._lines = None, None, []
        self.refresh()

    def receive(self, request: Request, body: Body) -> None:
        """Draw the map."""
        if not isinstance(body, Heatmap):
            raise TypeError(f"{type(body).__name__} answers no GetHeatmap")
        if request is not self._request:
            return  # the window has moved on: what it is drawn by is another one's
        self._answer, self._drawn = body, self._asked
        self.note = body.note
        self._redraw()

    def show_statistics(self, statistics: Statistics | None) -> None:
        """Colour it by the scale that they tell."""
        self.statistics = statistics
        self._redraw()

    def point(self, aim: Aim) -> None:
        """Move the cursor there, and into sight; only the cells under it are drawn anew."""
        before, self.aim = self.aim, aim
        window = self._window
        same_slice = before is not None and (before.facet, before.shown) == (aim.facet, aim.shown)
        if window is None or not same_slice:
            self._ask()
            return
        self._window = window.holding(aim.row, aim.column)
        if self._window != window:
            self._ask()
        for one in (before, aim):
            found = None if one is None else self._cursor(one)
            if found is not None:
                self.refresh(found)

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """The cell beside it: as many entries further as a cell holds."""
        return self._towards(aim, None if self._window is None else self._window.beside, down, across)

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """As far as the map reaches."""
        return self._towards(aim, None if self._window is None else self._window.paged, down, across)

    def _towards(self, aim: Aim, steps: _Steps | None, down: int, across: int) -> Aim:
        if steps is None:
            return aim
        row, column = steps(aim.row, aim.column, down, across)
        return aim.moved(row - aim.row, column - aim.column)

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """The first entry of the slice, or its last one."""
        return aim.moved(*(aim.rows, aim.columns) if last else (-aim.rows, -aim.columns))

    def zoom(self, by: int) -> str:
        """Show less of it more closely, or more of it."""
        window, aim = self._window, self.aim
        if window is None or aim is None:
            return "nothing to zoom"
        closer = window.zoomed(by, aim.row, aim.column)
        if closer.level == window.level:
            return "this is as close as it gets" if by > 0 else "this is the whole slice"
        self._window = closer
        self._ask()
        return ""

    def told(self) -> str:
        """How cells are made of entries: `extreme of 17×8`, `an entry in 2×2 cells`."""
        window = self._drawn
        if window is None:
            return ""
        if self.pooled:
            down, across = window.pooled
            return f"{self._pooling()} of {across if self.folded else f'{down}×{across}'}"
        return f"an entry in {window.magnified}×{window.magnified} cells" if window.magnified > 1 else ""

    def _pooling(self) -> str:
        return self.pool

    # What is asked for

    def _ask(self) -> None:
        subject, aim = self.subject, self.aim
        height, width = self._cells
        if subject is None or aim is None or aim.empty or self.note or height < 1 or width < 1:
            return
        axes = aim.shown
        if self._window is None or self._axes != axes:
            self._window, self._axes = self._window_onto(aim, height, width), axes
        elif (self._window.height, self._window.width) != (height, width):
            self._window = self._window.resized(height, width, aim.row, aim.column)
        self._window = window = self._window.holding(aim.row, aim.column)
        self._asked = window
        rows, columns = window.rectangle
        down, across = window.cells
        block = Block(aim.facet, rows, columns)
        request = self._request = GetHeatmap(
            subject.tensor.tensor,
            self.view,
            aim.row_axis,
            aim.column_axis,
            block,
            down,
            across,
            self.pool,
            subject.preview,
        )
        self.post_message(self.Wanted(request, Heatmap, self))

    def _window_onto(self, aim: Aim, height: int, width: int) -> Window | Fold:
        return Fold(aim.columns, height, width) if self.folded else Window(aim.rows, aim.columns, height, width)

    @property
    def _cells(self) -> tuple[int, int]:
        """Cells of the map that there is room for, down and across."""
        lines = self.size.height - _AXES - (0 if self.folded else self.foot) - self._reserved
        columns = self.size.width - self._gutter - self.margin_right
        dots = self.dots
        return lines * dots.rows, columns * dots.cells // dots.columns

    @property
    def _gutter(self) -> int:
        aim = self.aim
        if aim is None or not aim.shape:
            return 0
        return len(str(max((aim.columns if self.folded else aim.rows) - 1, 0))) + 1

    def on_resize(self, _: events.Resize) -> None:
        """See as much of it as there is room for now."""
        self.virtual_size = Size(0, 0)
        self._ask()

    # Drawing

    def _redraw(self) -> None:
        answer, window = self._answer, self._drawn
        if answer is None or window is None or answer.note:
            self._lines = []
        else:
            if isinstance(window, Fold):
                cells = answer.height * answer.width
                answer = msgspec.structs.replace(answer, height=math.ceil(cells / window.line), width=window.line)
            drawn = self.draw(answer, window.magnified)
            self._lines, self._legend = ([Strip(line) for line in lines] for lines in drawn)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.size.width
        if self.note or self.subject is None:
            return self.note_line(y, width, self.note)
        if y < _AXES:
            strip = self.axis_line(width, self._head())
        elif y - _AXES < len(self._lines):
            label = Strip([Segment(self._label(y - _AXES), self.style("axis"))])
            strip = self._with_cursor(y, Strip.join([label, self._lines[y - _AXES]]))
        elif self._lines and y - _AXES - len(self._lines) < len(self._legend):
            strip = self._legend[y - _AXES - len(self._lines)]
        else:
            strip = Strip.blank(width) if self._lines else self.note_line(y, width, self._instead)
        return strip.adjust_cell_length(width).apply_style(self.rich_style)

    @property
    def _instead(self) -> str:
        """What stands where there are no lines: they are still to come, or there is no room for any."""
        height, width = self._cells
        lacks = "low" if height < 1 else "narrow" if width < 1 else ""
        return f"the pane is too {lacks} for a map" if lacks else "…"

    def _axes_text(self) -> str:
        """What runs down and across, which part of it is seen, and which slice."""
        aim, window = self.aim, self._drawn
        if aim is None or window is None:
            return ""
        if not aim.shape:
            return "a scalar"
        (top, bottom), (left, right) = window.rectangle
        told = [f"→ {aim.axes[aim.column_axis]} {left}-{right - 1}"]
        if isinstance(window, Fold):
            told.append(f"{window.line * window.pooled[1]} on a line")
        else:
            told.insert(0, f"↓ {aim.axes[aim.row_axis]} {top}-{bottom - 1}")
        return "   ".join(filter(None, [*told, aim.slices()]))

    def _head(self) -> str:
        """The line above the map; how cells are made of entries is part of it where there is room."""
        text = f"{self._axes_text()}   {self.told()}".rstrip()
        return text if len(text) <= self.size.width else self._axes_text()

    def below(self) -> str:
        """What the line above has no room for, and the legend might have."""
        return "" if self._head() != self._axes_text() else self.told()

    def _label(self, line: int) -> str:
        """The row that a line of the map begins with: on its first line, or on every fourth of many rows.

        Of a folded axis it is the entry, on every line.
        """
        gutter, window = self._gutter, self._drawn
        if not gutter or window is None:
            return " " * gutter
        lines_of_a_row = window.magnified // self.dots.rows
        every = lines_of_a_row if lines_of_a_row > 1 else 1 if self.folded else 4
        found = None if line % every else window.entry(line * self.dots.rows, 0)
        return " " * gutter if found is None else f"{found[self.folded]:>{gutter - 1}} "

    def _cursor(self, aim: Aim) -> Region | None:
        """Where the cursor stands in the widget, for an entry."""
        window = self._drawn
        found = None if window is None or aim.empty else window.cell(aim.row, aim.column)
        if found is None or window is None:
            return None
        dots = self.dots
        return Region(self._gutter + found[1] * dots.columns // dots.cells, _AXES + found[0] // dots.rows, 1, 1)

    def _with_cursor(self, y: int, strip: Strip) -> Strip:
        found = None if self.aim is None else self._cursor(self.aim)
        if found is None or found.y != y or found.x >= strip.cell_length:
            return strip
        before, _, after = strip.divide([found.x, found.x + 1, strip.cell_length])
        glyph = "+" if self.look.ascii else "┼"
        return Strip.join([before, Strip([Segment(glyph, ink("cursor", self.look))]), after])

    def on_click(self, event: events.Click) -> None:
        """Point at the entry that was clicked."""
        window, aim = self._drawn, self.aim
        if window is None or aim is None or event.y < _AXES or event.x < self._gutter:
            return
        dots = self.dots
        across = (event.x - self._gutter) * dots.cells // dots.columns
        found = window.entry((event.y - _AXES) * dots.rows, across)
        if found is not None:
            self.post_message(self.Pointed(aim.moved(found[0] - aim.row, found[1] - aim.column).index))
