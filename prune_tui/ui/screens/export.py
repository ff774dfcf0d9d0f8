"""Exporting the session: a file's name is asked for, and what was written is told with how to use it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from prune_tui import protocol, views
from prune_tui.client import Refused
from prune_tui.ui.tree_line import printable

if TYPE_CHECKING:
    from prune_tui.ui.app import PruneApp

_KINDS: dict[str, Literal["recipe", "script"]] = {".yaml": "recipe", ".yml": "recipe", ".py": "script"}


class ExportScreen(ModalScreen[None]):
    """Asks for a file and has the engine write it.

    Args:
        summary: Of the model.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", show=False)]
    DEFAULT_CSS = """
    ExportScreen { align: center middle; }
    ExportScreen > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $border; border-title-style: bold; padding: 1 2; background: $surface;
    }
    ExportScreen Static { height: auto; }
    ExportScreen Horizontal { height: 1; margin: 1 0; }
    ExportScreen .name { width: 6; text-style: bold; }
    ExportScreen Input { width: 1fr; }
    ExportScreen #told.refused { color: $text-error; }
    """

    def __init__(self, summary: views.Summary) -> None:
        super().__init__()
        self._summary = summary
        self._may_replace = ""
        """The name of an existing file, as typed: enter pressed again replaces it."""

    def compose(self) -> ComposeResult:
        """What there is to write, the file's name, and room for what came of it."""
        steps = "step" if self._summary.steps == 1 else f"{self._summary.steps} steps"
        with Vertical() as box:
            box.border_title = Content("Export")
            box.border_subtitle = Content("enter writes · esc closes")
            yield Static(
                Text(
                    f"Your {steps} as a recipe (.yaml), which prune-tui does again on this or another model,"
                    " or as a script (.py), which needs torch alone."
                )
            )
            with Horizontal():
                yield Static("file", classes="name")
                yield Input(_default(self._summary.name), compact=True)
            yield Static("", id="told", markup=False)

    def on_mount(self) -> None:
        """Go to the file's name."""
        field = self.query_one(Input)
        field.cursor_blink = False  # over SSH each blink is a packet
        field.focus()

    @on(Input.Changed)
    def _changed(self) -> None:
        self._may_replace = ""
        self._tell("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        kind = _KINDS.get(Path(name).suffix.lower())
        if kind is None:
            self._tell("the name must end in .yaml for a recipe, or in .py for a script", refused=True)
        else:
            self._write(name, kind)

    @work(exclusive=True, group="export")
    async def _write(self, name: str, kind: Literal["recipe", "script"]) -> None:
        app = cast("PruneApp", self.app)
        try:
            path = os.path.abspath(os.path.expanduser(name))
        except FileNotFoundError:
            self._tell("the working folder is gone: type a name that begins with /", refused=True)
            return
        request = protocol.Export(path, kind, overwrite=self._may_replace == name, folder=_here())
        self._tell("writing…")
        try:
            exported = await app.main.ask(request, views.Exported)
        except Refused as refused:
            self._refused(refused, name, path)
            return
        if exported is None:
            self._tell("the engine is gone; nothing was written", refused=True)
            return
        self._may_replace = ""
        app.main.status.exported = True
        told = Text(f"✓ wrote {printable(name)}, {exported.bytes:,} bytes. To use it:\n")
        self._tell(told.append(f"\n  {printable(exported.command)}\n", style="bold"))

    def _refused(self, refused: Refused, name: str, path: str) -> None:
        if refused.failed.kind == "exists":
            self._may_replace = name
            self._tell(f"{name} exists already: press enter again to replace it", refused=True)
        else:
            self._tell(str(refused).replace(path, name), refused=True)
            if refused.failed.kind == "bug":
                cast("PruneApp", self.app).tell_bug()

    def _tell(self, text: str | Text, *, refused: bool = False) -> None:
        told = self.query_one("#told", Static)
        told.set_class(refused, "refused")
        mark = "✗ " if refused else ""
        told.update(text if isinstance(text, Text) else Text(f"{mark}{printable(text)}"))


def _here() -> str:
    """The working folder; empty where it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _default(model: str) -> str:
    """`lenet-pruned.yaml`."""
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in model.lower()).strip("-")
    return f"{name or 'model'}-pruned.yaml"
