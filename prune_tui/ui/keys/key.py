"""What a key is: where it works, what it does, and how it is written."""

from __future__ import annotations

from typing import Literal, NamedTuple

Place = Literal["app", "tree", "module", "tensor", "findings", "marks", "log", "form", "list"]

PLACES: dict[Place, str] = {
    "app": "Everywhere",
    "tree": "In the module tree",
    "module": "In the module pane",
    "tensor": "In the tensor pane",
    "findings": "In the doctor's pane",
    "marks": "In the marks pane",
    "log": "In the edit log",
    "form": "In a form",
    "list": "In the list of more methods",
}


class Key(NamedTuple):
    """One thing a key does.

    Attributes:
        id: Unique; what a remapping names.
        place: Where it works.
        keys: As Textual names them; the first is the one shown.
        action: Textual's action.
        label: Two words for the key bar.
        sentence: For the help and the README.
        bar: Its rank in the key bar, lowest first; 0 keeps it out.
        counted: The action after a count, for which `#` stands; empty where a count means nothing.
    """

    id: str
    place: Place
    keys: tuple[str, ...]
    action: str
    label: str
    sentence: str
    bar: int = 0
    counted: str = ""


_SHOWN = {
    "full_stop": ".", "plus": "+", "minus": "-", "space": "space", "asterisk": "*", "slash": "/",
    "question_mark": "?", "equals_sign": "=", "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "page up", "pagedown": "page down", "escape": "esc",
    "exclamation_mark": "!", "colon": ":", "less_than_sign": "<", "greater_than_sign": ">",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
    "left_parenthesis": "(", "right_parenthesis": ")",
    "right_square_bracket": "]", "left_square_bracket": "[",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as people write it: `.` for `full_stop`."""
    return _SHOWN.get(key, key.upper() if key[1:].isdecimal() else key)
