"""Saving the model: in which form, with the size of each, and under which name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from prune_tui.client import Refused
from prune_tui.files import FORMS, Form, Save, Saved, Sizes
from prune_tui.ui.module_lines import human_bytes
from prune_tui.ui.screens.file_question import FileQuestion
from prune_tui.ui.tree_line import printable
from prune_tui.ui.unsaved import Stored

if TYPE_CHECKING:
    from prune_tui.ui.app import PruneApp

_TOLD: dict[Form, str] = {
    "pruned": "orig and mask: opened again, all of it is back",
    "removed": "zeros in place: any code loads it; it is no smaller",
    "compact": "kept values and bits: a few lines of Python read it",
}


class SaveScreen(FileQuestion):
    """Asks for a form and a file and has the engine write the model to it.

    Args:
        sizes: Of each form.
        leaving: Closes as soon as the file is written: what came of it is told after the app was left.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "form(-1)", show=False, priority=True),
        Binding("down", "form(1)", show=False, priority=True),
    ]

    def __init__(self, sizes: Sizes, *, leaving: bool = False) -> None:
        self._names = {one.form: one.name for one in sizes.forms}
        title, ends = ("Save and leave", "esc stays") if leaving else ("Save", "esc closes")
        super().__init__(title, self._names["pruned"], f"↑↓ form · enter writes · {ends}")
        self._sizes = sizes
        self._leaving = leaving
        self._form: Form = "pruned"

    def above(self) -> Iterable[Widget]:
        """The forms and their sizes."""
        yield Static(self._forms(), id="forms")

    def _forms(self) -> Text:
        text = Text()
        if self._sizes.source:
            text.append(f"Opened from {human_bytes(self._sizes.source)}. ")
        text.append("Without .safetensors or .pt it is a folder.\n\n")
        for one in self._sizes.forms:
            chosen = one.form == self._form
            text.append(
                f"{'›' if chosen else ' '} {one.form:8}{human_bytes(one.bytes):>9}  ", "bold" if chosen else ""
            )
            text.append(f"{_TOLD[one.form]}\n", "" if chosen else "dim")
        text.right_crop(1)
        return text

    def action_form(self, by: int) -> None:
        """Choose another form; a name that nobody has typed goes with it."""
        field, before = self.query_one(Input), self._form
        if field.disabled:
            return
        self._form = FORMS[(FORMS.index(before) + by) % len(FORMS)]
        self.query_one("#forms", Static).update(self._forms())
        if field.value == self._names[before]:
            field.value = self._names[self._form]
        self.begin_again()

    def wanted(self) -> object:
        """The form is part of it."""
        return super().wanted(), self._form

    def write(self, path: str, name: str, pressed: int) -> Worker[None]:
        """Have the model written."""
        return self._write(path, name, pressed)

    @work(exclusive=True, group="save")
    async def _write(self, path: str, name: str, pressed: int) -> None:
        app = cast("PruneApp", self.app)
        wanted = self.wanted()
        self.tell("writing… esc stops")
        try:
            request = Save(path, self._form, overwrite=pressed > 0, over_source=pressed > 1)
            saved = await app.main.ask(request, Saved, lambda text: self.tell(f"{text} · esc stops"))
        except Refused as refused:
            self.told_refused(refused, name, path, wanted)
            return
        if saved is None:
            self.tell("nothing was written: the engine is gone", refused=True)
            return
        app.main.status.stored = Stored("saved", saved.state)  # steps may have been done meanwhile
        told = Text(f"✓ wrote {printable(name)}, {saved.bytes:,} bytes. To load it:\n\n")
        how = saved.how.replace(path, f"./{name}" if name.startswith("-") else name)
        self.done(told.append("\n".join(printable(line) for line in how.splitlines()), style="bold"))
        self.query_one("#forms").display = False  # how to load it takes the room
        if self._leaving:
            self.dismiss(told.plain)
