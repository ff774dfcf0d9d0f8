"""A tensor in one of several pictures, under a line of its statistics and in a frame that names it."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from prune_tui.protocol import Request
from prune_tui.steps import AnyStep
from prune_tui.tensor_requests import GetStatistics, Intended
from prune_tui.ui import tensor_title
from prune_tui.ui.aim import Aim, Aims
from prune_tui.ui.readout import statistics_text
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.ui.widgets.pictures import NO_TENSOR, PICTURES, Pictures
from prune_tui.view_rows import TensorRow, View
from prune_tui.views import Body, Statistics


class ShownTensor(Vertical):
    """What is shown, and where in it a person looks; the tensor pane adds what can be done there.

    Attributes:
        tensor: The tensor; None where the module has none.
        view: Which of its values.
        preview: A step whose effect is marked; None where there is none.
        statistics: Of these values; None while they are not known.
    """

    DEFAULT_CSS = """
    ShownTensor {
        height: 1fr;
        border: round $border-blurred;
        border-title-color: $foreground;
        border-subtitle-color: $foreground-muted;
        padding: 0 1;
        &:focus-within { border: heavy $border; }
        & > #statistics { height: 1; color: $text-muted; }
    }
    """

    class Said(Message):
        """Something a person should be told.

        Attributes:
            text: What.
        """

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.tensor: TensorRow | None = None
        self.view: View = "effective"
        self.preview: AnyStep | None = None
        self.statistics: Statistics | None = None
        self.aims = Aims()
        self._told = (False, "")

    def compose(self) -> ComposeResult:
        """Statistics above, the picture below."""
        yield Static(id="statistics")
        yield Pictures(id="pictures")

    def on_resize(self) -> None:
        """Name all pictures in the frame and tell as much of the statistics as there is room for."""
        self._title()
        outdated, progress = self._told
        self._tell(outdated=outdated, progress=progress)

    @property
    def pictures(self) -> Pictures:
        """All pictures."""
        return self.query_one(Pictures)

    @property
    def picture(self) -> Picture:
        """The picture that is shown."""
        return self.pictures.shown

    @property
    def path(self) -> str:
        """The dotted name of the tensor; empty where there is none."""
        return "" if self.tensor is None else self.tensor.tensor

    @property
    def nothing(self) -> str:
        """Why there are no entries to do something with; empty where there are."""
        aim = self.aim
        if self.tensor is None or aim is None:
            return NO_TENSOR
        return self.tensor.note or (f"{'×'.join(map(str, aim.shape))}: no entries" if aim.empty else "")

    @property
    def aim(self) -> Aim | None:
        """Where in the tensor a person looks; None where there is none."""
        tensor = self.tensor
        return None if tensor is None else self.aims.at(tensor.tensor, tensor.shape, tensor.axes)

    def say(self, text: str) -> None:
        """Have a person told something, if there is anything."""
        if text:
            self.post_message(self.Said(text))

    # What is shown

    def show_tensor(self, tensor: TensorRow | None, view: View) -> None:
        """Show another tensor or view, or the same one after it has changed."""
        if not self.is_same(tensor) or view != self.view:
            self.statistics = None
        self.tensor, self.view = tensor, view
        self._tell(outdated=True)
        self.show_picture()
        if tensor is not None and not tensor.note:
            self.post_message(Picture.Wanted(GetStatistics(tensor.tensor, view, sampled=True), Statistics, self))

    def is_same(self, tensor: TensorRow | None) -> bool:
        """Whether a tensor is the one that is shown, perhaps as it was before a change."""
        return tensor is not None and tensor.tensor == self.path

    def show_preview(self, step: AnyStep | None) -> None:
        """Mark what a step would mask; None marks nothing any more."""
        self.preview = step
        self.show_picture()

    def switch(self, name: str) -> None:
        """Show another picture of the same tensor, with the cursor where it is."""
        had_focus = self.picture.has_focus
        self.pictures.current = name
        self.show_picture()
        if had_focus:
            self.screen.set_focus(self.picture)  # at once: without a focus the frame would be drawn in between

    def show_picture(self) -> None:
        """Show it in the picture there is."""
        self._title()
        subject = None if self.tensor is None else Subject(self.tensor, self.view, self.marked)
        self.pictures.show(subject, self.aim, self.statistics)

    @property
    def marked(self) -> Intended | None:
        """The step whose effect is marked."""
        return self.preview

    def receive(self, request: Request, body: Body) -> None:
        """Take the statistics."""
        if isinstance(body, Statistics):
            self._show_statistics(request, body)

    def _show_statistics(self, request: Request, statistics: Statistics) -> None:
        if not isinstance(request, GetStatistics) or self.tensor is None:
            return
        if (request.tensor, request.view) != (self.tensor.tensor, self.view):
            return
        self.statistics = statistics
        self._tell(outdated=False)
        self.picture.show_statistics(statistics)
        if statistics.quality == "sampled":
            self.post_message(Picture.Wanted(GetStatistics(request.tensor, request.view), Statistics, self))

    def show_progress(self, text: str) -> None:
        """Say how far the counting is."""
        self._tell(outdated=False, progress=text)

    def _tell(self, *, outdated: bool, progress: str = "") -> None:
        """Write the counts; dim while those of the model as it is now are still to come."""
        self._told = outdated, progress
        line = self.query_one("#statistics", Static)
        text = (
            Text("")
            if self.tensor is None or self.tensor.note
            else statistics_text(self.statistics, self.view, progress, self.size.width)
        )
        if outdated:
            text.stylize("dim")
        line.update(text)

    def _title(self) -> None:
        tensor, shown = self.tensor, self.pictures.name_shown
        self.border_title = tensor_title.title(tensor, PICTURES, shown, self.size.width - 6)
        self.border_subtitle = tensor_title.subtitle(tensor, self.view)
