"""Suspending on the screen; with a real shell it is in tests/terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from prune_tui.settings.choosing import AS_EVER
from prune_tui.settings.config_file import OwnKeys
from prune_tui.ui import job_control
from tests.in_process import app_on, press, running, words


async def test_where_there_is_no_terminal_it_says_so() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "ctrl+z")
        assert "the app is not in a terminal" in words(pilot)


@pytest.fixture
def suspended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to the terminal, as if there were one under a shell with job control."""
    told: list[str] = []

    @contextlib.contextmanager
    def suspend(_: object) -> Iterator[None]:
        told.append("given back")
        yield
        told.append("taken again")  # Textual's own does not come here when the body raises

    monkeypatch.setattr("textual.app.App.suspend", suspend)
    monkeypatch.setattr("textual.drivers.headless_driver.HeadlessDriver.can_suspend", True)
    monkeypatch.setattr(job_control, "continued_by_somebody", lambda: True)
    monkeypatch.setattr(job_control, "stop", lambda *_: told.append("stopped"))
    return told


async def test_it_is_given_back_and_taken_again(suspended: list[str]) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "ctrl+z")
        assert suspended == ["given back", "stopped", "taken again"]


async def test_the_key_works_while_a_name_is_typed_and_over_a_screen(suspended: list[str]) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "slash", "c", "ctrl+z", "escape", "question_mark", "ctrl+z")
        assert suspended.count("stopped") == 2


async def test_a_letter_chosen_for_it_is_still_typed_where_something_is_typed(suspended: list[str]) -> None:
    own = AS_EVER._replace(keys={"app.suspend": OwnKeys(("Q",), "config.toml:1")})
    async with running(app_on(settings=own)) as pilot:
        await press(pilot, "ctrl+z")
        assert suspended == []
        await press(pilot, "slash", "Q")
        assert suspended == []
        await press(pilot, "escape", "Q")
        assert suspended == ["given back", "stopped", "taken again"]


async def test_the_screen_comes_back_when_it_cannot_be_stopped(
    suspended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(job_control, "stop", refuse)
    async with running(app_on()) as pilot:
        await press(pilot, "ctrl+z")
        assert suspended == ["given back", "taken again"]
        assert "it could not be suspended: Operation not permitted" in words(pilot)
