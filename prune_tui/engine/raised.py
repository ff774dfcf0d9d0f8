"""What a person's code has raised, in one line: where, and why."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_LONGEST = 240
_INSTALLED = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = str(Path(__file__).resolve().parent.parent)


def reason(error: BaseException) -> str:
    """The last line of a traceback, with its further lines joined and cut."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = " ".join("".join(traceback.format_exception_only(error)).split()).removesuffix(":")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def place(error: BaseException, otherwise: str = "") -> str:
    """`net.py:12`: the innermost line that is neither ours nor of an installed package.

    Args:
        error: What was raised.
        otherwise: What to say when there is no such line; empty means the innermost of all.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno or 0}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_theirs(frame.filename)]
    if otherwise and not theirs:
        return otherwise
    frame = (theirs or list(frames))[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _is_theirs(file: str) -> bool:
    return not file.startswith("<") and not str(Path(file).resolve()).startswith((*_INSTALLED, _OWN))
