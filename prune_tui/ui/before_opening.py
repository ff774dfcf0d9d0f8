"""Before the model is open: the tree that a checkpoint's headers tell, and why other keys have to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from textual.content import Content
from textual.screen import Screen

from prune_tui import views

if TYPE_CHECKING:
    from prune_tui.ui.screens.main import MainScreen

_NAMES_ONLY = " · names only"
_VALUES_LATER = "values come once torch is there"
_MODULES_LATER = "the model's own modules come once torch is there"


class BeforeOpening(Screen[None]):
    """The half of the main screen that has no engine yet."""

    def __init__(self) -> None:
        super().__init__()
        self._names_only = False
        self._told_to_wait = False

    @property
    def _here(self) -> MainScreen:
        return cast("MainScreen", self)

    def say(self, message: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Tell a person something in a toast, the only one on the screen; it is shown literally."""
        self.unsay()
        self.notify(message, severity=severity, markup=False)

    def unsay(self) -> None:
        """Take back what was told: something else is there now."""
        for holder in self.app.screen.query("ToastHolder"):
            holder.display = False  # at once: Textual leaves it behind, as high as its message was
            holder.remove()
        self.app.clear_notifications()

    @property
    def is_open(self) -> bool:
        """Whether the model is there."""
        return self._here.status.summary is not None

    def say_not_open(self) -> None:
        """Say that a key has to wait for the model, and what the model waits for."""
        activity = self._here.status.activity
        self.say(f"the model is not open yet: {activity}" if activity else "the model is not open yet")
        self._told_to_wait = True

    def say_form_is_open(self) -> None:
        """Say that a key has to wait for the form, and how that is closed."""
        self.say("a form is open: enter applies it, esc closes it")

    def wait_no_more(self) -> None:
        """The model is there: what said that it is not goes."""
        if self._told_to_wait:
            self._told_to_wait = False
            self.unsay()

    def show_early(self, early: views.EarlyOutline) -> None:
        """Show the tree of a checkpoint before torch is there; a model that is open already stays."""
        if self.is_open:
            return
        self._names_only = early.names_only
        self._here.module_tree.set_rows(early.rows)
        self.name_tree()

    def name_tree(self) -> None:
        """Write over the tree what it shows."""
        provisional = _NAMES_ONLY if self._names_only and not self.is_open else ""
        heading = self._here.module_tree.arrangement.heading
        self.query_one("#left").border_title = Content(f"{heading}{provisional}")

    def show_early_module(self) -> None:
        """Show what is known of the module at the cursor."""
        row = self._here.module_tree.current
        if row is not None:
            self._here.module_pane.show_early(row, _MODULES_LATER if self._names_only else _VALUES_LATER)
            self._here.tensor_pane.picture.show_note(_VALUES_LATER)
