"""What stands beside a field of a form."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Static

from prune_tui import steps
from prune_tui.step_settings import MATRIX_NORMS
from prune_tui.ui.setting_words import norm_text, share_text
from tests.in_process import app_on, press, running, settle


def setting(method: str, name: str) -> steps.Setting:
    return next(one for one in steps.METHOD_BY_NAME[method].settings if one.name == name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2", "= √Σw², the length"),
        ("1.0", "= Σ|w|"),
        ("inf", "= the largest |w|"),
        ("-inf", "= the smallest |w|"),
        ("0", "= entries not 0"),
        ("3", "= (Σ|w|^3)^(1/3)"),
        ("-0.5", "= (Σ|w|^-0.5)^(1/-0.5)"),
        ("", ""),
        ("large", ""),
        ("nan", ""),
    ],
)
def test_the_order_of_a_norm(text: str, told: str) -> None:
    assert norm_text(setting("ln_structured", "n"), text) == told


@pytest.mark.parametrize("text", MATRIX_NORMS)
def test_matrix_norms(text: str) -> None:
    assert norm_text(setting("ln_structured", "n"), text)


def test_a_floor() -> None:
    floor = setting("lamp", "floor")
    assert [share_text(floor, text) for text in ("0.05", "0", "2", "x")] == [
        "each keeps ≥ 5%",
        "each may lose all",
        "",
        "",
    ]


async def test_the_form_says_which_norm_is_measured() -> None:
    async with running(app_on()) as pilot:
        await settle(pilot)
        await press(pilot, "5")
        echo = pilot.app.screen.query_one("#echo-n", Static)
        assert str(echo.content) == "= √Σw², the length"
        pilot.app.screen.query_one("#field-n", Input).value = "inf"
        await settle(pilot)
        assert str(echo.content) == "= the largest |w|"
