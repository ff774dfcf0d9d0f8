"""Pruning by key: forms, previews, edits, undo and redo. The half of the main screen that changes the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual import on, work
from textual.widget import Widget

from prune_tui import protocol, steps, view_rows, views
from prune_tui.checkpoint_views import CheckpointView
from prune_tui.client import Refused
from prune_tui.files import GetSizes, GetSource, Sizes
from prune_tui.steps import AnyStep, Step
from prune_tui.ui import keys, targeting
from prune_tui.ui.screens.export import ExportScreen
from prune_tui.ui.screens.more_methods import MoreMethods
from prune_tui.ui.screens.save import SaveScreen
from prune_tui.ui.screens.source import SourceScreen
from prune_tui.ui.stopping import Stopping
from prune_tui.ui.widgets.edit_log import EditLog
from prune_tui.ui.widgets.key_bar import KeyBar
from prune_tui.ui.widgets.step_form import StepForm, nudged

if TYPE_CHECKING:
    from prune_tui.ui.screens.main import MainScreen

_LASTS = 3.0
"""Seconds after which a form says that its preview takes long."""
_REDO_ANYWAY = "Nothing was done; {steps.redo} again does it all the same"


class Editing(Stopping):
    """Keys that prune.

    Attributes:
        marked: Dotted names of the marked tensors.
        entries: The edit log, oldest first.
        form: The open form.
        plugged_in: The methods of plugins.
    """

    def __init__(self) -> None:
        super().__init__()
        self.marked: frozenset[str] = frozenset()
        self.entries: tuple[views.LogEntry, ...] = ()
        self.form: StepForm | None = None
        self.plugged_in: tuple[steps.Method, ...] = ()
        self._last_values: dict[str, dict[str, Any]] = {}
        self._focus_before: Widget | None = None
        self._doubted = False  # why the next redo is in doubt stands on the screen
        # Edits are made one after the other, each worked out when its turn comes: `+ + +` is three notches.
        self._turn = asyncio.Lock()

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def _editable(self) -> bool:
        """Whether a step may be done now; says why when not."""
        summary = self._main.status.summary
        if summary is None:
            self.say_not_open()
        elif summary.readonly:
            self.say("read-only: start without --readonly to prune", "warning")
        elif not self._main.prune_app.editable:
            self.say("the engine is not ready for steps")
        else:
            return True
        return False

    # Forms

    def action_method(self, name: str) -> None:
        """Open the form of a method on the cursor's tensor, or on all marked ones."""
        if not self._editable():
            return
        main, method = self._main, steps.method_named(name)
        current = main.module_tree.current
        found = targeting.targets(method, self.marked, main.rows, current, main.tensor)
        if not found:
            self.say(
                targeting.nothing_to_do(method, current, main.module_tree.filtered, keys.keymap_of(self)),
                "warning",
            )
            return
        only = main.tensor if main.tensor is not None and found == (main.tensor.tensor,) else None
        self._open_form(StepForm(method, found, only, self._last_values.get(name, {})))

    @property
    def more_methods(self) -> tuple[steps.Method, ...]:
        """The methods without a key of their own, those of plugins last."""
        return (*(method for method in steps.METHODS if not (method.key or method.repair)), *self.plugged_in)

    def action_more_methods(self) -> None:
        """Choose a method that has no key of its own, and open its form."""
        if self._editable():
            self.app.push_screen(MoreMethods(self.more_methods), self._method_chosen)

    def _method_chosen(self, name: str | None) -> None:
        if name:
            self.action_method(name)

    def _open_form(self, form: StepForm) -> None:
        self.unsay()
        if self.form is None:
            self._focus_before = self.focused
        else:
            self._take_away(self.form)
        self.form = form
        if self.maximized is not None:
            self.minimize()
        self._main.lay_out_panes()
        self.query_one("#right").mount(form, before=self.query_one("#upper-row"))
        self.query_one(KeyBar).form_open = True

    @staticmethod
    def _take_away(form: StepForm) -> None:
        form.closed = True
        form.remove()

    def close_form(self) -> None:
        """Close the form; what it previewed is gone from the screen."""
        form, self.form = self.form, None
        if form is None:
            return
        # First the focus, then the form: a focused field that goes would hand the focus to whatever is next.
        self.set_focus(self._focus_before or self._main.module_tree)
        self._take_away(form)
        self.workers.cancel_group(self, "preview")
        self.query_one(KeyBar).form_open = False
        self._main.show_preview_cells(None)

    @on(StepForm.Left)
    def _form_left(self, event: StepForm.Left) -> None:
        if event.form is self.form:
            self.close_form()

    @on(StepForm.Invalid)
    def _form_invalid(self) -> None:
        self.workers.cancel_group(self, "preview")
        self._main.show_preview_cells(None)

    @on(StepForm.Changed)
    def _form_changed(self, event: StepForm.Changed) -> None:
        self._preview(event.step)

    @work(exclusive=True, group="preview")
    async def _preview(self, step: Step) -> None:
        form = self.form
        lasts = self.set_timer(_LASTS, None if form is None else form.say_it_lasts)
        try:
            previewed = await self._main.ask(protocol.Preview(cast(AnyStep, step)), views.Previewed)
        except Refused as refused:
            if form is not None and form is self.form:
                form.show_error(str(refused))
                self._main.show_preview_cells(None)
            return
        finally:
            lasts.stop()
        if previewed is not None and form is not None and form is self.form:
            form.show_preview(previewed)
            self._main.show_preview_cells(step, previewed)

    @on(StepForm.Submitted)
    def _form_submitted(self, event: StepForm.Submitted) -> None:
        form = self.form
        if form is None or form.applying:
            return
        form.applying = True
        self._last_values[form.method.name] = form.texts
        request = protocol.Apply(cast(AnyStep, event.step))
        self._edit(lambda: request, form)

    @on(StepForm.GivenUp)
    def _form_given_up(self) -> None:
        self.stop_working()

    # Edits

    @property
    def is_editing(self) -> bool:
        """Whether an edit is at work, or waits for its turn."""
        return self._turn.locked()

    async def edits_done(self) -> None:
        """Wait for the edits that were asked for."""
        async with self._turn:
            return

    @work(group="edit")
    async def _edit(self, make: Callable[[], protocol.Request | None], form: StepForm | None = None) -> None:
        """Ask for an edit when its turn comes, and show what it did; a refusal is shown where it was asked.

        Args:
            make: The edit, worked out on the model as it is then; None when there is nothing to do after all.
            form: Where it comes from: closed when it is done.
        """
        main = self._main
        async with self._turn:
            request = make()
            if request is None:
                return
            self.begin_work(request)
            told = main.status.metric
            try:
                edited = await main.ask(request, views.Edited)
            except Refused as refused:
                self._refused(refused, form)
                return
            finally:
                self.end_work()
                if form is not None:
                    form.applying = False
            if edited is None:
                return
            if main.status.metric is told:  # else the engine has told since; it may have measured already
                main.status.expect_measurement()
            if form is not None and form is self.form:
                self.close_form()
            await self.show_edit(edited)

    def _refused(self, refused: Refused, form: StepForm | None) -> None:
        self._doubted = refused.failed.kind == "doubtful"
        if form is not None and form is self.form:
            form.show_error(str(refused))
        else:
            self.say(f"{refused}. {keys.named(self, _REDO_ANYWAY)}" if self._doubted else str(refused), "warning")
        if refused.failed.kind == "bug":
            self._main.prune_app.tell_bug()

    async def show_history(self) -> None:
        """Show the edit log as it is now."""
        history = await self._main.ask_or_tell(protocol.GetHistory(), views.History)
        if history is not None:
            self.entries = history.entries
            summary = self._main.status.summary
            for log in self.query(EditLog):
                log.show_entries(history.entries, () if summary is None else summary.notes)

    async def show_edit(self, edited: views.Edited) -> None:
        """Show the model as it is after an edit, and say what was done where it does not show by itself."""
        main = self._main
        self._doubted = False
        main.status.summary = edited.summary
        rows = list(main.rows)
        for index, row in edited.rows:
            rows[index] = row
        main.rows = tuple(rows)
        main.module_tree.update_rows(edited.rows)
        if main.module_tree.current is not None:
            main.show_module(main.module_tree.current.path)
        main.check_again()
        await self.show_history()
        main.show_done()
        say = edited.action != "applied"
        main.status.said = f"{edited.action} {steps.describe(edited.entry.step)}" if say else ""

    def _between_forms(self) -> bool:
        """Whether a step may be done now that is not the open form's."""
        if self.form is not None:
            self.say_form_is_open()
            return False
        return self._editable()

    def action_undo(self) -> None:
        """Take back the last step."""
        if self._between_forms():
            self._edit(protocol.Undo)

    def action_redo(self) -> None:
        """Do the last undone step again; one that is in doubt when it is asked for again."""
        if self._between_forms():
            # As it is now, not when its turn comes: who presses U twice at once has read no reason in between.
            anyway = self._doubted
            self._edit(lambda: protocol.Redo(anyway))

    def _last_step(self) -> AnyStep | None:
        done = [entry.step for entry in self.entries if not entry.undone]
        if not done:
            self.say("no step yet: a number key prunes the tensor at the cursor")
        return done[-1] if done else None

    def action_amend(self, direction: int) -> None:
        """Do the last step with a little more or less."""
        if self._between_forms():
            self._edit(lambda: self._amended(direction))

    def _amended(self, direction: int) -> protocol.Amend | None:
        step = self._last_step()
        if step is None:
            return None
        amount = steps.settings_of(step).get("amount")
        if amount is None:
            self.say(f"{steps.name_of(step)} has no amount to change")
            return None
        return protocol.Amend(nudged(amount, direction))

    def action_export(self) -> None:
        """Ask for a file to write the steps to."""
        summary = self._main.status.summary
        if summary is None:
            self.say_not_open()
        elif not summary.steps:
            self.say("no step yet: there is nothing to export")
        elif self._main.prune_app.answering:
            self.app.push_screen(ExportScreen(summary))

    def action_save(self) -> None:
        """Ask for a form and a file to save the model in."""
        if self._main.status.summary is None:
            self.say_not_open()
        elif self._main.prune_app.answering:
            self.app.run_worker(self._ask_what_to_save(), group="save", exclusive=True)

    def save_and_leave(self, saved: Callable[[str | None], None]) -> None:
        """Ask for a form and a file, and tell what was written in the end; nothing where nothing was."""
        if self._main.prune_app.answering:
            self.app.run_worker(self._ask_what_to_save(saved), group="save", exclusive=True)

    async def _ask_what_to_save(self, saved: Callable[[str | None], None] | None = None) -> None:
        sizes = await self._main.ask_or_tell(GetSizes(), Sizes)
        if sizes is not None:
            self.app.push_screen(SaveScreen(sizes, leaving=saved is not None), saved)

    def action_source(self) -> None:
        """Show what the model was opened from."""
        if self._main.status.summary is None:
            self.say_not_open()
        elif self._main.prune_app.answering:
            self.app.run_worker(self._ask_for_source(), group="source", exclusive=True)

    async def _ask_for_source(self) -> None:
        found = await self._main.ask_or_tell(GetSource(), CheckpointView)
        if found is not None:
            self.app.push_screen(SourceScreen(found))

    def action_repeat(self) -> None:
        """Do the last step again, where the cursor or the marks are now."""
        if self._between_forms():
            main = self._main
            marked, current, tensor = self.marked, main.module_tree.current, main.tensor
            self._edit(lambda: self._repeated(marked, current, tensor, main.module_tree.filtered))

    def _repeated(
        self,
        marked: frozenset[str],
        current: view_rows.ModuleRow | None,
        tensor: view_rows.TensorRow | None,
        filtered: str,
    ) -> protocol.Apply | None:
        step = self._last_step()
        if step is None:
            return None
        method = steps.method_of(step)
        found = targeting.targets(method, marked, self._main.rows, current, tensor)
        if not found:
            self.say(targeting.nothing_to_do(method, current, filtered, keys.keymap_of(self)), "warning")
            return None
        fresh = {"seed": None} if hasattr(step, "seed") else {}
        return protocol.Apply(cast(AnyStep, steps.afresh(step, targets=found, written=(), **fresh)))
