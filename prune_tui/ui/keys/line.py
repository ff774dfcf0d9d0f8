"""The keys for who is far from the machine: copying through the terminal, its mouse, drawing anew."""

from __future__ import annotations

from prune_tui.ui.keys.key import Key

LINE: tuple[Key, ...] = (
    Key(
        "copy.one",
        "app",
        ("y",),
        "copy",
        "copy",
        "Send what the cursor is on to the terminal's clipboard: a dotted name, a value, a finding, a step.",
    ),
    Key(
        "copy.all",
        "app",
        ("Y",),
        "copy_all",
        "copy all",
        "Send all of the pane: its names, the values in sight with tabs between them, findings, steps.",
    ),
    Key(
        "app.mouse",
        "app",
        ("f9",),
        "app.toggle_mouse",
        "mouse",
        "Leave the mouse to the terminal, which then selects text, or take it again.",
    ),
    Key(
        "app.redraw",
        "app",
        ("ctrl+l",),
        "app.redraw",
        "redraw",
        "Draw the whole screen again, where something else has written on it.",
    ),
)
