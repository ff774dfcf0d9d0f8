"""What the colours of a heat map mean, and those glyphs that it shows; and how much of it is masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from prune_tui.tensor_views import Heatmap
from prune_tui.ui.pictures import legend, partly, ramps
from prune_tui.ui.pictures.cells import (
    ABSENT,
    CODES,
    INF,
    MASKED,
    NAN,
    NEWLY,
    SOME_GO,
    SOME_MASKED,
    STATES,
    VALUE,
    WOULD_GO,
    halves,
    signed,
)
from prune_tui.ui.pictures.heatmap import Line
from prune_tui.ui.pictures.legend import Part, Room
from prune_tui.ui.pictures.look import Look
from prune_tui.view_rows import View

_SAMPLES = (0.25, 0.5, 0.75, 1.0)
_NARROW_SAMPLES = (0.5, 1.0)
_NARROW = 60
"""Columns below which the ramp has fewer samples."""
_WORDS = {
    NAN: "NaN",
    INF: "Inf",
    WOULD_GO: "would go",
    SOME_GO: "{} would go",
    NEWLY: "just masked",
    MASKED: "masked",
    SOME_MASKED: "{} masked",
}
_PARTS = {partly.ANY: "some", partly.HALF: "half or more", partly.WHOLE: "all"}


class Told(NamedTuple):
    """A picture that a legend is of.

    Attributes:
        heatmap: What the engine told.
        codes: Of its cells, as `heatmap.coded` gives them.
        lines: As it is drawn.
        view: Which values it shows.
        folded: It is one axis in several lines, and rows that are gone are none.
    """

    heatmap: Heatmap
    codes: Sequence[Sequence[int]]
    lines: Sequence[Line]
    view: View = "effective"
    folded: bool = False


def lines(told: Told, scale: float, look: Look, room: Room, *, pool: str = "") -> list[Line]:
    """The most needed first, as far as there is room.

    Args:
        told: The picture.
        scale: What the ends of the ramp stand for.
        look: How pictures are drawn.
        room: Columns and lines there are.
        pool: How a cell was made of entries, where that is told nowhere else.
    """
    codes = set().union(*told.codes) - {ABSENT} if told.codes else set[int]()
    shown = {code // CODES for code in codes}
    text = "".join(segment.text for line in told.lines for segment in line)
    glyphs = [_state(state, told.heatmap, text, look) for state in _WORDS if state in shown]
    samples = _SAMPLES if room.width >= _NARROW else _NARROW_SAMPLES
    parts = [_ramp(scale, look, samples), *glyphs, *_shares(told), _clipped(codes, look), [Segment(pool)]]
    return legend.fitted(parts, look, room)


def _shares(told: Told) -> list[Part]:
    """How much is masked and would go, as far as the view shows that."""
    tally = told.heatmap.tally
    texts = [] if told.view in {"step", "start"} else [legend.going(tally)]
    if told.view in {"effective", "mask"}:
        texts += ["" if told.folded else legend.dead(tally), legend.masked(tally)]
    return [[Segment(text)] for text in texts]


def _sample(t: float, look: Look) -> Segment:
    """A piece of the ramp."""
    if ramps.halved(look):
        return Segment("▇", Style(color=ramps.colour(t, look)))
    return Segment(*signed(CODES * VALUE + ramps.step_of(t, look), look))


def _ramp(scale: float, look: Look, samples: Sequence[float]) -> Part:
    if not scale:
        return [_sample(0, look), Segment(" 0")]
    negative, positive = ([_sample(sign * t, look) for t in samples] for sign in (-1, 1))
    middle = Segment(" 0 ") if ramps.halved(look) else _sample(0, look)
    end = f"{scale:.3g}"
    return [Segment(f"-{end} "), *reversed(negative), middle, *positive, Segment(f" {end}")]


def _clipped(codes: set[int], look: Look) -> Part:
    """The colours of what lies beyond the ends, where some does."""
    most = len(ramps.ramp(look)) - 1
    if not any(code // CODES >= SOME_GO and code % CODES in {0, most} for code in codes):
        return []
    return [_sample(-2, look), _sample(2, look), Segment(" clipped")]


def _state(state: int, heatmap: Heatmap, text: str, look: Look) -> Part:
    """The glyphs of a state that the picture shows, and what it is."""
    code = CODES * state + ramps.step_of(0, look)
    glyph, style = halves(code, code, look) if ramps.halved(look) else signed(code, look)
    if ramps.halved(look):
        drawn = STATES[state]
        seen = [one for one in dict.fromkeys((drawn.whole, drawn.high, drawn.low)) if one in text]
        glyph = "".join(seen) or glyph
    shares = heatmap.going if state == SOME_GO else partly.masked(heatmap.kept)
    word = _WORDS[state].format(_PARTS[partly.marked_from(shares)])
    return [Segment(glyph.strip(), style), Segment(f" {word}")]
