"""All keys in the order of the help, and what is made of them: bindings, and which change the model."""

from __future__ import annotations

from textual.binding import Binding

from prune_tui.ui.keys.everywhere import EVERYWHERE
from prune_tui.ui.keys.forms import FORMS
from prune_tui.ui.keys.key import Key, Place
from prune_tui.ui.keys.lists import LISTS
from prune_tui.ui.keys.marks import MARKS_PANE
from prune_tui.ui.keys.tensor import TENSOR

KEYS: tuple[Key, ...] = (*EVERYWHERE, *LISTS, *MARKS_PANE, *TENSOR, *FORMS)


def bindings(place: Place) -> list[Binding]:
    """Textual's bindings of a place; clashes cannot happen within one, a test sees to that."""
    return [
        Binding(",".join(key.keys), key.action, key.label, show=False, id=key.id)
        for key in KEYS
        if key.place == place
    ]


def edits(key: Key) -> bool:
    """Whether it changes the model, which a read-only session refuses."""
    return key.id.startswith(("method.", "steps.")) and key.id != "steps.log"
