"""The last line of the screen: the keys that matter, as many as fit."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from prune_tui.ui import keys

_ALWAYS = 10  # ranks below it are shown at every width


class KeyBar(Widget):
    """Keys by rank: the less important go when the line is short, the order on the line stays the same."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; color: $foreground; padding: 0 1; }
    """

    form_open: reactive[bool] = reactive(False)
    """A form is open: its keys are shown instead."""

    readonly: reactive[bool] = reactive(False)
    """No step is possible: their keys are left out."""

    def render(self) -> Text:
        """The line at its present width."""
        ranked = keys.bar(readonly=self.readonly, form=self.form_open)
        room, fitting = self.size.width, []
        for key in ranked:
            room -= len(keys.shown(key.keys[0])) + len(key.label) + 2
            if room < 0:
                break
            fitting.append(key)
        # On the line they stand as they do in the help: methods first, what is always there last.
        fitting.sort(key=lambda key: (key.bar < _ALWAYS, keys.KEYS.index(key)))
        text = Text(no_wrap=True, overflow="crop")
        for key in fitting:
            text.append(keys.shown(key.keys[0]), style="bold")
            text.append(f" {key.label} ", style="dim")
        return text
