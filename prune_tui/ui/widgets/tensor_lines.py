"""Pictures of a tensor that are lines of text: histogram, channels, structure, the stack of its like."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from prune_tui.protocol import GetChannels, GetStack, GetStructure, Request
from prune_tui.tensor_views import Channels, Heatmap, Member, Stack, Structure
from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures import channels, heatmap, histogram, stack, structure
from prune_tui.ui.pictures.ordering import AT_ONCE, Order, by_index
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.view_rows import View
from prune_tui.views import Body, Statistics

Lines = list[list[Segment]]


class LinesPicture(Picture):
    """Lines that scroll up and down where there is not room for all."""

    DEFAULT_CSS = """
    LinesPicture { overflow: hidden auto; scrollbar-gutter: stable; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._strips: list[Strip] = []

    @abc.abstractmethod
    def lines(self, width: int, height: int) -> Lines:
        """All lines; none where what they are made of is not here yet."""

    def needed(self, subject: Subject, aim: Aim) -> tuple[Request, type[Body]] | None:
        """What it has to ask for; None where the pane brings it."""
        return None

    def forget(self) -> None:
        """What is here is of another tensor or view."""

    def show(self, subject: Subject | None, aim: Aim | None) -> None:
        """Show a tensor, or none."""
        before, self.subject, self.aim = self.subject, subject, aim
        self.note = "" if subject is None else subject.tensor.note
        if aim is not None and aim.empty:
            self.note = f"{'×'.join(map(str, aim.shape))}: no entries"
        known = None if before is None else (before.tensor.tensor, before.view)
        if subject is None or known != (subject.tensor.tensor, subject.view):
            self.forget()
            self.scroll_to(0, 0, animate=False, force=True)
        self.ask()
        self.redraw()

    def ask(self) -> None:
        """Ask for what it needs."""
        if self.subject is not None and self.aim is not None and not self.note:
            needed = self.needed(self.subject, self.aim)
            if needed is not None:
                self.post_message(self.Wanted(*needed, self))

    def show_statistics(self, statistics: Statistics | None) -> None:
        """Colours and bars may follow from them."""
        self.statistics = statistics
        self.redraw()

    def _is_of(self, tensor: str, view: View | None = None) -> bool:
        """Whether an answer is about what is shown now."""
        subject = self.subject
        return subject is not None and subject.tensor.tensor == tensor and view in {None, subject.view}

    def show_note(self, note: str) -> None:
        """Show a sentence in place of the lines."""
        self._strips = []
        super().show_note(note)

    def redraw(self) -> None:
        """Work the lines out anew, and draw those that are others now."""
        width, height = self.scrollable_content_region.width, self.size.height
        drawn = [] if self.note or self.subject is None or width < 1 else self.lines(width, height)
        before, self._strips = self._strips, [Strip(line) for line in drawn]
        # Of no width: where it is just as large as the window, Textual leaves a scrollbar of before where it was.
        self.virtual_size = Size(0, len(self._strips))
        if not drawn or len(before) != len(drawn):
            self.refresh()
            return
        top = self.scroll_offset.y
        for line, (old, new) in enumerate(zip(before, self._strips, strict=True)):
            if old != new and 0 <= line - top < height:
                self.refresh(Region(0, line - top, self.size.width, 1))

    def on_resize(self, _: events.Resize) -> None:
        """The lines follow the width."""
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width, top = self.scrollable_content_region.width, self.scroll_offset.y
        if self.note or not self._strips:
            strip = self.note_line(y, width, self.note or ("" if self.subject is None else "…"))
        elif top + y < len(self._strips):
            strip = self._strips[top + y]
        else:
            strip = Strip.blank(width)
        return strip.adjust_cell_length(width).apply_style(self.rich_style)


class HistogramPicture(LinesPicture):
    """How many entries lie where."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._log = False
        self.threshold: float | None = None

    def lines(self, width: int, height: int) -> Lines:
        """As high as there is room."""
        if self.statistics is None:
            return []
        return histogram.lines(self.statistics, self.look, width, height, log=self._log, threshold=self.threshold)

    def next_option(self) -> str:
        """Count linearly, or by logarithms."""
        self._log = not self._log
        self.redraw()
        return "logarithmic counts: small bins show" if self._log else "linear counts"

    def told(self) -> str:
        """Which of both."""
        return "log" if self._log else "linear"


class ChannelsPicture(LinesPicture):
    """A row for each index of one axis."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._dim = 0
        self._by: channels.By = "index"
        self._descending = False
        self._answer: Channels | None = None
        self._sorted = _Sorted(by_index(0), "index", descending=False)
        self._first = 0
        self._following = True  # the cursor: after sorting the first rows are seen, wherever it is

    def needed(self, subject: Subject, aim: Aim) -> tuple[Request, type[Body]] | None:
        """The channels of one axis."""
        if not aim.shape:
            self.note = "a scalar has no channels"
            return None
        self._dim = min(self._dim, len(aim.shape) - 1)
        return GetChannels(subject.tensor.tensor, subject.view, self._dim), Channels

    def forget(self) -> None:
        """Of another tensor there are other channels."""
        self._answer, self._first, self._following = None, 0, True

    def receive(self, request: Request, body: Body) -> None:
        """Show them, in the order that was chosen."""
        if not (isinstance(request, GetChannels) and isinstance(body, Channels)):
            raise TypeError(f"{type(body).__name__} answers no GetChannels")
        if request.dim == self._dim and self._is_of(request.tensor, request.view):
            self._sort(body)

    def _sort(self, answer: Channels) -> None:
        if len(answer.bad) <= AT_ONCE:
            self._show_sorted(answer, self._order_of(answer))
        else:
            self.run_worker(self._sort_aside(answer), group="sorting channels", exclusive=True)

    def _order_of(self, answer: Channels) -> _Sorted:
        return _Sorted(channels.order(answer, self._by, self._descending), self._by, descending=self._descending)

    async def _sort_aside(self, answer: Channels) -> None:
        """Sort in a thread; what is seen stays until that is done."""
        await asyncio.to_thread(channels.prepare, answer, self.look)
        self._show_sorted(answer, await asyncio.to_thread(self._order_of, answer))

    def _show_sorted(self, answer: Channels, found: _Sorted) -> None:
        self._answer, self._sorted, self.note = answer, found, answer.note
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """So many rows as there is room for, with the cursor's among them."""
        answer, aim = self._answer, self.aim
        if answer is None or aim is None or height < 1:
            return []
        place = self._place(aim)
        if self._following:
            rows = max(height - channels.AROUND, 1)
            last = len(self._sorted.order.indices) - rows  # with no empty lines below
            self._first = max(min(self._first, place, last), place - rows + 1, 0)
        return channels.lines(
            answer,
            self._sorted.order.indices,
            self._first,
            self.look,
            width=width,
            height=height,
            axis=aim.axes[self._dim],
            cursor=place,
            by=self._sorted.by,
            descending=self._sorted.descending,
        )

    def _place(self, aim: Aim) -> int:
        """The row of the cursor."""
        places, channel = self._sorted.order.places, aim.index[self._dim]
        return places[channel] if channel < len(places) else 0

    def point(self, aim: Aim) -> None:
        """Go to the channel of an entry."""
        self.aim, self._following = aim, True
        self.redraw()

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """The channel above or below, as they are sorted."""
        return self._further(aim, down)

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """A page of them further."""
        return self._further(aim, down * max(self.size.height - channels.AROUND, 1))

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """The first of them, or the last."""
        count = len(self._sorted.order.indices)
        return self._further(aim, count if last else -count)

    def _further(self, aim: Aim, by: int) -> Aim:
        if self._answer is None or not self._answer.bad or not aim.shape:
            return aim
        order = self._sorted.order.indices
        found = order[min(max(self._place(aim) + by, 0), len(order) - 1)]
        if not self._following:
            self._following = True
            self.redraw()
        return aim.at((*aim.index[: self._dim], found, *aim.index[self._dim + 1 :]))

    def other_axes(self, aim: Aim) -> Aim | str:
        """Show the channels of the next axis."""
        if len(aim.shape) < 2:
            return "there is one axis only"
        self._dim = (self._dim + 1) % len(aim.shape)
        self.forget()
        self.ask()
        self.redraw()
        return f"the channels of {aim.axes[self._dim]}"

    def next_option(self) -> str:
        """Sort by the next column."""
        self._by = channels.ORDERS[(channels.ORDERS.index(self._by) + 1) % len(channels.ORDERS)]
        self._descending = self._by in {"norm", "max"}
        return self._sort_anew()

    def turned(self) -> str:
        """Sort the other way round."""
        self._descending = not self._descending
        return self._sort_anew()

    def _sort_anew(self) -> str:
        """Sort as it was asked for, and show the first rows: they are what one sorts for."""
        answer = self._answer
        self._first, self._following = 0, False
        if answer is not None:
            self._sort(answer)
        done = "sorted" if answer is None or self._sorted[1:] == (self._by, self._descending) else "sorting"
        return f"{done} by {self._by}, the {'greatest' if self._descending else 'least'} first"


class _Sorted(NamedTuple):
    """Channels as they are sorted.

    Attributes:
        order: Their order.
        by: The column.
        descending: The greatest first.
    """

    order: Order
    by: channels.By
    descending: bool


class StructurePicture(LinesPicture):
    """What the mask would allow."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._answer: Structure | None = None

    def needed(self, subject: Subject, aim: Aim) -> tuple[Request, type[Body]] | None:
        """The structure of its mask."""
        return GetStructure(subject.tensor.tensor), Structure

    def forget(self) -> None:
        """Another tensor has another one."""
        self._answer = None

    def receive(self, request: Request, body: Body) -> None:
        """Show it."""
        if not (isinstance(request, GetStructure) and isinstance(body, Structure)):
            raise TypeError(f"{type(body).__name__} answers no GetStructure")
        if self._is_of(request.tensor):
            self._answer, self.note = body, body.note
            self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """As many as it takes."""
        if self._answer is None or self.aim is None:
            return []
        return structure.lines(self._answer, self.aim.axes, self.look, width)


class StackPicture(LinesPicture):
    """The same tensor of all layers, side by side, with a cursor of its own that goes from layer to layer."""

    member: ClassVar[tuple[int, int]] = (6, 18)
    """Lines and columns that the picture of each takes."""

    class Chosen(Message):
        """A layer is to be looked at.

        Attributes:
            tensor: Dotted name of its tensor.
        """

        def __init__(self, tensor: str) -> None:
            self.tensor = tensor
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._answer: Stack | None = None
        self._place: stack.Layout | None = None
        self._cursor = -1

    def needed(self, subject: Subject, aim: Aim) -> tuple[Request, type[Body]] | None:
        """The stack the tensor is in."""
        lines, columns = self.member
        height = lines * heatmap.rows_per_line(self.look)
        width = columns // heatmap.columns_per_cell(self.look)
        return GetStack(subject.tensor.tensor, subject.view, height, width), Stack

    def forget(self) -> None:
        """Another tensor may be in another stack."""
        self._answer, self._place, self._cursor = None, None, -1

    def receive(self, request: Request, body: Body) -> None:
        """Show it, with the cursor on the tensor itself when it is here for the first time."""
        if not (isinstance(request, GetStack) and isinstance(body, Stack)):
            raise TypeError(f"{type(body).__name__} answers no GetStack")
        if self._is_of(request.tensor, request.view):
            is_new = self._answer is None
            self._answer, self.note = body, body.note
            if is_new:
                self._cursor = self._own
            self.redraw()
            if is_new:
                self._show_cursor()

    @property
    def _own(self) -> int:
        """Which member is the tensor that the other pictures show; -1 for none."""
        paths = [] if self._answer is None else [member.path for member in self._answer.members]
        own = "" if self.subject is None else self.subject.tensor.tensor
        return paths.index(own) if own in paths else -1

    def lines(self, width: int, height: int) -> Lines:
        """All members on one scale, so that the odd one stands out."""
        answer, subject = self._answer, self.subject
        if answer is None or subject is None:
            return []
        scale = max((3 * member.rms for member in answer.members if member.rms), default=0.0)

        def drawn(picture: Heatmap) -> Lines:
            return heatmap.lines(picture, scale, self.look, view=subject.view, pooled=True)

        lines, self._place = stack.draw(answer, drawn, self.look, width, cursor=self._cursor, own=self._own)
        return lines

    # Its cursor

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """The layer beside it; which tensor the other pictures show stays as it is."""
        return self._go(aim, down, across)

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """As many rows of layers further as are seen, or to the end of the row."""
        if self._place is None:
            return aim
        rows = max(self.size.height // self._place.lines_of_one, 1)
        return self._go(aim, down * rows, across * self._place.columns)

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """The first layer, or the last."""
        return self._go(aim, 0, len(self._members) if last else -len(self._members))

    def entered(self) -> str:
        """Have the layer at the cursor opened."""
        if not 0 <= self._cursor < len(self._members):
            return self.note or "no layer to open yet"
        self.post_message(self.Chosen(self._members[self._cursor].path))
        return ""

    def other_axes(self, aim: Aim) -> Aim | str:
        """There are none to be seen."""
        return "a stack shows whole tensors: other axes are for values, heat map and mask"

    @property
    def _members(self) -> Sequence[Member]:
        return () if self._answer is None else self._answer.members

    def _go(self, aim: Aim, down: int, across: int) -> Aim:
        if self._place is None:
            return super().moved(aim, down, across)
        self._cursor = self._place.beside(max(self._cursor, 0), down, across, len(self._members))
        self.redraw()
        self._show_cursor()
        return aim

    def _show_cursor(self) -> None:
        """Scroll to the layer at the cursor; beside the first ones the heading is to be seen, too."""
        if self._place is None or self._cursor < 0:
            return
        top, height = self._place.top(self._cursor), self._place.lines_of_one - 1
        if self._cursor < self._place.columns:
            self.scroll_to(0, 0, animate=False, force=True)
        else:
            self.scroll_to_region(Region(0, top, 1, height), animate=False, force=True, x_axis=False)
