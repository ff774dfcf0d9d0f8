"""Whether what is written to the terminal backs up, from how long it takes pieces of it. Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

PIECE = 4096
"""Characters that are written at a time: a slow line takes long for each, one that pauses for a single one."""
_WINDOW = 10.0
_WAITED = 0.05
_MANY = 4
_LONG = 1.0
_SLOW = 64_000


class _Taken(NamedTuple):
    at: float
    characters: int
    seconds: float


class LineSpeed:
    """What a terminal has taken in the last ten seconds.

    It is slow when it was waited for a second at least, on four pieces or more, and took less than 64 KB in each
    second. A terminal that is stopped for a while, as by a closed lid, makes one piece wait and is not slow.
    """

    def __init__(self) -> None:
        self._taken: deque[_Taken] = deque()

    def took(self, characters: int, seconds: float, now: float) -> bool:
        """A piece was taken; whether the line is slow.

        Args:
            characters: Of the piece.
            seconds: It took.
            now: In seconds, from any beginning.
        """
        self._taken.append(_Taken(now, characters, seconds))
        while self._taken[0].at < now - _WINDOW:
            self._taken.popleft()
        waited = [one for one in self._taken if one.seconds >= _WAITED]
        seconds = sum(one.seconds for one in waited)
        return (
            len(waited) >= _MANY
            and seconds >= _LONG
            and sum(one.characters for one in self._taken) < _SLOW * seconds
        )
