from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prune_tui.ui.sibling_order import preorder
from prune_tui.view_rows import ModuleRow


def rows(*parents: int, sizes: tuple[int, ...] = ()) -> list[ModuleRow]:
    return [
        ModuleRow(str(index), "Module", parent, (sizes or (0,) * len(parents))[index], 0, ())
        for index, parent in enumerate(parents)
    ]


def smallest_first(row: ModuleRow) -> int:
    return row.parameters


def test_siblings_change_places_and_take_along_what_is_in_them() -> None:
    tree = rows(-1, 0, 1, 1, 0, 4, sizes=(9, 5, 3, 2, 4, 4))
    assert preorder(tree, smallest_first) == [0, 4, 5, 1, 3, 2]
    assert preorder(tree, None) == [0, 1, 2, 3, 4, 5]


def test_equal_ones_stay_as_they_are() -> None:
    assert preorder(rows(-1, 0, 0, 0, sizes=(0, 1, 0, 1)), smallest_first) == [0, 2, 1, 3]


def test_no_rows_have_no_order() -> None:
    assert preorder([], smallest_first) == []


@st.composite
def trees(draw: st.DrawFn) -> list[ModuleRow]:
    """Preorder: each row's parent is the one before it or one of that one's ancestors."""
    parents = [-1]
    for index in range(1, draw(st.integers(1, 12))):
        around = [index - 1]
        while parents[around[-1]] >= 0:
            around.append(parents[around[-1]])
        parents.append(draw(st.sampled_from(around)))
    sizes = tuple(draw(st.integers(0, 3)) for _ in parents)
    return rows(*parents, sizes=sizes)


@given(trees())
def test_it_is_a_preorder_of_all_rows_with_siblings_sorted(tree: list[ModuleRow]) -> None:
    order = preorder(tree, smallest_first)
    assert sorted(order) == list(range(len(tree)))
    above: list[int] = []
    for index in order:
        while above and above[-1] != tree[index].parent:
            above.pop()
        assert (above[-1] if above else -1) == tree[index].parent
        above.append(index)
    for parent in range(len(tree)):
        siblings = [(tree[index].parameters, index) for index in order if tree[index].parent == parent]
        assert siblings == sorted(siblings)
