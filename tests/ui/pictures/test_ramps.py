"""Colours of heat maps: told apart, in order of lightness, and as they were chosen when they arrive."""

import itertools

import pytest
from rich.color import Color, ColorSystem

from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.look import Look

SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
COLOURED = [Look(depth, dark) for depth in ("truecolor", "256") for dark in (True, False)]


def sides(look):
    """Both sides from the centre outwards, the clipped ends included."""
    colours = ramps.ramp(look)
    middle = len(colours) // 2
    return colours[middle::-1], colours[middle:]


@pytest.mark.parametrize("look", COLOURED, ids=str)
def test_lightness_goes_one_way_from_the_centre_to_beyond_the_end(look):
    for side in sides(look):
        lightness = [ramps.lightness(colour) for colour in side]
        apart = [(b - a) * (1 if look.dark else -1) for a, b in itertools.pairwise(lightness)]
        assert min(apart) > 0.003


@pytest.mark.parametrize("look", COLOURED, ids=str)
def test_all_steps_are_distinct_and_both_sides_have_as_many(look):
    colours = ramps.ramp(look)
    assert len(colours) % 2
    seen = {colour.downgrade(SYSTEMS[look.depth]).get_ansi_codes() for colour in colours}
    assert len(seen) == len(colours) >= 13


@pytest.mark.parametrize("depth", SYSTEMS)
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("slow", [True, False])
def test_no_colour_is_changed_on_its_way_to_such_a_terminal(depth, dark, slow):
    for colour in ramps.ramp(Look(depth, dark, slow=slow)):
        assert colour is None or colour.downgrade(SYSTEMS[depth]) == colour


def test_the_256_colours_are_those_that_were_picked():
    within = [colour.number for colour in ramps.ramp(Look("256"))][1:-1]
    assert within == [45, 39, 33, 27, 19, 234, 94, 130, 166, 208, 214]
    within = [colour.number for colour in ramps.ramp(Look("256", dark=False))][1:-1]
    assert within == [18, 25, 32, 74, 153, 254, 223, 215, 208, 166, 94]


def seen_without_green_cones(colour):
    """Linear light as a deuteranope sees it: Machado, Oliveira, Fernandes 2009, severity 1."""
    matrix = (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    )
    light = [(channel / 255) ** 2.2 for channel in colour.get_truecolor()]
    return [min(max(sum(a * b for a, b in zip(row, light, strict=True)), 0), 1) ** (1 / 2.2) for row in matrix]


def apart(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


@pytest.mark.parametrize("look", COLOURED, ids=str)
def test_signs_stay_apart_for_colour_blind_eyes(look):
    negative, positive = sides(look)
    end = len(negative) - 2
    assert apart(*(seen_without_green_cones(side[end]) for side in (negative, positive))) > 0.5
    assert apart(*(seen_without_green_cones(side[end // 2]) for side in (negative, positive))) > 0.25
    # As a check of the check: red and green of one lightness are what a deuteranope confuses.
    red, green = (Color.parse(name) for name in ("#b4643c", "#788200"))
    assert apart(seen_without_green_cones(red), seen_without_green_cones(green)) < 0.25


def test_values_find_their_colours():
    look = Look("256")
    numbers = [ramps.colour(t, look).number for t in (-9, -1, -0.5, 0, 0.09, 0.5, 1, 1.001)]
    assert numbers == [123, 45, 27, 234, 234, 130, 214, 229]
    assert [ramps.colour(t, Look("16")).name for t in (-1, 0.3)] == ["cyan", "yellow"]
    assert ramps.colour(0, Look("16")) is None
    assert {ramps.colour(t, Look("none")) for t in (-1, 0, 1, 5)} == {None}


def test_over_a_slow_line_no_value_costs_a_colour():
    look = Look("truecolor", slow=True)
    assert [ramps.colour(t, look) for t in (-2, -0.5, 0, 0.5, 1, 2)] == [None] * 6


@pytest.mark.parametrize("ascii_only", [True, False])
def test_shades_tell_the_magnitude_in_five_steps(ascii_only):
    look = Look("none", ascii=ascii_only)
    found = [ramps.shade(t, look) for t in (0, 0.25, -0.5, 0.75, -1)]
    assert "".join(found) == ramps.shades(look)
    assert len(set(found)) == 5
    assert ramps.shade(7, look) == found[-1]
    assert not ascii_only or "".join(found).isascii()
