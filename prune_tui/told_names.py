"""Names of files and tensors as they are told: on one line, and as a person can type them."""

from __future__ import annotations

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
    if "/" not in name and (name.startswith("-") or not name.endswith(SUFFIXES)):
        name = f"./{name}"
    if name.isprintable():
        return shlex.quote(name)
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{escaped(quoted)}'"  # as bash, zsh and ksh have it
