"""Exporting the session: a file's name is asked for, and what was written is told with how to use it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, cast

from rich.text import Text
from textual import work
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from prune_tui import protocol, views
from prune_tui.client import Refused
from prune_tui.ui.screens.file_question import FileQuestion, here, suffix_of
from prune_tui.ui.tree_line import printable
from prune_tui.ui.unsaved import Stored

if TYPE_CHECKING:
    from prune_tui.ui.app import PruneApp

_KINDS: dict[str, Literal["recipe", "script"]] = {".yaml": "recipe", ".yml": "recipe", ".py": "script"}


class ExportScreen(FileQuestion):
    """Asks for a file and has the engine write the steps to it.

    Args:
        summary: Of the model.
    """

    def __init__(self, summary: views.Summary) -> None:
        super().__init__("Export", _default(summary.name))
        self._summary = summary

    def above(self) -> Iterable[Widget]:
        """What there is to write."""
        steps = "step" if self._summary.steps == 1 else f"{self._summary.steps} steps"
        yield Static(
            Text(
                f"Your {steps} as a recipe (.yaml), which prune-tui does again on this or another model,"
                " or as a script (.py), which needs torch alone."
            )
        )

    def why_not(self, name: str) -> str:
        """The end of the name says what is written."""
        return (
            "" if suffix_of(name) in _KINDS else "the name must end in .yaml for a recipe, or in .py for a script"
        )

    def write(self, path: str, name: str, pressed: int) -> Worker[None]:
        """Have the steps written."""
        return self._write(path, name, pressed)

    @work(exclusive=True, group="export")
    async def _write(self, path: str, name: str, pressed: int) -> None:
        app = cast("PruneApp", self.app)
        kind, wanted = _KINDS[suffix_of(name)], self.wanted()
        self.tell("writing…")
        try:
            request = protocol.Export(path, kind, overwrite=pressed > 0, folder=here())
            exported = await app.main.ask(request, views.Exported)
        except Refused as refused:
            self.told_refused(refused, name, path, wanted)
            return
        if exported is None:
            self.tell("the engine is gone; nothing was written", refused=True)
            return
        app.main.status.stored = Stored("exported", exported.state)
        told = Text(f"✓ wrote {printable(name)}, {exported.bytes:,} bytes. To use it:\n")
        self.done(told.append(f"\n  {printable(exported.command)}\n", style="bold"))


def _default(model: str) -> str:
    """`lenet-pruned.yaml`."""
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in model.lower()).strip("-")
    return f"{name or 'model'}-pruned.yaml"
