"""A window onto a facet: nothing is lost between its levels, and the cursor is always in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prune_tui.ui.window import Window


def test_a_large_facet_is_pooled_and_a_small_one_magnified() -> None:
    assert Window(50304, 2048, height=60, width=80).pooled == (839, 26)
    small = Window(3, 3, height=30, width=80)
    assert (small.pooled, small.magnified, small.cells) == ((1, 1), 8, (3, 3))
    assert small.zoomed(1, 0, 0) == small, "as close as it gets"


def test_each_level_shows_half_as_much_around_the_entry() -> None:
    window = Window(1000, 1000, height=50, width=100)
    assert window.rectangle == ((0, 1000), (0, 1000))
    closer = window.zoomed(1, 500, 500)
    assert closer.pooled == (10, 5)
    assert closer.rectangle == ((250, 750), (250, 750))
    assert closer.zoomed(-1, 500, 500) == window


sizes = st.integers(1, 5000)


@given(rows=sizes, columns=sizes, height=st.integers(1, 60), width=st.integers(1, 90), data=st.data())
def test_an_entry_in_sight_is_in_a_cell_and_that_cell_holds_it(rows, columns, height, width, data) -> None:
    window = Window(rows, columns, height, width)
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    for by in data.draw(st.lists(st.sampled_from([1, 1, -1]), max_size=8)):
        window = window.zoomed(by, row, column)
        found = window.cell(row, column)
        assert found is not None, "zooming keeps the entry in sight"
        ends = ((rows, columns)[axis] for axis in (0, 1))
        for (first, last), end, cells, pooled in zip(
            window.rectangle, ends, window.cells, window.pooled, strict=True
        ):
            assert 0 <= first < last <= end
            assert -(-(last - first) // cells) == pooled or (first, last) == (0, end), "the engine pools as many"
        assert 0 <= found[0] < height
        assert 0 <= found[1] < width
        first = window.entry(*found)
        assert first is not None
        assert 0 <= row - first[0] < window.pooled[0]
        assert 0 <= column - first[1] < window.pooled[1]
    other = (data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1)))
    assert window.holding(*other).cell(*other) is not None
    resized = window.resized(data.draw(st.integers(1, 60)), data.draw(st.integers(1, 90)), *other)
    assert resized.cell(*other) is not None
