"""The order of many numbers, found in small steps: in a thread it never keeps the interpreter from the screen.

A sort in C does not let go of the interpreter before it ends, which for a million numbers takes half a second. So
they are dealt out between splitters, numbers of a sample, and each heap is sorted by itself.
"""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

AT_ONCE = 2**12
"""Numbers that are sorted in one go: a millisecond's work."""
_SAMPLES_OF_A_HEAP = 16


class Order(NamedTuple):
    """Numbers in an order.

    Attributes:
        indices: Of the numbers, as they come after each other.
        places: For each number, where its index stands among these.
    """

    indices: Sequence[int]
    places: Sequence[int]


def by_index(count: int, *, descending: bool = False) -> Order:
    """As they stand, or backwards."""
    found = range(count)[::-1] if descending else range(count)
    return Order(found, found)


def by_value(values: Sequence[float], *, descending: bool = False) -> Order:
    """Sorted: of equal ones the first by index goes before, and NaN behind all."""
    numbers = [at for at, value in enumerate(values) if not math.isnan(value)]
    indices: list[int] = []
    for heap in _heaps(values, numbers, descending):
        indices += heap
    if len(numbers) < len(values):
        indices += [at for at, value in enumerate(values) if math.isnan(value)]
    places = array("l", bytes(array("l").itemsize * len(indices)))
    for place, at in enumerate(indices):
        places[at] = place
    return Order(indices, places)


def _heaps(values: Sequence[float], numbers: list[int], descending: bool) -> Iterator[Iterable[int]]:
    """Heaps in their order, each sorted."""
    if len(numbers) <= AT_ONCE:
        numbers.sort(key=values.__getitem__, reverse=descending)
        yield numbers
        return
    splitters = _splitters(values, numbers)
    # The even ones lie between splitters; the odd ones equal one, so that they are in order as they are.
    heaps: list[list[int]] = [[] for _ in range(2 * len(splitters) + 1)]
    for at in numbers:
        value = values[at]
        below = bisect_left(splitters, value)
        heaps[2 * below + (below < len(splitters) and splitters[below] == value)].append(at)
    for number in range(len(heaps))[:: -1 if descending else 1]:
        if number % 2 == 0:
            heaps[number].sort(key=values.__getitem__, reverse=descending)
        yield heaps[number]


def _splitters(values: Sequence[float], numbers: Sequence[int]) -> list[float]:
    """So many that about `AT_ONCE` numbers lie between two; what is frequent among them is one."""
    heaps = len(numbers) // AT_ONCE + 1
    # Not every so-many-th: numbers that repeat themselves would make a poor sample.
    sample = random.Random(0).choices(numbers, k=heaps * _SAMPLES_OF_A_HEAP)
    return sorted({values[at] for at in sorted(sample, key=values.__getitem__)[::_SAMPLES_OF_A_HEAP]})
