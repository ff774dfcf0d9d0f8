"""The values with the numbers of their rows and columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.in_process import app_on, press, running
from tests.ui.tensor_pane_here import look_at, picture_text


def columns_under(pilot: Pilot[None], row: int) -> dict[int, str]:
    """The numbers of the columns that are seen, and what ends under each of them in a line of the grid."""
    lines = picture_text(pilot).splitlines()
    found, line = {}, lines[row]
    for number in lines[1].split():
        end = f"{lines[1]} ".index(f" {number} ") + len(number) + 1
        found[int(number)] = line[:end].split()[-1]
    return found


async def test_each_column_has_its_number_above_its_values() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight")
        weight = pilot.app.engine.model.fc1.weight
        seen = columns_under(pilot, 4)
        assert list(seen) == list(range(len(seen)))
        assert len(seen) > 4
        assert seen == {column: f"{weight[2, column]:.4f}" for column in seen}


async def test_the_numbers_scroll_with_the_columns() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", "colon", *"2 205", "enter")
        weight = pilot.app.engine.model.fc1.weight
        assert pane.picture.scroll_offset.x
        seen = columns_under(pilot, 4)
        assert 205 in seen
        assert seen == {column: f"{weight[2, column]:.4f}" for column in seen}


async def test_all_facets_have_the_same_columns_and_a_wrapped_axis_counts_along_its_lines() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight")
        assert picture_text(pilot).splitlines()[1].split() == [*"012012"]
        await press(pilot, "t")
        heading = picture_text(pilot).splitlines()[1].split()
        assert heading[:3] == ["+0", "+1", "+2"]


async def test_a_number_that_is_wider_than_its_column_is_left_out(tmp_path: Path) -> None:
    """`150001` over ones and zeros would run into its neighbours; the first line says where they begin."""
    (tmp_path / "wide.py").write_text(
        "import torch\nnet = torch.nn.Sequential(torch.nn.Linear(150010, 2, bias=False).bfloat16())\n"
    )
    async with running(app_on(f"{tmp_path}/wide.py:net")) as pilot:
        await look_at(pilot, "0.weight", "w", "w", "colon", *"0 99996", "enter")
        assert picture_text(pilot).splitlines()[1].split()[-1] == "99996"
        await press(pilot, "colon", *"0 150005", "enter")
        heading, numbers = picture_text(pilot).splitlines()[:2]
        assert not numbers.strip()
        assert ", from 1499" in heading


@pytest.mark.parametrize(("size", "numbered"), [((80, 24), True), ((72, 18), False)])
async def test_where_lines_are_few_they_are_left_to_the_values(size: tuple[int, int], numbered: bool) -> None:
    async with running(app_on(), size=size) as pilot:
        await look_at(pilot, "fc1.weight")
        assert (picture_text(pilot).splitlines()[1].split()[:2] == ["0", "1"]) == numbered


async def test_the_heading_marks_the_axis_that_slices_go_along() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "conv2.weight")
        assert picture_text(pilot).splitlines()[0] == "↓ out 0-15   → in 0-5  for each ‹kh 3› × kw 3"
        await press(pilot, "A")
        assert picture_text(pilot).splitlines()[0].endswith("for each kh 3 × ‹kw 3›")


@pytest.mark.parametrize("keys", [("G",), ("pagedown",) * 3])
async def test_the_cursor_stays_in_sight_below_the_numbers(keys: tuple[str, ...]) -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", *keys)
        assert any(line.startswith(f"{pane.aim.index[0]:>3} ") for line in picture_text(pilot).splitlines()[2:])
