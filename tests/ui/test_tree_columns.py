from __future__ import annotations

import pytest

from prune_tui.ui.tree_columns import COLUMNS, Arrangement, KnownNorms
from prune_tui.view_rows import ModuleRow

CONV = ModuleRow(
    "conv", "Conv2d", 0, 1500, 300, (), bytes=6000, dtypes=("bfloat16", "float32"), devices=("cuda:0",)
)
RELU = ModuleRow("relu", "ReLU", 0, 0, 0, ())
NORMS = KnownNorms({"conv": 12.3456}, known=True)


@pytest.mark.parametrize(
    ("column", "conv", "relu"),
    [
        ("params", "1.5k", "0"),
        ("bytes", "6.0 KB", "0 B"),
        ("norm", "12.3", ""),
        ("dtype", "bfloat16+1", ""),
        ("device", "cuda:0", ""),
    ],
)
def test_a_module_in_each_column(column: str, conv: str, relu: str) -> None:
    arrangement = Arrangement(column)
    assert (arrangement.figure(CONV, NORMS), arrangement.figure(RELU, NORMS)) == (conv, relu)
    assert len(conv) <= arrangement.width


def test_a_norm_that_is_not_known_any_more_is_not_shown() -> None:
    assert Arrangement("norm").figure(CONV, NORMS._replace(known=False)) == "…"
    assert Arrangement("norm").figure(CONV, KnownNorms()) == "…"


def test_keys_go_round() -> None:
    arrangement, columns = Arrangement(), []
    for _ in COLUMNS:
        columns.append(arrangement.column)
        arrangement = arrangement.with_next_column()
    assert columns == list(COLUMNS)
    assert arrangement == Arrangement()
    orders = [arrangement := arrangement.with_next_order() for _ in range(3)]
    assert [one.order for one in orders] == ["column", "pruned", "model"]


def test_the_heading_says_what_is_not_usual() -> None:
    assert [
        Arrangement().heading,
        Arrangement("bytes").heading,
        Arrangement("params", "column").heading,
        Arrangement("dtype", "column").heading,
        Arrangement("norm", "pruned").heading,
    ] == ["Modules", "Modules · bytes", "Modules · params ↓", "Modules · dtype ↑", "Modules · norm · % ↓"]


@pytest.mark.parametrize("column", COLUMNS)
def test_the_greatest_come_first_and_names_from_a_to_z(column: str) -> None:
    small = ModuleRow("small", "Linear", 0, 10, 0, (), bytes=40, dtypes=("float16",), devices=("cpu",))
    large = ModuleRow("large", "Linear", 0, 20, 0, (), bytes=80, dtypes=("bfloat16",), devices=("cpu", "cuda:0"))
    rank = Arrangement(column, "column").rank(KnownNorms({"small": 1.0, "large": 2.0}, known=True))
    assert rank is not None
    first = small if column == "device" else large
    assert sorted([small, large], key=rank)[0] is first


def test_by_the_share_pruned() -> None:
    rank = Arrangement("params", "pruned").rank(KnownNorms())
    assert rank is not None
    half = ModuleRow("half", "Linear", 0, 4, 2, ())
    assert sorted([RELU, CONV, half], key=rank) == [half, CONV, RELU]
    assert Arrangement("bytes", "model").rank(KnownNorms()) is None
