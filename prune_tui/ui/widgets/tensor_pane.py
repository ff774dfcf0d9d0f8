"""The tensor pane: one tensor in one of several pictures, with a cursor that they share and what it points at."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from prune_tui.protocol import GetEntry, GetStatistics, Request
from prune_tui.steps import AnyStep
from prune_tui.tensor_views import Entry, Located
from prune_tui.ui import keys, tensor_title
from prune_tui.ui.aim import Aim, Aims
from prune_tui.ui.painting import Painting
from prune_tui.ui.readout import draft_text, entry_text, statistics_text
from prune_tui.ui.seeking import Seeking
from prune_tui.ui.widgets.index_field import IndexField
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.ui.widgets.pictures import PICTURES, Pictures
from prune_tui.ui.widgets.readout_line import ReadoutLine
from prune_tui.view_rows import TensorRow, View
from prune_tui.views import Body, Previewed, Statistics


class TensorPane(Vertical):
    """A picture under a line of statistics and above a line that reads out the entry at the cursor."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("tensor")]
    DEFAULT_CSS = """
    TensorPane {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        padding: 0 1;
        &:focus-within { border: heavy $border; }
        & > #statistics { height: auto; max-height: 2; color: $text-muted; }
        & > #index { display: none; }
        &.-going > #index { display: block; }
        &.-going > #readout { display: none; }
    }
    """

    class Painted(Message):
        """A painted mask is to be applied.

        Attributes:
            step: The step that does so.
        """

        def __init__(self, step: AnyStep) -> None:
            self.step = step
            super().__init__()

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
        self.painting = Painting()
        self._seeking = Seeking()
        self._aims = Aims()
        self._entry: Entry | None = None

    def compose(self) -> ComposeResult:
        """Statistics above, the picture, and what the cursor points at below."""
        yield Static(id="statistics")
        yield Pictures(id="pictures")
        yield ReadoutLine(id="readout")
        yield IndexField(id="index")

    def on_resize(self) -> None:
        """Name all pictures in the frame where there is room."""
        self._title()

    @property
    def pictures(self) -> Pictures:
        """All pictures."""
        return self.query_one(Pictures)

    @property
    def picture(self) -> Picture:
        """The picture that is shown."""
        return self.pictures.shown

    @property
    def aim(self) -> Aim | None:
        """Where in the tensor a person looks; None where there is none."""
        tensor = self.tensor
        return None if tensor is None else self._aims.at(tensor.tensor, tensor.shape, tensor.axes)

    # What is shown

    def show_tensor(self, tensor: TensorRow | None, view: View) -> None:
        """Show another tensor or view, or the same one after it has changed."""
        same = tensor is not None and self.tensor is not None and tensor.tensor == self.tensor.tensor
        if not same or view != self.view:
            self.statistics = None
        if not same:
            self.drop_draft()
            self._close_field()
        self.tensor, self.view = tensor, view
        self._entry = None
        self._seeking.forget()
        self._tell(outdated=True)
        self._show_picture()
        if tensor is not None and not tensor.note:
            self.post_message(Picture.Wanted(GetStatistics(tensor.tensor, view, sampled=True), Statistics, self))

    def show_preview(self, step: AnyStep | None) -> None:
        """Mark what a step would mask; None marks nothing any more."""
        self.preview = step
        self._show_picture()

    def switch(self, name: str) -> None:
        """Show another picture of the same tensor, with the cursor where it is."""
        had_focus = self.picture.has_focus
        self.pictures.current = name
        self._show_picture()
        if had_focus:
            self.screen.set_focus(self.picture)  # at once: without a focus the frame would be drawn in between

    def _show_picture(self) -> None:
        self._title()
        subject = None if self.tensor is None else Subject(self.tensor, self.view, self._marked_step)
        self.pictures.show(subject, self.aim, self.statistics)
        self._read_out()

    @property
    def _marked_step(self) -> AnyStep | None:
        """The step whose effect is marked: an open form's, else the draft's."""
        return self.preview if self.preview is not None else self.painting.step

    def receive(self, request: Request, body: Body) -> None:
        """What the pane itself asked for."""
        if isinstance(body, Statistics):
            self._show_statistics(request, body)
        elif isinstance(body, Entry):
            if self._is_at(request):
                self._entry = body
                self._write_readout()
        elif isinstance(body, Located):
            self._show_located(request, body)
        elif isinstance(body, Previewed) and self.painting.accept(request, body):
            self._show_picture()

    def _is_at(self, request: Request) -> bool:
        """Whether an entry that was asked for is still the one at the cursor."""
        aim, tensor = self.aim, self.tensor
        return (
            isinstance(request, GetEntry)
            and tensor is not None
            and aim is not None
            and (request.tensor, request.index) == (tensor.tensor, aim.index)
        )

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
        line = self.query_one("#statistics", Static)
        text = (
            Text("")
            if self.tensor is None or self.tensor.note
            else statistics_text(self.statistics, self.view, progress)
        )
        if outdated:
            text.stylize("dim")
        line.update(text)

    def _title(self) -> None:
        tensor, shown = self.tensor, self.pictures.name_shown
        self.border_title = tensor_title.title(tensor, PICTURES, shown, self.size.width - 6)
        self.border_subtitle = tensor_title.subtitle(tensor, self.view)

    # The cursor

    def aim_at(self, aim: Aim) -> None:
        """Look at another entry."""
        tensor = self.tensor
        if tensor is None or aim == self.aim:
            return
        self._aims.keep(tensor.tensor, aim)
        self.picture.point(aim)
        self._seeking.forget()
        self._read_out()

    def _read_out(self) -> None:
        """Ask what is at the cursor; until it is here, what was there before is not shown."""
        aim, tensor = self.aim, self.tensor
        self._entry = None
        if tensor is not None and not tensor.note and aim is not None and not aim.empty:
            self.post_message(Picture.Wanted(GetEntry(tensor.tensor, aim.index), Entry, self))
        else:
            self._write_readout()

    def _write_readout(self) -> None:
        line = self.query_one(ReadoutLine)
        aim = self.aim
        if aim is None or aim.empty or self._entry is None:
            line.show(Text())
        elif self.painting.draft.toggles:
            line.show(draft_text(self.painting.draft, self.painting.drafted))
        else:
            line.show(entry_text(aim, self._entry, self._seeking.told()))

    @on(Picture.Pointed)
    def _pointed(self, event: Picture.Pointed) -> None:
        aim = self.aim
        if aim is not None:
            self.aim_at(aim.at(event.index))

    def say(self, text: str) -> None:
        """Have a person told something, if there is anything."""
        if text:
            self.post_message(self.Said(text))

    # Keys

    def action_move(self, down: int, across: int) -> None:
        """Go to the entry beside it."""
        if self.aim is not None:
            self.aim_at(self.picture.moved(self.aim, down, across))

    def action_page(self, down: int, across: int) -> None:
        """Go a page further."""
        if self.aim is not None:
            self.aim_at(self.picture.paged(self.aim, down, across))

    def action_end(self, last: bool) -> None:
        """Go to the first entry, or to the last."""
        if self.aim is not None:
            self.aim_at(self.picture.at_end(self.aim, last=last))

    def action_slice(self, by: int) -> None:
        """Go to the next slice along the slider's axis."""
        aim = self.aim
        if aim is None or aim.slider < 0:
            self.say("no axis is left to slide along: rows and columns show them all")
        else:
            self.aim_at(aim.slid(by))

    def action_slider(self) -> None:
        """Slide along another axis."""
        aim = self.aim
        if aim is None or aim.with_next_slider() == aim:
            self.say("no other axis to slide along")
        else:
            self.aim_at(aim.with_next_slider())
            self.say(f"slices: {self.aim.slices() if self.aim is not None else ''}")

    def action_axes(self) -> None:
        """Show other axes as rows and columns; the channels of another axis."""
        aim = self.aim
        if aim is None:
            return
        found = self.picture.other_axes(aim)
        if isinstance(found, str):
            self.say(found)
        elif found == aim:
            self.say("there are no other axes")
        else:
            self.aim_at(found)

    def action_zoom(self, by: int) -> None:
        """Look more closely, or see more."""
        self.say(self.picture.zoom(by))
        self._title()

    def action_option(self) -> None:
        """Tell it in the picture's next way."""
        self.say(self.picture.next_option() or "this picture has one way only")

    def action_turn(self) -> None:
        """Turn the order round."""
        self.say(self.picture.turned() or "nothing is sorted here; channels are")

    def action_digits(self, by: int) -> None:
        """Write more digits, or fewer."""
        grid = self.pictures.grid
        self.say(grid.next_digits(by) if self.picture is grid else "digits are those of the values picture")

    def action_find(self, forward: bool) -> None:
        """Go to the next entry of the kind that is looked for."""
        tensor, aim = self.tensor, self.aim
        if tensor is not None and not tensor.note and aim is not None and not aim.empty:
            request = self._seeking.next(tensor.tensor, self.view, aim, forward=forward)
            self.post_message(Picture.Wanted(request, Located, self))

    def action_sought(self) -> None:
        """Look for another kind of entry."""
        tensor, aim = self.tensor, self.aim
        if tensor is not None and not tensor.note and aim is not None and not aim.empty:
            request = self._seeking.other(tensor.tensor, self.view, aim)
            self.post_message(Picture.Wanted(request, Located, self))

    def _show_located(self, request: Request, located: Located) -> None:
        aim, tensor = self.aim, self.tensor
        found = None if tensor is None else self._seeking.found(request, located, tensor.tensor)
        if isinstance(found, str):
            self.say(found)
        elif found is not None and aim is not None:
            self.aim_at(aim.at(found))
            self._seeking.keep(located)
            self._write_readout()

    # Going to an index

    @property
    def going(self) -> bool:
        """Whether an index is being typed."""
        return self.has_class("-going")

    def action_go_to(self) -> None:
        """Type an index."""
        aim = self.aim
        if aim is None or aim.empty or not aim.shape:
            self.say("no entries to go to")
            return
        self.add_class("-going")
        self.query_one(IndexField).begin(aim)

    @on(IndexField.Chosen)
    def _index_chosen(self, event: IndexField.Chosen) -> None:
        aim = self.aim
        self.stay()
        if aim is not None:
            self.aim_at(aim.at(event.index))

    def stay(self) -> None:
        """Go nowhere."""
        self.remove_class("-going")
        self.picture.focus()

    def _close_field(self) -> None:
        """What is typed there is an index of another tensor."""
        if self.going:
            typing = self.query_one(IndexField).has_focus_within
            self.remove_class("-going")
            if typing:
                self.picture.focus()

    # Painting

    def action_paint(self) -> None:
        """Toggle what the brush takes at the cursor."""
        tensor, aim = self.tensor, self.aim
        if self.pictures.name_shown not in {"values", "heatmap", "mask"}:
            self.say("paint in values, heat map or mask: F2, F3, F4")
        elif tensor is not None and not tensor.note and aim is not None and not aim.empty:
            request = self.painting.stroke(tensor.tensor, aim)
            if request is None:
                self.drop_draft()
            else:
                self.post_message(Picture.Wanted(request, Previewed, self))

    def action_brush(self) -> None:
        """Take an entry, a row, a column or a channel with the next stroke."""
        self.say(self.painting.next_brush())

    def action_apply_draft(self) -> None:
        """Apply what was painted."""
        step = self.painting.finished()
        if not self.painting.draft.toggles:
            self.say("nothing is painted; x toggles what is under the cursor")
        elif isinstance(step, str):
            self.say(step)
        else:
            self.post_message(self.Painted(step))

    def refuse_stroke(self) -> None:
        """What was painted last cannot be."""
        self.painting.refuse()
        if self.painting.draft.toggles:
            self._write_readout()
        else:
            self.drop_draft()

    def drop_draft(self) -> bool:
        """Forget what was painted; whether there was anything."""
        painted = self.painting.drop()
        if painted:
            self._show_picture()
        return painted
