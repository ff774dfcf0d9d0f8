"""The tensor pane: one tensor in one of several pictures, with a cursor that they share and what it points at."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ClassVar, Concatenate, ParamSpec

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from prune_tui.protocol import Request
from prune_tui.tensor_requests import GetEntry, Intended
from prune_tui.tensor_requests import Painted as PaintedMask
from prune_tui.tensor_views import Drafted, Entry, Located
from prune_tui.ui import copied, keys
from prune_tui.ui.aim import Aim
from prune_tui.ui.painting import Painting
from prune_tui.ui.readout import draft_text, entry_text
from prune_tui.ui.seeking import Seeking
from prune_tui.ui.widgets.index_field import IndexField
from prune_tui.ui.widgets.picture import Picture
from prune_tui.ui.widgets.readout_line import ReadoutLine
from prune_tui.ui.widgets.shown_tensor import ShownTensor
from prune_tui.view_rows import TensorRow, View
from prune_tui.views import Body

_Settings = ParamSpec("_Settings")


def on_entries(
    action: Callable[Concatenate[TensorPane, Aim, _Settings], None],
) -> Callable[Concatenate[TensorPane, _Settings], None]:
    """An action of the pane that needs entries; where there are none, it says why instead."""

    @functools.wraps(action)
    def checked(pane: TensorPane, /, *settings: _Settings.args, **named: _Settings.kwargs) -> None:
        aim, nothing = pane.aim, pane.nothing
        if nothing or aim is None:
            pane.say(nothing)
        else:
            action(pane, aim, *settings, **named)

    return checked


class TensorPane(ShownTensor):
    """A picture under a line of statistics and above a line that reads out the entry at the cursor."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("tensor")]
    DEFAULT_CSS = """
    TensorPane {
        & > #index { display: none; }
        &.-going > #index { display: block; }
        &.-going > #readout { display: none; }
    }
    """

    class Painted(Message):
        """A painted mask is to be applied.

        Attributes:
            mask: What was painted.
        """

        def __init__(self, mask: PaintedMask) -> None:
            self.mask = mask
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.painting = Painting()
        self._seeking = Seeking()
        self._entry: Entry | None = None

    def compose(self) -> ComposeResult:
        """What the cursor points at, or the field for an index, below it."""
        yield from super().compose()
        yield ReadoutLine(id="readout")
        yield IndexField(id="index")

    # What is shown

    def show_tensor(self, tensor: TensorRow | None, view: View) -> None:
        """Show another tensor or view; what is painted or typed for another one goes."""
        if not self.is_same(tensor):
            self.drop_draft()
            self._close_field()
        self._seeking.forget()
        super().show_tensor(tensor, view)
        broken = self._seeking.in_broken(self.path, view)
        if broken is not None and not self.nothing:
            self._locate(broken)

    def show_picture(self) -> None:
        """Show it in the picture there is, and read out the entry at the cursor."""
        super().show_picture()
        self._read_out()

    @property
    def marked(self) -> Intended | None:
        """What is marked: the effect of an open form's step, else that of the draft."""
        return self.preview if self.preview is not None else self.painting.painted

    def receive(self, request: Request, body: Body) -> None:
        """Take what the pane itself asked for."""
        super().receive(request, body)
        if isinstance(body, Entry):
            if self._is_at(request):
                self._entry = body
                self._write_readout()
        elif isinstance(body, Located):
            self._show_located(request, body)
        elif isinstance(body, Drafted) and self.painting.accept(request, body):
            self.show_picture()

    def _is_at(self, request: Request) -> bool:
        """Whether an entry that was asked for is still the one at the cursor."""
        aim = self.aim
        asked = isinstance(request, GetEntry) and (request.tensor, request.index)
        return aim is not None and asked == (self.path, aim.index)

    # The cursor

    def aim_at(self, aim: Aim) -> None:
        """Look at another entry."""
        if self.tensor is None or aim == self.aim:
            return
        self.aims.keep(self.path, aim)
        self.picture.point(aim)
        self._seeking.forget()
        self._read_out()

    def _read_out(self) -> None:
        """Ask what is at the cursor; until it is here, what was there before is not shown."""
        aim, self._entry = self.aim, None
        if self.nothing or aim is None:
            self._write_readout()
        else:
            self.post_message(Picture.Wanted(GetEntry(self.path, aim.index), Entry, self))

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

    @property
    def copied(self) -> str:
        """The value at the cursor, with all its digits; empty while it is not here."""
        found, tensor = self._entry, self.tensor
        return "" if found is None or tensor is None else copied.entry(found, self.view, tensor.dtype)

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

    def action_move_times(self, down: int, across: int, times: int) -> None:
        """Go as far as so many presses of an arrow would."""
        aim, picture = self.aim, self.picture
        if aim is None:
            return
        if not picture.has_entries:
            self.aim_at(picture.moved(aim, down * times, across * times))
            return
        for _ in range(times):  # past the edge of a facet it goes on in the next one
            further = picture.moved(aim, down, across)
            if further == aim:
                break
            aim = further
        self.aim_at(aim)

    def action_row(self, number: int) -> None:
        """Go to a row: by its index, as it stands beside the entries; elsewhere by its number, from 1 on."""
        aim, picture = self.aim, self.picture
        if aim is not None and picture.has_entries:
            self.aim_at(aim.moved(number - aim.row, 0))
        elif aim is not None:
            self.aim_at(picture.moved(picture.at_end(aim, last=False), number - 1, 0))

    @on_entries
    def action_slice(self, aim: Aim, by: int) -> None:
        """Go to the next slice along the slider's axis."""
        if aim.slider < 0:
            self.say("no axis is left to slide along: rows and columns show them all")
        else:
            self.aim_at(aim.slid(by))

    @on_entries
    def action_slider(self, aim: Aim) -> None:
        """Slide along another axis."""
        other = aim.with_next_slider()
        self.aim_at(other)
        self.say("no other axis to slide along" if other == aim else f"slices: {other.slices()}")

    @on_entries
    def action_axes(self, aim: Aim) -> None:
        """Show other axes as rows and columns; the channels of another axis."""
        found = self.picture.other_axes(aim)
        if isinstance(found, str):
            self.say(found)
        elif found == aim:
            self.say("there are no other axes")
        else:
            self.aim_at(found)

    @on_entries
    def action_zoom(self, _: Aim, by: int) -> None:
        """Look more closely, or see more."""
        self.say(self.picture.zoom(by))
        self._title()

    @on_entries
    def action_option(self, _: Aim) -> None:
        """Tell it in the picture's next way."""
        self.say(self.picture.next_option() or "this picture has one way only")

    @on_entries
    def action_turn(self, _: Aim) -> None:
        """Turn the order round."""
        self.say(self.picture.turned() or "nothing is sorted here; channels are")

    @on_entries
    def action_digits(self, _: Aim, by: int) -> None:
        """Write more digits, or fewer."""
        grid = self.pictures.grid
        self.say(grid.next_digits(by) if self.picture is grid else "digits are those of the values picture")

    @on_entries
    def action_find(self, aim: Aim, forward: bool) -> None:
        """Go to the next entry of the kind that is looked for."""
        self._locate(self._seeking.next(self.path, self.view, aim, forward=forward))

    @on_entries
    def action_sought(self, aim: Aim) -> None:
        """Look for another kind of entry."""
        self._locate(self._seeking.other(self.path, self.view, aim))

    def seek_in_broken(self, tensor: str) -> None:
        """Go to the first NaN or Inf of a tensor as soon as it is shown."""
        self._seeking.broken = tensor

    def _locate(self, request: Request) -> None:
        self.post_message(Picture.Wanted(request, Located, self))

    def _show_located(self, request: Request, located: Located) -> None:
        aim = self.aim
        found = self._seeking.found(request, located, self.path)
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

    @on_entries
    def action_go_to(self, aim: Aim) -> None:
        """Type an index."""
        if not aim.shape:
            self.say("a scalar has one entry only")
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

    @on_entries
    def action_paint(self, aim: Aim) -> None:
        """Toggle what the brush takes at the cursor."""
        if not self.picture.has_entries:
            where = "paint in values, heat map or mask: {picture.values}, {picture.heatmap}, {picture.mask}"
            self.say(keys.named(self, where))
        else:
            request = self.painting.stroke(self.path, aim)
            if request is None:
                self.drop_draft()
            else:
                self.post_message(Picture.Wanted(request, Drafted, self))

    @on_entries
    def action_brush(self, _: Aim) -> None:
        """Take an entry, a row, a column or a channel with the next stroke."""
        self.say(self.painting.next_brush())

    @on_entries
    def action_apply_draft(self, _: Aim) -> None:
        """Apply what was painted."""
        mask = self.painting.finished()
        if not self.painting.draft.toggles:
            self.say(self.picture.entered())
        elif isinstance(mask, str):
            self.say(mask)
        else:
            self.post_message(self.Painted(mask))

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
            self.show_picture()
        return painted
