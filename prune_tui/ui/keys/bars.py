"""Which keys the key bar names: those of the focused picture first, then those that work everywhere."""

from __future__ import annotations

from typing import NamedTuple

from prune_tui.ui.keys.key import Key
from prune_tui.ui.keys.keymap import OURS, Keymap
from prune_tui.ui.keys.registry import edits

_ALWAYS = 10
"""Ranks below it stand at the end of the line, at every width."""
_BEFORE_ALL = {"app.help", "steps.undo", "app.quit"}
"""What is named even before the keys of the focused picture: a way to help, back and out."""

_PAINTED = {"values", "heatmap", "mask"}
_PAINTING = (("tensor.paint", "paint"), ("tensor.brush", "brush"), ("tensor.apply_draft", "apply"))
_WITH_MARKS = {"marks.list": 10}
"""Ranks while tensors are marked: what is marked matters as much as what is done with it."""
# Of the panes of lists and of each picture what matters most, and what it does there; with painting six.
# In tree and module pane the methods matter, which work everywhere.
_FOCUSED: dict[str, tuple[tuple[str, str], ...]] = {
    "values": (("tensor.find", "next"), ("tensor.go_to", "go to"), ("tensor.axes", "axes")),
    "heatmap": (("tensor.zoom_in", "zoom in"), ("tensor.zoom_out", "out"), ("tensor.option", "pooling")),
    "mask": (("tensor.zoom_in", "zoom in"), ("tensor.zoom_out", "out"), ("tensor.find", "next")),
    "histogram": (
        ("tensor.option", "log/linear"), ("tensor.view", "values"), ("tensor.find", "next"),
        ("tensor.sought", "find"), ("tensor.go_to", "go to"), ("picture.next", "picture"),
    ),
    "channels": (
        ("tensor.option", "sort by"), ("tensor.turn", "reverse"), ("tensor.axes", "axis"),
        ("tensor.top", "top"), ("tensor.go_to", "go to"), ("tensor.view", "values"),
    ),
    "structure": (
        ("tensor.down", "scroll"), ("tensor.top", "top"), ("tensor.bottom", "last"),
        ("panes.maximise", "enlarge"), ("tensor.next", "tensor"), ("picture.next", "picture"),
    ),
    "stack": (
        ("tensor.apply_draft", "open"), ("tensor.right", "next"), ("tensor.left", "back"),
        ("tensor.bottom", "last"), ("tensor.view", "values"), ("picture.next", "picture"),
    ),
    "findings": (
        ("findings.go", "go there"), ("findings.repair", "repair"), ("findings.down", "down"),
        ("findings.up", "up"), ("app.doctor", "close"), ("panes.next", "pane"),
    ),
    "marks": (
        ("marks.go", "go there"), ("marks.toggle", "unmark"), ("marks.clear", "all"),
        ("marks.back", "back"), ("marks.list", "close"), ("marks.down", "down"),
    ),
    "log": (
        ("steps.redo", "redo"), ("steps.repeat", "repeat"), ("steps.log", "close"),
        ("log.up", "up"), ("log.down", "down"), ("log.top", "top"),
    ),
}  # fmt: skip

TYPED = {
    "filter": (("enter", "to the first match"), ("{app.back}", "show everything")),
    "pattern": (("enter", "mark what matches"), ("{app.back}", "close")),
    "go-to": (("enter", "go there"), ("{app.back}", "close")),
}
"""Keys in the fields of the main screen, by the fields' ids: all others are letters there."""


def methods_first(focus: str) -> bool:
    """Whether the line begins with the methods, and not with keys of what has the focus."""
    return focus not in _FOCUSED


class Named(NamedTuple):
    """A key as the bar names it.

    Attributes:
        key: The key.
        label: What it does where the focus is.
        place: Where it stands on the line, lowest first.
    """

    key: Key
    label: str
    place: int


def bar(
    focus: str = "",
    *,
    readonly: bool = False,
    form: bool = False,
    pages: bool = False,
    marked: bool = False,
    keymap: Keymap = OURS,
) -> list[Named]:
    """The keys of the key bar, most important first.

    Args:
        focus: The pane that has the focus, or of the tensor pane the picture.
        readonly: Without those that change the model.
        form: Those of an open form, which takes the place of all others.
        pages: Not all panes are seen at a time: the key to the others is named before all.
        marked: Tensors are marked, on which the methods then work.
        keymap: What they are; what has no key is left out.
    """
    table = [key for key in keymap.table if key.keys]
    ranks = {key.id: key.bar for key in table} | (_WITH_MARKS if marked else {})
    ranked = sorted(
        (key for key in table if key.bar and (key.place == "form") == form and not (readonly and edits(key))),
        key=lambda key: ranks[key.id],
    )
    if form:
        return [Named(key, key.label, number) for number, key in enumerate(ranked)]
    painting = _PAINTING if focus in _PAINTED and not readonly else ()
    by_id = {key.id: key for key in table}
    focused = [
        Named(by_id[name], label, number)
        for number, (name, label) in enumerate((*painting, *_FOCUSED.get(focus, ())))
        if name in by_id and not (readonly and edits(by_id[name]))
    ]
    taken = {named.key.id for named in focused}
    places = {key.id: number for number, key in enumerate(table)}
    to_others = [Named(by_id["panes.next"], "pane", 0)] if pages and "panes.next" in by_id else []
    others = [_everywhere(key, places[key.id], len(places)) for key in ranked if key.id not in taken]
    first = [named for named in others if named.key.id in _BEFORE_ALL] if focused else []
    return [*to_others, *first, *focused, *(named for named in others if named not in first)]


def _everywhere(key: Key, place: int, rows: int) -> Named:
    """On the line they stand as they do in the help: methods first, what is always there last."""
    return Named(key, key.label, rows * (2 if key.bar < _ALWAYS else 1) + place)
