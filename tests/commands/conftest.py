"""Calling a command in the test's own process, with what it printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from prune_tui import cli
from tests.commands.given_back import standard_output_given_back


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """`call("show", "demo")`: what `prune-tui show demo` does."""
    monkeypatch.setenv("COLUMNS", "80")

    def called(*arguments: object) -> Ended:
        with standard_output_given_back():
            code = cli._run([str(one) for one in arguments])
        return Ended(code, *capfd.readouterr())

    return called
