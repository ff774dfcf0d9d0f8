"""The installed command in a real pseudo-terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.emulated import Terminal

Start = Callable[..., Terminal]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked `terminal`, and reads /proc."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.terminal)
            if not Path("/proc/self/maps").exists():
                item.add_marker(pytest.mark.skip(reason="needs Linux's /proc"))


def command() -> list[str]:
    """The installed `prune-tui`, or what is the same."""
    script = Path(sys.executable).with_name("prune-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "prune_tui"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `prune-tui` with arguments in a terminal that is closed after the test."""
    with ExitStack() as stack:

        def run(*arguments: object, **settings: Any) -> Terminal:
            return stack.enter_context(Terminal([*command(), *map(str, arguments)], **settings))

        yield run
