from __future__ import annotations

import functools
import math

import pytest
import torch
from rich.segment import Segment
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui.engine import stack as engine
from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import layers
from prune_tui.engine.pooling import whole as pooled
from prune_tui.engine.targets import locate
from prune_tui.tensor_views import Heatmap, Member, Stack
from prune_tui.ui.pictures import stack
from prune_tui.ui.pictures.arrays import floats
from prune_tui.ui.pictures.look import Look
from tests.ui.pictures.golden_files import LOOKS, check

HEIGHT, WIDTH = 3, 8


def told(tensors: list[Tensor], masks: dict[int, Tensor] | None = None) -> Stack:
    """As the engine tells it."""
    model = nn.Module()
    model.layers = nn.ModuleList(nn.Module() for _ in tensors)
    for module, tensor in zip(model.layers, tensors, strict=True):
        module.weight = nn.Parameter(tensor, requires_grad=False)
    for at, mask in (masks or {}).items():
        prune.custom_from_mask(model.layers[at], "weight", mask)

    def look(path: str):
        return layers(*locate(model, path), "effective")

    found = engine.siblings(model, "layers.0.weight")
    return engine.stack(found, look, (HEIGHT, WIDTH), lambda *asked: pooled(*asked, never), never)


def like(*shape: int, count: int = 5) -> list[Tensor]:
    """Tensors that are like each other, but for the fourth."""
    places = torch.arange(math.prod(shape), dtype=torch.float64)
    made = [((places + at) * 0.7548776662).frac().sub(0.5).float().reshape(shape) for at in range(count)]
    made[3] = made[3] * 4
    return made


def not_finite() -> list[Tensor]:
    made = like(2, 9, count=4)
    made[1][0, 3] = math.nan
    made[2].fill_(math.inf)
    return made


CASES = {
    "1d": lambda: told(like(20)),
    "2d": lambda: told(like(12, 40), {1: torch.zeros(12, 40), 2: (torch.arange(480) % 2).reshape(12, 40)}),
    "conv": lambda: told(like(4, 3, 3, 3), {0: torch.ones(4, 3, 3, 3)}),
    "1x1": lambda: told(like(1, 1)),
    "empty": lambda: told([torch.empty(0, 4)] * 3),
    "not-finite": lambda: told(not_finite()),
    "bfloat16": lambda: told([one.bfloat16() * 1e-3 for one in like(8, 8)]),
    "bool": lambda: told([one > 0 for one in like(6, 6)]),
    "meta": lambda: told([torch.empty(3, 3, device="meta")] * 2),
    "alone": lambda: told([torch.ones(2, 2)]),
}
CASES = {name: functools.cache(case) for name, case in CASES.items()}


def shades(picture: Heatmap) -> list[list[Segment]]:
    """A plain picture: a digit for each cell, `?` where there is no value."""
    greatest = max((abs(one) for one in floats(picture.values) if not math.isnan(one)), default=0) or 1
    drawn = ["?" if math.isnan(one) else str(int(abs(one) / greatest * 9)) for one in floats(picture.values)]
    rows = range(0, len(drawn), picture.width or 1)
    return [[Segment("".join(drawn[at : at + picture.width]))] for at in rows]


def texts(found: Stack, look: Look, width: int, cursor: int = -1, own: int = -1) -> list[str]:
    lines = stack.draw(found, shades, look, width, cursor=cursor, own=own).lines
    return ["".join(one.text for one in line) for line in lines]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, look: str) -> None:
    drawn = [stack.draw(CASES[case](), shades, LOOKS[look], width, cursor=1, own=0) for width in (80, 45, 30)]
    check(f"stack-{case}-{look}", [line for one in drawn for line in one.lines])


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_pane(case: str, ascii_only: bool) -> None:
    for width in (4, 14, 29, 30, 45, 80, 200):
        lines = texts(CASES[case](), Look("none", ascii=ascii_only), width)
        assert max(map(len, lines)) <= width, (width, lines)
        assert not ascii_only or "".join(lines).isascii()


