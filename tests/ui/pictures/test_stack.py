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


def texts(found: Stack, look: Look, width: int, cursor: int = -1) -> list[str]:
    return ["".join(one.text for one in line) for line in stack.lines(found, shades, look, width, cursor)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, look: str) -> None:
    lines = [line for width in (80, 45, 30) for line in stack.lines(CASES[case](), shades, LOOKS[look], width, 1)]
    check(f"stack-{case}-{look}", lines)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_pane(case: str, ascii_only: bool) -> None:
    for width in (4, 14, 29, 30, 45, 80, 200):
        lines = texts(CASES[case](), Look("none", ascii=ascii_only), width)
        assert max(map(len, lines)) <= width, (width, lines)
        assert not ascii_only or "".join(lines).isascii()


def test_odd_ones_are_named_and_the_cursor_is_marked() -> None:
    lines = texts(CASES["1d"](), Look(), 30, 3)
    assert lines[0] == "5 layers · 1 odd · layers.*.w…"
    assert [line for line in lines[1:] if "odd" in line] == [" 2              ▸3 odd        "]
    assert texts(CASES["1d"](), Look(), 60)[0] == "5 layers · 1 odd · layers.*.weight"


def member(path: str, oddness: float = 0.0) -> Member:
    return Member(path, 4, 2, 0.5, oddness, Heatmap(1, 1, values=bytes(4)))


def test_a_name_with_two_open_numbers_shows_both_and_what_is_left_out_is_counted() -> None:
    found = Stack(
        "stages.*.blocks.*.w", (member("stages.0.blocks.1.w"), member("stages.1.blocks.12.w", 3.6)), 1200
    )
    lines = texts(found, Look(), 60)
    assert lines[0] == "2 layers · 1 odd · 1,200 more · stages.*.blocks.*.w"
    assert lines[3].split() == ["0.1", "1.12", "odd"]
    assert lines[4].split() == ["50.0%", "0.500"] * 2


@pytest.mark.parametrize("width", [14, 30, 45, 80, 200])
def test_the_layout_tells_where_each_title_is(width: int) -> None:
    found = CASES["2d"]()
    place = stack.layout([shades(one.picture) for one in found.members], width)
    for at in range(len(found.members)):
        (row,) = [number for number, line in enumerate(texts(found, Look(), width, at)) if "▸" in line]
        assert row == place.top(at)


def test_text_of_a_model_stays_text() -> None:
    found = Stack("[b]x\x1b.*.w", (member("[b]x\x1b.0.w"), member("[b]x\x1b.1.w")))
    assert texts(found, Look(), 60)[0].endswith(" · [b]x�.*.w")
