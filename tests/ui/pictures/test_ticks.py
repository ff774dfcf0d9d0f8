"""Round numbers along an axis."""

import math

import pytest

from prune_tui.ui.pictures.ticks import place, short, ticks


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (-0.23, 0.21, 5, ["-0.2", "-0.1", "0.0", "0.1", "0.2"]),
        (0, 1, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-230, 190, 5, ["-200", "-100", "0", "100"]),
        (1.00001, 1.00009, 4, ["1.00002", "1.00004", "1.00006", "1.00008"]),
        (-2.5e37, 1.5e37, 4, ["-2e37", "-1e37", "0", "1e37"]),
        (0, 4.2e-7, 4, ["0", "2e-7", "4e-7"]),
        (0.3, 0.3, 5, ["0.3"]),
    ],
)
def test_labels_are_round_and_tell_neighbours_apart(low, high, most, labels):
    assert [label for _, label in ticks(low, high, most)] == labels


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.7e308, 1.7e308), (0, 5e-324), (1.0, math.nextafter(1, 2)), (-5e-324, 5e-324), (1e300, 1.1e300)],
)
def test_ranges_without_round_numbers_have_labels_all_the_same(low, high):
    found = ticks(low, high, 6)
    assert found
    assert all(low <= value <= high and 0 <= place(value, low, high) <= 1 for value, _ in found)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0312, "0.0312"), (-1.5e-7, "-1.5e-7"), (2e38, "2e38"), (1, "1"), (0, "0")]
)
def test_a_short_number(value, text):
    assert short(value) == text
