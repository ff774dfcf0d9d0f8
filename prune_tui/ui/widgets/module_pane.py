"""The module pane: the tensors, hooks and pruning histories of the module at the tree's cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from prune_tui.ui import keys
from prune_tui.ui.module_lines import Line, module_lines
from prune_tui.ui.tree_line import printable
from prune_tui.view_rows import TensorRow
from prune_tui.views import ModuleView


class ModulePane(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines with a cursor; on the line of a tensor, the cursor selects it."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("module")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"module-pane--cursor", "module-pane--selected", "module-pane--note"}
    DEFAULT_CSS = """
    ModulePane {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        &:focus { border: heavy $border; }
        & > .module-pane--selected { background: $block-cursor-blurred-background; }
        & > .module-pane--note { text-style: dim; }
        &:focus > .module-pane--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
    }
    """

    cursor: reactive[int] = reactive(0, init=False)
    """The line the cursor is on."""

    class TensorSelected(Message):
        """The cursor came to the line of a tensor."""

        def __init__(self, tensor: TensorRow) -> None:
            self.tensor = tensor
            """The tensor."""
            super().__init__()

    class Entered(Message):
        """Enter was pressed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.set_reactive(ModulePane.auto_links, False)
        self._view: ModuleView | None = None
        self._lines: list[Line] = []
        self.marked: frozenset[str] = frozenset()

    # What the screen asks of it

    @property
    def tensor(self) -> TensorRow | None:
        """The tensor at the cursor, or the last one above it."""
        for line in reversed(self._lines[: self.cursor + 1]):
            if line.tensor is not None:
                return line.tensor
        return next((line.tensor for line in self._lines if line.tensor is not None), None)

    def show_module(self, view: ModuleView) -> None:
        """Show a module; the cursor stays on its tensor when the same module is shown anew."""
        known = self.tensor if self._view is not None and self._view.path == view.path else None
        self._view = view
        mode = " · training" if view.training else ""
        name = printable(view.path.rpartition(".")[2])
        self.border_title = Content(f"{name}  {printable(view.title)}".strip())
        self.border_subtitle = Content(f"{printable(view.where)}{mode}")
        self._lay_out()
        if known is not None:
            self.select(known.tensor, known.name)
        else:
            self.select(_first_target(self._lines))

    def select(self, tensor: str, name: str = "") -> None:
        """Put the cursor on a tensor.

        Args:
            tensor: Its dotted name.
            name: Which of its lines (`weight_orig`); the one the module works with when there is no such line.
        """
        rows = [(index, line.tensor) for index, line in enumerate(self._lines) if line.tensor is not None]
        if not rows:
            self.cursor = 0
            return
        found = min(rows, key=lambda row: (row[1].tensor != tensor, row[1].name != name, _order(row[1])))
        self.set_reactive(ModulePane.cursor, -1)
        self.cursor = found[0]

    def next_tensor(self) -> None:
        """Select the next tensor, from the last on the first; a pruned one is one tensor, not three."""
        tensors = list(dict.fromkeys(line.tensor.tensor for line in self._lines if line.tensor is not None))
        if self.tensor is not None:
            self.select(tensors[(tensors.index(self.tensor.tensor) + 1) % len(tensors)])

    # Keys

    def action_cursor_up(self) -> None:
        """Go up a line."""
        self._move_to(self.cursor - 1)

    def action_cursor_down(self) -> None:
        """Go down a line."""
        self._move_to(self.cursor + 1)

    def action_page_up(self) -> None:
        """Go up a page."""
        self._move_to(self.cursor - self.size.height + 1)

    def action_page_down(self) -> None:
        """Go down a page."""
        self._move_to(self.cursor + self.size.height - 1)

    def action_first(self) -> None:
        """Go to the first line."""
        self._move_to(0)

    def action_last(self) -> None:
        """Go to the last line."""
        self._move_to(len(self._lines) - 1)

    def action_select(self) -> None:
        """Tell that enter was pressed."""
        self.post_message(self.Entered())

    def _move_to(self, line: int) -> None:
        self.cursor = min(max(line, 0), max(len(self._lines) - 1, 0))

    def watch_cursor(self, new: int) -> None:
        """Keep the cursor in sight, and tell when it is on a tensor."""
        if not 0 <= new < len(self._lines):
            return
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)
        tensor = self._lines[new].tensor
        if tensor is not None:
            self.post_message(self.TensorSelected(tensor))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y + self.scroll_offset.y < len(self._lines):
            self.cursor = offset.y + self.scroll_offset.y

    def on_resize(self, _: events.Resize) -> None:
        """Fit the columns to the new width."""
        self._lay_out()

    # Drawing

    def _lay_out(self) -> None:
        if self._view is None:
            return
        # The scrollbar may come or go with the number of lines: lay out for the width that is always there.
        self._lines = module_lines(self._view, self.container_size.width - 2)
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[index]
        text = line.text.copy()
        if line.tensor is not None and line.tensor.tensor in self.marked and text.plain.startswith(" "):
            text = Text.assemble("+", text[1:])
        text = Text.assemble("›" if index == self.cursor else " ", text)
        text.truncate(width, overflow="ellipsis")
        strip = Strip(text.render(self.app.console)).adjust_cell_length(width)
        return strip.apply_style(self._line_style(index, line))

    def _line_style(self, index: int, line: Line) -> Style:
        if index == self.cursor and self.has_focus:
            return self.get_component_rich_style("module-pane--cursor")
        selected = self.tensor
        if selected is not None and line.tensor is selected and not line.text.plain.startswith("   "):
            return self.get_component_rich_style("module-pane--selected")
        return self.rich_style


def _first_target(lines: list[Line]) -> str:
    """What a pruning key works on before anything is chosen: the weight, else the first parameter."""
    rows = [line.tensor for line in lines if line.tensor is not None]
    parameters = [row for row in rows if row.kind != "buffer"]
    weights = [row for row in parameters if row.tensor.rpartition(".")[2] in {"weight", "weight_orig"}]
    return next((row.tensor for row in [*weights, *parameters, *rows]), "")


def _order(row: TensorRow) -> int:
    """The computed tensor first: it is what the module works with."""
    return ("computed", "parameter", "buffer").index(row.kind)
