"""What all pictures of a tensor have in common: a subject, an aim, and how they ask for what they lack."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from prune_tui.protocol import Request
from prune_tui.tensor_requests import Intended
from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures.depth import exact
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.texts import plain
from prune_tui.ui.tree_line import cut
from prune_tui.view_rows import TensorRow, View
from prune_tui.views import Body, Statistics


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is looked at.

    Attributes:
        tensor: The tensor.
        view: Which of its values.
        preview: A step, or a painted mask, whose effect is marked; None where there is neither.
    """

    tensor: TensorRow
    view: View
    preview: Intended | None = None


class Receiver(Protocol):
    """Whoever asks for something."""

    def receive(self, request: Request, body: Body) -> None:
        """Take the answer."""


class Picture(ScrollView, can_focus=True, inherit_bindings=False):
    """A picture of a tensor. It knows no tensor's values: it posts `Wanted` and draws what `receive` brings.

    Its keys are the pane's: whichever picture is shown, they mean the same.
    """

    ALLOW_SELECT = False
    asks: ClassVar[bool] = True
    """Whether it asks the engine for what it draws; else the pane brings it."""
    has_entries: ClassVar[bool] = False
    """Whether each entry has a place in it, along rows and columns."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {"picture--axis", "picture--note"}
    DEFAULT_CSS = """
    Picture {
        height: 1fr;
        overflow: auto auto;
        scrollbar-size: 1 1;
        & > .picture--axis { color: $text-muted; }
        & > .picture--note { text-style: dim; }
    }
    """

    class Wanted(Message):
        """A picture lacks something.

        Attributes:
            request: What to ask the engine for.
            kind: What the answer will be.
            receiver: Whom it goes to.
        """

        def __init__(self, request: Request, kind: type[Body], receiver: Receiver) -> None:
            self.request = request
            self.kind = kind
            self.receiver = receiver
            super().__init__()

    class Told(Message):
        """A key has nothing to do here, and why.

        Attributes:
            text: Why.
        """

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Pointed(Message):
        """Somebody clicked on an entry.

        Attributes:
            index: Of the entry.
        """

        def __init__(self, index: tuple[int, ...]) -> None:
            self.index = index
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.set_reactive(ScrollView.auto_links, False)
        self.subject: Subject | None = None
        self.aim: Aim | None = None
        self.statistics: Statistics | None = None
        self.look = Look()
        self.note = ""

    def get_line_filters(self) -> list[LineFilter]:
        """Colours were picked for this terminal: nothing is to change them."""
        return exact(super().get_line_filters())

    # What the pane asks of it

    def show(self, subject: Subject | None, aim: Aim | None) -> None:
        """Show a tensor, or none; what it needs is asked for, also when only values have changed."""
        raise NotImplementedError

    def receive(self, request: Request, body: Body) -> None:
        """Draw what was asked for."""
        raise NotImplementedError

    def show_note(self, note: str) -> None:
        """Show a sentence in place of the picture."""
        self.note = note
        self.refresh()

    def show_statistics(self, statistics: Statistics | None) -> None:
        """Statistics of what is shown came, or those there were do not hold any more."""
        self.statistics = statistics
        self.refresh()

    def point(self, aim: Aim) -> None:
        """Move the cursor there, and into sight."""
        self.aim = aim

    def moved(self, aim: Aim, down: int, across: int) -> Aim:
        """Where the arrow keys lead from an entry; here they scroll, and the aim stays."""
        self.scroll_relative(x=across, y=down, animate=False, force=True)
        return aim

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """Where the page keys lead."""
        height, width = max(self.size.height - 2, 1), max(self.size.width - 2, 1)
        self.scroll_relative(x=across * width, y=down * height, animate=False, force=True)
        return aim

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """Where the keys for the first and the last entry lead."""
        self.scroll_to(0, self.max_scroll_y if last else 0, animate=False, force=True)
        return aim

    def entered(self) -> str:
        """Enter was pressed and nothing is painted: open what is at the cursor, or say why nothing can be."""
        return "nothing is painted; x toggles what is under the cursor"

    def other_axes(self, aim: Aim) -> Aim | str:
        """The aim along other axes, or what was done instead."""
        if self.has_entries:
            return aim.with_next_axes()
        return "this picture is of the whole tensor: other axes are for values, heat map and mask"

    def zoom(self, by: int) -> str:
        """Show entries larger (1) or more of them (-1).

        Returns:
            Why that cannot be; empty where it is done.
        """
        return "nothing to zoom here: heat map and mask have entries to look at more closely"

    def next_option(self) -> str:
        """Tell it in the next way the picture has, and say which; empty where there is only one."""
        return ""

    def turned(self) -> str:
        """Turn the order round, and say how it is; empty where there is none."""
        return ""

    def told(self) -> str:
        """How it is drawn, for the frame: `extreme of 17×8`; empty where nothing needs to be told."""
        return ""

    def in_sight(self) -> str:
        """What is seen of it, as text."""
        lines = [self.render_line(y).text.rstrip() for y in range(self.size.height)]
        return "\n".join(lines).rstrip()

    # Drawing

    def note_line(self, y: int, width: int, text: str) -> Strip:
        """A line of the screen where a sentence stands in the middle in place of the picture."""
        if y != self.size.height // 2 or not text:
            return Strip.blank(width)
        told = cut(plain(text, self.look), width).center(width)
        return Strip([Segment(told, self.style("note"))]).adjust_cell_length(width)

    def axis_line(self, width: int, text: str) -> Strip:
        """The line above a picture: what runs down and across."""
        return Strip([Segment(cut(plain(text, self.look), width), self.style("axis"))]).adjust_cell_length(width)

    def style(self, name: str) -> Style:
        """The style of one of the component classes that every picture has."""
        return self.get_component_rich_style(f"picture--{name}")
