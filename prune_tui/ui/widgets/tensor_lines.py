"""Pictures of a tensor that are lines of text: histogram, channels, structure, the stack of its like."""

from __future__ import annotations

import abc
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from prune_tui.protocol import GetChannels, GetStack, GetStructure, Request
from prune_tui.tensor_views import Channels, Heatmap, Stack, Structure
from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures import channels, heatmap, histogram, stack, structure
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

    asks = False

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
        self._order: list[int] = []
        self._places: dict[int, int] = {}
        self._first = 0

    def needed(self, subject: Subject, aim: Aim) -> tuple[Request, type[Body]] | None:
        """The channels of one axis."""
        if not aim.shape:
            self.note = "a scalar has no channels"
            return None
        self._dim = min(self._dim, len(aim.shape) - 1)
        return GetChannels(subject.tensor.tensor, subject.view, self._dim), Channels

    def forget(self) -> None:
        """Of another tensor there are other channels."""
        self._answer, self._order, self._first = None, [], 0

    def receive(self, request: Request, body: Body) -> None:
        """Show them, in the order that was chosen."""
        if not (isinstance(request, GetChannels) and isinstance(body, Channels)):
            raise TypeError(f"{type(body).__name__} answers no GetChannels")
        if request.dim == self._dim and self._is_of(request.tensor, request.view):
            self._answer, self.note = body, body.note
            self._sort()

    def _sort(self) -> None:
        if self._answer is not None:
            self._order = channels.order(self._answer, self._by, self._descending)
            self._places = {channel: place for place, channel in enumerate(self._order)}
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """So many rows as there is room for, with the cursor's among them."""
        answer, aim = self._answer, self.aim
        if answer is None or aim is None or height < 1:
            return []
        place = self._places.get(aim.index[self._dim], 0)
        rows = max(height - channels.AROUND, 1)
        self._first = max(min(self._first, place), place - rows + 1)
        return channels.lines(
            answer,
            self._order,
            self._first,
            self.look,
            width=width,
            height=height,
            axis=aim.axes[self._dim],
            cursor=place,
            by=self._by,
            descending=self._descending,
        )

    def point(self, aim: Aim) -> None:
        """Go to the channel of an entry."""
        self.aim = aim
        self.redraw()

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """The channel above or below, as they are sorted."""
        return self._further(aim, down)

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """A page of them further."""
        return self._further(aim, down * max(self.size.height - channels.AROUND, 1))

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """The first of them, or the last."""
        return self._further(aim, len(self._order) if last else -len(self._order))

    def _further(self, aim: Aim, by: int) -> Aim:
        if not self._order or not aim.shape:
            return aim
        place = self._places.get(aim.index[self._dim], 0)
        found = self._order[min(max(place + by, 0), len(self._order) - 1)]
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
        self._sort()
        return self._sorted()

    def turned(self) -> str:
        """Sort the other way round."""
        self._descending = not self._descending
        self._sort()
        return self._sorted()

    def _sorted(self) -> str:
        return f"sorted by {self._by}, the {'greatest' if self._descending else 'least'} first"


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
    """The same tensor of all layers, side by side."""

    member: ClassVar[tuple[int, int]] = (6, 18)
    """Lines and columns that the picture of each takes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._answer: Stack | None = None

    def needed(self, subject: Subject, aim: Aim) -> tuple[Request, type[Body]] | None:
        """The stack the tensor is in."""
        lines, columns = self.member
        height = lines * heatmap.rows_per_line(self.look)
        width = columns // heatmap.columns_per_cell(self.look)
        return GetStack(subject.tensor.tensor, subject.view, height, width), Stack

    def forget(self) -> None:
        """Another tensor may be in another stack."""
        self._answer = None

    def receive(self, request: Request, body: Body) -> None:
        """Show it."""
        if not (isinstance(request, GetStack) and isinstance(body, Stack)):
            raise TypeError(f"{type(body).__name__} answers no GetStack")
        if self._is_of(request.tensor, request.view):
            self._answer, self.note = body, body.note
            self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """All members on one scale, so that the odd one stands out."""
        answer, subject = self._answer, self.subject
        if answer is None or subject is None:
            return []
        scale = max((3 * member.rms for member in answer.members if member.rms), default=0.0)

        def drawn(picture: Heatmap) -> Lines:
            return heatmap.lines(picture, scale, self.look, view=subject.view, pooled=True)

        here = [member.path for member in answer.members]
        cursor = here.index(subject.tensor.tensor) if subject.tensor.tensor in here else -1
        return stack.lines(answer, drawn, self.look, width, cursor)
