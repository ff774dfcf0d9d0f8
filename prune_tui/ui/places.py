"""Which place of the key registry a widget is."""

from __future__ import annotations

from textual.widget import Widget

from prune_tui.ui import keys
from prune_tui.ui.widgets.edit_log import EditLog
from prune_tui.ui.widgets.findings_pane import FindingsPane
from prune_tui.ui.widgets.marks_pane import MarksPane
from prune_tui.ui.widgets.module_pane import ModulePane
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.picture import Picture
from prune_tui.ui.widgets.step_form import StepForm

_PLACES: dict[type[Widget], keys.Place] = {
    ModuleTree: "tree",
    ModulePane: "module",
    Picture: "tensor",
    FindingsPane: "findings",
    MarksPane: "marks",
    EditLog: "log",
}


def place_of(widget: Widget | None) -> keys.Place:
    """Where the keys of a widget are declared; `app` where it has none of its own."""
    if widget is None:
        return "app"
    if any(isinstance(around, StepForm) for around in widget.ancestors_with_self):
        return "form"
    return next((place for kind, place in _PLACES.items() if isinstance(widget, kind)), "app")
