"""Names of files and tensors as they are told: on one line, and as a person can type them."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from prune_tui.source_names import SUFFIXES


def escaped(text: str) -> str:
    r"""A text on one line: every character that would move the cursor or command the terminal as `\n`, `\x1b`."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def typed(path: str | Path) -> str:
    """A file or folder as one argument in a shell, which prune-tui takes for no option, command or code."""
    name = str(path)
    if name.startswith("-") or ("/" not in name and not name.endswith(SUFFIXES)):
        name = f"./{name}"
    if name.isprintable():
        return shlex.quote(name)
    return f"$'{''.join(map(_in_quotes, name))}'"  # as bash, zsh and ksh have it


_IN_QUOTES = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\t": r"\t", "\r": r"\r"}


def _in_quotes(character: str) -> str:
    """A character as such quotation marks take it: in the bytes that it is in the file's name."""
    if character in _IN_QUOTES:
        return _IN_QUOTES[character]
    return character if character.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
