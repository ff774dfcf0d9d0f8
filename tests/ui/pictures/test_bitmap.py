from __future__ import annotations

import pytest

from prune_tui.tensor_views import HAS_NEWLY_MASKED, HAS_WOULD_GO, Heatmap
from prune_tui.ui.pictures import bitmap
from prune_tui.ui.pictures.look import Look
from tests.ui.pictures.golden_files import LOOKS, check

PLAIN = Look()
ASCII = Look("none", ascii=True)


def picture(*rows: str) -> Heatmap:
    """A heat map of one character an entry: `#` kept, `.` masked, `x` newly masked, `o` would go."""
    flat = "".join(rows)
    return Heatmap(
        len(rows),
        len(rows[0]) if rows else 0,
        kept=bytes(255 if one in "#o" else 0 for one in flat),
        marks=bytes({"x": HAS_NEWLY_MASKED, "o": HAS_WOULD_GO}.get(one, 0) for one in flat),
    )


def shares(height: int, width: int) -> Heatmap:
    """As of a 50304×2048 embedding: kept less and less to the right, a band of rows gone, some newly."""
    kept = bytearray()
    marks = bytearray()
    for row in range(height):
        for column in range(width):
            gone = 8 <= row < 12 or column in {20, 21}
            kept.append(0 if gone else 255 - 255 * column // (width - 1))
            newly, would_go = row >= height - 4 and column < 8, row >= height - 4 and column >= width - 8
            marks.append(HAS_NEWLY_MASKED if newly else HAS_WOULD_GO if would_go else 0)
    return Heatmap(height, width, kept=bytes(kept), marks=bytes(marks))


CASES = {
    "1d": (picture("#.##x#.o#####.#"), False),
    "2d": (
        picture(
            "####.#.###o#",
            "#.##.#.##x##",
            "............",
            "###..#.####.",
            "....x.......",
            "............",
            "............",
            "............",
            "##.#.#.##.##",
        ),
        False,
    ),
    "conv-facet": (picture("##.", "...", "x#."), False),
    "1x1": (picture("."), False),
    "empty": (Heatmap(0, 0), False),
    "unpruned": (Heatmap(6, 9), False),
    "pooled": (shares(20, 40), True),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, look: str) -> None:
    heatmap, pooled = CASES[case]
    check(f"bitmap-{case}-{look}", bitmap.lines(heatmap, LOOKS[look], pooled=pooled))


def texts(heatmap: Heatmap, look: Look = PLAIN, *, pooled: bool = False) -> list[str]:
    return ["".join(segment.text for segment in line) for line in bitmap.lines(heatmap, look, pooled=pooled)]


def styles(heatmap: Heatmap, look: Look, *, pooled: bool = False) -> list[str]:
    return [str(segment.style) for segment in bitmap.lines(heatmap, look, pooled=pooled)[0]]


def test_each_dot_is_its_own_entry() -> None:
    """As the braille patterns are numbered: down the left, down the right, then the fourth row."""
    for row in range(4):
        for column in range(2):
            entries = [["."] * 2 for _ in range(4)]
            entries[row][column] = "#"
            dot = {(3, 0): 0x40, (3, 1): 0x80}.get((row, column), 1 << (row + 3 * column))
            assert texts(picture(*map("".join, entries)))[0][0] == chr(0x2800 + dot)


@pytest.mark.parametrize("look", [PLAIN, ASCII], ids=["braille", "ascii"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (4, 2), (7, 5), (21, 40)])
@pytest.mark.parametrize("pooled", [False, True])
def test_all_lines_are_of_one_width(look: Look, height: int, width: int, pooled: bool) -> None:
    down, across = bitmap.dots(look)
    drawn = texts(Heatmap(height, width), look, pooled=pooled)
    assert len(drawn) == -(-height // down) + (bitmap.FOOT if height > 1 else 0)
    assert {len(line) for line in drawn} == {-(-width // across) + bitmap.MARGIN}


def test_rows_and_columns_that_are_wholly_gone_are_marked() -> None:
    assert texts(picture("##.#..#.", "........", "##.#..#.", "##.#..#."))[0][-1] == "⠒"
    assert texts(picture("##.#..#.", "........", "##.#..#.", "##.#..#."))[-1] == " ⡇×⢸  "
    assert texts(picture("..", "..", "##"), ASCII) == [".. x", ".. x", "##  ", "    "]
    assert texts(picture("...."))[0] == "⠀⠀ ×"
    assert texts(picture("#", ".", "#"), ASCII) == ["#  ", ".  ", "#  ", "   "]


def test_a_shade_is_blank_for_none_and_full_for_all_only() -> None:
    nearly = Heatmap(4, 6, kept=bytes([0, 0, 254, 255, 255, 255] * 3 + [0, 1, 255, 255, 255, 255]))
    assert texts(nearly, pooled=True)[0][:3] == "░▓█"
    assert texts(Heatmap(1, 3, kept=bytes([0, 1, 255])), ASCII, pooled=True) == [".-#  "]


def test_marks_stand_out_without_colour() -> None:
    bare = Look("none")
    assert texts(picture("#.xo"), ASCII) == ["#.xo  "]
    assert styles(picture("##xxoo##"), bare)[:4] == ["none", "bold reverse", "bold underline", "none"]
    assert texts(picture("##xxoo##"), bare)[0][:4] == "⠉×⠉⠉"
    marked = Heatmap(1, 6, kept=bytes([128, 128, 128, 128, 255, 255]), marks=bytes([0, 0, 4, 0, 8, 8]))
    assert texts(marked, bare, pooled=True)[0][:3] == "▒59"


def test_a_bitmap_of_one_entry_a_dot_says_what_the_mask_says() -> None:
    rows = [f"{number * 2654435761 % 2**40:040b}".replace("0", ".").replace("1", "#") for number in range(16)]
    dots = [
        [
            ord(cell) - 0x2800 >> (6 + column if row == 3 else row + 3 * column) & 1
            for cell in line[:20]
            for column in (0, 1)
        ]
        for line in texts(picture(*rows))[:4]
        for row in range(4)
    ]
    assert dots == [[int(one == "#") for one in row] for row in rows]
