"""A pooled rectangle as coloured cells.

With many colours a line of text shows two rows of cells: `▀` in the colour of the upper one on that of the lower.
What is no value has a glyph, so that it is told without colour, too: `×` masked, `○` would go, `N` NaN, `∞` Inf.
Where that is only one of the two, the glyph stands high or low (`ˣ ₓ`, `º ₒ`) on the colour of the other one; NaN,
Inf and what has just been masked take both. With few colours, in ASCII or over a slow line a line shows one row,
and each cell is two columns: a sign and one of five shades, `-▓`; `<` and `>` stand before what is clipped.

A pooled cell shows a living neighbour's value where one entry of it is alive, so that rows that are gone would
vanish. A cell that is gone in part is marked on its value, `+ ⁺ ₊`, and one that would go in part, `· ˙ .`; in two
columns `×▓` and `○▓`. `partly` says from which share on.
"""

from __future__ import annotations

import array
import functools
import sys
from collections.abc import Iterable

from rich.segment import Segment

from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_NEWLY_MASKED, Heatmap
from prune_tui.ui.pictures import partly, ramps
from prune_tui.ui.pictures.cells import (
    ABSENT,
    CODES,
    GOES,
    GONE,
    PAIR,
    PARTLY_GOES,
    PARTLY_GONE,
    VALUE,
    segments,
    states_of,
)
from prune_tui.ui.pictures.look import Look
from prune_tui.view_rows import View
from prune_tui.views import Statistics

Line = list[Segment]


def scale_of(statistics: Statistics) -> float:
    """What the ends of the ramp stand for: min(max|x|, 3·rms) over finite values; 0 where there are none."""
    if statistics.minimum is None or statistics.maximum is None:
        return 0.0
    largest = max(abs(statistics.minimum), abs(statistics.maximum))
    return min(largest, 3 * statistics.rms) if statistics.rms else largest


def rows_per_line(look: Look) -> int:
    """Rows of cells that a line of text shows."""
    return 2 if ramps.halved(look) else 1


def columns_per_cell(look: Look) -> int:
    """Columns of text that a cell takes: either way it is about as wide as high."""
    return 1 if ramps.halved(look) else 2


def lines(
    heatmap: Heatmap, scale: float, look: Look, *, view: View = "effective", shares: bool = False
) -> list[Line]:
    """The picture: `coded`, and then `drawn`."""
    return drawn(coded(heatmap, scale, look, view=view, shares=shares), look)


def coded(
    heatmap: Heatmap, scale: float, look: Look, *, view: View = "effective", shares: bool = False
) -> list[list[int]]:
    """What each cell is, as `cells` has it.

    Args:
        heatmap: Asked for with `rows_per_line` rows of cells for each line and a cell for `columns_per_cell`. Its
            last row may be shorter.
        scale: What the ends of the ramp stand for; what lies beyond is clipped.
        look: How pictures are drawn.
        view: Which values it shows.
        shares: Mark cells of which a part is masked or would go.

    Returns:
        Rows of codes.
    """
    codes = _codes(heatmap, scale, look, view, shares=shares)
    width = heatmap.width
    codes += [ABSENT] * (heatmap.height * width - len(codes))
    return [codes[row * width : (row + 1) * width] for row in range(heatmap.height)]


def magnified(rows: list[list[int]], times: int) -> list[list[int]]:
    """With each cell so often, down and across."""
    if times == 1:
        return rows
    wide = ([code for code in row for _ in range(times)] for row in rows)
    return [row for row in wide for _ in range(times)]


def drawn(rows: list[list[int]], look: Look) -> list[Line]:
    """Rows of codes as text: for each line its segments; neighbours of one style are one segment."""
    if ramps.halved(look):
        rows = [*rows, [ABSENT] * len(rows[0])] if len(rows) % 2 else rows
        rows = [
            [PAIR * upper + lower for upper, lower in zip(above, below, strict=True)]
            for above, below in zip(rows[::2], rows[1::2], strict=True)
        ]
    known = segments(look)
    return [_merged(map(known.__getitem__, row)) for row in rows]


def _codes(heatmap: Heatmap, scale: float, look: Look, view: View, *, shares: bool) -> list[int]:
    """Each cell as `cells` has it: first as if all were values, which they are as a rule."""
    values = array.array("f", heatmap.values)
    if sys.byteorder == "big":
        values.byteswap()
    least, greatest = CODES * VALUE, CODES * VALUE + len(ramps.ramp(look)) - 1
    middle = (least + greatest) // 2
    by_scale = (middle - least - 1) / scale if scale > 0 else 0.0
    # A NaN lies neither within the scale nor above it.
    codes = [
        middle + round(value * by_scale) if -scale <= value <= scale else greatest if value > 0 else least
        for value in values
    ]
    states = _bits(heatmap, shares=shares).translate(states_of(view))
    if states.count(VALUE) == len(states):
        return codes
    return [code - CODES * (VALUE - state) for state, code in zip(states, codes, strict=True)]


_LOOKED_AT = bytes(marks & (HAS_NAN | HAS_INF | HAS_NEWLY_MASKED) for marks in range(256))


def _bits(heatmap: Heatmap, *, shares: bool) -> bytes:
    """For each cell what a state looks at."""
    masked = partly.masked(heatmap.kept)
    told = [
        heatmap.marks.translate(_LOOKED_AT),
        _of_shares(masked, GONE, PARTLY_GONE if shares else 0),
        _of_shares(heatmap.going, GOES, PARTLY_GOES if shares else 0),
    ]
    united = functools.reduce(int.__or__, (int.from_bytes(one, "little") for one in told))
    return united.to_bytes(len(heatmap.marks), "little")


def _of_shares(shares: bytes, whole: int, part: int) -> bytes:
    """One bit where all of a cell is so, another one where enough of it is."""
    least = partly.marked_from(shares)
    return shares.translate(bytes(whole if one == 255 else part if one >= least else 0 for one in range(256)))


def _merged(drawn: Iterable[Segment]) -> Line:
    """Neighbours of one style object become one segment."""
    line: Line = []
    last: object = _merged  # no style
    for segment in drawn:
        style = segment.style
        if style is last:
            line[-1] = Segment(line[-1].text + segment.text, style)
        else:
            line.append(segment)
            last = style
    return line
