"""The tensor pane: one tensor in one of several pictures, with a cursor that they share and what it points at."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal, get_args

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Input, Static

from prune_tui.protocol import Draft as DraftRequest
from prune_tui.protocol import GetEntry, GetStatistics, Locate, Request
from prune_tui.steps import AnyStep
from prune_tui.tensor_views import Entry, Located
from prune_tui.ui import keys
from prune_tui.ui.aim import Aim, read_index
from prune_tui.ui.draft import Draft
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.readout import draft_text, entry_text, statistics_text
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.channels_picture import ChannelsPicture
from prune_tui.ui.widgets.picture import Picture, Subject
from prune_tui.ui.widgets.readout_line import ReadoutLine
from prune_tui.ui.widgets.stack_picture import StackPicture
from prune_tui.ui.widgets.tensor_grid import TensorGrid
from prune_tui.ui.widgets.tensor_lines import HistogramPicture, StructurePicture
from prune_tui.ui.widgets.tensor_map import HeatmapPicture, MaskPicture
from prune_tui.view_rows import VIEWS, TensorRow, View
from prune_tui.views import Body, Previewed, Statistics

PICTURES: dict[str, type[Picture]] = {
    "values": TensorGrid,
    "heatmap": HeatmapPicture,
    "mask": MaskPicture,
    "histogram": HistogramPicture,
    "channels": ChannelsPicture,
    "structure": StructurePicture,
    "stack": StackPicture,
}
Sought = Literal["masked", "extreme", "nan", "inf"]
_SOUGHT: tuple[Sought, ...] = get_args(Sought)
_AIMS = 64
"""Tensors whose aim is remembered."""


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
        & > #statistics { height: 1; color: $text-muted; }
        & > #pictures { height: 1fr; }
        & > #go-to { display: none; height: 1; }
        &.-going > #go-to { display: block; }
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
        self.look = Look()
        self.draft = Draft()
        self._accepted = Draft()  # of it, what the engine has worked out
        self._drafted: Previewed | None = None
        self._aims: dict[str, Aim] = {}
        self._told = (False, "")
        self._entry: Entry | None = None
        self._sought: Sought = "masked"
        self._located: Located | None = None

    def compose(self) -> ComposeResult:
        """Statistics above, the picture, and what the cursor points at below."""
        yield Static(id="statistics")
        with ContentSwitcher(initial="values", id="pictures"):
            for name, picture in PICTURES.items():
                yield picture(id=name)
        yield ReadoutLine(id="readout")
        yield Input(placeholder="index, one number for each axis", compact=True, id="go-to")

    def on_mount(self) -> None:
        """No blinking: over SSH each blink is a packet."""
        self.query_one("#go-to", Input).cursor_blink = False

    def on_resize(self) -> None:
        """Name all pictures in the frame and tell as much of the statistics as there is room for."""
        self._title()
        self._tell(*self._told)

    @property
    def picture(self) -> Picture:
        """The picture that is shown."""
        return self.query_one(f"#{self.picture_name}", Picture)

    @property
    def picture_name(self) -> str:
        """Its name."""
        return self.query_one("#pictures", ContentSwitcher).current or "values"

    @property
    def grid(self) -> TensorGrid:
        """The grid of values."""
        return self.query_one(TensorGrid)

    @property
    def aim(self) -> Aim | None:
        """Where in the tensor a person looks; None where there is none."""
        tensor = self.tensor
        if tensor is None:
            return None
        known = self._aims.get(tensor.tensor)
        if known is None or (known.shape, known.axes) != (tensor.shape, tensor.axes):
            known = Aim.first(tensor.shape, tensor.axes)
        return known

    # What is shown

    def show_tensor(self, tensor: TensorRow | None, view: View) -> None:
        """Show another tensor or view, or the same one after it has changed."""
        same = tensor is not None and self.tensor is not None and tensor.tensor == self.tensor.tensor
        if not same or view != self.view:
            self.statistics = None
        if not same:
            self.drop_draft()
        self.tensor, self.view = tensor, view
        self._entry = self._located = None
        self._tell(outdated=True)
        self._show_picture()
        if tensor is not None and not tensor.note:
            self.post_message(Picture.Wanted(GetStatistics(tensor.tensor, view, sampled=True), Statistics, self))

    def show_preview(self, step: AnyStep | None) -> None:
        """Mark what a step would mask; None marks nothing any more."""
        self.preview = step
        self._show_picture()

    def show_threshold(self, threshold: float | None) -> None:
        """Draw a threshold into the histogram."""
        picture = self.query_one(HistogramPicture)
        picture.threshold = threshold
        picture.redraw()

    def switch(self, name: str) -> None:
        """Show another picture of the same tensor, with the cursor where it is."""
        had_focus = self.picture.has_focus
        self.query_one("#pictures", ContentSwitcher).current = name
        self._show_picture()
        if had_focus:
            self.screen.set_focus(self.picture)  # at once: without a focus the frame would be drawn in between

    def _show_picture(self) -> None:
        self._title()
        picture, subject = self.picture, None
        picture.look = self.look
        if self.tensor is not None:
            subject = Subject(self.tensor, self.view, self._marked_step)
        picture.show_statistics(self.statistics)
        picture.show(subject, self.aim)
        if subject is None:
            picture.note = "no tensor here: go to a module that holds some"
            picture.refresh()
        self._read_out()

    @property
    def _marked_step(self) -> AnyStep | None:
        """The step whose effect is marked: an open form's, else the draft's."""
        return self.preview if self._drafted is None or self.preview is not None else self._drafted.step

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
        elif isinstance(body, Previewed):
            self._show_drafted(request, body)

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

    def _tell(self, outdated: bool, progress: str = "") -> None:
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
        tensor = self.tensor
        if tensor is None:
            self.border_title = Content("Tensor")
            self.border_subtitle = ""
            return
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        name, room = Content(f"{printable(tensor.tensor)}  {shape}  "), self.size.width - 6
        names = Content(" ").join(_chosen(PICTURES, self.picture_name))
        only = Content(" ").join(_chosen([self.picture_name], self.picture_name))
        self.border_title = name + (names if name.cell_length + names.cell_length <= room else only)
        self.border_subtitle = Content(" ").join(_chosen(VIEWS, self.view))

    # The cursor

    def aim_at(self, aim: Aim) -> None:
        """Look at another entry."""
        tensor = self.tensor
        if tensor is None or aim == self.aim:
            return
        self._aims.pop(tensor.tensor, None)
        self._aims[tensor.tensor] = aim
        while len(self._aims) > _AIMS:
            del self._aims[next(iter(self._aims))]
        self.picture.point(aim)
        self._located = None
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
        elif self.draft.toggles:
            line.show(draft_text(self.draft, self._drafted))
        else:
            line.show(entry_text(aim, self._entry, self._located, self._sought))

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
        self.say(
            self.grid.next_digits(by) if self.picture is self.grid else "digits are those of the values picture"
        )

    def action_find(self, forward: bool) -> None:
        """Go to the next entry of the kind that is looked for."""
        tensor, aim = self.tensor, self.aim
        if tensor is not None and not tensor.note and aim is not None and not aim.empty:
            request = Locate(tensor.tensor, self.view, self._sought, aim.index, forward)
            self.post_message(Picture.Wanted(request, Located, self))

    def action_sought(self) -> None:
        """Look for another kind of entry."""
        self._sought = _SOUGHT[(_SOUGHT.index(self._sought) + 1) % len(_SOUGHT)]
        self._located = None
        self.action_find(True)

    def _show_located(self, request: Request, located: Located) -> None:
        aim, tensor = self.aim, self.tensor
        if not isinstance(request, Locate) or tensor is None or request.tensor != tensor.tensor:
            return
        if located.index is None or aim is None:
            self.say(located.note or f"no {self._sought} entry")
            return
        self.aim_at(aim.at(located.index))
        self._located = located
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
        field = self.query_one("#go-to", Input)
        field.placeholder = f"index: {', '.join(aim.axes)}"
        field.value = ""
        field.focus()

    @on(Input.Submitted, "#go-to")
    def _index_typed(self, event: Input.Submitted) -> None:
        aim = self.aim
        found = "the tensor is gone" if aim is None else read_index(event.value, aim.shape, aim.axes)
        if isinstance(found, str) or aim is None:
            self.say(str(found))
            return
        self.stay()
        self.aim_at(aim.at(found))

    def stay(self) -> None:
        """Go nowhere."""
        self.remove_class("-going")
        self.picture.focus()

    # Painting

    def action_paint(self) -> None:
        """Toggle what the brush takes at the cursor."""
        tensor, aim = self.tensor, self.aim
        if self.picture_name not in {"values", "heatmap", "mask"}:
            self.say("paint in values, heat map or mask: F2, F3, F4")
        elif tensor is not None and not tensor.note and aim is not None and not aim.empty:
            self.draft = self.draft.toggled(tensor.tensor, aim)
            if self.draft.toggles:
                request = DraftRequest(tensor.tensor, self.draft.toggles)
                self.post_message(Picture.Wanted(request, Previewed, self))
            else:
                self.drop_draft()

    def _show_drafted(self, request: Request, drafted: Previewed) -> None:
        """Mark what the painted mask takes, unless more was painted or all of it dropped in the meantime."""
        draft = self.draft
        if isinstance(request, DraftRequest) and (request.tensor, request.toggles) == (
            draft.tensor,
            draft.toggles,
        ):
            self._drafted, self._accepted = drafted, draft
            self._show_picture()

    def action_brush(self) -> None:
        """Take an entry, a row, a column or a channel with the next stroke."""
        self.draft = self.draft.with_next_brush()
        self.say(f"x toggles {'an' if self.draft.brush == 'entry' else 'a'} {self.draft.brush}")

    def action_apply_draft(self) -> None:
        """Apply what was painted."""
        if self._drafted is None or not self.draft.toggles:
            self.say(self.picture.entered())
        elif self._accepted.toggles != self.draft.toggles:
            self.say("the last stroke is still being worked out: enter again")
        else:
            self.post_message(self.Painted(self._drafted.step))

    def refuse_stroke(self) -> None:
        """What was painted last cannot be: back to what can."""
        if self._accepted.toggles:
            self.draft = dataclasses.replace(self._accepted, brush=self.draft.brush)
            self._write_readout()
        else:
            self.drop_draft()

    def drop_draft(self) -> bool:
        """Forget what was painted; whether there was anything."""
        painted = self.draft.toggles or self._accepted.toggles
        self.draft, self._drafted = self.draft.dropped(), None
        self._accepted = self.draft
        if painted:
            self._show_picture()
        return bool(painted)


def _chosen(names: Iterable[str], chosen: str) -> Iterator[Content]:
    for name in names:
        yield Content.styled(f"‹{name}›", "bold") if name == chosen else Content.styled(name, "dim")
