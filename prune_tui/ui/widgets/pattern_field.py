"""The field in which a pattern of names is typed, with how many tensors it stands for."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from prune_tui import name_patterns
from prune_tui.ui.tree_line import printable


class PatternField(Vertical):
    """A field of one line and what it comes to; the screen shows it while it is needed, and hides it."""

    FIRST: ClassVar[str] = "*.weight"
    """What stands there before anything was typed: it shows at once how a pattern is written."""
    DEFAULT_CSS = """
    PatternField {
        height: auto;
        & > Static { height: auto; max-height: 4; color: $foreground; }
        & > Static.none { color: $text-error; }
    }
    """

    class Chosen(Message):
        """A pattern was entered that stands for some tensors.

        Attributes:
            tensors: Their dotted names.
        """

        def __init__(self, tensors: list[str]) -> None:
            self.tensors = tensors
            super().__init__()

    class Unmatched(Message):
        """A pattern was entered that stands for none.

        Attributes:
            pattern: As typed.
        """

        def __init__(self, pattern: str) -> None:
            self.pattern = pattern
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()
        self._marked: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        """The field, and what it comes to."""
        yield Input(self.FIRST, placeholder="*.attn.*.weight", compact=True, id="pattern")
        yield Static(id="matched")

    def on_mount(self) -> None:
        """No blinking: over SSH each blink is a packet."""
        self._field.cursor_blink = False

    @property
    def _field(self) -> Input:
        return self.query_one("#pattern", Input)

    def begin(self, names: tuple[str, ...], marked: frozenset[str]) -> None:
        """Type a pattern; the last one is still there, and what is typed takes its place.

        Args:
            names: Of all tensors.
            marked: Of those that are marked.
        """
        self._names, self._marked = names, marked
        self._show()
        self._field.focus()

    @on(Input.Changed, "#pattern")
    def _being_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def _show(self) -> None:
        pattern = self._field.value.strip()
        meant = name_patterns.meant(pattern, self._names)
        said = self.query_one("#matched", Static)
        said.set_class(bool(pattern) and not meant, "none")
        said.update(Text(matched_text(pattern, meant, self._names, self._marked)))

    @on(Input.Submitted, "#pattern")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        pattern = self._field.value.strip()
        meant = name_patterns.meant(pattern, self._names)
        self.post_message(self.Chosen(meant) if meant else self.Unmatched(pattern))


def matched_text(pattern: str, meant: list[str], names: tuple[str, ...], marked: frozenset[str]) -> str:
    """`12 match: enter marks them`; where none does, how far the pattern is right.

    Args:
        pattern: As typed.
        meant: The names it stands for.
        names: Of all tensors.
        marked: Of those that are marked.
    """
    if not pattern:
        return "* any characters, ? one, [ab] one of these"
    if meant:
        does = "unmarks" if marked.issuperset(meant) else "marks"
        return f"{len(meant):,} of {len(names):,} match: enter {does} {'it' if len(meant) == 1 else 'them'}"
    right = name_patterns.longest_beginning(pattern, names)
    if right == pattern:
        return f"no tensor is called that; some begin so: {printable(pattern)}*"
    return f"none matches; some begin with {printable(right)}" if right.strip("*.") else "none matches"
