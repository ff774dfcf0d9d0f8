"""Heat maps from tensor to cells: golden files, and what each kind of cell looks like."""

import array
import io
import math
import re

import msgspec
import pytest
import torch
from rich.console import Console
from rich.segment import Segment, Segments

from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import Layers
from prune_tui.engine.pooling import heatmap
from prune_tui.engine.selection.planned_masks import Whole
from prune_tui.engine.statistics import statistics
from prune_tui.engine.tiles import Pruning
from prune_tui.tensor_requests import Block, GetHeatmap
from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_NEWLY_MASKED, Heatmap, Tally
from prune_tui.ui.pictures import heatmap_legend, ramps
from prune_tui.ui.pictures.heatmap import coded, columns_per_cell, drawn, lines, magnified, rows_per_line, scale_of
from prune_tui.ui.pictures.heatmap_legend import Told
from prune_tui.ui.pictures.legend import Room
from prune_tui.ui.pictures.look import Look
from prune_tui.views import Statistics
from tests.ui.pictures.golden_files import check

LOOKS = {
    "truecolor": Look("truecolor"),
    "256": Look("256"),
    "256-light": Look("256", dark=False),
    "16": Look("16"),
    "ascii": Look("none", ascii=True),
    "slow": Look("truecolor", slow=True),
}
WIDTH, HEIGHT = 24, 6
"""Of the golden pictures, in columns and lines."""


