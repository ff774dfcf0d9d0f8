"""The channels of a tensor as a table that is sorted by key; a long sort is done aside, while keys work on."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from prune_tui.protocol import Request
from prune_tui.tensor_requests import GetChannels
from prune_tui.tensor_views import Channels
from prune_tui.ui import keys
from prune_tui.ui.aim import Aim
from prune_tui.ui.pictures import channels
from prune_tui.ui.pictures.ordering import AT_ONCE, Order, by_index
from prune_tui.ui.widgets.picture import Subject
from prune_tui.ui.widgets.tensor_lines import Lines, LinesPicture
from prune_tui.views import Body


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
        return self._beside(aim, down, across)

    def paged(self, aim: Aim, down: int, across: int) -> Aim:
        """A page of them further."""
        return self._beside(aim, down * max(self.size.height - channels.AROUND, 1), across)

    def at_end(self, aim: Aim, *, last: bool) -> Aim:
        """The first of them, or the last."""
        count = len(self._sorted.order.indices)
        return self._further(aim, count if last else -count)

    def _beside(self, aim: Aim, by: int, across: int) -> Aim:
        if across:
            key = keys.keymap_of(self).first("tensor.axes")
            self.post_message(self.Told(f"channels go up and down; {key} shows those of another axis"))
        return self._further(aim, by)

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
