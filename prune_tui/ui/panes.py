"""The panes by key: how large each is, which are shown, and which one has the focus."""

from __future__ import annotations

from typing import NamedTuple

from textual import on, work
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input

from prune_tui.ui import keys
from prune_tui.ui.layout import COLUMNS_FROM, TALL_FROM, WIDE_FROM, Layout, Pane
from prune_tui.ui.layout_file import LayoutFile
from prune_tui.ui.looking import Looking
from prune_tui.ui.tree_columns import COLUMNS
from prune_tui.ui.widgets.edit_log import EditLog
from prune_tui.ui.widgets.first_hint import FirstHint
from prune_tui.ui.widgets.key_bar import KeyBar
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.picture import Picture
from prune_tui.ui.widgets.pictures import PICTURES

_NAMES: dict[Pane, str] = {"tree": "tree", "module": "module pane", "tensor": "tensor pane", "log": "edit log"}
_IN_FORM = "StepForm, StepForm Input, StepForm Select"
_COLUMNS_A_KEY = 4
_LINES_A_KEY = 1


class _Places(NamedTuple):
    """What is seen.

    Attributes:
        tree: Whether the tree is.
        others: Whether anything else is.
        row: Whether anything above the tensor pane is, but a form.
        upper: Whether the module pane, or what takes its place, is.
        log: Whether the edit log beside it is.
        tensor: Whether the tensor pane is.
        examining: The doctor's pane is in the module pane's place.
        columns: Of the tree; None as designed.
        lines: Of what is above the tensor pane; None as designed.
    """

    tree: bool
    others: bool
    row: bool
    upper: bool
    log: bool
    tensor: bool
    examining: bool
    columns: int | None
    lines: int | None


