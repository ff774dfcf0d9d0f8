"""What stands behind a number."""

from __future__ import annotations

import math

import pytest
from rich.color import Color

from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.backgrounds import behind
from prune_tui.ui.pictures.look import Look


@pytest.mark.parametrize("look", [Look(), Look(dark=False), Look("256"), Look("256", dark=False)])
def test_text_can_be_read_on_every_shade(look: Look) -> None:
    for step in range(-6, 7):
        style = behind(step / 6, 1.0, look)
        if style.bgcolor is not None and style.color is not None:
            assert ramps.contrast(style.bgcolor, style.color) >= 4.5


def test_signs_differ_and_beyond_the_scale_it_is_the_end() -> None:
    assert behind(-1, 1, Look()).bgcolor != behind(1, 1, Look()).bgcolor
    assert behind(5, 1, Look()) == behind(1, 1, Look())
    assert behind(1, 1, Look()).bgcolor != Color.default()


@pytest.mark.parametrize("look", [Look("16"), Look("none"), Look(ascii=True), Look(slow=True)])
def test_few_colours_leave_numbers_alone(look: Look) -> None:
    assert behind(1, 1, look).bgcolor is None


@pytest.mark.parametrize(("value", "scale"), [(math.nan, 1), (math.inf, 1), (0.0, 1), (1.0, 0.0), (0.01, 1)])
def test_what_has_no_magnitude_has_no_colour(value: float, scale: float) -> None:
    assert behind(value, scale, Look()).bgcolor is None
