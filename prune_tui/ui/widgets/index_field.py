"""The line in which an index is typed, and which says beside it why one that was typed is none."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from prune_tui.ui.aim import Aim, read_index


class IndexField(Horizontal):
    """A field of one line; the pane shows it while it is needed, and hides it."""

    DEFAULT_CSS = """
    IndexField {
        height: 1;
        & > #go-to { width: 1fr; min-width: 10; }
        & > #not-there {
            width: auto;
            max-width: 80%;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            color: $text-error;
            text-style: bold;
        }
    }
    """

    class Chosen(Message):
        """An index was typed that the tensor has.

        Attributes:
            index: One number for each axis.
        """

        def __init__(self, index: tuple[int, ...]) -> None:
            self.index = index
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._aim: Aim | None = None

    def compose(self) -> ComposeResult:
        """The field, and what is wrong with what stands in it."""
        yield Input(placeholder="index, one number for each axis", compact=True, id="go-to")
        yield Static(id="not-there")

    def on_mount(self) -> None:
        """No blinking: over SSH each blink is a packet."""
        self._field.cursor_blink = False

    @property
    def _field(self) -> Input:
        return self.query_one("#go-to", Input)

    def begin(self, aim: Aim) -> None:
        """Type an index of the tensor that is looked at."""
        self._aim = aim
        self._field.placeholder = f"index: {', '.join(aim.axes)}"
        self._field.value = ""
        self._say("")
        self._field.focus()

    def _say(self, why: str) -> None:
        self.query_one("#not-there", Static).update(Content(f" {why}" if why else ""))

    @on(Input.Changed, "#go-to")
    def _being_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._say("")  # it was about what stood there before

    @on(Input.Submitted, "#go-to")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if self._aim is None:
            return
        found = read_index(event.value, self._aim.shape, self._aim.axes)
        if isinstance(found, str):
            self._say(found)
        else:
            self.post_message(self.Chosen(found))
