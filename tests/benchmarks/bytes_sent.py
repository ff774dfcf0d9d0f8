"""What the app sends to a terminal of 120×40 in truecolor: bytes, which over SSH are what a person waits for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.terminal.conftest import command
from tests.terminal.emulated import Terminal

_MODEL = """
import torch
from torch import nn

torch.manual_seed(1)
net = nn.Module()
net.weights = nn.Parameter(torch.randn(2, 256, 512))
"""
# A key, and the index that the cursor is then at. The wide way is taken in one leap: at the right edge most stands
# left of the cursor, all of which Textual would send again.
_MOVES_ON_MAP = {"right": "[1, 0, 5]", "down": "[1, 4, 5]", "end": "[1, 255, 511]", "left": "[1, 255, 506]"}
_MOVES_ON_GRID = {"right": "[0, 0, 1]", "down": "[0, 1, 1]", "left": "[0, 1, 0]"}


class Figure(NamedTuple):
    """What is to be a small part of something.

    Attributes:
        what: What is sent.
        bytes: How much that is; the most of several.
        whole: Bytes of the full heat map in truecolor.
        goal: At most which part of it.
    """

    what: str
    bytes: int
    whole: int
    goal: float

    @property
    def reached(self) -> bool:
        """Whether it is."""
        return self.bytes <= self.goal * self.whole


def measured() -> list[Figure]:
    """Count, in a maximised pane that shows a slice of 256×512.

    A full heat map is counted where another slice is gone to: nothing else is drawn but its line of axes and the
    readout. A full grid of values is thirteen thousand bytes only, for its entries share their colours; 1% of that
    is fewer than the two cells of a move take with theirs, so moves in the grid, too, are held against the map.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "net.py")
        file.write_text(_MODEL)
        with Terminal([*command(), f"{file}:net"], 120, 40) as terminal:
            whole = _full_heat_map(terminal)
            on_map = [terminal.sent_by(key, shows=index) for key, index in _MOVES_ON_MAP.items()]
            terminal.sent_by("f2", shows="‹values›")
            terminal.sent_by("home", shows="[0, 0, 0]")
            on_grid = [terminal.sent_by(key, shows=index) for key, index in _MOVES_ON_GRID.items()]
        with Terminal([*command(), f"{file}:net", "--slow"], 120, 40) as terminal:
            slow = _full_heat_map(terminal)
    return [
        Figure("cursor move in the heat map", max(on_map), whole, 0.01),
        Figure("cursor move in the values", max(on_grid), whole, 0.01),
        Figure("full heat map, --slow", slow, whole, 0.1),
    ]


def _full_heat_map(terminal: Terminal) -> int:
    terminal.wait_for("weights", "[0, 0, 0]")
    terminal.sent_by("tab", "tab", "z", shows="structure stack")
    terminal.sent_by("f3", shows="‹heatmap›")
    terminal.wait_for("clipped")
    return terminal.sent_by(">", shows="[1, 0, 0]")


def table(figures: list[Figure]) -> str:
    """The figures as lines of text."""
    line = "{:<46} {:>10} {:>16} {:>8} {:>7} {:>8}"
    lines = [line.format("bytes sent at 120x40", "bytes", "full heat map", "part", "goal", "reached")]
    for one in figures:
        part, reached = f"{one.bytes / one.whole:.2%}", "yes" if one.reached else "no"
        lines.append(line.format(one.what, f"{one.bytes:,}", f"{one.whole:,}", part, f"{one.goal:.0%}", reached))
    return "\n".join(lines)
