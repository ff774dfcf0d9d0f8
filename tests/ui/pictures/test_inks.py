"""Every ink can be read on the ground it is meant for."""

from __future__ import annotations

import itertools

import pytest
from rich.color import Color
from textual.filter import dim_color

from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.cells import CODES, SOME_GO, SOME_MASKED, WOULD_GO, halves
from prune_tui.ui.pictures.inks import _ATTRIBUTES, ink
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.themes import Colours, colours_of
from tests.ui.colour_blindness import KINDS, distance

READABLE = 4.5
"""https://www.w3.org/TR/WCAG21/#contrast-minimum"""
LOOKS = [
    Look(depth, dark, colour_blind=colour_blind)
    for depth in ("truecolor", "256")
    for dark in (True, False)
    for colour_blind in (True, False)
]


def theme(look: Look) -> Colours:
    return colours_of(
        f"colour-blind{'' if look.dark else '-light'}" if look.colour_blind else ("light", "dark")[look.dark]
    )


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("role", _ATTRIBUTES)
def test_an_ink_is_read_on_the_ground_of_the_theme(role, look: Look) -> None:
    ground, text = map(Color.parse, (theme(look).ground, theme(look).text))
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


MARKS = ("masked", "newly", "would-go", "bad")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("pair", itertools.combinations(MARKS, 2), ids="/".join)
def test_marks_are_told_apart_by_colour_blind_eyes(pair, dark: bool, kind: str) -> None:
    look = Look("256", dark, colour_blind=True)
    assert distance(*(ink(role, look).color for role in pair), kind) > 20


def test_of_the_other_inks_a_pair_is_not() -> None:
    """Why there are others for colour-blind eyes."""
    ordinary = [ink(role, Look("256", dark=False)).color for role in ("newly", "would-go")]
    assert min(distance(*ordinary, kind) for kind in KINDS) < 20


@pytest.mark.parametrize("depth", ["truecolor", "256"])
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("colour_blind", [True, False])
@pytest.mark.parametrize("role", ["masked", "newly", "would-go", "bad", "threshold", "odd"])
def test_on_a_ground_of_the_terminals_own_an_ink_is_one_of_its_sixteen(role, colour_blind, dark, depth) -> None:
    colour = ink(role, Look(depth, dark, own=True, colour_blind=colour_blind)).color
    assert colour.is_system_defined


@pytest.mark.parametrize("dark", [True, False])
def test_none_of_those_for_colour_blind_eyes_is_red_or_green(dark: bool) -> None:
    for role in _ATTRIBUTES:
        colour = ink(role, Look("16", dark, colour_blind=True)).color
        assert colour is None or not any(hue in colour.name for hue in ("red", "green"))
