"""The first ten seconds of a person who has just started the demo."""

from __future__ import annotations

from tests.terminal.conftest import Start


def test_three_keys_prune_and_one_takes_it_back(start: Start) -> None:
    terminal = start()
    terminal.wait_for("LeNet", "conv1")
    terminal.press("j")
    terminal.wait_for("Conv2d(1, 6")
    terminal.press("3")
    terminal.wait_for("l1_unstructured", "amount")
    terminal.press("enter")
    terminal.wait_for("weight_mask", "26.7%")
    terminal.press("u")
    terminal.wait_until(lambda: "weight_mask" not in terminal.text, "undo")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.not_restored() == []
