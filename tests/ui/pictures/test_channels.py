from __future__ import annotations

import functools
import math
from array import array

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui.engine import channel_rows
from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import layers
from prune_tui.tensor_views import HAS_INF, HAS_NAN, Channels
from prune_tui.ui.pictures import channels
from prune_tui.ui.pictures.look import Look
from tests.ui.pictures.golden_files import LOOKS, check


def measured(values: Tensor, dim: int = 0, mask: Tensor | None = None) -> Channels:
    """As the engine measures it."""
    module = nn.Module()
    module.weight = nn.Parameter(values, requires_grad=False)
    if mask is not None:
        prune.custom_from_mask(module, "weight", mask)
    return channel_rows.channels(layers(module, "weight", "effective"), dim, never)


def some(*shape: int) -> Tensor:
    """Numbers that look random and are the same on every machine."""
    count = math.prod(shape)
    return (torch.arange(count, dtype=torch.float64) * 0.7548776662).frac().sub(0.5).float().reshape(shape)


def without(shape: tuple[int, ...], *dead: int) -> Tensor:
    """A mask that takes some channels and every third entry."""
    mask = (torch.arange(math.prod(shape)) % 3 != 0).float().reshape(shape)
    mask[list(dead)] = 0
    return mask


def embedding() -> Channels:
    """What 50304×2048 comes to: made here, for a tensor of that size is no test's."""
    count = 50304
    norms = array("f", (20 + 25 * abs(math.sin(at)) for at in range(count)))
    kept = array("f", (0.0 if at % 9973 == 11 else 0.5 + at / 2 / count for at in range(count)))
    return Channels(
        0,
        2048,
        norms.tobytes(),
        kept.tobytes(),
        array("f", (-0.1 - at / count for at in range(count))).tobytes(),
        array("f", (0.2 + at / count for at in range(count))).tobytes(),
        bytes(count),
        bytes(at * 37 % 256 for at in range(count * 12)),
    )


CONV = (6, 4, 3, 3)
NOT_FINITE = torch.tensor(
    [[1.0, math.nan, 3.0], [math.inf, -math.inf, math.nan], [0.5, 0.25, 0.0], [-math.inf, 1, 2]]
)

CASES = {
    "1d": lambda: (measured(some(12), 0, without((12,), 3)), "out"),
    "2d": lambda: (measured(some(9, 40), 0, without((9, 40), 0, 2, 5)), "out"),
    "conv": lambda: (measured(some(*CONV), 0, without(CONV, 4)), "out"),
    "conv-in": lambda: (measured(some(*CONV), 1, without(CONV)), "in"),
    "1x1": lambda: (measured(torch.tensor([[-2.5]])), "out"),
    "empty": lambda: (measured(torch.empty(0, 5)), "out"),
    "no-entries": lambda: (measured(torch.empty(3, 0)), "out"),
    "not-finite": lambda: (measured(NOT_FINITE), "out"),
    "bfloat16": lambda: (measured((some(5, 33) * 1e-4).bfloat16()), "out"),
    "bool": lambda: (measured(some(4, 8) > 0), "d0"),
    "50304x2048": lambda: (embedding(), "index"),
}  # fmt: skip
known = functools.cache(lambda case: CASES[case]())


def drawn(
    case: str, look: Look, width: int, by: channels.By = "index", *, descending: bool = False, cursor: int = 1
):
    told, axis = known(case)
    order = channels.order(told, by, descending).indices
    return channels.lines(
        told, order, 0, look, width=width, height=14, axis=axis, cursor=1, by=by, descending=descending
    )


def texts(lines) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, look: str) -> None:
    lines = [line for width in (80, 45, 30) for line in drawn(case, LOOKS[look], width, "norm", descending=True)]
    check(f"channels-{case}-{look}", lines)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("by", channels.ORDERS)
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_pane_and_the_sorted_column_is_marked(case, by, ascii_only) -> None:
    look = Look("none", ascii=ascii_only)
    for width in (*range(1, 12), 17, 25, *range(30, 37), 45, 60, 80, 120):
        lines = texts(drawn(case, look, width, by))
        assert max(map(len, lines)) <= max(width, 25), (width, lines)
        assert len(lines) <= 14
        assert not ascii_only or "".join(lines).isascii()
        if width >= 30 and case != "empty":
            name = known(case)[1] if by == "index" else by
            assert name + ("^" if ascii_only else "▲") in lines[0]


