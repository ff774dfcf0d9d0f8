"""What can be settled: each setting once, with its values, what it is without a word, and a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

Value = bool | str

_YES = {"yes", "true", "on", "1"}
_NO = {"no", "false", "off", "0"}


class Setting(NamedTuple):
    """Something a person may settle.

    Attributes:
        name: In the file, as an option, and after `PRUNE_TUI_`.
        default: Its value when nobody has said anything; of a bool only bools are taken.
        sentence: What it does.
        choices: The words it may be; empty where any text may be, or it is a bool.
    """

    name: str
    default: Value
    sentence: str
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The name of its variable in the environment."""
        return f"PRUNE_TUI_{self.name.upper()}"

    @property
    def values(self) -> str:
        """What it may be, in words."""
        return "true or false" if isinstance(self.default, bool) else either(self.choices) or "a text"

    def taken(self, value: object) -> Value | None:
        """What is meant by a value of the file; None when it may not be that."""
        if isinstance(self.default, bool):
            return value if isinstance(value, bool) else None
        if not isinstance(value, str):
            return None
        return value if value in self.choices or not self.choices else None

    def read(self, text: str) -> Value | None:
        """What is meant by a text of the environment; None when it may not be that."""
        if not isinstance(self.default, bool):
            return self.taken(text)
        word = text.strip().lower()
        return True if word in _YES else False if word in _NO else None


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "theme",
        "dark",
        "The colours of the screen; ansi takes those that the terminal was given, colour-blind does without red"
        " and green.",
        ("dark", "light", "ansi", "ansi-light", "colour-blind", "colour-blind-light"),
    ),
    Setting("ascii", False, "Draw everything in ASCII; what a name has beyond it becomes ?."),
    Setting(
        "slow",
        "auto",
        "Draw with as few bytes as can be: shades, not colours; auto does when the line turns out to be slow.",
        ("auto", "always", "never"),
    ),
    Setting("mouse", True, "Take the mouse; without it the terminal itself selects text."),
    Setting("device", "auto", "Where a model is opened: auto, cpu, cuda, cuda:0, mps."),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


def either(words: Iterable[str]) -> str:
    """`dark, light or ansi`."""
    *most, last = words or ("",)
    return f"{', '.join(most)} or {last}" if most else last


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "theme"?`, or nothing where no known word is like it."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f'; did you mean "{found[0]}"?' if found else ""
