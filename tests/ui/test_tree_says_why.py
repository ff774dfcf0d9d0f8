"""Keys of the tree that have nothing to do where the cursor is say why."""

from __future__ import annotations

import pytest

from tests.in_process import app_on, press, running
from tests.ui.tensor_pane_here import frame_text, said


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (("l",), ""),
        (("j", "l"), "there is no module in this one"),
        (("p",), "this is the model itself: there is nothing around it"),
        (("h", "h"), "this is the model itself: there is nothing around it"),
        (("O",), "all modules are unfolded"),
        (("Z",), "all modules are folded"),
        (("h", "O"), ""),
        (("j", "p"), ""),
    ],
)
async def test_a_key_that_does_nothing_says_why_and_one_that_does_something_says_nothing(
    keys: tuple[str, ...], why: str
) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, *keys)
        assert said(pilot) == why


async def test_the_next_tensor_of_a_module_that_has_one_or_none() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "t")
        assert said(pilot) == "no tensor here: go to a module that holds some"
        await press(pilot, "j", "t")
        assert pilot.app.main.tensor.name == "bias"


async def test_without_a_tensor_the_frame_still_names_the_picture() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "f6")
        assert "Tensor  ‹channels›" in frame_text(pilot).splitlines()[0]
