"""Without colours: grounds become reverse video, what else a style says stays."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from prune_tui.ui.without_colour import WithoutColour


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ("red", ""),
        ("bold #e0e0e0", "bold"),
        ("dim underline color(203)", "dim underline"),
        ("on default", ""),
        ("white on default", ""),
        ("black on cyan", "reverse"),
        ("on #102030", "reverse"),
        ("bold reverse red", "bold reverse"),
        ("reverse red on blue", "reverse"),
    ],
)
def test_a_style_loses_its_colours_alone(style: str, wanted: str) -> None:
    (segment,) = WithoutColour().apply([Segment("x", Style.parse(style))], Color(0, 0, 0))
    assert (segment.text, segment.style) == ("x", Style.parse(wanted))


def test_what_has_no_style_gets_none() -> None:
    assert WithoutColour().apply([Segment("x")], Color(0, 0, 0)) == [Segment("x")]
