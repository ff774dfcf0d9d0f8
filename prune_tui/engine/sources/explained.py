"""Turning whatever a person's code raises into a sentence that names the line of theirs."""

from __future__ import annotations

import contextlib
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from prune_tui.engine.sources.loaded import SourceError

_LONGEST = 240
_INSTALLED = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = str(Path(__file__).resolve().parent.parent.parent)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Raise what is raised inside as a SourceError.

    A person's code may raise anything, SystemExit included. Nothing is lost: the traceback travels as the cause.

    Args:
        what: What could not be done: `net.py could not be imported`.
    """
    try:
        yield
    except (KeyboardInterrupt, SourceError):
        raise
    except BaseException as error:
        raise SourceError(f"{what} ({_place(error)}): {reason(error)}{_advice(error)}") from error


def reason(error: BaseException) -> str:
    """The last line of a traceback, with its further lines joined and cut."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = " ".join("".join(traceback.format_exception_only(error)).split()).removesuffix(":")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _place(error: BaseException) -> str:
    """`net.py:12`: the innermost line that is neither ours nor of an installed package, else the innermost."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno or 0}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_theirs(frame.filename)]
    frame = (theirs or list(frames))[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _is_theirs(file: str) -> bool:
    return not file.startswith("<") and not str(Path(file).resolve()).startswith((*_INSTALLED, _OWN))


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"; prune-tui runs with {sys.executable}: install it there"
    if isinstance(error, EOFError):
        return "; the model's code cannot ask for input here"
    return ""
