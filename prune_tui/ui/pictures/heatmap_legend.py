"""The line under a heat map: what its colours and glyphs mean, the most needed first, as far as there is room."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from prune_tui.protocol import Block
from prune_tui.tensor_views import Heatmap, Pool
from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.cells import (
    CODES,
    INF,
    MASKED,
    NAN,
    NEWLY,
    SOME_GO,
    VALUE,
    WOULD_GO,
    halves,
    signed,
)
from prune_tui.ui.pictures.heatmap import Line, cell_size
from prune_tui.ui.pictures.inks import ink
from prune_tui.ui.pictures.look import Look

_SAMPLES = (0.25, 0.5, 0.75, 1.0)
_WORDS = {
    MASKED: "masked",
    WOULD_GO: "would go",
    SOME_GO: "some would go",
    NEWLY: "newly masked",
    NAN: "NaN",
    INF: "Inf",
}


def pooling(pool: Pool, block: Block, heatmap: Heatmap) -> str:
    """`extreme of 17×8`: how a cell was made of entries; empty where it is one, or there is none.

    Args:
        pool: The kind of pool.
        block: The rectangle that was asked for, within the shape.
        heatmap: What came of it.
    """
    if not heatmap.height * heatmap.width:
        return ""
    tall, wide = cell_size(block, heatmap)
    return f"{pool} of {tall}×{wide}" if tall * wide > 1 else ""


def legend(scale: float, look: Look, pool: str, width: int) -> Line:
    """As many parts as fit into a width.

    Args:
        scale: What the ends of the ramp stand for.
        look: How pictures are drawn.
        pool: From `pooling`.
        width: Columns there are.
    """
    parts = [_ramp(scale, look), [Segment(pool)], _clipped(look), *_states(look, pooled=bool(pool))]
    line: Line = []
    for part in filter(_columns, parts):
        between = [Segment(" · ", ink("dim", look))] if line else []
        if _columns([*line, *between, *part]) > width:
            break
        line += [*between, *part]
    return [Segment(_plain(text), style) for text, style, _ in line] if look.ascii else line


def _plain(text: str) -> str:
    return text.replace("×", "x").replace("·", "|")


def _columns(line: Line) -> int:
    return sum(cell_len(segment.text) for segment in line)


def _sample(t: float, look: Look) -> Segment:
    """A piece of the ramp."""
    if ramps.halved(look):
        return Segment("▇", Style(color=ramps.colour(t, look)))
    return Segment(*signed(CODES * VALUE + ramps.step_of(t, look), look))


def _ramp(scale: float, look: Look) -> Line:
    if not scale:
        return [_sample(0, look), Segment(" 0")]
    negative, positive = ([_sample(sign * t, look) for t in _SAMPLES] for sign in (-1, 1))
    middle = Segment(" 0 ") if ramps.halved(look) else _sample(0, look)
    end = f"{scale:.3g}"
    return [Segment(f"-{end} "), *reversed(negative), middle, *positive, Segment(f" {end}")]


def _clipped(look: Look) -> Line:
    return [_sample(-2, look), _sample(2, look), Segment(" clipped")]


def _states(look: Look, *, pooled: bool) -> list[Line]:
    absent = WOULD_GO if pooled else SOME_GO
    return [_state(state, look) for state in _WORDS if state != absent]


def _state(state: int, look: Look) -> Line:
    code = CODES * state + ramps.step_of(0, look)
    glyph, style = halves(code, code, look) if ramps.halved(look) else signed(code, look)
    return [Segment(glyph.strip(), style), Segment(f" {_WORDS[state]}")]
