"""Finding one of many names by some of its letters, in order: `l11q` finds `layers.11.attn.q_proj`. Pure.

Ten thousand modules have thirty thousand names, and a key press is to be answered at once: all names stand in one
text, too, and what is looked for as it was typed is found there first.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

_CLOSER_LOOK = 200
"""How many of the names that hold the letters most closely together are looked at more closely."""


class Found(NamedTuple):
    """A name that was found.

    Attributes:
        score: The higher the better: 3 where it is the name or the last part of it, 2 or more where it holds what
            was typed as it was typed, less where it holds the letters in order.
        at: Its place among the names.
    """

    score: float
    at: int


class NameSearch:
    """Names to be found.

    Args:
        names: Dotted ones, in the order of the model.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._lines = [name.lower().replace("\n", " ") for name in names]
        self._text = "\n".join(["", *self._lines, ""])
        self._starts = list(accumulate((len(line) + 1 for line in self._lines), initial=1))
        # What holds `la` is among what holds `l`.
        self._letters, self._holding = "", list(range(len(names)))

    def find(self, typed: str, most: int) -> list[Found]:
        """The names that are meant, the best first.

        Args:
            typed: Some letters; upper and lower case are the same, and spaces are nothing.
            most: At most so many.
        """
        letters = "".join(typed.lower().split())
        found: dict[int, float] = {}
        if not letters:
            return []
        for score, literal in (
            (3.0, f"\n{letters}\n"),
            (3.0, f".{letters}\n"),
            (2.5, f"\n{letters}"),
            (2.5, f".{letters}"),
            (2.5, f"_{letters}"),
            (2.0, letters),
        ):
            for index in self._having(literal, most - len(found)):
                found.setdefault(index, score)
        if len(found) < most:
            for score, index in self._in_order(letters, most):
                found.setdefault(index, score)
        ranked = sorted((Found(score, index) for index, score in found.items()), key=_rank)
        return ranked[:most]

    def _having(self, literal: str, most: int) -> Iterator[int]:
        """The first names that hold a text."""
        place, end = 0, len(self._text)
        while most > 0 and (place := self._text.find(literal, place, end)) >= 0:
            index = bisect_right(self._starts, place + 1 if literal[0] == "\n" else place) - 1
            yield index
            place, most = self._starts[index + 1] - 1, most - 1

    def _in_order(self, letters: str, most: int) -> list[tuple[float, int]]:
        """Names with the letters in order, those closest together and at beginnings of words."""
        # From each letter to the very next one of its kind: there is one way only, so nothing is tried twice.
        steps = [f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in letters]
        first = re.escape(letters[0])
        match = re.compile(f"[^{first}]*({first}{''.join(steps[1:])})").match
        known = self._holding if letters.startswith(self._letters) else range(len(self._lines))
        lines, count = self._lines, len(self._lines)
        # Width and place in one number: thirty thousand tuples would set off the garbage collection.
        widths = [
            (found.end() - found.start(1)) * count + place for place in known if (found := match(lines[place]))
        ]
        self._letters, self._holding = letters, [width % count for width in widths]
        closest = (divmod(width, count) for width in heapq.nsmallest(max(_CLOSER_LOOK, most), widths))
        return [
            (_at_beginnings(lines[place], letters) / len(letters) + 0.5 / (1 + width), place)
            for width, place in closest
        ]


def _at_beginnings(name: str, letters: str) -> int:
    """How many of the letters are at the beginning of a word of a name, or follow one that is."""
    count, place, counts = 0, 0, False
    for number, letter in enumerate(letters):
        begins = re.compile(rf"(?<![^._]){re.escape(letter)}").search(name, place)
        rest = letters[number + 1 :]
        if counts and name.startswith(letter, place) and _holds(name, place + 1, rest):
            place += 1
        elif begins is not None and _holds(name, begins.end(), rest):
            place, counts = begins.end(), True
        else:
            place, counts = name.find(letter, place) + 1, False
        count += counts
    return count


def _holds(name: str, place: int, letters: str) -> bool:
    """Whether the letters come in order from a place on."""
    for letter in letters:
        place = name.find(letter, place) + 1
        if not place:
            return False
    return True


def _rank(found: Found) -> tuple[float, int]:
    return -found.score, found.at
