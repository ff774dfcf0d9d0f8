"""What stands above a grid of values: the axes it shows, and the numbers of its columns."""

from __future__ import annotations

from prune_tui.ui.aim import Aim
from prune_tui.ui.facets import Canvas


def axes_text(canvas: Canvas, aim: Aim | None, scrolled: int) -> str:
    """What runs down and across, and how many facets there are.

    Args:
        canvas: How the grid is laid out.
        aim: Where in it the cursor is.
        scrolled: Cells that it is scrolled to the right by.
    """
    names = canvas.axes
    if not canvas.shape:
        return "a scalar"
    if canvas.wrapped:
        return f"{names[0]} 0-{canvas.columns - 1} →, {canvas.per_line} on a line"
    down, across = names[canvas.row_axis], names[canvas.column_axis]
    text = f"↓ {down} 0-{canvas.rows - 1}   → {across} 0-{canvas.columns - 1}"
    first = -(-scrolled // canvas.cell) if not canvas.titled else 0
    if first:
        text += f", from {first}"
    if canvas.titled and aim is not None:
        text += f"  for each {' × '.join(_facet_axis(aim, axis) for axis in canvas.facet_axes)}"
    return text


def _facet_axis(aim: Aim, axis: int) -> str:
    """`out 6`, in brackets where the slice keys go along it."""
    text = f"{aim.axes[axis]} {aim.shape[axis]}"
    return f"‹{text}›" if axis == aim.slider else text


def column_numbers(canvas: Canvas, left: int, right: int) -> str:
    """The number of each column that is seen, under the last digit of its values; a wrapped one counts from 0.

    All facets have the same columns, so that those of the first line of facets hold for all.

    Args:
        canvas: How the grid is laid out.
        left: The first cell that is seen.
        right: One past the last.
    """
    told, x, cells = "", left, canvas.cell
    for span in canvas.spans(int(canvas.titled), left, right):
        told += " " * (span.x - x)
        numbers = (f"+{column}" if canvas.wrapped else str(column) for column in range(span.start, span.stop))
        told += "".join(f"{number if len(number) < cells - 1 else '':>{cells - 2}}  " for number in numbers)
        x = span.x + (span.stop - span.start) * cells
    return told[: right - left]
