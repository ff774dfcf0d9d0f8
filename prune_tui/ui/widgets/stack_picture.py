"""The same tensor of all repeated layers as a picture, with a cursor that goes from layer to layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.geometry import Region
from textual.message import Message

from prune_tui.protocol import Request
from prune_tui.tensor_requests import GetStack
from prune_tui.tensor_views import Heatmap, Member, Stack
from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures import heatmap, stack
from prune_tui.ui.widgets.picture import Subject
from prune_tui.ui.widgets.tensor_lines import Lines, LinesPicture
from prune_tui.views import Body


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
        """Show it from the top, where the odd ones are named; the cursor is first on the tensor itself."""
        if not (isinstance(request, GetStack) and isinstance(body, Stack)):
            raise TypeError(f"{type(body).__name__} answers no GetStack")
        if self._is_of(request.tensor, request.view):
            is_new = self._answer is None
            self._answer, self.note = body, body.note
            if is_new:
                self._cursor = self._own
            self.redraw()

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
            return heatmap.lines(picture, scale, self.look, view=subject.view)

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
