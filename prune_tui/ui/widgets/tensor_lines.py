"""Pictures of a tensor that are lines of text: what they have in common, the histogram and the structure."""

from __future__ import annotations

import abc

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from prune_tui.protocol import Request
from prune_tui.steps import CustomFromMask
from prune_tui.tensor_requests import GetStructure
from prune_tui.tensor_views import Structure
from prune_tui.ui import keys
from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures import histogram, structure
from prune_tui.ui.pictures.inks import ink
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

    # Keys

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """Scroll a line, if there is more than is seen."""
        return super().moved(aim, down, across) if self._scrolls(across) else aim

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """Scroll a page."""
        return super().paged(aim, down, across) if self._scrolls(across) else aim

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """Scroll to the first line or the last."""
        return super().at_end(aim, last=last) if self._scrolls() else aim

    def _scrolls(self, across: int = 0) -> bool:
        """Whether there is anything to scroll to; says why not."""
        if across:
            self.post_message(self.Told("there is nothing beside it: this picture goes up and down only"))
        elif not self.max_scroll_y:
            self.post_message(self.Told("all of it is in sight: there is nothing to scroll to"))
        else:
            return True
        return False

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
            strip = self._hidden_below(y) or self._strips[top + y]
        else:
            strip = Strip.blank(width)
        return strip.adjust_cell_length(width).apply_style(self.rich_style)

    def _hidden_below(self, y: int) -> Strip | None:
        """What stands in a line of the screen instead of its own; None where that may stand there."""
        return None


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
        return histogram.lines(
            self.statistics,
            self.look,
            width,
            height,
            log=self._log,
            threshold=self.threshold,
            previewed=self._previewed,
        )

    @property
    def _previewed(self) -> bool:
        """Whether the threshold is an open form's: what is painted has none, and else it is the last step's."""
        preview = None if self.subject is None else self.subject.preview
        return preview is not None and not isinstance(preview, CustomFromMask)

    def next_option(self) -> str:
        """Count linearly, or by logarithms."""
        self._log = not self._log
        self.redraw()
        return "logarithmic counts: small bins show" if self._log else "linear counts"

    def told(self) -> str:
        """Which of both."""
        return "log" if self._log else "linear"


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

    def _hidden_below(self, y: int) -> Strip | None:
        """How many lines are to come, in the last that is seen: else it reads like the end."""
        more = len(self._strips) - self.scroll_offset.y - self.size.height
        if more <= 0 or y < self.size.height - 1:
            return None
        key = keys.told(self, ("tensor.down", "scrolls"))
        told = f"… {more + 1} more lines" + (f": {key}" if key else "")
        return Strip([Segment(told, ink("dim", self.look))])