def test_a_row_says_in_words_what_is_wrong() -> None:
    at_30 = texts(drawn("not-finite", Look(), 30))
    assert [line.split()[-1] for line in at_30[1:3]] == ["NaN", "Inf"]
    assert at_30[2].endswith("NaN Inf")
    assert at_30[-1].startswith("0 of 4 dead · 3 with NaN or")
    dead = texts(drawn("2d", Look(), 30))
    assert " dead" in dead[1]
    assert "dead" not in dead[2]
    assert dead[-1] == "3 of 9 dead · sorted by index"
    assert texts(drawn("2d", Look(), 45, "norm"))[-1] == "3 of 9 dead · out 0, 2, 5 · sorted by norm"
    assert (
        texts(drawn("50304x2048", Look(), 60))[-1]
        == "6 of 50304 dead · index 11, 9984, 19957, … · sorted by index"
    )


def told(norms: list[float], kept: list[float] | None = None, entries: int = 100) -> Channels:
    count = len(norms)
    zeros = array("f", [0.0] * count).tobytes()
    return Channels(
        0,
        entries,
        array("f", norms).tobytes(),
        array("f", kept or [1.0] * count).tobytes(),
        zeros,
        zeros,
        bytes([HAS_NAN | HAS_INF] * count),
        bytes(12 * count),
    )


def table(told: Channels, look: Look = LOOKS["truecolor"]) -> list[str]:
    order = range(len(told.bad))
    return texts(channels.lines(told, order, 0, look, width=80, height=9, axis="out", cursor=-1))


def test_order_is_by_value_and_then_by_index_with_nan_behind() -> None:
    norms = told([2.0, math.nan, 5.0, 2.0, 0.0])
    assert channels.order(norms, "norm", False).indices == [4, 0, 3, 2, 1]
    assert channels.order(norms, "norm", True).indices == [2, 0, 3, 4, 1]
    assert list(channels.order(norms, "index", True).indices) == [4, 3, 2, 1, 0]
    assert channels.order(norms, "kept", True).indices == [0, 1, 2, 3, 4]


def test_shares_are_never_rounded_to_none_or_all() -> None:
    shares = told([1.0] * 4, [0.0, 1e-9, 1 - 6e-8, 1.0], 10**9)
    lines = table(shares, Look())
    assert [line.split()[3] for line in lines[1:5]] == ["dead", "<0.1%", ">99.9%", "100.0%"]


def test_a_bar_is_relative_to_the_largest_norm_that_is_a_number() -> None:
    lines = table(told([4.0, 2.0, math.inf, 1e-9, 0.0]), Look())
    bars = [line[6:22] for line in lines[1:6]]
    assert bars == ["█" * 16, "█" * 8 + " " * 8, "█" * 16, "▏" + " " * 15, " " * 16]
    plain = table(told([4.0, 2.0, 1e-9]), LOOKS["none-ascii"])
    assert [line[6:22] for line in plain[1:4]] == ["#" * 16, "#" * 8 + " " * 8, "#" + " " * 15]


def test_the_cursor_is_a_mark_and_its_window_scrolls() -> None:
    norms, axis = known("50304x2048")
    lines = texts(channels.lines(norms, range(50304), 40000, Look(), width=60, height=6, axis=axis, cursor=40002))
    assert [line[:8].split() for line in lines[1:-1]] == [["40000"], ["40001"], ["▸", "40002"], ["40003"]]


def test_a_cursor_that_is_not_in_sight_stands_below_the_rows_with_its_number() -> None:
    norms, axis = known("50304x2048")
    drawn = functools.partial(channels.lines, norms, range(50304), 0, Look(), width=60, axis=axis)
    lines = texts(drawn(height=7, cursor=40002))
    told = [line[:8].split() for line in lines[1:4]], lines[5][:8].split()
    assert told == ([["0"], ["1"], ["2"]], ["▸", "40002"])
    assert lines[4] == "… row 40,003 of 50,304:"
    assert "dead" in lines[-1]
    small = texts(drawn(height=4, cursor=40002))
    assert [line[:8].split() for line in small[1:3]] == [["0"], ["1"]], "no room: the first rows matter more"


def test_a_note_is_wrapped() -> None:
    note = Channels(3, note="the shape is 2×3: it has no axis 3")
    lines = channels.lines(note, [], 0, Look(), width=20, height=9, axis="out", cursor=0)
    assert texts(lines) == ["the shape is 2×3: it", "has no axis 3"]
