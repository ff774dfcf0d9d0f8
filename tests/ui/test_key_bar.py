"""The last line of the screen names the keys of what has the focus."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.in_process import app_on, press, running, screen_text, settle
from tests.ui.tensor_pane_here import look_at

SIZES = [(80, 24), (120, 40)]


def bar(pilot: Pilot[None]) -> str:
    return screen_text(pilot).splitlines()[-1].strip()


@pytest.mark.parametrize("size", SIZES)
async def test_it_follows_the_focus_from_pane_to_pane_and_from_picture_to_picture(size: tuple[int, int]) -> None:
    async with running(app_on(), size=size) as pilot:
        in_tree = bar(pilot)
        assert "3 L1" in in_tree
        await look_at(pilot, "conv1.weight")
        await settle(pilot)
        assert bar(pilot).startswith("x paint X brush enter apply n next : go to a axes")
        await press(pilot, "f3")
        assert bar(pilot).startswith("x paint X brush enter apply i zoom in o out p pooling")
        await press(pilot, "f6")
        assert bar(pilot).startswith("p sort by r reverse a axis home top : go to w values")
        await press(pilot, "f8")
        assert bar(pilot).startswith("enter open → next ← back end last w values v picture")
        assert bar(pilot).endswith("? help q quit")
        await press(pilot, "tab")
        assert bar(pilot) == in_tree
        await press(pilot, "exclamation_mark")
        assert bar(pilot).startswith("enter go there r repair ↓ down ↑ up ! close tab pane")


async def test_a_picture_shown_while_the_tree_has_the_focus_leaves_the_trees_keys() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        in_tree = bar(pilot)
        await press(pilot, "j", "f6")
        assert bar(pilot) == in_tree


async def test_a_form_takes_the_line_and_gives_it_back() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await look_at(pilot, "conv1.weight")
        await settle(pilot)
        before = bar(pilot)
        await press(pilot, "3")
        assert bar(pilot) == "enter apply esc leave ↑ more ↓ less F1 help"
        await press(pilot, "escape")
        assert bar(pilot) == before


async def test_in_a_read_only_session_no_painting_is_named() -> None:
    async with running(app_on(readonly=True), size=(80, 24)) as pilot:
        await look_at(pilot, "conv1.weight")
        await settle(pilot)
        assert bar(pilot).startswith("n next : go to a axes")
        assert "undo" not in bar(pilot)


async def test_marks_are_named_before_the_methods_that_work_on_them() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        before = bar(pilot)
        await press(pilot, "j", "space", "j", "space")
        assert bar(pilot).startswith("2 marked: ")
        assert " 3 L1 L marks " in bar(pilot)
        await press(pilot, "L")
        assert bar(pilot).startswith("enter go there space unmark c all B back L close")
        await press(pilot, "L", "escape")
        assert bar(pilot) == before


async def test_the_edit_log_has_keys_of_its_own() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "H")
        pilot.app.main.query_one("#edit-log").focus()
        await settle(pilot)
        assert bar(pilot).startswith("U redo . repeat H close")


async def test_f1_in_a_form_shows_the_forms_keys_first() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "j", "3", "f1")
        assert "In a form" in screen_text(pilot).splitlines()[2]
        await press(pilot, "escape")
        assert pilot.app.main.form is not None


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (["slash"], "enter to the first match esc show everything"),
        (["P"], "enter mark what matches esc close"),
        (["j", "tab", "tab", "colon"], "enter go there esc close"),
    ],
)
async def test_while_a_field_is_typed_in_only_its_keys_are_named(keys: list[str], named: str) -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, *keys)
        assert bar(pilot) == named
        await press(pilot, "escape")
        assert bar(pilot).endswith("? help q quit")


async def test_under_a_question_no_key_is_named_that_does_nothing() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        before = bar(pilot)
        await press(pilot, "j", "3", "enter", "q")
        assert "Leave?" in screen_text(pilot)
        assert "3 L1" in before
        assert "3 L1" not in screen_text(pilot)
        await press(pilot, "escape")
        assert bar(pilot) == before
