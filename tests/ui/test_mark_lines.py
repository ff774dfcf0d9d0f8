"""What the marks pane says, from the outline and the marks."""

from __future__ import annotations

import pytest

from prune_tui.ui.mark_lines import Mark, mark_text, marks, total_text
from prune_tui.view_rows import ModuleRow, ParameterRow

ROWS = (
    ModuleRow("", "Net", -1, 2000, 0, ()),
    ModuleRow("fc", "Linear", 0, 1050, 500, (ParameterRow("weight", (20, 50), 500, True),)),
    ModuleRow("lazy", "LazyLinear", 0, 0, 0, (ParameterRow("weight", (), 0, False),)),
    ModuleRow("head", "Linear", 0, 1000, 0, (ParameterRow("weight", (20, 50), 0, False),), shared_tensors=True),
)


def test_marks_stand_in_the_order_of_the_model() -> None:
    found = marks(ROWS, frozenset({"head.weight", "fc.weight", "lazy.weight", "gone.weight"}))
    assert [mark.tensor for mark in found] == ["fc.weight", "lazy.weight", "head.weight"]
    assert [mark.entries for mark in found] == [1000, 0, 1000], "one that is not initialised has none yet"
    assert [mark.module for mark in found] == ["fc", "lazy", "head"]


def test_the_total_is_an_upper_bound_where_a_tensor_may_be_counted_twice() -> None:
    assert total_text(marks(ROWS, frozenset({"fc.weight"}))) == "1 · 1.0k entries · 50.0% pruned"
    both = marks(ROWS, frozenset({"fc.weight", "head.weight"}))
    assert total_text(both) == "2 · ≤ 2.0k entries · 25.0% pruned"
    assert total_text([]) == ""


@pytest.mark.parametrize("width", [12, 20, 30, 44, 60, 100])
def test_a_line_is_as_wide_as_it_is_told_to_be_and_keeps_its_figures(width: int) -> None:
    text = mark_text(Mark("model.layers.11.self_attn.q_proj.weight", (4096, 4096), 16777216, 99, True), width)
    assert text.cell_len == max(width, 16)
    assert text.plain.endswith(" <0.1%")
    assert " 16.8M" in text.plain


def test_a_wide_line_says_everything() -> None:
    text = mark_text(Mark("fc.weight", (20, 50), 1000, 500, True), 60).plain
    assert text.split() == ["fc.weight", "≡", "20×50", "1.0k", "██", "50.0%"]
