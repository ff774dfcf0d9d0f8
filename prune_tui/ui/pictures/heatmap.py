"""A pooled rectangle as coloured cells.

With many colours a line of text shows two rows of cells: `▀` in the colour of the upper one on that of the lower.
What is no value has a glyph, so that it is told without colour, too: `×` masked, `○` would go, `N` NaN, `∞` Inf.
Where that is only one of the two, the glyph stands high or low (`ˣ ₓ`, `º ₒ`) on the colour of the other one; NaN,
Inf and what has just been masked take both. With few colours, in ASCII or over a slow line a line shows one row,
and each cell is two columns: a sign and one of five shades, `-▓`; `<` and `>` stand before what is clipped.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable

from rich.segment import Segment

from prune_tui.protocol import Block
from prune_tui.tensor_views import Heatmap
from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.cells import ABSENT, CODES, PAIR, VALUE, segments, states_of
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
    heatmap: Heatmap, scale: float, look: Look, *, view: View = "effective", pooled: bool = False
) -> list[Line]:
    """The picture.

    Args:
        heatmap: Asked for with `rows_per_line` rows of cells for each line and a cell for `columns_per_cell`.
        scale: What the ends of the ramp stand for; what lies beyond is clipped.
        look: How pictures are drawn.
        view: Which values it shows.
        pooled: A cell holds several entries: where some of them would go, its value is still seen under the mark.

    Returns:
        For each line its segments; neighbours of one style are one segment.
    """
    codes = _codes(heatmap, scale, look, view, pooled=pooled)
    width = heatmap.width
    rows = [codes[row * width : (row + 1) * width] for row in range(heatmap.height)]
    if ramps.halved(look):
        rows += [[ABSENT] * width] * (len(rows) % 2)
        rows = [
            [PAIR * upper + lower for upper, lower in zip(above, below, strict=True)]
            for above, below in zip(rows[::2], rows[1::2], strict=True)
        ]
    known = segments(look)
    return [_merged(map(known.__getitem__, row)) for row in rows]


def _codes(heatmap: Heatmap, scale: float, look: Look, view: View, *, pooled: bool) -> list[int]:
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
    states = _states(heatmap, view, pooled=pooled)
    if states.count(VALUE) == len(states):
        return codes
    return [code - CODES * (VALUE - state) for state, code in zip(states, codes, strict=True)]


def _states(heatmap: Heatmap, view: View, *, pooled: bool) -> bytes:
    states = heatmap.marks.translate(states_of(view, gone=False, pooled=pooled))
    if 0 not in heatmap.kept:
        return states
    gone = heatmap.marks.translate(states_of(view, gone=True, pooled=pooled))
    found = zip(heatmap.kept, states, gone, strict=True)
    return bytes(alive if kept else masked for kept, alive, masked in found)


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


def cell_size(block: Block, heatmap: Heatmap) -> tuple[int, int]:
    """Rows and columns of entries that a cell stands for, those at the ends perhaps fewer.

    Args:
        block: The rectangle that was asked for, within the shape.
        heatmap: What came of it, not empty.
    """
    (top, bottom), (left, right) = block.rows, block.columns
    return -(-(bottom - top) // heatmap.height), -(-(right - left) // heatmap.width)
