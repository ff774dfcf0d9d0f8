"""The edit log: every step of the session, what it took, which are undone, and what was told of the model."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from prune_tui import steps
from prune_tui.ui import keys
from prune_tui.ui.tree_line import printable
from prune_tui.views import LogEntry


class EditLog(VerticalScroll, inherit_bindings=False):
    """A list of steps, the last at the bottom and in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("log")]
    DEFAULT_CSS = """
    EditLog {
        border: round $border-blurred;
        border-title-color: $foreground;
        border-subtitle-color: $foreground-muted;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: heavy $border; }
        & > Static { height: auto; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._unseen = False

    def compose(self) -> ComposeResult:
        """One text for all of them."""
        yield Static(id="entries")

    def on_mount(self) -> None:
        """Title."""
        self.border_title = Content("Edit log")
        self.border_subtitle = Content(
            keys.told(self, ("steps.undo", "undo"), ("steps.redo", "redo"), ("steps.log", "closes"))
        )
        self.show_entries((), ())

    def on_show(self) -> None:
        """What was added while it was not seen is at the bottom."""
        if self._unseen:
            self._unseen = False
            self.scroll_end(animate=False)

    def show_entries(self, entries: tuple[LogEntry, ...], notes: tuple[str, ...]) -> None:
        """Show the steps, below what a person was told when the model was opened, such as steps left out."""
        self._unseen = not all(one.display for one in self.ancestors_with_self if isinstance(one, Widget))
        self.query_one("#entries", Static).update(log_text(entries, notes))
        self.scroll_end(animate=False)

    def action_scroll_lines(self, by: int) -> None:
        """Scroll so many lines down, or up."""
        self.scroll_relative(y=by, animate=False)

    def action_line(self, number: int) -> None:
        """Bring a line into sight by its number, from 1 on."""
        self.scroll_to(y=number - 1, animate=False)


def log_text(entries: tuple[LogEntry, ...], notes: tuple[str, ...]) -> Text:
    """The notes, then a line for each step: number, call, targets, what it took, its seed."""
    text = Text("".join(f"! {printable(note)}\n" for note in notes))
    if not entries:
        return text.append("no steps yet: a number key prunes the tensor at the cursor", style="dim")
    for entry in entries:
        style = "dim strike" if entry.undone else ""
        text.append(f"{entry.number:>3}  ", style="dim")
        text.append(f"{steps.describe(entry.step)}", style=f"bold {style}".strip())
        text.append(f"  {_targets(entry)}  −{sum(effect.took for effect in entry.effects):,}", style=style)
        seed = getattr(entry.step, "seed", None)
        if seed is not None:
            text.append(f"  seed {seed}", style="dim")
        if entry.undone:
            text.append("  undone", style="dim")
        text.append("\n")
    text.rstrip()
    return text


def _targets(entry: LogEntry) -> str:
    names = [printable(effect.target) for effect in entry.effects]
    return ", ".join(names) if len(names) <= 2 else f"{names[0]}, {names[1]} and {len(names) - 2} more"
