"""ASCII alone: as wide as before, and whatever is ours has its own sign."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

import prune_tui.ui
from prune_tui.ui import ascii_only
from prune_tui.ui.ascii_only import TABLE, AsciiOnly

SOURCES = sorted(Path(prune_tui.ui.__file__).parent.rglob("*.py"))
# Dots of bitmaps and histograms: in ASCII these are drawn in another way, not translated.
BRAILLE = range(0x2800, 0x2900)


def ours() -> set[str]:
    """Every character beyond ASCII in the sources of the screens."""
    return {one for file in SOURCES for one in file.read_text() if not one.isascii()}


def test_a_text_of_ours_in_ascii() -> None:
    assert (
        ascii_only.plain("› ├ ● conv1  6×1×3×3 · −16 … ‹heatmap› ▼1.4")
        == "> | * conv1  6x1x3x3 - -16 ~ <heatmap> v1.4"
    )
    assert ascii_only.plain("╭─ conv1 ─╮ ┏━ conv1 ━┓") == "+- conv1 -+ #= conv1 =#"


def test_what_is_not_ours_is_questioned_in_as_many_cells() -> None:
    assert ascii_only.plain("层é") == "???"
    assert ascii_only.plain("e\u0301") == "e"
    assert cell_len(ascii_only.plain("层é")) == cell_len("层é")


def test_each_of_ours_stands_once_and_takes_one_cell() -> None:
    listed = "".join(ascii_only._INSTEAD.values())
    assert len(listed) == len(set(listed)) == len(TABLE)
    assert all(cell_len(chr(code)) == 1 for code in TABLE)
    assert all(len(instead) == 1 and instead.isascii() for instead in TABLE.values())


def test_no_character_of_the_screens_is_forgotten() -> None:
    missing = {one for one in ours() if ord(one) not in TABLE and ord(one) not in BRAILLE} - {"�"}
    assert missing == set()


def test_each_character_of_the_screens_takes_one_cell_everywhere() -> None:
    """Neither wide nor a picture: a column would not be one on every terminal."""
    for one in sorted(ours()):
        assert unicodedata.east_asian_width(one) not in {"W", "F"}, one
        assert cell_len(one) == 1, one
        assert one not in EMOJI, one


# Of the blocks that our characters are from, those that some terminals draw as an emoji:
# https://unicode.org/Public/UCD/latest/ucd/emoji/emoji-data.txt, property Emoji
EMOJI = {
    *map(chr, (0xA9, 0xAE, 0x203C, 0x2049, 0x2122, 0x2139, 0x21A9, 0x21AA, 0x231A, 0x231B, 0x2328, 0x23CF)),
    *map(chr, range(0x2194, 0x219A)),
    *map(chr, (*range(0x23E9, 0x23F4), *range(0x23F8, 0x23FB), 0x24C2, 0x25AA, 0x25AB, 0x25B6, 0x25C0)),
    *map(chr, (*range(0x25FB, 0x25FF), *range(0x2600, 0x2605), 0x260E, 0x2611, 0x2614, 0x2615, 0x2618, 0x261D)),
    *map(chr, (0x2620, 0x2622, 0x2623, 0x2626, 0x262A, 0x262E, 0x262F, *range(0x2638, 0x263B), 0x2640, 0x2642)),
    *map(chr, (*range(0x2648, 0x2654), 0x265F, 0x2660, 0x2663, 0x2665, 0x2666, 0x2668, 0x267B, 0x267E, 0x267F)),
    *map(chr, (*range(0x2692, 0x2698), 0x2699, 0x269B, 0x269C, 0x26A0, 0x26A1, 0x26A7, 0x26AA, 0x26AB, 0x26B0)),
    *map(chr, (0x26BD, 0x26BE, 0x26C4, 0x26C5, 0x26C8, 0x26CE, 0x26D4, 0x26FD, 0x2702, 0x2705, 0x2708, 0x2714)),
    *map(chr, (0x2716, 0x2728, 0x2733, 0x2734, 0x2744, 0x274C, 0x274E, 0x2753, 0x2757, 0x2763, 0x2764, 0x27A1)),
    *map(chr, (0x2934, 0x2935, 0x2B05, 0x2B06, 0x2B07, 0x2B1B, 0x2B1C, 0x2B50, 0x2B55, *range(0x1F000, 0x1FB00))),
}


def test_styles_and_widths_stay() -> None:
    bold = Style(bold=True)
    strip = Strip([Segment("┃"), Segment("×·层", bold)])
    plain = strip.apply_filter(AsciiOnly(), Color(0, 0, 0))
    assert list(plain) == [Segment("#"), Segment("x-??", bold)]
    assert plain.cell_length == strip.cell_length == 5
