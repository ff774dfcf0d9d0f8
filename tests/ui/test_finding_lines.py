"""What the doctor's pane writes, at any width."""

from __future__ import annotations

import pytest

from prune_tui.steps import Reattach
from prune_tui.ui.finding_lines import counts_text, finding_lines, looked_at
from prune_tui.views import Finding, Findings

LOST = Finding(
    "half-pruned",
    "error",
    "conv1",
    "conv1.weight",
    "conv1.weight_orig and conv1.weight_mask have lost their hook",
    "attach a hook again",
    Reattach(targets=("conv1.weight",)),
    "a hook keeps 19 of 54 entries again",
)
DEAD = Finding("dead", "warning", "fc1", "fc1.weight", "all 10 entries are masked", "prune it less")
COPY = Finding("no-deepcopy", "note", "", "", "copy.deepcopy raises", "run a forward first")
FOUND = Findings((LOST, DEAD, COPY), 29, 10)


def texts(selected: int, width: int) -> list[str]:
    return [line.text.plain for line in finding_lines(FOUND, selected, width)]


def test_only_the_finding_at_the_cursor_is_explained() -> None:
    assert texts(1, 80) == [
        "✗ error   half-pruned     conv1.weight",
        "! warning dead            fc1.weight",
        "   all 10 entries are masked",
        "   → prune it less",
        "· note    no-deepcopy     the model",
    ]


def test_a_repair_says_its_step_and_what_it_would_change() -> None:
    assert texts(0, 80)[3] == "   r reattach: a hook keeps 19 of 54 entries again"


def test_a_narrow_pane_leaves_the_severity_to_its_mark() -> None:
    assert texts(2, 40)[:2] == ["✗ half-pruned     conv1.weight", "! dead            fc1.weight"]


@pytest.mark.parametrize("width", [12, 27, 45, 100])
def test_explanations_stay_inside_the_pane_and_belong_to_their_finding(width: int) -> None:
    lines = finding_lines(FOUND, 0, width)
    explained = [line for line in lines if line.text.plain.startswith("   ")]
    assert all(line.text.cell_len <= max(width, 14) for line in explained)
    assert {line.finding for line in explained} == {0}
    assert [line.finding for line in lines] == sorted(line.finding for line in lines)


def test_names_are_shown_literally() -> None:
    odd = Finding("dead", "warning", "[b]x", "[b]x.w\n", "[red]y", "z")
    lines = finding_lines(Findings((odd,), 1, 1), 0, 60)
    assert "[b]x.w" in lines[0].text.plain
    assert "\n" not in lines[0].text.plain
    assert lines[1].text.plain == "   [red]y"


def test_counts() -> None:
    assert counts_text(FOUND) == "1 error · 1 warning · 1 note"
    assert counts_text(Findings((DEAD, DEAD), 29, 1)) == "2 warnings"
    assert counts_text(Findings((), 29, 1)) == ""
    assert (looked_at(FOUND), looked_at(Findings((), 29, 1))) == (
        "29 checks on 10 tensors",
        "29 checks on 1 tensor",
    )
