"""The last line of a form that is longer than its room."""

from __future__ import annotations

import pytest

from prune_tui.ui.widgets.step_form import hidden_text


@pytest.mark.parametrize(
    ("above", "hidden", "told"),
    [
        (0, 0, "enter applies · esc leaves all as it was"),
        (0, 1, "↓ 1 more line: page down"),
        (1, 1, "↑ 1 more line: page up"),
        (0, 3, "↓ 3 more lines: page down"),
        (1, 3, "↑ 1 ↓ 2 more lines: page up, page down"),
    ],
)
def test_lines_out_of_sight_are_counted(above: int, hidden: int, told: str) -> None:
    assert hidden_text(above, hidden) == told
