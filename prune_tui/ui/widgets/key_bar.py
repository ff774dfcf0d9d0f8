"""The last line of the screen: the keys that matter, as many as fit."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from prune_tui.ui import keys


class KeyBar(Widget):
    """Keys by rank: the less important go when the line is short, the order on the line stays the same."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; color: $foreground; padding: 0 1; }
    """

    focus_in: reactive[str] = reactive("")
    """The pane that has the focus, or of the tensor pane the picture: its own keys are named first."""

    typed: reactive[str] = reactive("")
    """The field that has the focus, in which all keys but a few are letters; only those are named."""

    covered: reactive[bool] = reactive(False)
    """A question or another screen lies over the panes, which names its own keys: none of these works."""

    form_open: reactive[bool] = reactive(False)
    """A form is open: its keys are shown instead."""

    marked: reactive[int] = reactive(0)
    """How many tensors are marked: the methods work on those."""

    readonly: reactive[bool] = reactive(False)
    """No step is possible: their keys are left out."""

    pages: reactive[bool] = reactive(False)
    """Not all panes are seen at a time: the key to the others is named."""

    def render(self) -> Text:
        """The line at its present width."""
        if self.covered:
            return Text()
        if self.typed in keys.TYPED and not self.form_open:
            return _written((keys.named(self, key), label) for key, label in keys.TYPED[self.typed])
        methods = keys.methods_first(self.focus_in) and not (self.form_open or self.readonly)
        text = Text(f"{self.marked:,} marked: " if self.marked and methods else "", no_wrap=True, overflow="crop")
        fitting = self._fitting(self.size.width - text.cell_len)
        return text + _written([(keys.shown(named.key.keys[0]), named.label) for named in fitting])

    def _fitting(self, room: int) -> list[keys.Named]:
        """As many keys as there is room for, from left to right."""
        keymap, fitting = keys.keymap_of(self), []
        named_keys = keys.bar(
            self.focus_in,
            readonly=self.readonly,
            form=self.form_open,
            pages=self.pages,
            marked=bool(self.marked),
            keymap=keymap,
        )
        for named in named_keys:
            room -= len(keys.shown(named.key.keys[0])) + len(named.label) + 2
            if room < 0:
                break
            fitting.append(named)
        return sorted(fitting, key=lambda named: named.place)


def _written(named: Iterable[tuple[str, str]]) -> Text:
    """Keys, and what they do."""
    text = Text(no_wrap=True, overflow="crop")
    for key, label in named:
        text.append(key, style="bold")
        text.append(f" {label} ", style="dim")
    return text
