"""Asking for a file's name and having the engine write it; what is common to saving and exporting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from prune_tui.client import Refused
from prune_tui.ui.tree_line import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prune_tui.ui.app import PruneApp


class FileQuestion(ModalScreen[str]):
    """Asks for a file's name, and tells what came of it; closed, it returns that, empty where nothing was written.

    Args:
        title: What is done.
        name: The file's name to begin with.
        hint: What its keys do.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", show=False),
        Binding("up,k", "scroll_told(-1)", show=False),
        Binding("down,j", "scroll_told(1)", show=False),
        Binding("pageup", "scroll_told(-8)", show=False),
        Binding("pagedown,space", "scroll_told(8)", show=False),
    ]
    DEFAULT_CSS = """
    FileQuestion { align: center middle; }
    FileQuestion > Vertical {
        width: 78; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $border; border-title-style: bold; padding: 1 2; background: $surface;
        scrollbar-size-vertical: 1;
    }
    FileQuestion Static { height: auto; }
    FileQuestion Horizontal { height: 1; margin: 1 0; }
    FileQuestion .name { width: 6; text-style: bold; }
    FileQuestion Input { width: 1fr; }
    FileQuestion #told.refused { color: $text-error; }
    """

    def __init__(self, title: str, name: str, hint: str = "enter writes · esc closes") -> None:
        super().__init__()
        self._hint = hint
        self._title_text = title
        self._name = name
        self._writing: Worker[None] | None = None
        self._written = ""
        self._pressed = 0
        """How often the engine has said that there is a file of this name: another enter says that it may go."""

    def above(self) -> Iterable[Widget]:
        """What stands above the file's name."""
        raise NotImplementedError

    def write(self, path: str, name: str, pressed: int) -> Worker[None]:
        """Have the file written; when the worker is cancelled, nothing of it stays.

        Args:
            path: From the root of the file system on.
            name: As typed.
            pressed: How often it was said that a file of that name may go.
        """
        raise NotImplementedError

    def wanted(self) -> object:
        """What would be written now: another one as soon as the name or the content is another."""
        return self.query_one(Input).value.strip()

    def why_not(self, name: str) -> str:
        """What is wrong with a name; empty when nothing is."""
        return "" if name else "type a name"

    def compose(self) -> ComposeResult:
        """What there is to write, the file's name, and room for what came of it."""
        with Vertical() as box:
            box.border_title = Content(self._title_text)
            box.border_subtitle = Content(self._hint)
            yield from self.above()
            with Horizontal():
                yield Static("file", classes="name")
                yield Input(self._name, compact=True)
            yield Static("", id="told", markup=False)

    def on_mount(self) -> None:
        """Go to the file's name."""
        field = self.query_one(Input)
        field.cursor_blink = False  # over SSH each blink is a packet
        field.focus()

    @on(Input.Changed)
    def _changed(self) -> None:
        self.begin_again()

    def begin_again(self) -> None:
        """Another name or another content: nothing is agreed on yet."""
        self._pressed = 0
        self.tell("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        why = self.why_not(name)
        if why:
            self.tell(why, refused=True)
            return
        try:
            path = os.path.abspath(os.path.expanduser(name))
        except FileNotFoundError:
            self.tell("the working folder is gone: type a name that begins with /", refused=True)
            return
        self._writing = self.write(path, name, self._pressed)

    def action_close(self) -> None:
        """Stop writing; where nothing is being written, close."""
        if self._writing is not None and self._writing.is_running:
            self._writing.cancel()
            self.tell("stopped: nothing was written. esc closes", refused=True)
        else:
            self.dismiss(self._written)

    def told_refused(self, refused: Refused, name: str, path: str, wanted: object) -> None:
        """Say why it was not written; where a second press would do, say that.

        Args:
            refused: What the engine says.
            name: As typed.
            path: The same from the root of the file system on.
            wanted: What was asked for; where that is another one by now, nothing is agreed on for it.
        """
        if wanted != self.wanted():
            return
        questions = {
            "exists": f"{name} exists already: press enter again to replace it",
            "source": f"{name} is what the model was opened from: press enter once more to write over it",
        }
        kind = refused.failed.kind
        if kind in questions:
            self._pressed += 1
            self.tell(questions[kind], refused=True)
            return
        self.tell(str(refused).replace(path, name), refused=True)
        if kind == "bug":
            cast("PruneApp", self.app).tell_bug()

    def done(self, text: Text) -> None:
        """It is written: from here on there is nothing more to type, so that no key goes into the name."""
        self._pressed = 0
        self._written = text.plain
        self.tell(text)
        self.query_one(Horizontal).display = False
        self.query_one(Input).disabled = True
        box = self.query_one(Vertical)
        box.styles.overflow_y = "auto"
        box.border_subtitle = Content("enter closes · ↑ ↓ scroll")

    def action_scroll_told(self, lines: int) -> None:
        """Show more of what was told, where the window has no room for all of it."""
        self.query_one(Vertical).scroll_relative(y=lines, animate=False)

    def tell(self, text: str | Text, *, refused: bool = False) -> None:
        """Write below the name."""
        told = self.query_one("#told", Static)
        told.set_class(refused, "refused")
        mark = "✗ " if refused else ""
        told.update(text if isinstance(text, Text) else Text(f"{mark}{printable(text)}"))


def here() -> str:
    """The working folder; empty where it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def suffix_of(name: str) -> str:
    """`.yaml`, in small letters."""
    return Path(name).suffix.lower()
