"""The keys of what is open over the panes: a form, the list of more methods."""

from __future__ import annotations

from prune_tui.ui.keys.key import Key

FORMS: tuple[Key, ...] = (
    Key("form.apply", "form", ("enter",), "submit", "apply", "Apply the step.", bar=1),
    Key("form.leave", "form", ("escape",), "leave", "leave", "Close the form; nothing has changed.", bar=2),
    Key("form.more", "form", ("up",), "nudge(1)", "more", "In amount: 0.05 more, or one more.", bar=3),
    Key("form.less", "form", ("down",), "nudge(-1)", "less", "In amount: 0.05 less, or one less.", bar=4),
    Key(
        "form.help", "form", ("f1",), "screen.help", "help", "Show all keys; a question mark is text here.", bar=5
    ),
    Key("form.page_up", "form", ("pageup",), "page_up", "page up", "Scroll up, where it is longer than its room."),
    Key("form.page_down", "form", ("pagedown",), "page_down", "page down", "Scroll down likewise."),
    Key("list.up", "list", ("k",), "up", "up", "Go up, as ↑ does."),
    Key("list.down", "list", ("j",), "down", "down", "Go down, as ↓ does."),
    Key("list.leave", "list", ("escape", "q", "9"), "leave", "leave", "Close the list."),
)
