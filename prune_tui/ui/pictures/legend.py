"""A legend on the lines there are: parts in the order in which they are needed, each whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment

from prune_tui.tensor_views import Tally
from prune_tui.ui.numbers import counted, percent
from prune_tui.ui.pictures.inks import ink
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.texts import plain

Part = list[Segment]


class Room(NamedTuple):
    """What there is room for.

    Attributes:
        width: Columns of a line.
        height: Lines.
    """

    width: int
    height: int = 1


def fitted(parts: Iterable[Part], look: Look, room: Room) -> list[list[Segment]]:
    """Each part on the first line that has room for it; one for which none has is left out.

    Args:
        parts: The most needed first; empty ones do not count.
        look: What the terminal can show.
        room: Columns and lines there are.
    """
    between = Segment(" | " if look.ascii else " · ", ink("dim", look))
    lines: list[list[Segment]] = []
    for part in parts:
        found = [Segment(plain(text, look), style) for text, style, _ in part if text]
        size = _columns(found)
        if not size:
            continue
        line = next((one for one in lines if _columns(one) + cell_len(between.text) + size <= room.width), None)
        if line is not None:
            line += [between, *found]
        elif len(lines) < room.height and size <= room.width:
            lines.append(found)
    return lines


def dead(tally: Tally) -> str:
    """`24 rows, 1 column wholly masked`; empty where neither is."""
    told = [counted(tally.dead_rows, "row")] if tally.dead_rows else []
    told += [counted(tally.dead_columns, "column")] if tally.dead_columns else []
    return f"{', '.join(told)} wholly masked" if told and tally.kept else ""


def masked(tally: Tally) -> str:
    """`30.0% masked`; empty where nothing is."""
    gone = tally.entries - tally.kept
    return f"{percent(gone, tally.entries)} masked" if gone else ""


def going(tally: Tally) -> str:
    """`30.0% would go`; empty where nothing would."""
    return f"{percent(tally.going, tally.entries)} would go" if tally.going else ""


def _columns(line: Part) -> int:
    return sum(cell_len(segment.text) for segment in line)
