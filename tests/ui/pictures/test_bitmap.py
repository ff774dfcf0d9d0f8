from __future__ import annotations

import pytest
from msgspec.structs import replace

from prune_tui.tensor_views import HAS_NEWLY_MASKED, Heatmap, Tally
from prune_tui.ui.pictures import bitmap, bitmap_legend
from prune_tui.ui.pictures.bitmap import Layout
from prune_tui.ui.pictures.legend import Room
from prune_tui.ui.pictures.look import Look
from tests.ui.pictures.golden_files import LOOKS, check

PLAIN = Look()
ENTRIES = Layout()
ASCII = Look("none", ascii=True)


def picture(*rows: str) -> Heatmap:
    """A heat map of one character an entry: `#` kept, `.` masked, `x` newly masked, `o` would go."""
    flat = "".join(rows)
    return Heatmap(
        len(rows),
        len(rows[0]) if rows else 0,
        kept=bytes(255 if one in "#o" else 0 for one in flat),
        marks=bytes({"x": HAS_NEWLY_MASKED}.get(one, 0) for one in flat),
        going=bytes(255 if one == "o" else 0 for one in flat) if "o" in flat else b"",
    )


def shares(height: int, width: int) -> Heatmap:
    """As of a 50304×2048 embedding: kept less and less to the right, a band of rows gone, some newly."""
    kept = bytearray()
    marks = bytearray()
    going = bytearray()
    for row in range(height):
        for column in range(width):
            gone = 8 <= row < 12 or column in {20, 21}
            kept.append(0 if gone else 255 - 255 * column // (width - 1))
            newly, would_go = row >= height - 4 and column < 8, row >= height - 4 and column >= width - 8
            marks.append(HAS_NEWLY_MASKED if newly else 0)
            going.append(51 if would_go and kept[-1] else 0)
    return Heatmap(height, width, kept=bytes(kept), marks=bytes(marks), going=bytes(going))


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
    check(f"bitmap-{case}-{look}", bitmap.lines(heatmap, LOOKS[look], Layout(pooled)))


def texts(heatmap: Heatmap, look: Look = PLAIN, *, pooled: bool = False) -> list[str]:
    return ["".join(segment.text for segment in line) for line in bitmap.lines(heatmap, look, Layout(pooled))]


def styles(heatmap: Heatmap, look: Look, *, pooled: bool = False) -> list[str]:
    return [str(segment.style) for segment in bitmap.lines(heatmap, look, Layout(pooled))[0]]


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
    assert texts(picture("##xxoo##"), bare)[0][:4] == "⠉×○⠉"


def test_a_previewed_step_is_shown_as_if_it_were_done() -> None:
    assert texts(picture("#o#o")) == ["⠁⠁  "]
    assert styles(picture("#o##"), Look("none"))[:2] == ["bold underline", "none"]
    assert texts(picture("##", "oo", ".#"), ASCII) == ["##  ", "oo x", ".#  ", "    "]
    half = Heatmap(1, 2, kept=bytes([255, 255]), going=bytes([128, 128]))
    assert texts(half, pooled=True)[0][0] == "▒"


def test_a_pooled_cell_that_changes_tells_its_share_as_long_as_few_do() -> None:
    few = Heatmap(1, 16, kept=bytes([128] * 16), marks=bytes(2 * [HAS_NEWLY_MASKED] + 14 * [0]))
    assert texts(few, pooled=True) == ["5▒▒▒▒▒▒▒  "]
    going = Heatmap(1, 16, kept=bytes([255] * 16), going=bytes(14 * [0] + [26, 26]))
    assert texts(going, pooled=True) == ["███████8  "]
    many = Heatmap(1, 8, kept=bytes([128] * 8), marks=bytes([HAS_NEWLY_MASKED] * 8))
    assert texts(many, pooled=True) == ["▒▒▒▒  "]
    gone = Heatmap(1, 8, kept=bytes([128] * 6 + [0, 0]), marks=bytes([HAS_NEWLY_MASKED] * 8))
    assert texts(gone, pooled=True) == ["▒▒▒×  "]
    would = Heatmap(1, 8, kept=bytes([255] * 8), going=bytes([128] * 6 + [255, 255]))
    assert texts(would, pooled=True) == ["▒▒▒○  "]
    assert texts(would, ASCII, pooled=True) == ["++++++oo  "]


def test_a_magnified_entry_takes_so_many_dots_down_and_across() -> None:
    entry = bitmap.lines(picture("#.", ".#"), PLAIN, Layout(times=2))
    assert ["".join(segment.text for segment in line) for line in entry][:1] == ["⠛⣤  "]


def test_a_folded_axis_has_no_rows_that_could_be_gone() -> None:
    folded = Heatmap(2, 4, kept=bytes([0, 0, 0, 0, 255, 255]), marks=bytes(6))
    drawn = bitmap.lines(folded, ASCII, Layout(folded=True))
    assert ["".join(segment.text for segment in line) for line in drawn] == ["....  ", "##  "]


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


# ---------------------------------------------------------------- the legend


def legend(heatmap: Heatmap, look: Look, width: int = 200, layout: Layout = ENTRIES, height: int = 1) -> list[str]:
    drawn = bitmap.lines(heatmap, look, layout)
    told = bitmap_legend.lines(heatmap, drawn, layout, look, Room(width, height))
    return ["".join(segment.text for segment in line) for line in told]


def test_the_legend_says_what_a_dot_means_and_what_marks_there_are() -> None:
    assert legend(picture("##", "##"), PLAIN) == ["⠿ kept, no dot masked"]
    assert legend(picture("##", ".#"), ASCII) == ["# kept, . masked"]
    gone = replace(picture("##", ".."), tally=Tally(4, kept=2, dead_rows=1))
    assert legend(gone, PLAIN) == [
        "⠿ kept, no dot masked · 1 row wholly masked · 50.0% masked · ⠒ ⡇ × at the edges: such a row or column"
    ]
    newly = replace(picture("##", "xx"), tally=Tally(4, kept=2))
    assert legend(newly, PLAIN) == ["⠿ kept, no dot masked · 50.0% masked · ⠿ just masked"]
    going = replace(picture("##", "oo"), tally=Tally(4, kept=4, going=2))
    assert legend(going, PLAIN) == ["⠿ kept, no dot masked · ⠿ would go · 50.0% would go"]
    assert legend(going, ASCII) == ["# kept, . masked | o would go | 50.0% would go"]


def test_the_legend_of_a_pooled_mask_is_of_shades_and_digits() -> None:
    pooled = replace(shares(20, 40), tally=Tally(800, kept=300, going=4, dead_rows=4, dead_columns=2))
    (told,) = legend(pooled, PLAIN, layout=Layout(pooled=True))
    assert told == (
        "░▒▓ some kept, █ all · 1 would go, tenths kept · 0.5% would go · 4 rows, 2 columns wholly masked · "
        "62.5% masked · 9 just masked, tenths kept · ⠒ ⡇ × at the edges: such a row or column"
    )
    assert legend(pooled, ASCII, layout=Layout(pooled=True))[0].startswith(".-+*# none to all kept | ")


def test_the_legend_fits_the_narrowest_pane() -> None:
    pooled = replace(shares(20, 40), tally=Tally(800, kept=300, dead_rows=4))
    assert legend(pooled, PLAIN, 47, Layout(pooled=True)) == ["░▒▓█ share kept · 9 just masked, tenths kept"]
    plain = replace(pooled, marks=bytes(len(pooled.marks)))
    assert legend(plain, PLAIN, 47, Layout(pooled=True)) == ["░▒▓ some kept, █ all · 4 rows wholly masked"]
    for width in range(90):
        assert all(len(line) <= width for line in legend(pooled, PLAIN, width, Layout(pooled=True), 2))


def test_of_a_folded_axis_no_rows_are_counted() -> None:
    folded = Heatmap(2, 4, kept=bytes([0] * 4 + [255] * 2), marks=bytes(6), tally=Tally(6, 2, dead_columns=4))
    assert legend(folded, PLAIN, layout=Layout(folded=True)) == ["⠿ kept, no dot masked · 66.7% masked"]
