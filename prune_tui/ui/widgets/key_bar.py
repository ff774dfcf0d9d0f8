"""The last line of the screen: the keys that matter, as many as fit."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from prune_tui.ui import keys


class KeyBar(Widget):
    """Keys by rank: the less important go when the line is short, the order on the line stays the same."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; color: $foreground; padding: 0 1; }
    """

    form_open: reactive[bool] = reactive(False)
    """A form is open: its keys are shown instead."""

    def render(self) -> Text:
        """The line at its present width."""
        entries = keys.of("form") if self.form_open else keys.bar()
        room = self.size.width
        fitting: list[keys.Key] = []
        for key in entries:
            width = len(_entry(key)) + 2
            if width <= room:
                fitting.append(key)
                room -= width
        # Methods first, as on the keyboard; what is always there last.
        fitting.sort(key=lambda key: (not key.id.startswith("method."), key.bar < 10, key.bar))
        text = Text(no_wrap=True, overflow="crop")
        for key in fitting:
            text.append(keys.shown(key.keys[0]), style="bold")
            text.append(f" {key.label}  ", style="dim")
        return text


def _entry(key: keys.Key) -> str:
    return f"{keys.shown(key.keys[0])} {key.label}"
