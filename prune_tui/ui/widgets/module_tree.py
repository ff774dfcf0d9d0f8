"""The module tree: every module of the model, how big it is and how much of it is pruned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from prune_tui.ui import keys
from prune_tui.ui.outline import OutlineModel
from prune_tui.ui.tree_columns import Arrangement
from prune_tui.ui.tree_line import TreeFit, TreeLine, TreeStyles, cut, fit, fold_column, printable, segments
from prune_tui.ui.widgets.counted_moves import CountedMoves
from prune_tui.ui.widgets.filtering import Filtering
from prune_tui.view_rows import ModuleRow


class ModuleTree(CountedMoves, Filtering, can_focus=True, inherit_bindings=False):
    """The modules as a tree that folds, filters and never draws more lines than the screen has.

    The rows come from the engine; what is open, marked or filtered is known here only.
    """

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("tree")]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"module-tree--{part}" for part in TreeStyles._fields),
        "module-tree--empty",
    }
    """
    | Class | What it styles |
    | :- | :- |
    | `module-tree--guides` | Guides and fold marks. |
    | `module-tree--name` | Names of modules. |
    | `module-tree--type` | Types, and the names of modules that only lead to a match. |
    | `module-tree--parameters` | Parameter counts, or what else is shown. |
    | `module-tree--bar` | Bars of the masked share. |
    | `module-tree--percent` | Masked shares in percent. |
    | `module-tree--pruned` | The mark of modules with pruned tensors of their own. |
    | `module-tree--marked` | The mark of modules with marked tensors. |
    | `module-tree--shared` | The marks of shared modules and tensors. |
    | `module-tree--cursor` | The line the cursor is on. |
    | `module-tree--empty` | What stands where no module is shown. |
    """

    DEFAULT_CSS = """
    ModuleTree {
        width: 1fr;
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        color: $foreground;
        background: $surface;
        & > .module-tree--guides { color: $text-muted; }
        & > .module-tree--name { text-style: bold; }
        & > .module-tree--type { text-style: dim; }
        & > .module-tree--bar { color: $text-accent; }
        & > .module-tree--percent { color: $text-accent; }
        & > .module-tree--pruned { color: $text-accent; }
        & > .module-tree--marked { color: $text-success; text-style: bold; }
        & > .module-tree--shared { color: $text-muted; }
        & > .module-tree--empty { text-style: dim; }
        & > .module-tree--cursor {
            color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background;
            text-style: $block-cursor-blurred-text-style;
        }
        &:focus > .module-tree--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
            text-style: $block-cursor-text-style;
        }
    }
    """

    cursor: reactive[int] = reactive(-1, init=False, repaint=False)
    """The row the cursor is on, counted among all rows; -1 while there are none."""

    marked: reactive[frozenset[str]] = reactive(frozenset[str]())
    """Dotted names of the marked tensors."""

    class Highlighted(Message):
        """The cursor is on another module, or the rows are new."""

        def __init__(self, path: str) -> None:
            self.path = path
            """The module the cursor is on; empty for the model itself."""
            super().__init__()

    class Selected(Message):
        """A module was chosen with enter."""

        def __init__(self, path: str) -> None:
            self.path = path
            """The module; empty for the model itself."""
            super().__init__()

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002  # as every widget calls it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        # There are no links in it, and looking for them repaints the tree at every move of the mouse.
        self.set_reactive(ModuleTree.auto_links, False)
        self._outline = OutlineModel()

    # What the app asks of it

    @property
    def current(self) -> ModuleRow | None:
        """The module the cursor is on; None when no module is shown."""
        return self._outline.row(self.cursor) if self._cursor_line() is not None else None

    def set_rows(self, rows: Sequence[ModuleRow]) -> None:
        """Show a model; paths that were there before stay as they are, folded or not.

        The cursor stays on its path, or goes to the innermost module around it that is left.
        """
        outline = self._outline
        path = outline.row(self.cursor).path if self.cursor >= 0 else ""
        outline.replace_rows(rows)
        while (index := outline.index_of(path)) is None and path:
            path = path.rpartition(".")[0]
        if index is not None and (nearest := outline.nearest_visible(index)) is not None:
            index = nearest
        self.set_reactive(ModuleTree.cursor, -1 if index is None else index)
        self._lines_changed()
        if index is not None:
            self.post_message(self.Highlighted(outline.row(index).path))

    def update_rows(self, pairs: Sequence[tuple[int, ModuleRow]]) -> None:
        """Show new numbers for some modules, named by the indices of their rows."""
        if self._outline.is_sorted:
            with self._in_place():
                self._outline.update_rows(pairs)
            return
        self._outline.update_rows(pairs)
        if len(pairs) > self.size.height:
            self.refresh()
            return
        for index, _ in pairs:
            self._refresh_row(index)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Let rows change places; the cursor stays on its module."""
        path = self._outline.row(self.cursor).path if self.cursor >= 0 else ""
        shown = self._cursor_line() is not None
        yield
        index = self._outline.index_of(path)
        if index is not None and self.cursor >= 0:
            if shown:
                self._outline.reveal(index)
            self.set_reactive(ModuleTree.cursor, index)
        self._lines_changed()

    def go_to(self, path: str) -> bool:
        """Move the cursor to a module, unfolding what is around it; False when there is no such module."""
        index = self._outline.index_of(path)
        if index is None:
            return False
        self._outline.reveal(index)
        self._lines_changed()
        self.cursor = index
        return True

    # Keys

    def action_cursor_up(self) -> None:
        """Go to the module above."""
        self._move_by(-1)

    def action_cursor_down(self) -> None:
        """Go to the module below."""
        self._move_by(1)

    def action_page_up(self) -> None:
        """Go up one page."""
        self._move_by(1 - max(2, self.size.height))

    def action_page_down(self) -> None:
        """Go down one page."""
        self._move_by(max(2, self.size.height) - 1)

    def action_first(self) -> None:
        """Go to the first line."""
        self._move_by(-len(self._outline))

    def action_last(self) -> None:
        """Go to the last line."""
        self._move_by(len(self._outline))

    def action_fold(self) -> None:
        """Fold an open module; from any other go to its parent."""
        if self._outline.is_open(self.cursor):
            self._fold_to(self.cursor, False)
        else:
            self.action_parent()

    def action_unfold(self) -> None:
        """Unfold a folded module; from an open one go to the first module in it."""
        if self._cursor_line() is None:
            return
        if self._outline.is_open(self.cursor):
            self._move_by(1)
        elif self._outline.has_children(self.cursor):
            self._fold_to(self.cursor, True)
        else:
            self.tell("there is no module in this one")

    def action_parent(self) -> None:
        """Go to the module around this one."""
        if self._cursor_line() is not None and (parent := self._outline.parent(self.cursor)) >= 0:
            self.cursor = parent
        else:
            self.tell("this is the model itself: there is nothing around it")

    def action_fold_all(self) -> None:
        """Fold everything but the model itself."""
        self._arrange_all(self._outline.close_all, "all modules are folded")

    def action_unfold_all(self) -> None:
        """Unfold everything, or two levels of a very large model."""
        self._arrange_all(self._outline.open_all, "all modules are unfolded")

    def _arrange_all(self, arrange: Callable[[], None], done: str) -> None:
        before = list(self._outline.visible)
        arrange()
        if list(self._outline.visible) == before:
            self.tell(done)
        self._lines_changed()
        self._land()

    def action_select(self) -> None:
        """Tell that the module was chosen."""
        if (row := self.current) is not None:
            self.post_message(self.Selected(row.path))

    def _move_by(self, lines: int) -> None:
        """Move the cursor over lines, as far as there are any."""
        line = self._cursor_line()
        if line is not None:
            visible = self._outline.visible
            self.cursor = visible[min(max(line + lines, 0), len(visible) - 1)]

    def _fold_to(self, index: int, opened: bool) -> None:
        """Fold or unfold a module; a cursor that was in it comes out."""
        if opened:
            self._outline.open(index)
        else:
            self._outline.close(index)
        self._lines_changed()
        self._land()

    def _land(self) -> None:
        """Put the cursor on the innermost module around it that is shown."""
        nearest = self._outline.nearest_visible(self.cursor)
        if nearest is not None:
            self.cursor = nearest

    # Events

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the lines it left and came to, and tell."""
        self._refresh_row(old)
        self._refresh_row(new)
        self._scroll_to_cursor()
        if new >= 0:
            self.post_message(self.Highlighted(self._outline.row(new).path))

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; at the fold mark fold or unfold as well."""
        offset = event.get_content_offset(self)
        visible = self._outline.visible
        if offset is None or (line := offset.y + self.scroll_offset.y) >= len(visible):
            return
        index = self.cursor = visible[line]
        if offset.x == fold_column(self._line(index), self._fit):
            self._fold_to(index, not self._outline.is_open(index))

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen; the ones out of sight are never asked for.

        A line costs some 50 µs, so there is no cache of strips to keep true.
        """
        width = self._width
        visible = self._outline.visible
        line = y + self.scroll_offset.y
        if not visible and 0 <= (part := y - self.size.height // 2) < len(told := self._empty_text()):
            text = cut(told[part], width).center(width)
            return Strip([Segment(text, self.get_component_rich_style("module-tree--empty"))]).crop(0, width)
        if line >= len(visible):
            return Strip.blank(width, self.rich_style)
        return Strip(segments(self._line(visible[line]), self._fit, self._styles()), width)

    def _line(self, index: int) -> TreeLine:
        """What the line of a row says."""
        outline = self._outline
        row = outline.row(index)
        prefix = f"{row.path}." if row.path else ""
        return TreeLine(
            row=row,
            figure=self.arrangement.figure(row, self.norms),
            depth=outline.depth(index),
            guides=outline.guides(index, self._fit.levels),
            fold=("▾" if outline.is_open(index) else "▸") if outline.has_children(index) else "",
            cursor=index == self.cursor,
            marked=bool(self.marked) and any(prefix + tensor.name in self.marked for tensor in row.tensors),
            aside=bool(outline.filter) and index not in outline.matches,
        )

    @property
    def _width(self) -> int:
        """The cells beside the scrollbar; `size` counts those under it too."""
        return self.scrollable_content_region.width

    @property
    def _fit(self) -> TreeFit:
        """What the lines have room for."""
        outline, arrangement = self._outline, self.arrangement
        return fit(
            self._width,
            outline.deepest,
            arrangement.width,
            asked=arrangement.column != Arrangement().column,
            shares=bool(len(outline) and outline.row(0).masked),
        )

    def _styles(self) -> TreeStyles:
        """The styles of the theme; Textual caches them."""
        return TreeStyles(*(self.get_component_rich_style(f"module-tree--{part}") for part in TreeStyles._fields))

    def _empty_text(self) -> tuple[str, ...]:
        """What to say when no module is shown, line by line."""
        if not len(self._outline):
            return ("waiting for the model…",)
        return (
            f"nothing matches '{printable(self._outline.filter)}'",
            keys.named(self, "{app.back} shows all again"),
        )

    def _lines_changed(self) -> None:
        """Draw everything again, as long as it is now."""
        self.virtual_size = Size(0, len(self._outline.visible))
        self._scroll_to_cursor()
        self.refresh()

    def _cursor_line(self) -> int | None:
        """Which line the cursor is on, counted from the top of the tree; None when it is on none."""
        return self._outline.line_of(self.cursor) if self.cursor >= 0 else None

    def _scroll_to_cursor(self) -> None:
        """Scroll no more than it takes to see the cursor."""
        line = self._cursor_line()
        if line is not None:
            self.scroll_to_region(Region(0, line, 1, 1), animate=False, force=True)

    def _refresh_row(self, index: int) -> None:
        """Draw the line of a row again, if it is on the screen."""
        line = self._outline.line_of(index) if index >= 0 else None
        if line is not None and 0 <= line - self.scroll_offset.y < self.size.height:
            self.refresh_line(line)
