"""One cell of a heat map, or two above each other, as a character with its style. Each is made once and kept.

A cell travels as one number, `CODES · state + step`, since a picture has ten thousand of them.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_NEWLY_MASKED
from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.look import Look
from prune_tui.view_rows import View

CODES = 128
"""More than a ramp has steps."""
ABSENT = 1023
"""The code of a place without a cell, below the last row or past the end of a folded axis; the greatest."""
PAIR = ABSENT + 1
"""Two cells above each other travel as `PAIR · upper + lower`."""
_KEPT = 16384

Drawn = tuple[str, Style | None]


class State(NamedTuple):
    """What a cell is when it is more than a value.

    Attributes:
        role: Of its ink.
        whole: Its glyph.
        high: Where only the upper one of two cells is so.
        low: Where only the lower one is.
        ascii: Without Unicode.
        sign: What stands before it in two columns; empty where that is the sign of the value.
        partly: The cell has a value as well. In two columns the glyph stands before it in place of the sign.
    """

    role: Role
    whole: str
    high: str
    low: str
    ascii: str
    sign: str = " "
    partly: bool = False


# In this order: the first that holds is shown; of two cells in one character the first that holds for either.
NAN, INF, NEWLY, WOULD_GO, MASKED, SOME_GO, SOME_MASKED, VALUE = range(8)
STATES = (
    State("bad", "N", "N", "N", "N"),
    State("bad", "∞", "∞", "∞", "I"),
    State("newly", "×", "ˣ", "ₓ", "x", "*"),
    State("would-go", "○", "º", "ₒ", "o", ""),
    State("masked", "×", "ˣ", "ₓ", "x"),
    # Rounds are what would go, crosses what is masked; whole cells have the larger ones.
    State("would-go", "·", "˙", ".", "o", partly=True),
    State("masked", "+", "⁺", "₊", "x", partly=True),
)
_BEFORE_A_VALUE = {SOME_GO: "○", SOME_MASKED: "×"}
"""In two columns there is room for the glyph of the whole before the value: a `+` would be read as its sign."""

# What a cell is beside the `HAS_…` that a state looks at; bits of the same byte.
GONE, PARTLY_GONE, GOES, PARTLY_GOES = (1 << bit for bit in range(4, 8))

_COLOURED = {WOULD_GO, SOME_GO, SOME_MASKED, VALUE}
"""Those that have a value to show."""


@functools.lru_cache(maxsize=32)
def states_of(view: View) -> bytes:
    """The state for each value of a cell's bits.

    Args:
        view: What it shows: `orig` has values also under a mask, and in a difference a mask is none of its cells.
    """
    masked, going = view in {"effective", "mask"}, view in {"effective", "mask", "orig"}
    # A state holds where its bits are set; those that this view has not are left out.
    held = (
        (NAN, HAS_NAN, True),
        (INF, HAS_INF, True),
        (NEWLY, HAS_NEWLY_MASKED | GONE, masked),
        (WOULD_GO, GOES, going),
        (MASKED, GONE, masked),
        (SOME_GO, PARTLY_GOES, going),
        (SOME_MASKED, PARTLY_GONE, masked),
        (VALUE, 0, True),
    )
    return bytes(next(state for state, bit, told in held if told and marks & bit == bit) for marks in range(256))


class _Cell(NamedTuple):
    """A cell as its code tells it."""

    state: int
    step: int


def _cell(code: int) -> _Cell:
    return _Cell(*divmod(code, CODES))


@functools.lru_cache(maxsize=4096)
def _style(fore: Color | None, back: Color | None, *, bold: bool = False) -> Style | None:
    """One object for each style, so that runs of it are found by identity."""
    if fore is None and back is None and not bold:
        return None
    return Style(color=fore, bgcolor=back, bold=bold or None)


@functools.lru_cache(maxsize=64)
def _inked(role: Role, look: Look) -> Style | None:
    """Over a slow line attributes have to do, and what is masked has none."""
    if look.slow:
        return None if role == "masked" else ink(role, look._replace(depth="none"))
    return ink(role, look)


def _contrast(ground: Color, look: Look) -> Color:
    black, white = (16, 231)
    index = black if ramps.dark_text(ground) else white
    if look.depth == "256":
        return Color.from_ansi(index)
    return Color.from_rgb(0, 0, 0) if index == black else Color.from_rgb(255, 255, 255)


# ---------------------------------------------------------------- two cells in a character


def halves(upper: int, lower: int, look: Look) -> Drawn:
    """Two cells above each other.

    Args:
        upper: Code of the upper one; `ABSENT` where there is no lower one either.
        lower: Code of the lower one, or `ABSENT`.
        look: One with many colours.
    """
    if upper == ABSENT:
        return " ", None
    above, below = _cell(upper), None if lower == ABSENT else _cell(lower)
    states = {above.state, above.state if below is None else below.state}
    shown = min(states)
    if shown == VALUE:
        return "▀", _style(_colour(above, look), below and _colour(below, look))
    state = STATES[shown]
    glyph = state.whole if len(states) == 1 else state.high if above.state == shown else state.low
    ground = _ground(shown, above, below, look)
    if ground is None:
        return glyph, _inked(state.role, look)
    return glyph, _style(_contrast(ground, look), ground, bold=True)


def _ground(shown: int, above: _Cell, below: _Cell | None, look: Look) -> Color | None:
    """The colour behind a glyph: of the cell it does not tell of, or of the stronger where it tells of both."""
    if shown < WOULD_GO:
        return None
    both = [above] if below is None else [above, below]
    others = [cell for cell in both if cell.state != shown]
    behind = others if others and not STATES[shown].partly else both
    coloured = [cell for cell in behind if cell.state in _COLOURED]
    side = len(ramps.ramp(look)) // 2
    return _colour(max(coloured, key=lambda cell: abs(cell.step - side)), look) if coloured else None


def _colour(cell: _Cell, look: Look) -> Color | None:
    return ramps.ramp(look)[cell.step]


# ---------------------------------------------------------------- a cell in two columns


def signed(code: int, look: Look) -> Drawn:
    """A sign and a glyph.

    Args:
        code: Of the cell.
        look: Any; the colours of its ramp are used where it has some.
    """
    if code == ABSENT:
        return "  ", None
    cell = _cell(code)
    end = len(ramps.ramp(look)) // 2 - 1
    from_zero = cell.step - end - 1
    shade = ramps.shade(from_zero / end, look)
    if cell.state >= SOME_GO:
        sign = "<" if from_zero < -end else ">" if from_zero > end else _minus(from_zero, shade, look)
        return _before(cell.state, look, sign) + shade, _style(_colour(cell, look), None)
    state = STATES[cell.state]
    glyph = state.ascii if look.ascii else state.whole
    return (state.sign or _minus(from_zero, "", look)) + glyph, _inked(state.role, look)


def _before(state: int, look: Look, sign: str) -> str:
    """What stands before a value: its sign, or the glyph of what holds for a part of the cell."""
    if state == VALUE:
        return sign
    return STATES[state].ascii if look.ascii else _BEFORE_A_VALUE[state]


def _minus(from_zero: int, shade: str, look: Look) -> str:
    """The sign, but for what is shaded as nothing."""
    return "-" if from_zero < 0 and shade != ramps.shades(look)[0] else " "


# ---------------------------------------------------------------- both, kept


class Segments(dict[int, Segment]):
    """The segment for each code of a look, or of a pair of codes: made when it is first asked for.

    Args:
        look: How pictures are drawn.
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._halved = ramps.halved(look)

    def __missing__(self, code: int) -> Segment:
        if len(self) >= _KEPT:
            self.clear()
        drawn = halves(*divmod(code, PAIR), self._look) if self._halved else signed(code, self._look)
        made = self[code] = Segment(*drawn)
        return made


segments = functools.lru_cache(maxsize=8)(Segments)
"""Those of a look: the same ones each time."""
