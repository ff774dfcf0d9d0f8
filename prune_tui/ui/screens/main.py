"""The main screen: tree, module, tensor; it asks the engine for what the cursor is on and shows the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static

from prune_tui import protocol, steps, views
from prune_tui.client import EngineGone, Refused
from prune_tui.frames import FrameError
from prune_tui.ui import keys
from prune_tui.ui.copying import Copying
from prune_tui.ui.frugal_screen import FrugalScreen
from prune_tui.ui.places import place_of
from prune_tui.ui.unsaved import Stored
from prune_tui.ui.widgets.edit_log import EditLog
from prune_tui.ui.widgets.findings_pane import FindingsPane
from prune_tui.ui.widgets.first_hint import FirstHint
from prune_tui.ui.widgets.key_bar import KeyBar
from prune_tui.ui.widgets.marks_pane import MarksPane
from prune_tui.ui.widgets.module_pane import ModulePane
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.pattern_field import PatternField
from prune_tui.ui.widgets.picture import Picture
from prune_tui.ui.widgets.pictures import NO_TENSOR
from prune_tui.ui.widgets.stack_picture import StackPicture
from prune_tui.ui.widgets.status_line import StatusLine
from prune_tui.ui.widgets.tensor_pane import TensorPane
from prune_tui.view_rows import ModuleRow

if TYPE_CHECKING:
    from prune_tui.ui.app import PruneApp

B = TypeVar("B", bound=views.Body)

SMALLEST = (60, 18)
_DEBOUNCE = 0.03


class MainScreen(Copying, FrugalScreen):
    """Three panes under a status line; form, edit log, doctor, marks take the module pane's place while open."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("app")]
    AUTO_FOCUS = "ModuleTree"
    ESCAPE_TO_MINIMIZE = False  # esc closes the innermost thing, which may be open within a maximised pane

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[ModuleRow, ...] = ()
        self._wanted_tensor: str | None = None
        self._focused_before: Widget | None = None

    def compose(self) -> ComposeResult:
        """The panes."""
        yield StatusLine(id="status")
        yield Static(id="too-small")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield ModuleTree(id="tree")
                yield Input(placeholder="name or type", compact=True, select_on_focus=False, id="filter")
                yield PatternField(id="by-pattern")
            with Vertical(id="right"):
                with Horizontal(id="upper-row"):
                    with ContentSwitcher(initial="module", id="upper"):
                        yield ModulePane(id="module")
                        yield EditLog(id="edit-log")
                        yield FindingsPane(id="findings")
                        yield MarksPane(id="marks")
                    yield EditLog(id="log-beside")
                yield TensorPane(id="tensor")
        yield FirstHint(id="first-hint")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Name the panes, and have the model opened."""
        self.status.activity = "starting the engine"
        self.query_one("#filter", Input).cursor_blink = False  # over SSH each blink is a packet
        self.query_one("#left").border_title = Content("Modules")
        self.query_one("#module").border_title = Content("Module")
        self.query_one("#tensor").border_title = Content("Tensor")
        self.begin_with(self.prune_app.layout_file)
        self.watch(self, "focused", self._focus_moved)
        self.watch(self.app, "app_focus", self._app_focused, init=False)
        self.prune_app.begin()

    def _app_focused(self, has_focus: bool) -> None:
        """In a browser the app begins without the focus, so that nothing in it has it yet."""
        if has_focus and self.focused is None:
            self.focus_next(self.AUTO_FOCUS)

    def _focus_moved(self, focused: Widget | None) -> None:
        """The key bar names the keys of what has the focus."""
        own = focused.id if isinstance(focused, Picture) else self.focused_place
        bar = self.query_one(KeyBar)
        bar.focus_in, bar.typed = own or "", (focused.id or "") if isinstance(focused, Input) else ""

    @on(events.ScreenSuspend)
    @on(events.ScreenResume)
    def _covered(self, event: events.ScreenSuspend | events.ScreenResume) -> None:
        self.query_one(KeyBar).covered = isinstance(event, events.ScreenSuspend)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is done blind: in a window too small for the panes only leaving works."""
        return not self.has_class("-too-small") or action == "leave"

    def on_resize(self, event: events.Resize) -> None:
        """Give the panes their places, or say so when the window is too small for them."""
        self.window_changed()
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        if small != self.has_class("-too-small"):
            (self._take_keys if small else self._give_keys_back)()
        self.set_class(small, "-too-small")
        needs, leave = f"{SMALLEST[0]}×{SMALLEST[1]}", keys.told(self, ("app.quit", "leaves"))
        told = f"prune-tui needs {needs}; this window is {width}×{height}. Enlarge it; {leave}"
        self.query_one("#too-small", Static).update(Content(told))

    def _take_keys(self) -> None:
        """What has the focus has keys of its own, which nobody is to press blind."""
        self._focused_before = self.focused
        self.query_one("#panes").disabled = True

    def _give_keys_back(self) -> None:
        before = self._focused_before
        self.query_one("#panes").disabled = False
        self.set_focus(before if before is not None and before.is_attached else self.module_tree)

    # The parts

    @property
    def prune_app(self) -> PruneApp:
        """The app, by its own class."""
        return cast("PruneApp", self.app)

    @property
    def module_tree(self) -> ModuleTree:
        """The module tree."""
        return self.query_one(ModuleTree)

    @property
    def module_pane(self) -> ModulePane:
        """The module pane."""
        return self.query_one(ModulePane)

    @property
    def painted_on(self) -> str:
        """The tensor that a mask is being painted on; empty where none is."""
        draft = self.tensor_pane.painting.draft
        return draft.tensor if draft.toggles else ""

    @property
    def status(self) -> StatusLine:
        """The status line."""
        return self.query_one(StatusLine)

    async def ask(
        self, request: protocol.Request, kind: type[B], watch: Callable[[str], None] | None = None
    ) -> B | None:
        """Ask the engine; None when the answer is not wanted any more, or there is no engine.

        Args:
            request: The question.
            kind: What the answer will be.
            watch: Told how far it is, while it takes long.

        Raises:
            Refused: The engine says why not.
        """
        try:
            return await self.prune_app.client.ask(request, kind, watch)
        except EngineGone:
            return None
        except Refused as refused:
            if refused.failed.kind in {"superseded", "cancelled"}:
                return None
            if refused.failed.kind == "blocked":
                self.offer_restart(refused.failed.message)
            raise
        except FrameError as error:
            self.say(str(error), "error")
            return None

    async def ask_or_tell(self, request: protocol.Request, kind: type[B]) -> B | None:
        """Ask the engine; a refusal is told in a toast."""
        try:
            return await self.ask(request, kind)
        except Refused as refused:
            self.say(str(refused), "error")
            return None

    # Opening

    def show_model(self, opened: views.Opened) -> None:
        """A model is there."""
        self.wait_no_more()
        self.rows = opened.rows
        self.plugged_in = tuple(map(steps.register, opened.methods))
        self.status.summary = opened.summary
        self.status.stored = Stored()
        self.status.activity = ""
        self.query_one(KeyBar).readonly = opened.summary.readonly
        self.module_tree.set_rows(opened.rows)
        self.name_tree()
        self.check_again()
        self.survey_again()
        if opened.summary.notes:
            again = keys.told(self, ("steps.log", "shows this again"))
            self.say("\n".join((*opened.summary.notes, again)))
        self.look_for_errors()

    # Looking

    @on(ModuleTree.Highlighted)
    def _module_highlighted(self, event: ModuleTree.Highlighted) -> None:
        if self.is_open:
            self.show_module(event.path)
        else:
            self.show_early_module()

    @on(ModuleTree.Selected)
    def _module_chosen(self) -> None:
        self.go_to_others()

    @on(ModulePane.Entered)
    def _tensor_chosen(self) -> None:
        self.bring_forward(self.tensor_pane.picture)

    def bring_forward(self, pane: Widget) -> None:
        """Focus a pane that something may hide: a maximised one, the edit log. An open form stays where it is."""
        if self.form is not None:
            return
        if self.maximized is not None:
            self.minimize()
        if pane is self.module_pane:
            self.query_one("#upper", ContentSwitcher).current = "module"
        pane.focus()

    @work(exclusive=True, group="module")
    async def show_module(self, path: str) -> None:
        """Ask for a module and show it."""
        await asyncio.sleep(_DEBOUNCE)
        view = await self.ask_or_tell(protocol.GetModule(path), views.ModuleView)
        if view is None:
            return
        self.module_pane.show_module(view)
        if self._wanted_tensor is not None and self._wanted_tensor.rpartition(".")[0] == path:
            self.module_pane.select(self._wanted_tensor)
        self._wanted_tensor = None
        if not (view.parameters or view.buffers or view.computed):
            self.tensor = None
            self.show_tensor("effective")

    @on(ModulePane.TensorSelected)
    def _tensor_selected(self, event: ModulePane.TensorSelected) -> None:
        known = self.tensor
        same = known is not None and (known.tensor, known.name) == (event.tensor.tensor, event.tensor.name)
        self.tensor = event.tensor
        self.show_tensor(self.view if same else event.tensor.view)

    # Keys

    def go_to(self, path: str, tensor: str = "") -> None:
        """Move the tree's cursor to a module, and the module pane's to one of its tensors."""
        self._wanted_tensor = tensor
        self.module_tree.go_to(path)
        self.show_module(path)

    @on(Picture.Told)
    @on(ModuleTree.Told)
    def _told(self, event: Picture.Told | ModuleTree.Told) -> None:
        self.say(event.text)

    @on(StackPicture.Chosen)
    def _layer_chosen(self, event: StackPicture.Chosen) -> None:
        """Go to a layer of the stack and show its tensor as large as there is room for."""
        self.go_to(event.tensor.rpartition(".")[0], event.tensor)
        self.tensor_pane.switch("heatmap")

    def action_next_tensor(self) -> None:
        """Go to the next tensor of the module."""
        before = self.module_pane.tensor
        self.module_pane.next_tensor()
        if before is None:
            self.say(NO_TENSOR)
        elif before is self.module_pane.tensor:
            self.say(f"{before.tensor} is the only tensor of this module")

    def action_filter(self) -> None:
        """Type a filter for the tree."""
        self.query_one("#left").add_class("-filtering")
        field = self.query_one("#filter", Input)
        field.cursor_position = len(field.value)
        self.bring_forward(field)

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self.module_tree.set_filter(event.value)

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.module_tree.go_to_match()
        self.module_tree.focus()

    @work(exclusive=True, group="metric")
    async def action_metric(self) -> None:
        """Measure after each step, or no more."""
        summary, metric = self.status.summary, self.status.metric
        if summary is None or not summary.metric:
            self.say("this model has no metric to measure")
            return
        off = metric is not None and metric.state == "off"
        await self.ask_or_tell(protocol.SetMetric(off), views.Done)

    def action_back(self) -> None:
        """Close the innermost thing that is open."""
        left = self.query_one("#left")
        upper = self.query_one("#upper", ContentSwitcher)
        if self.is_lasting:
            self.stop_working()
        elif self.form is not None:
            self.close_form()
        elif self.tensor_pane.going:
            self.tensor_pane.stay()
        elif self.tensor_pane.drop_draft():
            self.say("what was painted is dropped")
        elif self.maximized is not None:
            self.minimize()
        elif self.patterning:
            self.close_pattern()
        elif left.has_class("-filtering"):
            left.remove_class("-filtering")
            self.query_one("#filter", Input).value = ""
            self.module_tree.focus()
        elif upper.current == "edit-log":
            upper.current = "module"
        elif upper.current == "findings":
            self.action_findings()
        elif self.listing_marks:
            self.action_list_marks()
        elif self.in_pages and self.focused_place != "tree" and "tree" not in self.pane_layout.hidden:
            self.module_tree.focus()
        elif self.marked:
            self.action_unmark_all()

    def action_help(self) -> None:
        """Show all keys, those of the focused pane first."""
        self.prune_app.show_help(self.focused_place, self.query_one(KeyBar).focus_in)

    @property
    def focused_place(self) -> keys.Place:
        """The pane with the focus, as the key registry names it."""
        return place_of(self.focused)

    def action_engine_log(self) -> None:
        """Show what the engine has printed."""
        self.prune_app.show_engine_log()

    def action_leave(self) -> None:
        """Leave."""
        self.prune_app.action_leave()