class Panes(Looking):
    """Whatever has the focus is seen: a pane that was hidden is shown when it is gone to.

    Attributes:
        pane_layout: What a person has made of the panes.
    """

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-pages"),
        (COLUMNS_FROM, "-columns"),
        (WIDE_FROM, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (TALL_FROM, "-tall")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.pane_layout = Layout()
        self._file: LayoutFile | None = None
        self._laid_out: _Places | None = None
        self._in_tree = True  # where a window has room for one of both

    # What is shown

    def begin_with(self, file: LayoutFile | None) -> None:
        """Lay the panes out as they were left; None as designed, and nothing is kept."""
        self._file = file
        if file is not None:
            self.pane_layout = file.layout
            if file.problem:
                self.say(file.problem, "warning")
        kept, pictures, tree = self.pane_layout, self.tensor_pane.pictures, self._main.module_tree
        if kept.picture in PICTURES:
            pictures.current = kept.picture
        if kept.column in COLUMNS:
            tree.arrangement = tree.arrangement._replace(column=next(one for one in COLUMNS if one == kept.column))
        self.query_one(FirstHint).display = file is not None and file.first
        self.watch(pictures, "current", self._picture_chosen, init=False)
        self.watch(self.query_one("#upper", ContentSwitcher), "current", self.lay_out_panes, init=False)

    def lay_out_panes(self) -> None:
        """Give each pane its place in the window as it is; nothing is drawn where all have it already."""
        if not self.size:
            return
        places = self._places()
        self.query_one(KeyBar).pages = self.in_pages
        if places == self._laid_out:
            return
        self._laid_out = places
        left, row = self.query_one("#left"), self.query_one("#upper-row")
        left.display, row.display = places.tree, places.row
        self.query_one("#right").display = places.others
        self.query_one("#upper").display, self.query_one("#log-beside").display = places.upper, places.log
        self.tensor_pane.display = places.tensor
        row.set_class(places.examining, "-examining")
        _give_width(left, places.columns, alone=not places.others)
        _give_height(row, places.lines, alone=not places.tensor)

    def _places(self) -> _Places:
        """What is to be seen, and how large."""
        kept, current = self.pane_layout, self.query_one("#upper", ContentSwitcher).current
        log = self.is_wide and "log" not in kept.hidden
        upper = "module" not in kept.hidden or current != "module"
        row = self.form is None and (upper or log)
        tensor = "tensor" not in kept.hidden or self.form is not None
        tree, others = "tree" not in kept.hidden, row or tensor
        if self.in_pages and tree and others:
            tree, others = self._in_tree, not self._in_tree
        examining = current == "findings"  # an explanation needs more lines than a module
        return _Places(
            tree,
            others or not tree,
            row,
            upper,
            log,
            tensor,
            examining,
            kept.tree_columns(self.size.width) if others else None,
            None if examining else kept.module_lines(self._room),
        )

    @property
    def _room(self) -> int:
        """Lines of module and tensor pane together: all but the first line and the last."""
        return self.size.height - 2

    @property
    def in_pages(self) -> bool:
        """Whether the window has room for the tree or for the others only."""
        return self.size.width < COLUMNS_FROM

    @property
    def is_wide(self) -> bool:
        """Whether the edit log has a place of its own."""
        return self.size.width >= WIDE_FROM

    def window_changed(self) -> None:
        """The window has another size: the edit log stands in one place only."""
        self.query_one(FirstHint).lie_at(self.size.width)
        upper = self.query_one("#upper", ContentSwitcher)
        if self.is_wide and upper.current == "edit-log":
            upper.current = "module"
        self.lay_out_panes()
        if self.focused is not None and self._pane_of(self.focused) == "log" and not self.is_wide:
            self.set_focus(upper.visible_content)
        elif self.focused is not None:
            self._show_pane_of(self.focused)

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Focus a widget, and show the pane it is in."""
        if widget is not None and widget.screen is self and self.maximized is None:
            self._show_pane_of(widget)
        super().set_focus(widget, scroll_visible, from_app_focus)

    def _show_pane_of(self, widget: Widget) -> None:
        pane = self._pane_of(widget)
        self._in_tree = pane == "tree"
        if pane is not None and pane in self.pane_layout.hidden:
            self._keep(self.pane_layout.shown(pane))
        else:
            self.lay_out_panes()

    def _pane_of(self, widget: Widget) -> Pane | None:
        """The pane that a widget is in, of those that can be hidden."""
        places: dict[str | None, Pane] = {
            "left": "tree", "module": "module", "tensor": "tensor", "log-beside": "log",
        }  # fmt: skip
        return next((places[one.id] for one in widget.ancestors_with_self if one.id in places), None)

    def _keep(self, layout: Layout) -> None:
        """Lay the panes out so, and keep it for the next start."""
        self._remember(layout)
        self.lay_out_panes()

    def _remember(self, layout: Layout) -> None:
        self.pane_layout = layout
        if self._file is not None:
            self._file.layout = layout

    # From pane to pane

    @property
    def _stops(self) -> list[Widget]:
        """Where tab stops, in turn."""
        hidden, upper = self.pane_layout.hidden, self.query_one("#upper", ContentSwitcher)
        in_place = "module" not in hidden or upper.current != "module"
        stops: list[Widget | None] = [
            self._main.module_tree if "tree" not in hidden else None,
            upper.visible_content if in_place else None,
            self.query_one("#log-beside") if self.is_wide and "log" not in hidden else None,
            self.tensor_pane.picture if "tensor" not in hidden else None,
        ]
        return [stop for stop in stops if stop is not None]

    def action_focus_next_pane(self) -> None:
        """Go to the next pane; in a form, to its next field."""
        self._focus_pane(1)

    def action_focus_previous_pane(self) -> None:
        """Go to the previous pane; in a form, to its previous field."""
        self._focus_pane(-1)

    def _focus_pane(self, direction: int) -> None:
        if self.form is not None:  # an open form keeps it, since enter and esc are its keys
            (self.focus_next if direction > 0 else self.focus_previous)(_IN_FORM)
            return
        if self.maximized is not None:
            return
        stops, focused = self._stops, self.focused
        if isinstance(focused, Input) and self._pane_of(focused) == "tree":  # a field of its own
            self.set_focus(self._main.module_tree)
            return
        around = set() if focused is None else set(focused.ancestors_with_self)
        at = next((number for number, stop in enumerate(stops) if stop in around), None)
        if at is None:
            at = next((number for number, stop in enumerate(stops) if isinstance(stop, Picture)), 0)
        self.set_focus(stops[(at + direction) % len(stops)])

    # Sizes

    def action_widen_tree(self, direction: int) -> None:
        """Move the edge between the tree and the others."""
        window, left = self.size.width, self.query_one("#left")
        self._take_back_maximised()
        if self.in_pages:
            self.say(f"a window of less than {COLUMNS_FROM} columns shows one at a time, as wide as it is")
            return
        if not (left.display and self.query_one("#right").display):
            self._tell_hidden("tree" if not left.display else "tensor")
            return
        now = self.pane_layout.tree_columns(window) or left.outer_size.width
        changed = self.pane_layout.with_tree(now + direction * _COLUMNS_A_KEY, window)
        if changed.tree_columns(window) == now:
            self.say("the tree is as wide as it can be" if direction > 0 else "the tree is as narrow as it can be")
        self._keep(changed)

    def action_heighten_module(self, direction: int) -> None:
        """Move the edge between the module pane and the tensor pane."""
        room, row = self._room, self.query_one("#upper-row")
        self._take_back_maximised()
        if not (row.display and self.tensor_pane.display):
            self._tell_hidden("module" if not row.display else "tensor")
            return
        now = self.pane_layout.module_lines(room) or row.outer_size.height
        changed = self.pane_layout.with_module(now + direction * _LINES_A_KEY, room)
        if changed.module_lines(room) == now:
            self.say(f"the module pane is as {'high' if direction > 0 else 'low'} as it can be")
        self._keep(changed)

    def action_designed_layout(self) -> None:
        """Show all panes, as large as they are designed."""
        self._take_back_maximised()
        self._keep(self.pane_layout.designed())

    # Hiding

    def action_toggle_pane(self, pane: Pane) -> None:
        """Hide a pane, or show it again."""
        self._take_back_maximised()
        changed = self.pane_layout.toggled(pane)
        if changed is None:
            self.say(f"the {_NAMES[pane]} is all there is to see: first show another one")
            return
        focused = self.focused
        if pane in changed.hidden and focused is not None and self._pane_of(focused) == pane:
            self.pane_layout = changed
            self.set_focus(self._stops[0])
        self._keep(changed)
        if pane not in changed.hidden and self.in_pages:
            self._in_tree = pane == "tree"
            instead = self.query_one("#upper", ContentSwitcher).visible_content  # doctor or marks, in its place
            self.set_focus(next((stop for stop in self._stops if self._pane_of(stop) == pane), instead))

    def _tell_hidden(self, pane: Pane) -> None:
        key = keys.told(self, (f"panes.{pane}", "shows it"))
        self.say(f"the {_NAMES[pane]} is hidden" + (f": {key}" if key else ""))

    def action_edit_log(self) -> None:
        """Show or hide the edit log: beside the module pane, or in its place where there is less room."""
        self._take_back_maximised()
        upper = self.query_one("#upper", ContentSwitcher)
        if self.is_wide:
            self.action_toggle_pane("log")
        else:
            upper.current = "module" if upper.current == "edit-log" else "edit-log"
            if self.in_pages and upper.current == "edit-log":  # else it would open behind the tree
                self.set_focus(upper.visible_content)

    # One pane for the whole screen

    def action_maximise(self) -> None:
        """Give the screen to the focused pane, or take it back."""
        if self.maximized is not None:
            self.minimize()
            return
        if self.form is not None:  # its fields are no panes
            self.say_form_is_open()
            return
        pane = self.focused
        if isinstance(pane, Picture):
            pane = self.tensor_pane
        if pane is not None:
            self.maximize(pane, container=False)

    def _take_back_maximised(self) -> None:
        if self.maximized is not None:
            self.minimize()

    def go_to_others(self) -> None:
        """From the tree to what is nearest to it of what is shown."""
        stops = [stop for stop in self._stops if not isinstance(stop, (ModuleTree, EditLog))]
        if stops:
            self._main.bring_forward(stops[0])
        else:
            self._tell_hidden("module")

    # What is kept

    def _picture_chosen(self, name: str | None) -> None:
        self._remember(self.pane_layout._replace(picture=name or "values"))

    @on(ModuleTree.Arranged)
    def _column_chosen(self) -> None:
        column = self._main.module_tree.arrangement.column
        if column != "norm":  # norms are counted when they are asked for, not at every start
            self._remember(self.pane_layout._replace(column=column))

    def forget_hint(self) -> None:
        """A key was pressed: the hint goes and does not come again."""
        hint = self.query_one(FirstHint)
        if hint.display and self._file is not None:
            hint.display = False
            self._file.first = False
            self._keep_now(self._file)

    @work(thread=True, group="layout")
    def _keep_now(self, file: LayoutFile) -> None:
        file.keep()  # what hinders it is told at leaving


def _give_width(left: Widget, columns: int | None, *, alone: bool) -> None:
    """Columns of the tree; None as `app.tcss` has it."""
    left.styles.width = "1fr" if alone else columns
    left.styles.min_width = 1 if alone else columns
    left.styles.max_width = "100%" if alone else columns


def _give_height(row: Widget, lines: int | None, *, alone: bool) -> None:
    """Lines of the module pane; None as `app.tcss` has it."""
    row.styles.height = "1fr" if alone else lines
    row.styles.min_height = None if alone else lines
