"""Blocks, braille and frames of a Textual screenshot as shapes.

As text they depend on the font that a browser happens to have: most leave gaps between lines, some lack braille.
Shapes are the cells of a terminal everywhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

CELL_WIDTH, CELL_HEIGHT, ASCENT = 12.2, 24.4, 18.5
"""Of Rich's SVG at its font size of 20: a cell's size, and its top above the baseline."""
DOT = 3.2
OVERLAP = 0.8
"""So that no hair of the ground shows between cells."""
THIN, HEAVY = 1.4, 3.0
TEXT = re.compile(r'<text class="([\w-]+)" x="([\d.]+)" y="([\d.]+)" [^>]*>([^<]*)</text>')
ARMS = {
    "─": "lr", "│": "ud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu", "├": "urd", "└": "ur",
    "━": "lr", "┃": "ud", "┏": "rd", "┓": "ld", "┗": "ru", "┛": "lu",
}  # fmt: skip
"""Where the lines of a frame go from the middle of the cell: left, right, up, down."""
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of a braille dot, by its bit."""
SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}

Box = tuple[float, float, float, float]
"""x, y, width and height."""


def drawn(svg: str) -> str:
    """A screenshot with shapes for what is no letter.

    Args:
        svg: As `App.export_screenshot(simplify=True)` makes it.
    """
    return TEXT.sub(_drawn, svg)


def _drawn(found: re.Match[str]) -> str:
    style, x, y, escaped = found.groups()
    text, top = html.unescape(escaped), float(y) - ASCENT
    paths: dict[float, str] = {}
    rest = ""
    for place, glyph in enumerate(text):
        boxes = list(_boxes(glyph))
        left = float(x) + place * CELL_WIDTH
        for dx, dy, width, height in boxes:
            opacity = SHADES.get(glyph, 1.0)
            box = f"M{left + dx:.6g} {top + dy:.6g}h{width:.6g}v{height:.6g}h{-width:.6g}z"
            paths[opacity] = paths.get(opacity, "") + box
        rest += "\N{NO-BREAK SPACE}" if boxes or glyph == "\N{BRAILLE PATTERN BLANK}" else glyph
    shapes = [
        f'<path class="{style}" fill-opacity="{opacity:g}" d="{path}"/>'.replace(' fill-opacity="1"', "")
        for opacity, path in paths.items()
    ]
    letters = found.group(0).replace(f">{escaped}<", f">{html.escape(rest).replace(chr(160), '&#160;')}<")
    return "".join(shapes) + (letters if rest.strip() else "")


def _boxes(glyph: str) -> Iterator[Box]:
    """What to fill in a cell; nothing for a letter."""
    width, height = CELL_WIDTH + OVERLAP, CELL_HEIGHT + OVERLAP
    code = ord(glyph)
    if glyph in SHADES or glyph == "█":
        yield 0, 0, width, height
    elif glyph == "▀":
        yield 0, 0, width, CELL_HEIGHT / 2
    elif "▁" <= glyph <= "▇":
        share = (code - ord("▁") + 1) / 8
        yield 0, CELL_HEIGHT * (1 - share), width, CELL_HEIGHT * share + OVERLAP
    elif "▉" <= glyph <= "▏":
        yield 0, 0, CELL_WIDTH * (ord("▏") - code + 1) / 8, height
    elif "\u2800" <= glyph <= "\u28ff":
        for bit, (column, row) in enumerate(DOTS):
            if code >> bit & 1:
                x, y = CELL_WIDTH / 4 * (2 * column + 1), CELL_HEIGHT / 8 * (2 * row + 1)
                yield x - DOT / 2, y - DOT / 2, DOT, DOT
    elif glyph in ARMS:
        yield from _lines(ARMS[glyph], HEAVY if glyph in "━┃┏┓┗┛" else THIN)


def _lines(arms: str, thickness: float) -> Iterator[Box]:
    """Lines of a frame from the middle of a cell to its edges."""
    x, y, half = CELL_WIDTH / 2, CELL_HEIGHT / 2, thickness / 2
    for arm in arms:
        yield {
            "l": (0, y - half, x + half, thickness),
            "r": (x - half, y - half, x + half + OVERLAP, thickness),
            "u": (x - half, 0, thickness, y + half),
            "d": (x - half, y - half, thickness, y + half + OVERLAP),
        }[arm]
