"""Diverging ramps: blue for negative, orange for positive, through a centre that lies near the ground.

Away from the centre lightness only grows on a dark ground and only falls on a light one, so that magnitude reads
in grey and for colour-blind eyes, too; blue and orange are what those tell apart. Each number of colours has its
own hand-picked steps. An automatic downgrade would merge them: of twenty steps twelve are left in 256 colours,
four in 16. With so few, and where glyphs are wanted, magnitude is told by shades and only the sign by a hue. Over
a slow line that, too, would cost more than the glyphs: the sign is told by a `-` alone.
"""

from __future__ import annotations

import functools
import itertools

from rich.color import Color

from prune_tui.ui.pictures.look import Look

_STEPS = 24
"""Steps on each side of the centre in truecolor: more are not seen, and each pair of two is a style."""

# From the centre outwards, then the colour of what lies beyond the end.
_ANCHORS = {
    "dark": (("#1c1c1c", "#1e4fb4", "#5fcdff", "#d2f6ff"), ("#1c1c1c", "#9a4a00", "#ffb84a", "#fff3c4")),
    "light": (("#ebebeb", "#5c9bd0", "#15318f", "#000a3c"), ("#ebebeb", "#e08a3c", "#7f3900", "#3a1200")),
}
_INDICES = {
    "dark": ((234, 19, 27, 33, 39, 45, 123), (234, 94, 130, 166, 208, 214, 229)),
    "light": ((254, 153, 74, 32, 25, 18, 17), (254, 223, 215, 208, 166, 94, 52)),
}
_NAMES = {"dark": ("cyan", "yellow"), "light": ("blue", "red")}

_SHADES = "·░▒▓█"
_ASCII_SHADES = ".:+#@"

Ramp = tuple[Color | None, ...]


def halved(look: Look) -> bool:
    """Whether a character shows two cells by their colours: there are enough of them, and time to send them."""
    return look.depth in {"truecolor", "256"} and not look.ascii and not look.slow


@functools.lru_cache(maxsize=16)
def ramp(look: Look) -> Ramp:
    """Colours from beyond the negative end to beyond the positive one.

    Returns:
        An odd number of them, the centre in the middle, the two outermost for what is clipped; None is the
        terminal's own foreground.
    """
    ground = "dark" if look.dark else "light"
    if look.depth == "none" or look.slow:
        return (None,) * (2 * len(_SHADES) + 1)
    if not halved(look):
        return _of_two_hues(ground)
    negative, positive = _fine(ground) if look.depth == "truecolor" else _indexed(ground)
    return (*reversed(negative), *positive[1:])


def _of_two_hues(ground: str) -> Ramp:
    """As many steps as there are shades."""
    negative, positive = (Color.parse(name) for name in _NAMES[ground])
    steps = len(_SHADES)
    return (*[negative] * steps, None, *[positive] * steps)


def _indexed(ground: str) -> tuple[list[Color], list[Color]]:
    negative, positive = ([Color.from_ansi(index) for index in side] for side in _INDICES[ground])
    return negative, positive


def _fine(ground: str) -> tuple[list[Color], list[Color]]:
    negative, positive = (_interpolated(side) for side in _ANCHORS[ground])
    return negative, positive


def _interpolated(anchors: tuple[str, ...]) -> list[Color]:
    """Even steps from the first anchor to the last but one, then the last by itself."""
    *within, beyond = (_oklab(Color.parse(anchor)) for anchor in anchors)
    legs = list(itertools.pairwise(within))
    colours = []
    for step in range(_STEPS + 1):
        leg, along = divmod(step * len(legs) / _STEPS, 1)
        start, end = legs[min(int(leg), len(legs) - 1)]
        share = along if leg < len(legs) else 1.0
        colours.append(_from_oklab(tuple(a + (b - a) * share for a, b in zip(start, end, strict=True))))
    return [*colours, _from_oklab(beyond)]


def step_of(t: float, look: Look) -> int:
    """Which of the colours of `ramp` a value has.

    Args:
        t: The value by the scale; within -1 and 1 unless it is clipped.
        look: How pictures are drawn.
    """
    side = len(ramp(look)) // 2
    if t > 1:
        return 2 * side
    return 0 if t < -1 else side + round(t * (side - 1))


def colour(t: float, look: Look) -> Color | None:
    """The colour of a value, or None for the terminal's own: as for `step_of`."""
    return ramp(look)[step_of(t, look)]


def shades(look: Look) -> str:
    """Five glyphs, from nothing to the full scale."""
    return _ASCII_SHADES if look.ascii else _SHADES


def shade(t: float, look: Look) -> str:
    """The glyph of a magnitude: as for `step_of`."""
    glyphs = shades(look)
    return glyphs[round(min(abs(t), 1) * (len(glyphs) - 1))]


# ---------------------------------------------------------------- Oklab, in which equal steps look equal

# https://bottosson.github.io/posts/oklab/
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_CONES_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_LAB_TO_CONES = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_TO_LIGHT = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)

_Triple = tuple[float, ...]


def _times(matrix: tuple[_Triple, ...], triple: _Triple) -> _Triple:
    return tuple(sum(a * b for a, b in zip(row, triple, strict=True)) for row in matrix)


def _light(channel: float) -> float:
    """What a channel of sRGB, 0 to 1, sends out."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _channel(light: float) -> int:
    light = min(max(light, 0.0), 1.0)
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def _oklab(colour: Color) -> _Triple:
    light = tuple(_light(channel / 255) for channel in colour.get_truecolor())
    return _times(_CONES_TO_LAB, tuple(cone ** (1 / 3) for cone in _times(_TO_CONES, light)))


def _from_oklab(lab: _Triple) -> Color:
    cones = tuple(cone**3 for cone in _times(_LAB_TO_CONES, lab))
    return Color.from_rgb(*(_channel(light) for light in _times(_TO_LIGHT, cones)))


def contrast(one: Color, other: Color) -> float:
    """How well one is read on the other: 1 not at all, 21 black on white.

    Source: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
    """
    less, more = sorted(map(_luminance, (one, other)))
    return (more + 0.05) / (less + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (_light(channel / 255) for channel in colour.get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_BLACK, _WHITE = Color.from_rgb(0, 0, 0), Color.from_rgb(255, 255, 255)


def dark_text(ground: Color) -> bool:
    """Whether black is read better on it than white; the better one has a contrast of 4.58 at least."""
    return contrast(ground, _BLACK) > contrast(ground, _WHITE)


def lightness(colour: Color) -> float:
    """How light a colour looks: 0 black, 1 white."""
    return _oklab(colour)[0]
