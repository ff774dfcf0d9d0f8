"""One cell of a heat map, or two above each other, as a character with its style. Each is made once and kept.

A cell travels as one number, `CODES · state + step`, since a picture has ten thousand of them.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_NEWLY_MASKED, HAS_WOULD_GO
from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.look import Look
from prune_tui.view_rows import View

CODES = 128
"""More than a ramp has steps."""
ABSENT = 1023
"""The code of a cell below the last row, greater than all others."""
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
    """

    role: Role
    whole: str
    high: str
    low: str
    ascii: str
    sign: str = " "


# In this order: the first that holds is shown; of two cells in one character the first that holds for either.
NAN, INF, NEWLY, WOULD_GO, MASKED, SOME_GO, VALUE = range(7)
STATES = (
    State("bad", "N", "N", "N", "N"),
    State("bad", "∞", "∞", "∞", "I"),
    State("newly", "×", "ˣ", "ₓ", "x", "*"),
    State("would-go", "○", "º", "ₒ", "o", ""),
    State("masked", "×", "ˣ", "ₓ", "x"),
    State("would-go", "·", "˙", ".", ".", ""),
)


_COLOURED = {WOULD_GO, SOME_GO, VALUE}
"""Those that have a value to show."""


@functools.lru_cache(maxsize=32)
def states_of(view: View, *, gone: bool, pooled: bool) -> bytes:
    """The state for each value of a cell's marks.

    Args:
        view: What it shows: `orig` has values also under a mask, and in a difference a mask is none of its cells.
        gone: The mask takes all of the cell.
        pooled: A cell holds several entries: that some of them would go does not make it one that would.
    """
    masked, going = gone and view in {"effective", "mask"}, view in {"effective", "mask", "orig"}
    # A state holds where its bit is set, if it has one; those that this view has not are left out.
    held = (
        (NAN, HAS_NAN, True),
        (INF, HAS_INF, True),
        (NEWLY, HAS_NEWLY_MASKED, masked),
        (WOULD_GO, HAS_WOULD_GO, going and not pooled),
        (MASKED, 0, masked),
        (SOME_GO, HAS_WOULD_GO, going),
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
def _style(fore: Color | None, back: Color | None, *, bold: bool = False, underline: bool = False) -> Style | None:
    """One object for each style, so that runs of it are found by identity."""
    if fore is None and back is None and not (bold or underline):
        return None
    return Style(color=fore, bgcolor=back, bold=bold or None, underline=underline or None)


@functools.lru_cache(maxsize=64)
def _inked(role: Role, look: Look) -> Style | None:
    """Over a slow line attributes have to do, and what is masked has none."""
    if look.slow:
        return None if role == "masked" else ink(role, look._replace(depth="none"))
    return ink(role, look)


def _contrast(ground: Color, look: Look) -> Color:
    black, white = (16, 231)
    index = black if ramps.lightness(ground) > 0.6 else white
    if look.depth == "256":
        return Color.from_ansi(index)
    return Color.from_rgb(0, 0, 0) if index == black else Color.from_rgb(255, 255, 255)


# ---------------------------------------------------------------- two cells in a character


def halves(upper: int, lower: int, look: Look) -> Drawn:
    """Two cells above each other.

    Args:
        upper: Code of the upper one.
        lower: Code of the lower one, or `ABSENT`.
        look: One with many colours.
    """
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
    behind = others if others and shown != SOME_GO else both
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
    cell = _cell(code)
    end = len(ramps.ramp(look)) // 2 - 1
    from_zero = cell.step - end - 1
    shade = ramps.shade(from_zero / end, look)
    if cell.state >= SOME_GO:
        sign = "<" if from_zero < -end else ">" if from_zero > end else _minus(from_zero, shade, look)
        return sign + shade, _style(_colour(cell, look), None, underline=cell.state == SOME_GO)
    state = STATES[cell.state]
    return (state.sign or _minus(from_zero, "", look)) + (state.ascii if look.ascii else state.whole), _inked(
        state.role, look
    )


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
