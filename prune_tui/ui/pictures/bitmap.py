"""A mask as a bitmap: eight entries to a cell in braille, one in ASCII; a dot is what the mask keeps.

    ⠉ ⠒ ⠤ ⣀  in the margin: this row of the four is wholly gone; `×`: all of them are
    ⡇ ⢸      in the line below: this column of the two is wholly gone; `×`: both are

A cell with something newly masked is reversed, and a `×` where nothing is left in it. A previewed step is shown
as if it were done: what would go has no dot any more, and its cell is underlined, a `○` where nothing would be
left in it. In ASCII these entries are `x` and `o` among `#` and `.`.

Where a dot stands for several entries there is no truth in setting it or not, and a pattern of dots would be taken
for entries: such a picture is shaded instead, ` ░▒▓█`, by the share that is kept in the area of a cell, or would
be. Blank is none and full is all, never what rounds to it. Reversed, a shade would read as its opposite: a cell
with something newly masked, or that would go, tells the share as a digit, in tenths. Where more than a few cells
are such that would hide the shades: then only those are marked in which nothing is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from typing import NamedTuple

from rich.segment import Segment

from prune_tui.tensor_views import HAS_NEWLY_MASKED, Heatmap
from prune_tui.ui.pictures import partly
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
_NEWLY, _GOING = 1, 2
"""What a cell is marked for; bits."""


class _Band(NamedTuple):
    """One line of text: some rows of dots.

    Attributes:
        kept: Of each row the shares kept, or that would be, one byte a dot.
        marks: For each cell what any of its dots is marked for: `_NEWLY`, `_GOING`.
    """

    kept: Sequence[bytes]
    marks: bytes


class Layout(NamedTuple):
    """How entries stand.

    Attributes:
        pooled: A cell of the heat map stands for several entries.
        times: Dots that a cell takes, down and across.
        folded: Rows are pieces of one axis: that one of them is gone is nothing to be marked.
    """

    pooled: bool = False
    times: int = 1
    folded: bool = False


def dots(look: Look) -> tuple[int, int]:
    """How many rows of a heat map one line shows, and how many of its columns one cell."""
    return (1, 1) if look.ascii else (4, 2)


def lines(heatmap: Heatmap, look: Look, layout: Layout = Layout()) -> list[list[Segment]]:  # noqa: B008 - frozen
    """Draw a mask.

    Args:
        heatmap: Asked for with `dots(look)` times as many rows and columns as there are lines and cells, less
            `FOOT` and `MARGIN`. Its last row may be shorter.
        look: What the terminal can show.
        layout: How entries stand.

    Returns:
        One list of segments for each line, the one below included; none where there is nothing to show. What is
        marked as wholly gone is so as far as the heat map goes, which may be a part of it.
    """
    height, width = heatmap.height, heatmap.width
    if not height or not width:
        return []
    kept = _rows(_left(heatmap), width, layout.times)
    marks = _rows(_marked(heatmap), width, layout.times)
    edges = not layout.folded
    down, across = dots(look)
    starts = range(0, len(kept), down)
    bands = [_Band(kept[at : at + down], _united_cells(marks[at : at + down], across)) for at in starts]
    told = ~_crowded(bands) if layout.pooled else -1
    drawn = []
    for band in bands:
        rows = _joined(_cells(band, look, layout.pooled, told), look)
        # In a picture one entry wide each masked entry is a row that is gone: nothing worth a mark.
        edge = band.kept if edges and (width > 1 or height == 1) else ()
        drawn.append([*rows, *_margin(edge, look)])
    if height > 1 and edges:
        drawn.append(_foot(kept, across, look))
    return drawn


def _left(heatmap: Heatmap) -> bytes:
    """The shares kept, after a previewed step: 0 only for none, 255 only for all."""
    kept = heatmap.kept or bytes([_ALL]) * (heatmap.height * heatmap.width)
    if not any(heatmap.going):
        return kept
    return bytes(
        0 if goes == _ALL or not share else max(share * (_ALL - goes) // _ALL, 1) if goes else share
        for share, goes in zip(kept, heatmap.going, strict=True)
    )


_NEW = bytes(_NEWLY if mark & HAS_NEWLY_MASKED else 0 for mark in range(256))
_GOES = bytes(_GOING if share else 0 for share in range(256))


def _marked(heatmap: Heatmap) -> bytes:
    """For each cell of the heat map what it is marked for."""
    nothing = bytes(len(heatmap.kept) or heatmap.height * heatmap.width)
    return _united([nothing, heatmap.marks.translate(_NEW), heatmap.going.translate(_GOES)])


def _crowded(bands: Sequence[_Band]) -> int:
    """What so many cells are marked for that it is no news: bits."""
    marks = b"".join(band.marks for band in bands)
    return sum(
        kind for kind in (_NEWLY, _GOING) if partly.marked_from(bytes(mark & kind for mark in marks)) != partly.ANY
    )


def _rows(flat: bytes, width: int, times: int) -> list[bytes]:
    """Rows of dots, each cell so often down and across."""
    rows = (flat[start : start + width] for start in range(0, len(flat), width))
    if times == 1:
        return list(rows)
    wide = (b"".join(bytes([one]) * times for one in row) for row in rows)
    return [row for row in wide for _ in range(times)]


def _cells(band: _Band, look: Look, pooled: bool, told: int) -> Iterator[tuple[str, Role]]:
    """Glyph and role of each cell of a line; of a pooled one those marks that are told."""
    if pooled:
        yield from _shaded(band, look, told)
        return
    glyphs = _entries(band) if look.ascii else _braille(band)
    for glyph, mark in zip(glyphs, band.marks, strict=True):
        if mark & _NEWLY:
            yield glyph.replace("⠀", "×"), "newly"  # an empty cell reversed would be a full one
        elif mark & _GOING:
            yield glyph.replace("⠀", "○"), "would-go"
        else:
            yield glyph, "masked" if glyph == "." else "plain"


def _united_cells(rows: Sequence[bytes], across: int) -> bytes:
    """What any of the dots of each cell is marked for."""
    return _united([row[place::across] for row in rows for place in range(across)])


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


def _entries(band: _Band) -> Iterator[str]:
    """A character for each entry: those of the marks are glyphs of their own."""
    for share, mark in zip(band.kept[0], band.marks, strict=True):
        yield "#" if share else "x" if mark & _NEWLY else "o" if mark & _GOING else "."


def _shaded(band: _Band, look: Look, told: int) -> Iterator[tuple[str, Role]]:
    """A shade for each cell, or a digit where it is marked; where nothing is left, every mark is told."""
    down, across = dots(look)
    shades = _ASCII_SHADES if look.ascii else _SHADES
    for cell, mark in enumerate(band.marks):
        area = b"".join(row[cell * across : (cell + 1) * across] for row in band.kept[:down])
        share = sum(area) / (len(area) * _ALL)
        shade = shades[0 if not any(area) else -1 if min(area) == _ALL else 1 + int(share * 3)]
        marked = mark if not any(area) else mark & told
        if marked:
            role: Role = "newly" if marked & _NEWLY else "would-go"
            gone = _gone(look) if marked & _NEWLY else "o" if look.ascii else "○"
            yield str(min(int(share * 10), 9)) if any(area) else gone, role
        else:
            yield shade, "masked" if shade == "." else "plain"


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
