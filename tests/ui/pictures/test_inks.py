"""Every ink can be read on the ground it is meant for."""

from __future__ import annotations

import pytest
from rich.color import Color
from textual.filter import dim_color
from textual.theme import BUILTIN_THEMES

from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.cells import CODES, SOME_GO, SOME_MASKED, WOULD_GO, halves
from prune_tui.ui.pictures.inks import _ATTRIBUTES, ink
from prune_tui.ui.pictures.look import Look

READABLE = 4.5
"""https://www.w3.org/TR/WCAG21/#contrast-minimum"""
LOOKS = [Look(depth, dark) for depth in ("truecolor", "256") for dark in (True, False)]


def theme(look: Look) -> dict[str, str]:
    return BUILTIN_THEMES["textual-dark" if look.dark else "textual-light"].to_color_system().generate()


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("role", _ATTRIBUTES)
def test_an_ink_is_read_on_the_ground_of_the_theme(role, look: Look) -> None:
    ground, text = (Color.parse(theme(look)[name]) for name in ("background", "foreground"))
    style = ink(role, look)
    written = style.color or text
    if style.dim:
        written = dim_color(ground, written)
    assert ramps.contrast(written, ground) >= READABLE


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("state", [WOULD_GO, SOME_GO, SOME_MASKED])
def test_a_glyph_is_read_on_every_colour_of_the_ramp(state: int, look: Look) -> None:
    for step in range(len(ramps.ramp(look))):
        _, style = halves(CODES * state + step, CODES * state + step, look)
        assert ramps.contrast(style.color, style.bgcolor) >= READABLE


def test_contrast_is_that_of_the_guidelines() -> None:
    black, white, grey = (Color.parse(name) for name in ("#000000", "#ffffff", "#767676"))
    assert ramps.contrast(black, white) == pytest.approx(21)
    assert ramps.contrast(white, black) == pytest.approx(21)
    assert ramps.contrast(grey, white) == pytest.approx(4.54, abs=0.01)
    assert ramps.contrast(grey, grey) == 1


@pytest.mark.parametrize("depth", ["16", "none"])
def test_what_is_masked_is_told_by_more_than_a_colour_where_there_is_none(depth) -> None:
    assert (ink("masked", Look(depth)).dim or False) == (depth == "none")
