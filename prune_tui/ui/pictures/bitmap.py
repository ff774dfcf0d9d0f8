"""A mask as a bitmap: eight entries to a cell in braille, one in ASCII; a dot is what the mask keeps.

    ⠉ ⠒ ⠤ ⣀  in the margin: this row of the four is wholly gone; `×`: all of them are
    ⡇ ⢸      in the line below: this column of the two is wholly gone; `×`: both are

A cell with something newly masked is reversed, and a `×` where nothing is left in it; one with something that
would go is underlined. In ASCII these entries are `x` and `o` among `#` and `.`.

Where a dot stands for several entries there is no truth in setting it or not, and a pattern of dots would be taken
for entries: such a picture is shaded instead, ` ░▒▓█`, by the share that is kept in the area of a cell. Blank is
none and full is all, never what rounds to it. Reversed, a shade would read as its opposite: a cell with something
newly masked, or that would go, tells the share as a digit, in tenths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from typing import NamedTuple

from rich.segment import Segment

from prune_tui.tensor_views import HAS_NEWLY_MASKED, HAS_WOULD_GO, Heatmap
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.look import Look

MARGIN = 2
"""Cells at the right in which rows that are wholly gone are marked."""
FOOT = 1
"""Lines below in which columns that are wholly gone are marked; a picture of one row has none."""

# The dots of a braille cell, row by row, left and right.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_SHADES = " ░▒▓█"
_ASCII_SHADES = ".-+*#"
_ALL = 255


class _Band(NamedTuple):
    """One line of text: some rows of dots.

    Attributes:
        kept: Of each row the shares kept, one byte a dot.
        marks: Likewise the marks.
    """

    kept: Sequence[bytes]
    marks: Sequence[bytes]


def dots(look: Look) -> tuple[int, int]:
    """How many rows of a heat map one line shows, and how many of its columns one cell."""
    return (1, 1) if look.ascii else (4, 2)


def lines(heatmap: Heatmap, look: Look, *, pooled: bool) -> list[list[Segment]]:
    """Draw a mask.

    Args:
        heatmap: Asked for with `dots(look)` times as many rows and columns as there are lines and cells, less
            `FOOT` and `MARGIN`.
        look: What the terminal can show.
        pooled: A cell of the heat map stands for several entries.

    Returns:
        One list of segments for each line, the one below included; none where there is nothing to show. All are
        of one width. What is marked as wholly gone is so as far as the heat map goes, which may be a part of it.
    """
    height, width = heatmap.height, heatmap.width
    if not height or not width:
        return []
    kept = _rows(heatmap.kept or bytes([_ALL]) * (height * width), width)
    marks = _rows(heatmap.marks or bytes(height * width), width)
    down, across = dots(look)
    drawn = []
    for first in range(0, height, down):
        band = _Band(kept[first : first + down], marks[first : first + down])
        # In a picture one entry wide each masked entry is a row that is gone: nothing worth a mark.
        rows = _joined(_cells(band, look, pooled), look)
        drawn.append([*rows, *_margin(band.kept if width > 1 or height == 1 else (), look)])
    if height > 1:
        drawn.append(_foot(kept, across, look))
    return drawn


def _rows(flat: bytes, width: int) -> list[bytes]:
    return [flat[start : start + width] for start in range(0, len(flat), width)]


def _cells(band: _Band, look: Look, pooled: bool) -> Iterator[tuple[str, Role]]:
    """Glyph and role of each cell of a line."""
    across = dots(look)[1]
    marks = _united([row[place::across] for row in band.marks for place in range(across)])
    glyphs = (
        _shaded(band, marks, look) if pooled else _entries(band.kept[0], marks) if look.ascii else _braille(band)
    )
    for glyph, mark in zip(glyphs, marks, strict=True):
        if mark & HAS_NEWLY_MASKED:
            yield glyph.replace("⠀", "×"), "newly"  # an empty cell reversed would be a full one
        elif mark & HAS_WOULD_GO:
            yield glyph, "would-go"
        else:
            yield glyph, "masked" if glyph == "." else "plain"


def _united(rows: Sequence[bytes]) -> bytes:
    """Rows of bytes, or-ed: a row that is shorter has nothing to say at its end."""
    length = max(map(len, rows))
    return reduce(int.__or__, (int.from_bytes(row, "little") for row in rows)).to_bytes(length, "little")


def _braille(band: _Band) -> Iterator[str]:
    """A dot for each entry that is kept."""
    rows = [
        row[place::2].translate(_table(dot))
        for row, pair in zip(band.kept, _DOTS, strict=False)
        for place, dot in enumerate(pair)
    ]
    return (chr(0x2800 + cell) for cell in _united(rows))


def _table(dot: int) -> bytes:
    """Any share to this dot, none to no dot."""
    return bytes([0]) + bytes([dot]) * _ALL


def _entries(kept: bytes, marks: bytes) -> Iterator[str]:
    """A character for each entry: those of the marks are glyphs of their own."""
    for share, mark in zip(kept, marks, strict=True):
        if mark & HAS_NEWLY_MASKED:
            yield "x"
        elif mark & HAS_WOULD_GO:
            yield "o"
        else:
            yield "#" if share else "."


def _shaded(band: _Band, marks: bytes, look: Look) -> Iterator[str]:
    """A shade for each cell, or a digit where it is marked."""
    down, across = dots(look)
    shades = _ASCII_SHADES if look.ascii else _SHADES
    for cell, mark in enumerate(marks):
        area = b"".join(row[cell * across : (cell + 1) * across] for row in band.kept[:down])
        share = sum(area) / (len(area) * _ALL)
        if mark & (HAS_NEWLY_MASKED | HAS_WOULD_GO):
            yield str(min(int(share * 10), 9))
        elif not any(area):
            yield shades[0]
        elif min(area) == _ALL:
            yield shades[-1]
        else:
            yield shades[1 + int(share * 3)]


def _margin(kept: Sequence[bytes], look: Look) -> list[Segment]:
    """Which rows of a line are wholly gone."""
    gone = [not any(row) for row in kept]
    if not any(gone):
        return [Segment(" " * MARGIN, ink("plain", look))]
    stroke = sum(sum(pair) for pair, is_gone in zip(_DOTS, gone, strict=False) if is_gone)
    glyph = _gone(look) if all(gone) else chr(0x2800 + stroke)
    return [Segment(" ", ink("plain", look)), Segment(glyph, ink("masked", look))]


def _foot(kept: Sequence[bytes], across: int, look: Look) -> list[Segment]:
    """The line below: which columns are wholly gone."""
    columns = _united(kept)
    told: list[tuple[str, Role]] = []
    for start in range(0, len(columns), across):
        gone = [not share for share in columns[start : start + across]]
        if any(gone):
            told.append((_gone(look) if all(gone) else "⡇" if gone[0] else "⢸", "masked"))
        else:
            told.append((" ", "plain"))
    return [*_joined(told, look), Segment(" " * MARGIN, ink("plain", look))]


def _gone(look: Look) -> str:
    return "x" if look.ascii else "×"


def _joined(cells: Iterable[tuple[str, Role]], look: Look) -> list[Segment]:
    """Neighbours of one role in one segment."""
    return [
        Segment("".join(glyph for glyph, _ in run), ink(role, look))
        for role, run in groupby(cells, lambda c: c[1])
    ]
