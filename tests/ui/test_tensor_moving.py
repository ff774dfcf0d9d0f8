"""Going from entry to entry: arrows, pages, ends, an index, what is looked for, slices, zoom, the mouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.in_process import app_on, press, running, settle
from tests.ui.tensor_pane_here import frame_text, look_at, main_of, picture_text, readout, said

HOLED = """
import torch
net = torch.nn.Linear(4, 3, bias=False)
with torch.no_grad():
    net.weight.copy_(torch.linspace(-1, 1, 12).reshape(3, 4))
    net.weight[0, 1] = net.weight[2, 0] = float("nan")
    net.weight[1, 2], net.weight[2, 3] = float("inf"), -float("inf")
net = torch.nn.Sequential(net)
"""

# Arrows, letters, pages


@pytest.mark.parametrize(
    ("keys", "index"),
    [
        (("down",), (1, 0)),
        (("j", "right", "l"), (1, 2)),
        (("j", "j", "up"), (1, 0)),
        (("l", "l", "h", "left", "left"), (0, 0)),
        (("k",), (0, 0)),
        (("G",), (119, 399)),
        (("end", "home"), (0, 0)),
        (("G", "j", "l"), (119, 399)),
        (("G", "g"), (0, 0)),
    ],
)
async def test_keys_go_from_entry_to_entry_and_not_beyond(keys: tuple[str, ...], index: tuple[int, ...]) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", *keys)
        assert pane.aim.index == index
        assert readout(pilot).startswith(f"[{index[0]}, {index[1]}] ")


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_pages_go_as_far_as_is_seen_and_back(key: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", key, *["i"] * 9, "pagedown", "ctrl+right")
        row, column = pane.aim.index
        assert row > 0
        assert column > 0
        await press(pilot, "pageup", "ctrl+left")
        assert pane.aim.index == (0, 0)
        before = None
        while pane.aim.index != before:
            before = pane.aim.index
            await press(pilot, "pagedown")
        assert pane.aim.index == (119, 0)


async def test_in_a_pooled_map_an_arrow_goes_a_cell_further() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", "f3")
        rows, columns = pane.picture._window.pooled
        assert rows > 1
        await press(pilot, "j", "l", "l")
        assert pane.aim.index == (rows, 2 * columns)
        assert f"extreme of {rows}×{columns}\n" in picture_text(pilot)


async def test_in_the_values_an_arrow_past_the_edge_leads_into_the_next_facet() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "l", "l", "l")
        assert pane.aim.index == (1, 0, 0, 0)
        await press(pilot, "j", "j", "j")
        assert pane.aim.index == (3, 0, 0, 0)


async def test_in_the_channels_arrows_follow_the_order_on_the_screen() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "f6", "p")
        assert said(pilot) == "sorted by norm, the greatest first"
        norms = pilot.app.engine.model.conv1.weight.flatten(1).norm(dim=1)
        order = norms.argsort(descending=True).tolist()
        await press(pilot, "g")
        seen = []
        for _ in order:
            seen.append(pane.aim.index[0])
            await press(pilot, "j")
        assert seen == order
        await press(pilot, "r", "g")
        assert said(pilot) == "sorted by norm, the least first"
        assert pane.aim.index[0] == order[-1]
        await press(pilot, "G", "l", "h")
        assert pane.aim.index[0] == order[0]


async def test_p_sorts_by_each_column_and_a_takes_the_channels_of_the_next_axis() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc3.weight", "f6")
        told = []
        for _ in range(5):
            await press(pilot, "p")
            told.append(said(pilot).split()[2].rstrip(","))
        assert told == ["norm", "kept", "min", "max", "index"]
        await press(pilot, "a")
        assert said(pilot) == "the channels of in"
        assert "0 of 84 dead" in picture_text(pilot)
        await press(pilot, "a")
        assert "0 of 10 dead" in picture_text(pilot)
        await press(pilot, "t", "a")
        assert said(pilot) == "there is one axis only"


# An index


async def test_a_colon_goes_to_an_index() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv2.weight", "colon")
        assert pane.going
        await press(pilot, *"15,0,2,-1", "enter")
        assert pane.aim.index == (15, 0, 2, 2)
        assert not pane.going
        assert main_of(pilot).focused is pane.picture


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("3 3", "2 numbers for out, in, kh, kw"),
        ("3", "1 number for out, in, kh, kw"),
        ("99 0 0 0", "out 99 is outside: 0 to 15"),
        ("a", "'a' is no whole number"),
    ],
)
async def test_a_bad_index_is_told_where_it_is_typed_and_can_be_mended(typed: str, why: str) -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "conv2.weight", "j", "colon", *typed, "enter")
        line = frame_text(pilot).splitlines()[-2]
        assert typed in line
        assert why in line
        assert said(pilot) == ""
        assert pane.going
        assert pane.aim.index == (1, 0, 0, 0)
        await press(pilot, "backspace")
        assert why not in frame_text(pilot), "it was about what stood there before"
        await press(pilot, *["backspace"] * len(typed), *"1 1 1 1", "enter")
        assert pane.aim.index == (1, 1, 1, 1)


async def test_an_index_that_is_being_typed_is_none_of_another_tensor() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv2.weight", "colon", *"99", "enter")
        main_of(pilot).go_to("fc1", "fc1.weight")
        await settle(pilot)
        assert not pane.going
        assert main_of(pilot).focused is pane.picture
        await press(pilot, "colon")
        assert "outside" not in frame_text(pilot)


async def test_esc_leaves_the_index_untyped_and_nothing_else() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv2.weight", "j", "z", "colon", *"5 5", "escape")
        assert not pane.going
        assert pane.aim.index == (1, 0, 0, 0)
        assert main_of(pilot).maximized is not None
        await press(pilot, "colon")
        assert pane.query_one("#go-to").value == ""


# What is looked for


async def test_n_goes_from_masked_entry_to_masked_entry_and_round_the_end() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "n")
        assert said(pilot) == "nothing is masked here"
        assert pane.aim.index == (0, 0, 0, 0)
        await press(pilot, "3", "enter", "n")
        masked = (pilot.app.engine.model.conv1.weight_mask == 0).nonzero().tolist()
        assert list(pane.aim.index) == masked[1]
        assert "masked 2 of 16" in readout(pilot)
        await press(pilot, "N", "N")
        assert list(pane.aim.index) == masked[-1]
        assert "masked 16 of 16" in readout(pilot)
        await press(pilot, "n")
        assert list(pane.aim.index) == masked[0]
        assert "masked 1 of 16" in readout(pilot)
        await press(pilot, "l")
        assert "of 16" not in readout(pilot), "this one was not looked for"


async def test_f_looks_for_the_next_kind(tmp_path: Path) -> None:
    (tmp_path / "holed.py").write_text(HOLED)
    async with running(app_on(f"{tmp_path}/holed.py:net")) as pilot:
        pane = await look_at(pilot, "0.weight", "f")
        assert (pane.aim.index, readout(pilot)) == ((0, 0), "[0, 0] -1 · extreme 1 of 8  out 0 in 0")
        await press(pilot, "f")
        assert (pane.aim.index, readout(pilot)) == ((0, 1), "[0, 1] NaN · NaN 1 of 2  out 0 in 1")
        await press(pilot, "n")
        assert pane.aim.index == (2, 0)
        await press(pilot, "N", "f")
        assert (pane.aim.index, readout(pilot)) == ((1, 2), "[1, 2] Inf · Inf 1 of 2  out 1 in 2")
        await press(pilot, "N")
        assert pane.aim.index == (2, 3)
        await press(pilot, "f")
        assert said(pilot) == "nothing is masked here"
        assert pane.aim.index == (2, 3)


async def test_f_goes_to_the_greatest_entry_and_n_to_smaller_and_smaller_ones() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", "l", "f")
        values = pilot.app.engine.model.fc1.weight.detach()
        ranked = values.abs().flatten().argsort(descending=True).tolist()
        assert "extreme 1 of 100" in readout(pilot)
        seen = []
        for _ in range(4):
            seen.append(values[pane.aim.index].item())
            await press(pilot, "n")
        assert seen == [values.flatten()[place].item() for place in ranked[:4]]
        assert "extreme 5 of 100" in readout(pilot)
        await press(pilot, "N", "N")
        assert "extreme 3 of 100" in readout(pilot)
        await press(pilot, "g")
        assert "extreme" not in readout(pilot), "this one was not looked for"
        await press(pilot, "n")
        assert "extreme 1 of 100" in readout(pilot)


async def test_where_there_is_none_of_a_kind_it_says_so_and_stays() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", "f")
        there = pane.aim.index
        for why in ("no NaN here", "no Inf here", "nothing is masked here"):
            await press(pilot, "f")
            assert said(pilot) == why
            assert pane.aim.index == there


async def test_what_was_found_comes_into_sight_in_every_map() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", "3", "enter", "N", "f4")
        assert "┼" in picture_text(pilot)
        await press(pilot, *["i"] * 5, "g", "N")
        assert "┼" in picture_text(pilot)
        assert f"[{pane.aim.index[0]}, {pane.aim.index[1]}] ×" in readout(pilot)


# Axes, slices, zoom


async def test_a_shows_other_axes_and_comes_round() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc3.weight", "j", "f3")
        assert picture_text(pilot).startswith("↓ out 0-9   → in 0-83")
        await press(pilot, "a")
        assert picture_text(pilot).startswith("↓ in 0-83   → out 0-9")
        assert pane.aim.index == (1, 0)
        await press(pilot, "f2")
        assert picture_text(pilot).startswith("↓ in 0-83   → out 0-9")
        await press(pilot, "a")
        assert picture_text(pilot).startswith("↓ out 0-9   → in 0-83")
        await press(pilot, "t", "a")
        assert said(pilot) == "there are no other axes"


@pytest.mark.parametrize("key", ["f5", "f7", "f8"])
async def test_a_picture_without_rows_and_columns_leaves_those_of_the_others(key: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc3.weight", key)
        before = pane.aim
        await press(pilot, "a")
        assert said(pilot) == "this picture is of the whole tensor: other axes are for values, heat map and mask"
        assert pane.aim == before


async def test_slices_go_along_the_axis_that_was_chosen_and_round_its_end() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv2.weight", "f3")
        assert "‹kh 0 of 3› · kw 0 of 3" in picture_text(pilot)
        await press(pilot, "greater_than_sign")
        assert pane.aim.index == (0, 0, 1, 0)
        assert "‹kh 1 of 3› · kw 0 of 3" in picture_text(pilot)
        await press(pilot, "less_than_sign", "less_than_sign")
        assert pane.aim.index == (0, 0, 2, 0)
        await press(pilot, "A", "greater_than_sign")
        assert said(pilot) == "slices: kh 2 of 3 · ‹kw 0 of 3›"
        assert pane.aim.index == (0, 0, 2, 1)


async def test_a_matrix_has_no_slices_and_says_so() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight", "greater_than_sign")
        assert said(pilot) == "no axis is left to slide along: rows and columns show them all"
        await press(pilot, "A")
        assert said(pilot) == "no other axis to slide along"


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_i_looks_more_closely_round_the_cursor_and_o_sees_all_again(key: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "fc1.weight", key, "G")
        whole = picture_text(pilot)
        await press(pilot, "o")
        assert said(pilot) == "this is the whole slice"
        for _ in range(20):
            if said(pilot) == "this is as close as it gets":
                break
            await press(pilot, "i")
            assert "┼" in picture_text(pilot), "the cursor stays in sight"
        assert said(pilot) == "this is as close as it gets"
        assert "an entry in" in picture_text(pilot)
        assert pane.aim.index == (119, 399)
        await press(pilot, *["o"] * 12)
        assert picture_text(pilot) == whole


async def test_p_pools_by_mean_and_by_extreme() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight", "f3")
        extreme = picture_text(pilot)
        await press(pilot, "p")
        assert said(pilot) == "a cell shows the mean of its entries"
        assert "mean of " in picture_text(pilot)
        assert picture_text(pilot) != extreme
        await press(pilot, "p")
        assert picture_text(pilot) == extreme


async def test_p_counts_in_logarithms_and_linearly() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc1.weight", "f5")
        linear = picture_text(pilot)
        await press(pilot, "p")
        assert picture_text(pilot) != linear
        await press(pilot, "p")
        assert said(pilot) == "linear counts"
        assert picture_text(pilot) == linear


async def test_braces_write_more_digits_and_fewer_as_far_as_makes_sense() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "right_curly_bracket")
        assert "-0.0311 " in picture_text(pilot)
        await press(pilot, "left_curly_bracket", "left_curly_bracket")
        assert "-0.03 " in picture_text(pilot)
        await press(pilot, *["left_curly_bracket"] * 9)
        assert said(pilot) == "1 digit after the point"
        assert "0.0 " in picture_text(pilot)
        await press(pilot, "right_curly_bracket")
        assert "-0.03 " in picture_text(pilot), "no key press was kept for later"


async def test_the_cursor_stays_in_sight_when_numbers_become_wider() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "fc1.weight", *["l"] * 9)
        for _ in range(4):
            await press(pilot, "right_curly_bracket")
            found = pane.picture._cell_of(pane.aim)
            left = pane.picture.scroll_offset.x
            assert left <= found.x
            assert found.right <= left + pane.picture._room


# The mouse


async def test_a_click_points_at_a_value() -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight")
        line = picture_text(pilot).splitlines()[4]
        await pilot.click(pane.picture, offset=(line.index("-0.170") + 2, 4))
        await settle(pilot)
        assert readout(pilot).startswith("[0, 0, 1, 1] -0.170395")
        for y in (0, 1):
            await pilot.click(pane.picture, offset=(line.index("-0.170") + 2, y))
            await settle(pilot)
            assert pane.aim.index == (0, 0, 1, 1), "there is no entry in the lines above"


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_a_click_points_at_the_entry_under_it_in_a_map(key: str) -> None:
    async with running(app_on()) as pilot:
        pane = await look_at(pilot, "conv1.weight", key, "j", "l", "l")
        region = pane.picture._cursor(pane.aim)
        await press(pilot, "g")
        await pilot.click(pane.picture, offset=region.offset)
        await settle(pilot)
        assert pane.aim.index == (0, 0, 1, 2)
        await pilot.click(pane.picture, offset=(pane.picture.size.width - 1, pane.picture.size.height - 1))
        await settle(pilot)
        assert pane.aim.index == (0, 0, 1, 2), "nothing is there"


async def test_a_readout_that_is_longer_than_the_pane_ends_in_an_ellipsis() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "fc1.weight", "3", "enter")
        last = frame_text(pilot).splitlines()[-2]
        assert "[0, 0] × 0 · orig 0.00123526 · last step -" in last
        assert "…" in last
