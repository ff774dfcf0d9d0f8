"""Looking at a tensor by key: fetching what its pictures want, and applying what was painted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from textual import on
from textual.worker import WorkType

from prune_tui import protocol, tensor_requests, views
from prune_tui.client import Refused
from prune_tui.steps import AnyStep, Step
from prune_tui.ui.surveying import Surveying
from prune_tui.ui.widgets.picture import Picture
from prune_tui.ui.widgets.pictures import NO_TENSOR, PICTURES
from prune_tui.ui.widgets.tensor_pane import TensorPane
from prune_tui.view_rows import VIEWS, TensorRow, View


class Looking(Surveying):
    """The tensor pane's way to the engine.

    Attributes:
        tensor: The selected tensor.
        view: Which of its values are shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tensor: TensorRow | None = None
        self.view: View = "effective"
        self._previewed: views.Previewed | None = None

    @property
    def tensor_pane(self) -> TensorPane:
        """The tensor pane."""
        return self.query_one(TensorPane)

    def show_tensor(self, view: View) -> None:
        """Show the selected tensor in a view; answers on their way for another are not wanted any more."""
        for worker in list(self.workers):
            if worker.group.startswith("picture ") and worker.group != "picture Draft":
                worker.cancel()
        self.view = view
        self.tensor_pane.pictures.look = self._main.prune_app.look
        self.tensor_pane.show_tensor(self.tensor, view)
        self._show_threshold()

    def look_again(self) -> None:
        """Draw the tensor for colours that have changed."""
        self.show_tensor(self.view)

    @on(Picture.Wanted)
    def _picture_wanted(self, event: Picture.Wanted) -> None:
        # A newer request takes the place of the older of its kind, here as in the engine.
        name = type(event.request).__name__
        # Not a coroutine but what makes it: a request that is superseded at once is never begun.
        fetch: WorkType[None] = partial(self._fetch, event)
        self.run_worker(fetch, group=f"picture {name}", exclusive=True)

    async def _fetch(self, wanted: Picture.Wanted) -> None:
        try:
            answer = await self._main.ask(wanted.request, wanted.kind, self._watching(wanted.request))
        except Refused as refused:
            if isinstance(wanted.request, tensor_requests.Draft):
                self.tensor_pane.refuse_stroke()
                self.say(str(refused), "warning")
            elif isinstance(wanted.receiver, Picture):
                wanted.receiver.show_note(str(refused))
            else:
                self.say(str(refused), "error")
            return
        if answer is not None:
            wanted.receiver.receive(wanted.request, answer)
            if isinstance(wanted.receiver, Picture):  # when it has its new extent, so that it is drawn once
                wanted.receiver.call_after_refresh(self._main.draw_now)

    def _watching(self, request: protocol.Request) -> Callable[[str], None] | None:
        """Who is told how far a long answer is."""
        return self.tensor_pane.show_progress if isinstance(request, tensor_requests.GetStatistics) else None

    @on(TensorPane.Said)
    def _pane_said(self, event: TensorPane.Said) -> None:
        self.say(event.text)

    @on(TensorPane.Painted)
    def _painted(self, event: TensorPane.Painted) -> None:
        if self._between_forms():
            self._edit(lambda: protocol.Apply(event.mask))

    def show_preview_cells(self, step: Step | None, previewed: views.Previewed | None = None) -> None:
        """Mark the entries that a step would mask and draw its threshold, or none any more."""
        self._previewed = previewed
        self._show_threshold()
        if step is not None or self.tensor_pane.preview is not None:
            self.tensor_pane.show_preview(cast("AnyStep | None", step))

    def show_done(self) -> None:
        """After an edit: what was painted is done with, and the last step is another one."""
        self.tensor_pane.drop_draft()
        self._show_threshold()

    def _show_threshold(self) -> None:
        """Draw the threshold of the open form, else that of the last step, into the histogram of the tensor."""
        done = [entry.effects for entry in self.entries if not entry.undone]
        effects = self._previewed.effects if self._previewed is not None else done[-1] if done else ()
        here = [one.threshold for one in effects if self.tensor is not None and one.target == self.tensor.tensor]
        of_values = self.view in {"effective", "orig"}
        self.tensor_pane.pictures.show_threshold(here[0] if here and of_values else None)

    def action_next_view(self) -> None:
        """Show other values of the tensor."""
        if self.tensor is None:
            self.say(NO_TENSOR)
        if self.tensor is not None and self._main.prune_app.answering:
            self.show_tensor(VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)])

    def action_next_picture(self, by: int) -> None:
        """Show the next picture of the tensor."""
        names = list(PICTURES)
        self.action_picture(names[(names.index(self.tensor_pane.pictures.name_shown) + by) % len(names)])

    def action_picture(self, name: str) -> None:
        """Show one picture of the tensor, drawn once it is there: not empty first, and then anew."""
        pane = self.tensor_pane
        if name == pane.pictures.name_shown:
            return
        pane.switch(name)
        self._main.wait_to_draw(pane.picture)
        if pane.nothing or not pane.picture.asks:
            # It draws itself when it is told its size, as is done after the layout.
            pane.picture.call_after_refresh(pane.picture.call_later, self._main.draw_now)
