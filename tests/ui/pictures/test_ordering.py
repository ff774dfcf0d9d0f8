"""The order found in heaps is the one that one sort finds."""

from __future__ import annotations

import math
import random

import pytest

from prune_tui.ui.pictures import ordering

MANY = ordering.AT_ONCE * 5
VALUES = {
    "few": [2.0, math.nan, 5.0, 2.0, -math.inf, math.inf, 0.0, -0.0],
    "random": [random.Random(7).gauss(0, 1) for _ in range(MANY)],
    "sorted": [float(at) for at in range(MANY)],
    "backwards": [float(-at) for at in range(MANY)],
    "one value": [1.5] * MANY,
    "two values": [float(at % 2) for at in range(MANY)],
    "with NaN": [math.nan if at % 3 == 0 else float(at % 1000) for at in range(MANY)],
    "only NaN": [math.nan] * MANY,
    "one outlier": [0.0] * MANY + [1e30],
    "none": [],
}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_as_one_sort_with_nan_behind_all(name: str, descending: bool) -> None:
    values = VALUES[name]
    numbers = sorted(
        (at for at, value in enumerate(values) if not math.isnan(value)),
        key=values.__getitem__,
        reverse=descending,
    )
    expected = numbers + [at for at, value in enumerate(values) if math.isnan(value)]
    found = ordering.by_value(values, descending=descending)
    assert found.indices == expected
    assert [found.indices[place] for place in found.places] == list(range(len(values)))


def test_no_heap_that_is_sorted_is_much_longer_than_what_is_sorted_at_once() -> None:
    for name, values in VALUES.items():
        numbers = [at for at, value in enumerate(values) if not math.isnan(value)]
        heaps = [list(heap) for heap in ordering._heaps(values, numbers, False)]
        longest = max((len(heap) for heap in heaps if len({values[at] for at in heap}) > 1), default=0)
        assert longest <= 4 * ordering.AT_ONCE, name


def test_by_index_is_as_they_stand_or_backwards() -> None:
    assert list(ordering.by_index(3).indices) == [0, 1, 2]
    back = ordering.by_index(3, descending=True)
    assert (list(back.indices), list(back.places)) == ([2, 1, 0], [2, 1, 0])
