"""The list of the methods that have no number key: ours beyond ten, and those of plugins."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from prune_tui.steps import Method
from prune_tui.ui import keys
from prune_tui.ui.tree_line import printable


class MoreMethods(ModalScreen[str]):
    """Choose a method by its letter, or with the arrows and enter; ends with its name, or "" for none.

    Args:
        methods: What there is to choose from.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("list")]
    DEFAULT_CSS = """
    MoreMethods { align: center middle; }
    MoreMethods > Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $border; border-title-style: bold; padding: 0 1; background: $surface;
    }
    MoreMethods OptionList {
        height: auto; max-height: 1fr; border: none; padding: 0; background: $surface;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
    }
    MoreMethods Static { height: auto; color: $text-muted; }
    """

    def __init__(self, methods: Sequence[Method]) -> None:
        super().__init__()
        self._methods = methods
        self._letters = letters(method.name for method in methods)
        for index, letter in enumerate(self._letters):
            if letter:
                self._bindings.bind(letter, f"choose({index})", show=False)

    def compose(self) -> ComposeResult:
        """One line or two a method."""
        with Vertical() as box:
            box.border_title = Content("More methods")
            box.border_subtitle = Content("letter or enter opens the form · esc closes")
            lines = zip(self._letters, self._methods, strict=True)
            yield OptionList(*(Option(_line(letter, method)) for letter, method in lines))
            yield Static("Your own: prune-tui --plugin my_methods.py", markup=False)

    def action_choose(self, index: int) -> None:
        """A letter was pressed."""
        self.dismiss(self._methods[index].name)

    def action_leave(self) -> None:
        """None is wanted."""
        self.dismiss("")

    def action_up(self) -> None:
        """Go up."""
        self.query_one(OptionList).action_cursor_up()

    def action_down(self) -> None:
        """Go down."""
        self.query_one(OptionList).action_cursor_down()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._methods[event.option_index].name)


def _line(letter: str, method: Method) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1, style="bold")
    line.add_column(width=22, no_wrap=True, overflow="ellipsis", style="bold")
    line.add_column()
    sentence = Text(printable(method.sentence))
    if method.plugin is not None:
        sentence.append(f" {printable(method.plugin.where)}", style="dim")
    line.add_row(Text(letter), Text(printable(method.name)), sentence)
    return line


def letters(names: Iterable[str]) -> list[str]:
    """A letter for each name: one that is in it, the first that is free; then any; then none.

    `j`, `k` and `q` move and close.
    """
    free = [letter for letter in string.ascii_lowercase if letter not in "jkq"]
    found = []
    for name in names:
        letter = next((letter for letter in [*name.lower(), *free] if letter in free), "")
        if letter:
            free.remove(letter)
        found.append(letter)
    return found
