"""Turning whatever a person's code raises into a sentence that names the line of theirs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from prune_tui.engine.raised import place, reason
from prune_tui.engine.sources.source_error import SourceError


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
        raise SourceError(f"{what} ({place(error)}): {reason(error)}{_advice(error)}") from error


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"; prune-tui runs with {sys.executable}: install it there"
    if isinstance(error, EOFError):
        return "; the model's code cannot ask for input here"
    return ""
