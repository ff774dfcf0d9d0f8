"""How long work is told to stop: it asks now and then, and leaves by an exception that changes nothing."""

from __future__ import annotations

from collections.abc import Callable

Stop = Callable[[], bool]
"""Asked between pieces of work: True when nobody waits for the answer any more."""


def never() -> bool:
    """The `Stop` of work that nobody can stop."""
    return False


class Cancelled(Exception):  # noqa: N818  # it is no error: someone asked for it
    """The work was given up half-way because its `Stop` said so."""