def normal(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


def bad():
    values = normal(4, 6)
    values[0, 1], values[1, 3], values[2, 2] = math.nan, math.inf, -math.inf
    return values


def pruned():
    """A tensor, its mask, what went last, what would go."""
    values = normal(8, 12)
    kept, goes = (values.abs() > 0.5).float(), values.abs() < 0.9
    newly = torch.zeros(8, 12, dtype=torch.bool)
    newly[:, :4] = True
    return Layers(values, kept, "effective"), Pruning(newly, Whole(~goes))


def plain(values):
    return Layers(values, None, "effective"), Pruning()


# Name: layers and marks, facet, row axis, column axis.
TENSORS = {
    "1-d": lambda: (*plain(normal(40)), (), -1, 0),
    "2-d": lambda: (*plain(normal(9, 20)), (), 0, 1),
    "conv": lambda: (*plain(normal(4, 3, 5, 5)), (2, 1), 2, 3),
    "1x1": lambda: (*plain(torch.tensor([[-0.25]])), (), 0, 1),
    "empty": lambda: (*plain(torch.empty(0, 5)), (), 0, 1),
    "nan-inf": lambda: (*plain(bad()), (), 0, 1),
    "bfloat16": lambda: (*plain(normal(6, 6).bfloat16()), (), 0, 1),
    "bool": lambda: (*plain(normal(6, 6) > 0), (), 0, 1),
    "masked": lambda: (*pruned(), (), 0, 1),
    "pooled": lambda: (*plain(torch.linspace(-1, 1, 50304)[:, None] * torch.linspace(-1, 1, 2048)), (), 0, 1),
}


def picture(name, look):
    """A tensor of the table through the engine and the renderer, its legend below."""
    layers, pruning, facet, row_axis, column_axis = TENSORS[name]()
    ends = [layers.values.shape[axis] if axis >= 0 else 1 for axis in (row_axis, column_axis)]
    block = Block(facet, (0, ends[0]), (0, ends[1]))
    cells = HEIGHT * rows_per_line(look), WIDTH // columns_per_cell(look)
    request = GetHeatmap("weight", "effective", row_axis, column_axis, block, *cells)
    found = heatmap(layers, request, pruning, never)
    scale = scale_of(statistics(layers, never))
    return under_legend(found, scale, look)


def under_legend(found, scale, look, width=200):
    codes = coded(found, scale, look, shares=True)
    text = drawn(codes, look)
    return [*text, *heatmap_legend.lines(Told(found, codes, text), scale, look, Room(width))]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", TENSORS)
def test_golden(name, look):
    check(f"heatmap-{name}-{look}", picture(name, LOOKS[look]))


# ---------------------------------------------------------------- what each cell looks like


def cells(rows):
    """A heat map of cells (value, kept, marks, going); the last row may be shorter."""
    values, kept, marks, going = zip(*(cell for row in rows for cell in row), strict=True)
    packed = array.array("f", values).tobytes()
    return Heatmap(len(rows), len(rows[0]), packed, bytes(kept), bytes(marks), going=bytes(going))


ZERO, ONE, MINUS = (0.0, 255, 0, 0), (1.0, 255, 0, 0), (-1.0, 255, 0, 0)
MASKED, NEWLY = (0.0, 0, 0, 0), (0.0, 0, HAS_NEWLY_MASKED, 0)
GOES = (-1.0, 255, 0, 255)
NAN, INF = (math.nan, 255, HAS_NAN, 0), (1.0, 255, HAS_INF, 0)
MOST_MASKED, MOST_GO = (1.0, 128, 0, 0), (-1.0, 255, 0, 128)
LEAST_MASKED, LEAST_GO = (1.0, 254, 0, 0), (-1.0, 255, 0, 1)
MANY, FEW = Look("256"), Look("none")


def text(found):
    return ["".join(segment.text for segment in line) for line in found]


def test_two_rows_of_cells_share_a_line():
    ((segment,),) = lines(cells([[ONE], [MINUS]]), 1, MANY)
    assert (segment.text, segment.style.color.number, segment.style.bgcolor.number) == ("▀", 214, 45)
    assert segment.style.color == ramps.colour(1, MANY)


def test_a_row_without_a_partner_has_no_ground():
    *_, (segment,) = lines(cells([[ONE], [MINUS], [ONE]]), 1, MANY)
    assert (segment.text, segment.style.bgcolor) == ("▀", None)


@pytest.mark.parametrize(
    ("upper", "lower", "glyph"),
    [
        (MASKED, MASKED, "×"),
        (MASKED, ONE, "ˣ"),
        (ONE, MASKED, "ₓ"),
        (GOES, GOES, "○"),
        (GOES, ONE, "º"),
        (ONE, GOES, "ₒ"),
        (MASKED, GOES, "ₒ"),
        (NEWLY, NEWLY, "×"),
        (NEWLY, MASKED, "ˣ"),
        (NAN, ONE, "N"),
        (MASKED, NAN, "N"),
        (INF, ONE, "∞"),
        (ZERO, ZERO, "▀"),
    ],
)
def test_what_is_no_value_has_a_glyph(upper, lower, glyph):
    assert text(lines(cells([[upper], [lower]]), 1, MANY)) == [glyph]


def test_behind_half_a_glyph_is_the_colour_of_the_other_cell():
    def ground(upper, lower):
        ((segment,),) = lines(cells([[upper], [lower]]), 1, MANY)
        return segment.style.bgcolor and segment.style.bgcolor.number

    assert [ground(MASKED, ONE), ground(MINUS, MASKED), ground(GOES, ONE)] == [214, 45, 214]
    assert [ground(GOES, GOES), ground(MASKED, MASKED), ground(GOES, MASKED)] == [45, None, None]
    assert ground(NAN, ONE) is None


@pytest.mark.parametrize("ascii_only", [True, False])
def test_without_colours_every_kind_of_cell_is_another_text(ascii_only):
    kinds = [
        ZERO,
        ONE,
        MINUS,
        (2.0, 255, 0, 0),
        (-2.0, 255, 0, 0),
        MASKED,
        NEWLY,
        GOES,
        NAN,
        INF,
        (0.5, 255, 0, 0),
    ]
    (line,) = text(lines(cells([kinds]), 1, Look("none", ascii=ascii_only)))
    found = [line[at : at + 2] for at in range(0, len(line), 2)]
    assert len(set(found)) == len(kinds)
    assert line.isascii() == ascii_only
    assert found[:7] == ([" .", " @", "-@", ">@", "<@", " x", "*x"] if ascii_only else
                         [" ·", " █", "-█", ">█", "<█", " ×", "*×"])  # fmt: skip


def test_masked_and_zero_differ_in_every_look():
    for look in LOOKS.values():
        assert text(lines(cells([[ZERO], [ZERO]]), 1, look)) != text(lines(cells([[MASKED], [MASKED]]), 1, look))


def test_what_lies_beyond_the_scale_has_a_colour_of_its_own():
    ((within, beyond),) = lines(cells([[ONE, (1.01, 255, 0, 0)]]), 1, MANY)
    assert (within.style.color.number, beyond.style.color.number) == (214, 229)


def test_a_masked_entry_has_a_value_in_the_views_that_show_one():
    for view, expected in (("effective", "*×"), ("mask", "*×"), ("orig", " █"), ("step", " █")):
        assert text(lines(cells([[(1.0, 0, HAS_NEWLY_MASKED, 0)]]), 1, FEW, view=view)) == [expected]
    assert text(lines(cells([[(1.0, 255, 0, 255)]]), 1, FEW, view="start")) == [" █"]


# ---------------------------------------------------------------- cells of which a part is masked, or would go


def partly(rows, look):
    return text(lines(cells(rows), 1, look, shares=True))


@pytest.mark.parametrize(
    ("upper", "lower", "glyph"),
    [
        (MOST_MASKED, MOST_MASKED, "+"),
        (MOST_MASKED, ONE, "⁺"),
        (ONE, MOST_MASKED, "₊"),
        (MOST_GO, MOST_GO, "·"),
        (MOST_GO, ONE, "˙"),
        (ONE, MOST_GO, "."),
        (MOST_GO, MOST_MASKED, "˙"),
        (MASKED, MOST_MASKED, "ˣ"),
        (GOES, MOST_GO, "º"),
    ],
)
def test_a_cell_that_is_so_for_the_most_part_is_marked_on_its_value(upper, lower, glyph):
    ((segment, living),) = lines(cells([[upper, ONE], [lower, ONE]]), 1, MANY, shares=True)
    assert (segment.text, living.text) == (glyph, "▀")
    assert segment.style.bgcolor.number in {45, 214}


def test_in_two_columns_the_mark_stands_before_the_value():
    assert partly([[MOST_MASKED, MOST_GO, ZERO]], FEW) == ["×█○█ ·"]
    assert partly([[MOST_MASKED, MOST_GO, ZERO]], Look("none", ascii=True)) == ["x@o@ ."]


@pytest.mark.parametrize(("little", "glyph"), [(LEAST_MASKED, "+"), (LEAST_GO, "·")])
def test_a_little_is_marked_while_few_cells_have_any(little, glyph):
    """A row that is gone among living ones must not vanish; a step at 30% must not cover all values."""
    assert partly([[little, ONE, ONE, ONE]] * 2, MANY) == [glyph + "▀▀▀"]
    assert partly([[little, little, ONE, ONE]] * 2, MANY) == ["▀▀▀▀"]


def test_without_shares_only_whole_cells_are_marked():
    assert text(lines(cells([[MOST_MASKED, MOST_GO, MASKED, GOES]]), 1, FEW)) == [" █-█ ×-○"]


def test_in_views_without_a_mask_no_share_of_one_is_marked():
    for view, expected in (("mask", "×█○█"), ("orig", " █○█"), ("step", " █-█")):
        assert text(lines(cells([[MOST_MASKED, MOST_GO]]), 1, FEW, view=view, shares=True)) == [expected]


def test_a_dead_row_among_living_ones_is_seen_however_much_is_pooled():
    values, kept = normal(120, 400), torch.ones(120, 400)
    kept[57] = 0
    request = GetHeatmap("weight", "effective", 0, 1, Block((), (0, 120), (0, 400)), 12, 40)
    found = heatmap(Layers(values, kept, "effective"), request, Pruning(), never)
    for look, row in ((MANY, "₊" * 40), (FEW, "×")):
        *told, legend = text(under_legend(found, 3.0, look))
        marked = [line for line in told if row in line]
        assert len(marked) == 1
        assert "1 row wholly masked" in legend
        assert "some masked" in legend


# ---------------------------------------------------------------- layouts


def test_a_last_row_may_be_shorter():
    assert text(lines(cells([[ONE, ONE, ONE], [ONE]]), 1, FEW)) == [" █ █ █", " █    "]
    assert text(lines(cells([[ONE, ONE], [ONE, ONE], [ONE]]), 1, MANY)) == ["▀▀", "▀ "]


def test_a_magnified_cell_is_so_many_wide_and_high():
    codes = coded(cells([[ONE, MINUS]]), 1, FEW)
    assert text(drawn(magnified(codes, 2), FEW)) == [" █ █-█-█"] * 2


def test_neighbours_of_one_style_are_one_segment():
    (line,) = lines(cells([[ONE, ONE, MINUS], [ONE, ONE, ONE]]), 1, MANY)
    assert [segment.text for segment in line] == ["▀▀", "▀"]


def test_with_a_scale_of_nothing_zero_is_zero_and_all_else_is_clipped():
    assert text(lines(cells([[ZERO, ONE, MINUS]]), 0.0, FEW)) == [" ·>█<█"]


def test_the_scale_is_the_largest_but_not_above_three_rms():
    def scale(low, high, rms):
        return scale_of(Statistics(9, 0, minimum=low, maximum=high, rms=rms))

    assert [scale(-2, 1, 1), scale(-9, 1, 1), scale(0, 0, 0), scale(None, None, None)] == [2, 3, 0, 0]


# ---------------------------------------------------------------- the legend


def told(rows, look, room=Room(200), *, scale=1.0, tally=None, pool="", view="effective"):  # noqa: B008 - frozen
    """The legend of a picture of cells."""
    found = msgspec.structs.replace(cells(rows), tally=tally or Tally())
    codes = coded(found, scale, look, view=view, shares=True)
    shown = Told(found, codes, drawn(codes, look), view)
    return text(heatmap_legend.lines(shown, scale, look, room, pool=pool))


def test_the_legend_says_the_scale_and_how_cells_were_made():
    assert told([[ONE]], MANY, scale=0.314, pool="extreme of 17×8") == [
        "-0.314 ▇▇▇▇ 0 ▇▇▇▇ 0.314 · ▇▇ clipped · extreme of 17×8"
    ]
    assert told([[ZERO]], Look("none", ascii=True), scale=0.314, pool="mean of 2×8") == [
        "-0.314 -@-#-+-: . : + # @ 0.314 | mean of 2x8"
    ]


def test_the_legend_explains_the_glyphs_that_are_shown_and_no_others():
    glyphs = {
        "× masked": [[MASKED], [MASKED]],
        "ˣ masked": [[MASKED], [ONE]],
        "ˣₓ masked": [[MASKED, ONE], [ONE, MASKED]],
        "×ˣ just masked": [[NEWLY, NEWLY], [NEWLY, ONE]],
        "ₒ would go": [[ONE], [GOES]],
        "+ half or more masked": [[MOST_MASKED, ONE], [MOST_MASKED, ONE]],
        "⁺ some masked": [[LEAST_MASKED, ONE], [ONE, ONE]],
        "· half or more would go": [[MOST_GO, ONE], [MOST_GO, ONE]],
        "N NaN": [[NAN], [ONE]],
        "∞ Inf": [[INF], [ONE]],
    }
    for expected, rows in glyphs.items():
        (line,) = told(rows, MANY)
        assert line == f"-1 ▇▇▇▇ 0 ▇▇▇▇ 1 · {expected}"
    assert told([[ONE], [ONE]], MANY) == ["-1 ▇▇▇▇ 0 ▇▇▇▇ 1"]
    assert told([[MASKED, MOST_MASKED, MOST_GO, GOES]], FEW) == [
        "-1 -█-▓-▒-░ · ░ ▒ ▓ █ 1 · ○ would go · ○· some would go · × masked · ×· some masked"
    ]


def test_the_legend_says_how_much_is_masked_and_would_go():
    tally = Tally(1000, kept=700, going=70, dead_rows=24, dead_columns=1)
    (line,) = told([[ZERO]], MANY, tally=tally)
    assert line.endswith(" · 7.0% would go · 24 rows, 1 column wholly masked · 30.0% masked")
    (line,) = told([[ZERO]], MANY, tally=tally, view="orig")
    assert line.endswith("1 · 7.0% would go"), "what is masked is no part of that view"
    (line,) = told([[ZERO]], MANY, tally=tally, view="step")
    assert line.endswith("▇ 1")


def test_in_the_narrowest_pane_the_legend_fits_and_says_what_matters_most():
    tally = Tally(1000, kept=500, dead_rows=60)
    assert told([[MASKED, ONE]], MANY, Room(47), tally=tally) == [
        "-1 ▇▇ 0 ▇▇ 1 · × masked · 60 rows wholly masked"
    ]
    assert told([[MASKED, ONE]], MANY, Room(47, 2), tally=tally)[1:] == ["50.0% masked"]


def test_parts_that_do_not_fit_are_left_out_whole():
    tally = Tally(1000, kept=500, dead_rows=60)
    rows = [[MASKED, ONE, NAN, GOES, MOST_MASKED]]
    whole = set(told(rows, MANY, tally=tally)[0].split(" · "))
    for width in range(120):
        for line in told(rows, MANY, Room(width, 2), tally=tally):
            assert len(line) <= width
            assert {part for part in line.split(" · ") if "▇" not in part} <= whole


# ---------------------------------------------------------------- bytes on the wire

SYSTEMS = {"truecolor": "truecolor", "256": "256", "16": "standard", "none": None}


def sent(found, look):
    """What a terminal of so many colours is sent."""
    console = Console(file=io.StringIO(), color_system=SYSTEMS[look.depth], force_terminal=True, width=200)
    for line in found:
        console.print(Segments([*line, Segment.line()]), end="")
    return console.file.getvalue()


def full_size(look, *, half_masked=False):
    """A picture of 120 columns and 40 lines, whose every cell is another."""
    layers, pruning = plain(normal(400, 600))
    if half_masked:
        kept = (normal(400, 600) > 0).float()
        layers, pruning = layers._replace(kept=kept), Pruning(torch.ones(400, 600, dtype=torch.bool))
    height, width = 40 * rows_per_line(look), 120 // columns_per_cell(look)
    request = GetHeatmap("weight", "effective", 0, 1, Block((), (0, height), (0, width)), height, width)
    return lines(heatmap(layers, request, pruning, never), 3.0, look)


@pytest.mark.parametrize("half_masked", [True, False])
@pytest.mark.parametrize("depth", ["truecolor", "16", "none"])
def test_a_slow_line_carries_a_tenth(half_masked, depth):
    fine = full_size(Look("truecolor"), half_masked=False)
    slow = full_size(Look(depth, slow=True), half_masked=half_masked)
    assert {len(line) for line in text(fine)} == {len(line) for line in text(slow)} == {120}
    assert len(fine) == len(slow) == 40
    wide = len(sent(fine, Look("truecolor")).encode())
    assert len(sent(slow, Look(depth)).encode()) <= wide / 10


@pytest.mark.parametrize("depth", ["truecolor", "256", "16"])
def test_the_colours_of_the_ramp_are_those_that_are_sent(depth):
    look = Look(depth)
    told = sent(full_size(look), look)
    wanted = {
        ";".join(colour.get_ansi_codes(foreground))
        for colour in ramps.ramp(look)
        if colour
        for foreground in (True, False)
    }
    found = set(re.findall(r"[34]8;5;\d+|[34]8;2;\d+;\d+;\d+|(?<=\[)3\d(?=m)", told))
    assert len(found) >= (2 if depth == "16" else 12)
    assert found <= wanted
