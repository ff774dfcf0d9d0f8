"""Themes: each text is read on what lies behind it, what is told apart stays so for colour-blind eyes."""

from __future__ import annotations

import colorsys
import itertools

import pytest
from rich.color import Color
from textual.filter import dim_color

from prune_tui.settings.table import BY_NAME
from prune_tui.ui.pictures.ramps import contrast
from prune_tui.ui.themes import THEMES, Colours, colours_of, name_of
from tests.ui.colour_blindness import KINDS, distance

READABLE = 4.5
"""https://www.w3.org/TR/WCAG21/#contrast-minimum"""
SEEN = 3
"""https://www.w3.org/TR/WCAG21/#non-text-contrast"""
OURS = [theme.name for theme in THEMES if not theme.ansi]
OWN = [theme.name for theme in THEMES if theme.ansi and theme.name != "no-colour"]
# Which text stands on which ground.
TEXTS = [
    *itertools.product(("text", "quiet", "share", "marked", "error"), ("ground", "raised")),
    ("text", "bar"),
    ("text", "resting"),
    ("on_cursor", "cursor"),
    ("on_error", "error_ground"),
]


def colour(colours: Colours, part: str) -> Color:
    """As most terminals have the 16: of VGA, on black or on white."""
    name = getattr(colours, part).removeprefix("ansi_")
    if name == "default":
        black, white = Color.parse("#000000"), Color.parse("#ffffff")
        is_ground = part in {"ground", "raised", "bar", "resting"}
        return black if is_ground == colours.dark else white
    return Color.parse(name)


@pytest.mark.parametrize("pair", TEXTS, ids=" on ".join)
@pytest.mark.parametrize("name", [*OURS, *OWN])
def test_a_text_is_read_on_its_ground(name: str, pair: tuple[str, str]) -> None:
    text, ground = (colour(colours_of(name), part) for part in pair)
    assert contrast(text, ground) >= READABLE


@pytest.mark.parametrize(
    "pair", [pair for pair in TEXTS if pair[0] in {"text", "quiet", "on_cursor"}], ids=" on ".join
)
@pytest.mark.parametrize("name", OURS)
def test_also_where_it_is_dim(name: str, pair: tuple[str, str]) -> None:
    text, ground = (colour(colours_of(name), part) for part in pair)
    assert contrast(dim_color(ground, text), ground) >= READABLE


@pytest.mark.parametrize("part", ["focus", "cursor", "thumb"])
@pytest.mark.parametrize("name", [*OURS, *OWN])
def test_focus_cursor_and_scrollbar_are_seen(name: str, part: str) -> None:
    colours = colours_of(name)
    if not (colours.own and part == "thumb"):  # bright black: whatever the terminal makes of it
        assert contrast(colour(colours, part), colour(colours, "ground")) >= SEEN


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [name for name in OURS if name.startswith("colour-blind")])
@pytest.mark.parametrize(
    "pair",
    [("marked", "share"), ("marked", "error"), ("cursor", "error_ground"), ("focus", "frame")],
    ids="/".join,
)
def test_colour_blind_eyes_tell_them_apart(pair: tuple[str, str], name: str, kind: str) -> None:
    assert distance(*(colour(colours_of(name), part) for part in pair), kind) > 20


@pytest.mark.parametrize("name", [name for name in (*OURS, *OWN) if name.startswith("colour-blind")])
def test_a_colour_blind_theme_has_neither_red_nor_green(name: str) -> None:
    for part in Colours._fields[2:]:
        assert not any(hue in getattr(colours_of(name), part) for hue in ("red", "green"))
        shares = (channel / 255 for channel in colour(colours_of(name), part).get_truecolor())
        hue, saturation, _ = colorsys.rgb_to_hsv(*shares)
        assert saturation < 0.2 or not 75 < hue * 360 < 165, f"{part} is green"
        assert saturation < 0.2 or 15 < hue * 360 < 340, f"{part} is red"


@pytest.mark.parametrize("setting", BY_NAME["theme"].choices)
def test_every_theme_that_can_be_settled_is_there_for_every_terminal(setting: str) -> None:
    known = {theme.name for theme in THEMES}
    for system in ("truecolor", "256", "standard", "windows", None):
        assert name_of(setting, system, coloured=True) in known
    assert name_of(setting, "truecolor", coloured=True) == setting
    assert name_of(setting, "truecolor", coloured=False) == "no-colour"
    few = name_of(setting, "standard", coloured=True)
    assert colours_of(few).own
    assert colours_of(few).dark == colours_of(setting).dark
    assert few.startswith("colour-blind") == setting.startswith("colour-blind")
