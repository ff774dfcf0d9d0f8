"""The keys that mark tensors, everywhere, and those of the marks pane."""

from __future__ import annotations

from prune_tui.ui.keys.key import Key

MARKING: tuple[Key, ...] = (
    Key(
        "marks.toggle",
        "app",
        ("space",),
        "mark",
        "mark",
        "Mark or unmark the tensor at the cursor; steps then work on all marked ones.",
        bar=34,
    ),
    Key(
        "marks.shown",
        "app",
        ("asterisk",),
        "mark_shown",
        "mark shown",
        "Mark the weights of all modules the filter shows, or unmark them all.",
    ),
    Key(
        "marks.type",
        "app",
        ("S",),
        "mark_type",
        "mark same type",
        "Mark the same in all modules of this type: every Linear's weight, or bias where the cursor is on one;"
        " of a checkpoint in all repeated modules.",
    ),
    Key(
        "marks.pattern",
        "app",
        ("P",),
        "mark_pattern",
        "mark by pattern",
        "Mark by a pattern of names, such as *.attn.*.weight; it says how many match while you type.",
    ),
    Key(
        "marks.invert",
        "app",
        ("R",),
        "invert_marks",
        "invert marks",
        "Mark the weights that are not marked and unmark the rest, as far as the filter shows them.",
    ),
    Key(
        "marks.back",
        "app",
        ("B",),
        "marks_back",
        "marks back",
        "Go back to the marks as they were before the last change; once more, forth again.",
    ),
    Key("marks.list", "app", ("L",), "list_marks", "marks", "Show or hide the list of what is marked.", bar=34),
)

MARKS_PANE: tuple[Key, ...] = (
    Key("marks.up", "marks", ("up", "k"), "cursor_up", "up", "Go to the mark above.", counted="lines(-#)"),
    Key("marks.down", "marks", ("down", "j"), "cursor_down", "down", "Go to the mark below.", counted="lines(#)"),
    Key("marks.page_up", "marks", ("pageup",), "page_up", "page up", "Go up a page."),
    Key("marks.page_down", "marks", ("pagedown",), "page_down", "page down", "Go down a page."),
    Key("marks.top", "marks", ("home", "g"), "first", "top", "Go to the first mark.", counted="line(#)"),
    Key("marks.bottom", "marks", ("end", "G"), "last", "bottom", "Go to the last mark.", counted="line(#)"),
    Key(
        "marks.go", "marks", ("enter",), "select", "go there", "Go to the module and the tensor; space unmarks it."
    ),
    Key("marks.clear", "marks", ("c",), "clear", "unmark all", "Unmark all of them."),
)
