"""What a person is told at the very first start: a few keys, until the first one is pressed."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from prune_tui.ui import keys

_WIDTH = 58


class FirstHint(Widget):
    """Lies over a corner of the panes; it takes no focus and no key."""

    DEFAULT_CSS = """
    FirstHint {
        display: none;
        dock: bottom;
        width: 58; height: auto;
        border: round $border;
        border-title-style: bold;
        background: $surface;
        padding: 0 1;
    }
    """

    def lie_at(self, window: int) -> None:
        """At the right, above the last line, in a window of so many columns."""
        self.styles.margin = (0, 0, 1, max(0, window - _WIDTH))

    def on_mount(self) -> None:
        """Frame."""
        self.border_title = Content("The first time here")
        self.border_subtitle = Content("the next key takes this away")

    def render(self) -> Content:
        """A line for each thing: moving, pruning, taking back, asking."""
        lines = [
            keys.told(
                self,
                ("tree.down", "down"),
                ("tree.up", "up"),
                ("tree.enter", "in"),
                ("panes.next", "next pane"),
            ),
            keys.told(self, ("method.l1_unstructured", "prunes at the cursor, after showing what would go")),
            keys.told(self, ("steps.undo", "takes the last step back"), ("session.save", "saves")),
            keys.told(self, ("app.help", "shows all keys"), ("app.quit", "leaves")),
        ]
        return Content("\n".join(filter(None, lines)))
