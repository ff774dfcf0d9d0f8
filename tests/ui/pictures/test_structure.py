from __future__ import annotations

import functools

import pytest
import torch
from msgspec import structs
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui.engine import structure as engine
from prune_tui.engine.axes import axis_names
from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import layers
from prune_tui.engine.targets import locate
from prune_tui.tensor_views import AxisDead, Group, Structure
from prune_tui.ui.pictures import structure
from prune_tui.ui.pictures.look import Look
from tests.ui.pictures.golden_files import LOOKS, check


def told(model: nn.Module, path: str = "weight", mask: Tensor | None = None) -> tuple[Structure, tuple[str, ...]]:
    """As the engine tells it."""
    module, name = locate(model, path)
    with torch.no_grad():
        for parameter in module.parameters(recurse=False):
            parameter.fill_(0.5)
    if mask is not None:
        prune.custom_from_mask(module, name, mask)
    found = layers(module, name, "effective")
    axes = axis_names(module, name, getattr(module, name).shape)
    return _as_of_one_torch(engine.structure(engine.standing(model, path, found), never)), axes


def _as_of_one_torch(found: Structure) -> Structure:
    """Which dtypes and sizes torch takes differs between its releases."""
    patterns = [
        structs.replace(one, means="torch takes it as float16.") if one.means.startswith("torch.") else one
        for one in found.patterns
    ]
    return structs.replace(found, patterns=tuple(patterns))


def without(*shape: int) -> Tensor:
    """A mask that takes two channels, and of every four entries two, but in the last channel."""
    mask = (torch.arange(torch.Size(shape).numel()) % 4 < 2).float().reshape(shape)
    mask[-1] = 1
    mask[[0, 2]] = 0
    return mask


def lstm_with_inf() -> tuple[Structure, tuple[str, ...]]:
    found, axes = told(nn.LSTM(2, 3), "weight_ih_l0", without(12, 2))
    spoiled = tuple(Group(one.name, one.entries, one.kept, float("inf")) for one in found.groups)
    return structs.replace(found, groups=spoiled), axes


def of_bools() -> nn.Module:
    module = nn.Linear(16, 16, bias=False)
    module.weight = nn.Parameter(torch.ones(16, 16, dtype=torch.bool), requires_grad=False)
    return module


CASES = {
    "1d": lambda: told(nn.Linear(3, 12), "bias", without(12)),
    "2d": lambda: told(nn.Linear(32, 64), "weight", without(64, 32)),
    "unpruned": lambda: told(nn.Linear(6, 10)),
    "conv": lambda: told(nn.Conv2d(8, 6, 3), "weight", without(6, 8, 3, 3)),
    "1x1": lambda: told(nn.Linear(1, 1), "weight", torch.zeros(1, 1)),
    "empty": lambda: told(nn.Linear(4, 0)),
    "lstm-inf": lstm_with_inf,
    "heads": lambda: told(nn.MultiheadAttention(16, 4), "in_proj_weight", without(48, 16)),
    "bfloat16": lambda: told(nn.Linear(32, 16).bfloat16(), "weight", without(16, 32)),
    "bool": lambda: told(of_bools(), "weight", without(16, 16)),
    "meta": lambda: told(nn.Linear(2, 3, device="meta")),
}  # fmt: skip


CASES = {name: functools.cache(case) for name, case in CASES.items()}


def texts(case: str, look: Look, width: int) -> list[str]:
    return ["".join(segment.text for segment in line) for line in structure.lines(*CASES[case](), look, width)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, look: str) -> None:
    found = CASES[case]()
    lines = [line for width in (80, 45, 30) for line in structure.lines(*found, LOOKS[look], width)]
    check(f"structure-{case}-{look}", lines)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_pane(case: str, ascii_only: bool) -> None:
    for width in (26, 30, 36, 45, 60, 80, 120):
        lines = texts(case, Look("none", ascii=ascii_only), width)
        assert max(map(len, lines)) <= width, (width, lines)
        assert not ascii_only or "".join(lines).isascii()


def test_what_is_dead_is_said_in_words() -> None:
    lines = texts("2d", Look(), 60)
    assert lines[0] == "Kept 1,008 of 2,048 · 49.2%"
    assert lines[3].endswith("2 of 64 · 0, 2")
    assert (
        lines[4].strip().endswith("16 of 32 · 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, …")
        or "0 of 32" in lines[4]
    )
    head = texts("lstm-inf", Look(), 60)
    assert any("norm Inf" in line for line in head)


def test_a_group_of_which_nothing_is_kept_is_dead() -> None:
    found = Structure(4, 2, groups=(Group("head 0", 2, 2, 1.0), Group("head 1", 2, 0, 0.0)), grouped="Heads.")
    lines = ["".join(one.text for one in line) for line in structure.lines(found, (), Look(), 40)]
    assert lines[-3:] == [
        "Heads.",
        "  head 0 ████████████ 100.0% · norm 1.00",
        "  head 1                dead · norm 0",
    ]


def test_more_dead_than_are_named() -> None:
    found = Structure(90, 0, (AxisDead(3, 90, 90, (0, 1)),))
    (*_, last) = structure.lines(found, ("out",), Look(), 60)
    assert "".join(one.text for one in last) == "  d3 ████████████████ 90 of 90 · 0, 1, …"
