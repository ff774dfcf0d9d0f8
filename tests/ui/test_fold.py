"""One axis folded like text: all of it is seen, and the cursor is always in what is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prune_tui.ui.fold import Fold


def test_a_bias_is_seen_whole_on_lines_of_a_round_number() -> None:
    fold = Fold(768, height=16, width=83)
    assert (fold.pooled, fold.line, fold.rectangle) == ((1, 1), 80, ((0, 1), (0, 768)))
    assert fold.cell(0, 0) == (0, 0)
    assert fold.cell(0, 767) == (9, 47)
    assert fold.entry(9, 47) == (0, 767)
    assert fold.entry(9, 48) is None
    assert fold.entry(0, 80) is None, "right of the line"


def test_what_does_not_fit_is_pooled_and_what_is_short_is_magnified() -> None:
    assert (Fold(768, height=8, width=43).pooled, Fold(768, height=8, width=43).cells) == ((1, 3), (1, 256))
    short = Fold(6, height=12, width=40)
    assert (short.magnified, short.line, short.cell(0, 5)) == (4, 6, (0, 20))
    assert Fold(1, height=5, width=30).cell(0, 0) == (0, 0)


def test_down_and_up_go_by_a_line_and_stay_at_the_ends() -> None:
    fold = Fold(768, height=16, width=83)
    assert fold.beside(0, 5, 1, 0) == (0, 85)
    assert fold.beside(0, 85, -1, 0) == (0, 5)
    assert fold.beside(0, 5, -1, 0) == (0, 5)
    assert fold.beside(0, 760, 1, 0) == (0, 760)
    assert fold.beside(0, 79, 0, 1) == (0, 80), "on to the next line"
    assert fold.beside(0, 767, 0, 1) == (0, 767)
    assert fold.paged(0, 5, 1, 0) == (0, 767)


sizes = st.integers(1, 90)


@given(length=st.integers(1, 40000), height=sizes, width=sizes, data=st.data())
def test_an_entry_in_sight_is_in_a_cell_and_that_cell_holds_it(length, height, width, data) -> None:
    fold = Fold(length, height, width)
    assert fold.rectangle == ((0, 1), (0, length)), "all of it"
    at = data.draw(st.integers(0, length - 1))
    for by in data.draw(st.lists(st.sampled_from([1, 1, -1]), max_size=8)):
        fold = fold.zoomed(by, 0, at)
        found = fold.cell(0, at)
        assert found is not None, "zooming keeps the entry in sight"
        (first, last), cells, pooled = fold.rectangle[1], fold.cells[1], fold.pooled[1]
        assert 0 <= first < last <= length
        assert -(-(last - first) // cells) == pooled or (first, last) == (0, length), "the engine pools as many"
        assert 0 <= found[0] <= height - fold.magnified
        assert 0 <= found[1] <= width - fold.magnified
        _, begins = fold.entry(*found)
        assert 0 <= at - begins < pooled
    other = data.draw(st.integers(0, length - 1))
    assert fold.holding(0, other).cell(0, other) is not None
    resized = fold.resized(data.draw(sizes), data.draw(sizes), 0, other)
    assert resized.cell(0, other) is not None
