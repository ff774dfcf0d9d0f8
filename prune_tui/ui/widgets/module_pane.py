"""The module pane: the tensors, hooks and pruning histories of the module at the tree's cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from prune_tui.ui import keys
from prune_tui.ui.module_lines import Line, early_lines, module_lines
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.list_pane import ListPane
from prune_tui.view_rows import ModuleRow, TensorRow
from prune_tui.views import ModuleView


class ModulePane(ListPane):
    """Each line is an entry; on the line of a tensor, the cursor selects it."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("module")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"module-pane--selected"}
    DEFAULT_CSS = """
    ModulePane > .module-pane--selected {
        background: $block-cursor-blurred-background;
        text-style: $block-cursor-blurred-text-style;
    }
    """

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
        self.lay_out()
        if known is not None:
            self.select(known.tensor, known.name)
        else:
            self.select(_first_target(self._lines))

    def show_early(self, row: ModuleRow, note: str) -> None:
        """Show what is known of a module before the engine can be asked.

        Args:
            row: Its row in the tree.
            note: What is still to come.
        """
        self._view = None
        self.border_title = Content(f"{printable(row.path.rpartition('.')[2])}  {printable(row.type)}".strip())
        self.border_subtitle = Content("")
        self._lines = early_lines(row, note)
        self.set_line_count(len(self._lines))

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

    @property
    def copied(self) -> str:
        """Of the line at the cursor: the tensor's dotted name, the call of a history, or what else it says."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else None
        if line is None:
            return ""
        return line.tensor.tensor if line.tensor is not None else line.call or line.text.plain.strip()

    @property
    def all_text(self) -> str:
        """Every line as it stands there."""
        return "\n".join(line.text.plain.rstrip() for line in self._lines)

    def next_tensor(self) -> None:
        """Select the next tensor, from the last on the first; a pruned one is one tensor, not three."""
        tensors = list(dict.fromkeys(line.tensor.tensor for line in self._lines if line.tensor is not None))
        if self.tensor is not None:
            self.select(tensors[(tensors.index(self.tensor.tensor) + 1) % len(tensors)])

    # Keys

    def action_select(self) -> None:
        """Tell that enter was pressed."""
        self.post_message(self.Entered())

    def watch_cursor(self, new: int) -> None:
        """Keep the cursor in sight, and tell when it is on a tensor."""
        if not 0 <= new < len(self._lines):
            return
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)
        tensor = self._lines[new].tensor
        if tensor is not None:
            self.post_message(self.TensorSelected(tensor))

    # Drawing

    @property
    def entry_count(self) -> int:
        """The number of lines."""
        return len(self._lines)

    def entry_at(self, line: int) -> int | None:
        """The line itself."""
        return line if line < len(self._lines) else None

    def lay_out(self) -> None:
        """Fit the columns to the width."""
        if self._view is None:
            return
        # The scrollbar may come or go with the number of lines: lay out for the width that is always there.
        self._lines = module_lines(self._view, self.container_size.width - 2)
        self.set_line_count(len(self._lines))

    def line_text(self, line: int) -> tuple[Text, Style]:
        """A line with the marks of the cursor and of marked tensors."""
        if line >= len(self._lines):
            return Text(), self.rich_style
        shown = self._lines[line]
        text = shown.text.copy()
        if shown.tensor is not None and shown.tensor.tensor in self.marked and text.plain.startswith(" "):
            text = Text.assemble("+", text[1:])
        return Text.assemble("›" if line == self.cursor else " ", text), self._line_style(line, shown)

    def _line_style(self, index: int, line: Line) -> Style:
        if index == self.cursor and self.has_focus:
            return self.get_component_rich_style("list-pane--cursor")
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
