"""The keys that go from pane to pane, and those that make panes larger and smaller, hide them and show them."""

from __future__ import annotations

from prune_tui.ui.keys.key import Key

PANES: tuple[Key, ...] = (
    Key(
        "panes.next",
        "app",
        ("tab",),
        "focus_next_pane",
        "next pane",
        "Go to the next pane; in a form, to its next field.",
    ),
    Key(
        "panes.previous",
        "app",
        ("shift+tab",),
        "focus_previous_pane",
        "previous pane",
        "Go to the previous pane; in a form, to its previous field.",
    ),
    Key(
        "panes.maximise",
        "app",
        ("z",),
        "maximise",
        "maximise",
        "Give the whole screen to the focused pane, or take it back.",
    ),
    Key(
        "panes.narrower",
        "app",
        ("left_parenthesis", "shift+left"),
        "widen_tree(-1)",
        "narrower tree",
        "Make the tree narrower.",
    ),
    Key(
        "panes.wider", "app", ("right_parenthesis", "shift+right"), "widen_tree(1)", "wider tree", "Make it wider."
    ),
    Key(
        "panes.lower",
        "app",
        ("K", "shift+up"),
        "heighten_module(-1)",
        "larger tensor",
        "Move the edge between module and tensor pane up: more room for the tensor.",
    ),
    Key(
        "panes.higher",
        "app",
        ("J", "shift+down"),
        "heighten_module(1)",
        "larger module",
        "Move it down: more room for the module.",
    ),
    Key("panes.tree", "app", ("T",), "toggle_pane('tree')", "tree", "Hide or show the module tree."),
    Key("panes.module", "app", ("M",), "toggle_pane('module')", "module", "Hide or show the module pane."),
    Key("panes.tensor", "app", ("W",), "toggle_pane('tensor')", "tensor", "Hide or show the tensor pane."),
    Key(
        "panes.designed",
        "app",
        ("D",),
        "designed_layout",
        "designed layout",
        "Show all panes, as large as they are designed. What you make of them is kept for the next start.",
    ),
)
