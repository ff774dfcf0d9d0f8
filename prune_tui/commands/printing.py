"""What a command prints, for a terminal and for JSON: names and messages may hold any character."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    """A text of one line, with `�` for every character that would move the cursor or command the terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)


def tell(text: str, *, end: str = "\n") -> None:
    """Print the lines of a text to standard error, nowhere where that is closed."""
    if sys.stderr is not None:  # print would take None for standard output
        print("\n".join(map(printable, text.split("\n"))), end=end, file=sys.stderr, flush=True)


def in_unicode(text: str) -> str:
    """A name without the bytes that are not UTF-8, which JSON cannot have."""
    return text.encode("utf-8", "replace").decode()
