"""What reaches a terminal that has only ASCII, or nobody who wants colours."""

from __future__ import annotations

import re

import pytest

from tests.terminal.conftest import Start
from tests.terminal.emulated import Terminal

SHOWN = ("LeNet", "conv1", "accuracy")
# A key, and what stands on the screen when it has been answered; where that goes again with esc, it does.
WALK = {
    "j": "Conv2d(1",
    "5": "keeps 36 of 54 (",
    "enter": "1 unsaved step",
    "f3": "heatmap",
    "H": "Edit log",
    "!": "Doctor",
    "?": "next section",
    "ctrl+p": "Search for commands",
    "f12": "What the engine printed",
    "e": "enter writes",
    "q": "Leave?",
}
_CLOSED = {"!", "?", "ctrl+p", "f12", "e"}


def walked(terminal: Terminal) -> str:
    """Everything that a walk through the screens sends, the last words after leaving included."""
    terminal.wait_for(*SHOWN)
    for key, shows in WALK.items():
        terminal.press(key)
        terminal.wait_for(shows)
        if key in _CLOSED:
            terminal.press("escape")
            terminal.wait_until(lambda shows=shows: shows not in terminal.text, f"end of {shows}")  # type: ignore[misc]
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.not_restored() == []
    return terminal.output.decode()


def test_with_ascii_nothing_else_is_sent(start: Start) -> None:
    sent = walked(start("--ascii", columns=100, lines=32))
    assert "1 step kept" in sent
    assert {one for one in sent if ord(one) > 0x7E} == set()


def test_without_it_there_is_more(start: Start) -> None:
    """A check of the check."""
    terminal = start()
    terminal.wait_for(*SHOWN)
    assert max(terminal.output) > 0x7E


# Selecting a colour: 30 to 38 and 90 to 97 for text, 40 to 48 and 100 to 107 behind it.
COLOUR = re.compile(r"(?:^|;)(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;|$)")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"NO_COLOR": "1", "PRUNE_TUI_THEME": "light"}], ids=str)
def test_without_colours_none_is_sent(start: Start, env: dict[str, str]) -> None:
    sent = walked(start(columns=100, lines=32, env=env))
    styles = set(re.findall(r"\x1b\[([\d;]*)m", sent))
    assert {style for style in styles if COLOUR.search(style)} == set()
    assert any("7" in style.split(";") for style in styles), "the cursor is in reverse video"


@pytest.mark.parametrize("theme", ["ansi", "ansi-light"])
def test_an_ansi_theme_paints_no_ground(start: Start, theme: str) -> None:
    terminal = start(env={"PRUNE_TUI_THEME": theme})
    terminal.wait_for(*SHOWN)
    styles = re.findall(r"\x1b\[([\d;]*)m", terminal.output.decode())
    assert [style for style in styles if "38;2" in style or "48;2" in style] == []


def test_an_ansi_theme_sends_fewer_bytes(start: Start) -> None:
    sent = {}
    for theme in ("dark", "ansi"):
        terminal = start(columns=200, lines=50, env={"PRUNE_TUI_THEME": theme})
        terminal.wait_for(*SHOWN)
        sent[theme] = len(terminal.output)
    assert sent["ansi"] < 0.85 * sent["dark"]
