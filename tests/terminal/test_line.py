"""At the far end of a line: one that is slow, the mouse, copying."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path

import pytest

from tests.terminal.conftest import Start
from tests.terminal.emulated import Terminal

MODEL = """
import torch
from torch import nn

torch.manual_seed(1)
net = nn.Module()
net.table = nn.Parameter(torch.randn(9, 512, 512))
"""
REDRAW = "\x0c"  # ctrl+l


def copied(terminal: Terminal) -> list[str]:
    """The texts that a terminal was asked to copy."""
    found = re.findall(rb"\x1b\]52;c;([^\a]*)\a", terminal.output)
    return [base64.b64decode(one).decode() for one in found]


def test_a_slow_line_is_drawn_on_with_few_bytes_from_then_on(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    terminal = start(f"{file}:net", columns=120, lines=40, env={"PRUNE_TUI_SLOW": "auto"})
    terminal.wait_for("table", "[0, 0, 0]")
    terminal.sent_by("tab", "tab", "z", shows="structure stack")
    terminal.sent_by("f3", shows="‹heatmap›")
    full = terminal.sent_by(">", shows="[1, 0, 0]")
    terminal.bytes_a_second = 20_000
    terminal.press(">")
    terminal.wait_for("this line is slow: tensors are drawn with few bytes", timeout=60)
    terminal.bytes_a_second = None
    assert terminal.sent_by(">", shows="[3, 0, 0]") < full / 10
    terminal.sent_by("ctrl+p", shows="Search for commands")
    terminal.sent_by("draw in full", shows="until you leave")
    terminal.press("enter")
    terminal.wait_until(lambda: "Search" not in terminal.text, "end of the palette")
    assert terminal.sent_by(">", shows="[4, 0, 0]") > full / 2


def test_told_never_to_it_draws_in_full(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    terminal = start(f"{file}:net", columns=120, lines=40, env={"PRUNE_TUI_SLOW": "never"})
    terminal.wait_for("table", "[0, 0, 0]")
    terminal.sent_by("tab", "tab", "z", shows="structure stack")
    terminal.sent_by("f3", shows="‹heatmap›")
    terminal.bytes_a_second = 20_000
    for index in (1, 2):
        terminal.press(">")
        terminal.wait_for(f"[{index}, 0, 0]")
    terminal.bytes_a_second = None
    terminal.silence()
    assert "this line is slow" not in terminal.text


def test_keys_pressed_while_the_line_is_held_up_are_drawn_once(start: Start) -> None:
    """Thirty drawings in Textual's queue would be seen one after the other, and then nothing moves any more."""
    terminal = start(columns=120, lines=40)
    terminal.wait_for("LeNet", "accuracy")
    whole = -terminal.silence()
    terminal.press(REDRAW)
    terminal.wait_until(
        lambda: len(terminal.output) + whole > 8192, "whole screen, more than a held line takes in"
    )
    before = terminal.silence()
    whole += before
    terminal.bytes_a_second = 100
    terminal.press(REDRAW)
    time.sleep(0.5)  # by then the line is held up: nothing tells us so
    for key in "jk" * 20:
        terminal.press(key)
        time.sleep(0.05)  # else they would be drawn once without our doing
    terminal.press("G")
    terminal.bytes_a_second = None
    terminal.wait_for("fc3.weight")
    assert terminal.silence() - before < 2 * whole, "more than a screen and what the keys lead to"


def test_the_mouse_is_left_to_the_terminal_and_taken_again(start: Start) -> None:
    terminal = start()
    terminal.wait_for("LeNet", "accuracy")
    assert "mouse" in terminal.not_restored()
    terminal.press("f9")
    terminal.wait_for("the mouse is the terminal's now")
    assert not {"mouse", "mouse movement"} & set(terminal.not_restored())
    terminal.press("f9")
    terminal.wait_for("the mouse is taken")
    assert {"mouse", "mouse movement"} <= set(terminal.not_restored())
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.not_restored() == []


def test_without_the_mouse_a_key_takes_it(start: Start) -> None:
    terminal = start("--no-mouse")
    terminal.wait_for("LeNet", "accuracy")
    assert b"\x1b[?1000h" not in terminal.output
    terminal.press("f9")
    terminal.wait_for("the mouse is taken")
    terminal.press("\x1b[<0;6;4M\x1b[<0;6;4m")  # a click on conv1
    terminal.wait_for("conv1  Conv2d(1")


def test_what_is_copied_goes_to_the_terminal(start: Start) -> None:
    terminal = start(env={"TMUX": None, "STY": None})
    terminal.wait_for("LeNet", "accuracy")
    terminal.press("j", "y")
    terminal.wait_for("sent to the terminal: conv1")
    assert copied(terminal) == ["conv1"]


def test_what_something_else_wrote_is_drawn_over(start: Start) -> None:
    terminal = start()
    terminal.wait_for("LeNet", "accuracy")
    terminal.silence()
    terminal.writes(b"\x1b[3;3HBroadcast message from root")
    assert "Broadcast" in terminal.text
    terminal.press(REDRAW)
    terminal.wait_until(lambda: "Broadcast" not in terminal.text, "screen without the message")


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["?"], "esc closes"),
        (["j", "3"], "keeps 38 of 54"),
        (["ctrl+p"], "Search"),
        (["f12"], "nothing yet"),
    ],
    ids=["help", "form", "palette", "log"],
)
@pytest.mark.parametrize("line", [2, 12])
def test_it_is_drawn_over_too_where_something_is_open(
    start: Start, keys: list[str], shown: str, line: int
) -> None:
    """In what is open, and in what lies beneath it."""
    terminal = start()
    terminal.wait_for("LeNet", "accuracy")
    terminal.press(*keys)
    terminal.wait_for(shown)
    terminal.silence()
    before = terminal.text
    terminal.writes(f"\x1b[{line};3HBroadcast message from root".encode())
    assert "Broadcast" in terminal.text
    terminal.press(REDRAW)
    terminal.wait_until(lambda: terminal.text == before, "screen as it was before the message")


def test_a_key_whose_bytes_come_apart_is_told_whole_within_escdelay(start: Start) -> None:
    terminal = start(env={"ESCDELAY": "20000"})
    terminal.wait_for("conv1", "no tensor here")
    terminal.press("\x1b")
    time.sleep(0.5)  # five times as long as without it
    terminal.press("[B")
    terminal.wait_for("6×1×3×3")
    terminal.press("q")
    assert terminal.exit_code() == 0
