"""What the model was opened from: kind, files, dtypes, metadata, configuration."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from prune_tui.checkpoint_views import CheckpointView
from prune_tui.ui.checkpoint_text import facts, tables
from prune_tui.ui.tree_line import printable


class SourceScreen(ModalScreen[None]):
    """Shows what a checkpoint is and says of itself.

    Args:
        checkpoint: What the engine tells of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,I", "dismiss", show=False)]
    DEFAULT_CSS = """
    SourceScreen { align: center middle; }
    SourceScreen > VerticalScroll {
        width: 96; max-width: 100%; height: auto; max-height: 100%;
        border: round $border; padding: 0 1; background: $surface;
    }
    SourceScreen Static { height: auto; }
    """

    def __init__(self, checkpoint: CheckpointView) -> None:
        super().__init__()
        self._checkpoint = checkpoint

    def compose(self) -> ComposeResult:
        """Facts as running text, tables cut at the right edge."""
        view = self._checkpoint
        with VerticalScroll() as scroll:
            scroll.border_title = Content(printable(view.path))
            scroll.border_subtitle = Content("esc closes · ↑ ↓ scroll")
            yield Static(Text("\n".join(map(printable, [view.kind, *facts(view), ""]))))
            yield Static(Text("\n".join(tables(view)), no_wrap=True, overflow="ellipsis"))
