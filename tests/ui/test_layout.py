from __future__ import annotations

import pytest

from prune_tui.ui.layout import PANES, Layout


def test_as_designed_nothing_is_said_of_sizes() -> None:
    assert Layout().tree_columns(120) is None
    assert Layout().module_lines(22) is None


@pytest.mark.parametrize(("wanted", "found"), [(40, 40), (3, 20), (500, 88)])
def test_the_tree_leaves_room_for_what_stands_beside_it(wanted: int, found: int) -> None:
    assert Layout().with_tree(wanted, 120).tree_columns(120) == found


@pytest.mark.parametrize(("wanted", "found"), [(9, 9), (1, 5), (50, 14)])
def test_module_and_tensor_pane_leave_room_for_each_other(wanted: int, found: int) -> None:
    assert Layout().with_module(wanted, 22).module_lines(22) == found


@pytest.mark.parametrize("window", range(72, 400, 7))
def test_a_size_is_found_again_to_the_cell(window: int) -> None:
    for columns in range(20, window - 31):
        assert Layout().with_tree(columns, window).tree_columns(window) == columns


def test_in_a_window_of_another_size_the_share_is_the_same_within_its_bounds() -> None:
    half = Layout().with_tree(100, 200)
    assert (half.tree_columns(120), half.tree_columns(72)) == (60, 36)
    assert Layout().with_tree(168, 200).tree_columns(80) == 48


def test_panes_are_hidden_and_shown_but_the_last_one_stays() -> None:
    layout = Layout().toggled("tree")
    assert layout is not None
    assert layout.hidden == ("tree",)
    assert layout.toggled("tree") == Layout()
    one_left = layout.toggled("module")
    assert one_left is not None
    assert one_left.toggled("tensor") is None
    assert one_left.shown("module").hidden == ("tree",)


def test_the_designed_layout_leaves_what_is_looked_at() -> None:
    changed = Layout(0.4, 0.3, PANES[:1], picture="mask", column="bytes")
    assert changed.designed() == Layout(picture="mask", column="bytes")
