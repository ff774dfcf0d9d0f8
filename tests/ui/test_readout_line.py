"""The line that reads out the entry at the cursor draws no more than differs."""

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from prune_tui.ui.widgets.readout_line import differing


def line(text, style=None):
    return Strip([Segment(text, style)])


@pytest.mark.parametrize(
    ("before", "after", "columns"),
    [
        ("", "", (0, 0)),
        ("[3, 7] 0.5", "[3, 7] 0.5", (0, 0)),
        ("[3, 7] 0.5", "[3, 8] 0.5", (4, 5)),
        ("[3, 7] 0.5", "[3, 8] 0.25", (4, 11)),
        ("[3, 10]", "[3, 9]", (4, 7)),
        ("abc", "abc  ", (0, 0)),
        ("界a", "界b", (2, 3)),
        ("界a", "xya", (0, 2)),
    ],
)
def test_from_the_first_column_that_differs_to_the_last(before, after, columns):
    assert differing(line(before), line(after)) == columns


def test_a_style_is_a_difference_too():
    assert differing(line("abc"), line("abc", Style(bold=True))) == (0, 3)