def test_odd_ones_the_cursor_and_the_tensor_itself_are_marked() -> None:
    lines = texts(CASES["1d"](), Look(), 30, 3, 2)
    assert lines[0] == "5 layers · layers.*.weight"
    assert lines[1:2] == ["1 odd: 3 (rms 4.01× median)"]
    assert [line for line in lines[3:] if "odd" in line] == [" 2 here         ▸3 odd        "]


def member(path: str, kept: int = 2, rms: float | None = 0.5, *, odd: str = "") -> Member:
    oddness = (9.0 if "rms" in odd else 0.0, 9.0 if "kept" in odd else 0.0)
    return Member(path, 4, kept, rms, *oddness, Heatmap(1, 1, values=bytes(4)))


def heading(*members: Member, width: int = 200) -> str:
    """What the heading says of the odd ones."""
    return texts(Stack("h.*.w", members), Look(), width)[1]


def test_the_heading_says_in_words_which_are_odd_and_in_what() -> None:
    usual = [member(f"h.{at}.w") for at in range(3)]
    assert heading(*usual) == "none is odd: they are all alike in rms and in what they keep"
    assert heading(*usual, member("h.3.w", rms=2.0, odd="rms")) == "1 odd: 3 (rms 4.00× median)"
    assert heading(*usual, member("h.3.w", 1, odd="kept")) == "1 odd: 3 (keeps 25.0%, median 50.0%)"
    both = heading(*usual, member("h.3.w", 1, 0.25, odd="rms kept"), member("h.4.w", rms=None, odd="rms"))
    assert both == "2 odd: 3 (keeps 25.0%, median 50.0%, rms 0.500× median), 4 (no finite value)"
    zeros = [member(f"h.{at}.w", rms=0.0) for at in range(3)]
    assert heading(*zeros, member("h.3.w", odd="rms")) == "1 odd: 3 (rms 0.500, median 0)"


def test_of_many_odd_ones_some_are_named_and_the_others_counted() -> None:
    many = [member(f"h.{at}.w", rms=1.0 * (at > 9), odd="rms" * (at > 9)) for at in range(20)]
    assert heading(*many).endswith(" 15 (rms 2.00× median), and 4 more")


def test_a_name_with_two_open_numbers_shows_both_and_what_is_left_out_is_counted() -> None:
    found = Stack(
        "stages.*.blocks.*.w", (member("stages.0.blocks.1.w"), member("stages.1.blocks.12.w", odd="rms")), 1200
    )
    lines = texts(found, Look(), 80)
    assert lines[0] == "2 layers · 1,200 more · stages.*.blocks.*.w"
    assert lines[1] == "1 odd: 1.12 (rms 1.00× median)"
    assert lines[4].split() == ["0.1", "1.12", "odd"]
    assert lines[5].split() == ["50.0%", "0.500"] * 2


@pytest.mark.parametrize("width", [14, 30, 45, 80, 200])
def test_the_layout_tells_where_each_title_is(width: int) -> None:
    found = CASES["2d"]()
    place = stack.draw(found, shades, Look(), width).place
    for at in range(len(found.members)):
        (row,) = [number for number, line in enumerate(texts(found, Look(), width, at)) if "▸" in line]
        assert row == place.top(at)


@pytest.mark.parametrize(
    ("member", "down", "across", "found"),
    [(0, 0, 1, 1), (0, 0, -1, 0), (2, 0, 1, 3), (7, 0, 1, 7), (1, 1, 0, 4), (4, 1, 0, 7), (5, 1, 0, 7),
     (6, 1, 0, 6), (1, -1, 0, 1), (4, -1, 0, 1), (1, 9, 0, 7), (7, -9, 0, 1), (3, 0, 99, 7), (3, 0, -99, 0)],
)  # fmt: skip
def test_arrows_go_from_layer_to_layer_and_not_beyond(member: int, down: int, across: int, found: int) -> None:
    """Eight in rows of three: the last row holds two."""
    assert stack.Layout(4, 3, 18, 6).beside(member, down, across, 8) == found


def test_text_of_a_model_stays_text() -> None:
    found = Stack("[b]x\x1b.*.w", (member("[b]x\x1b.0.w"), member("[b]x\x1b.1.w")))
    assert texts(found, Look(), 60)[0].endswith(" · [b]x�.*.w")
