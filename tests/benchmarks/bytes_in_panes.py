"""What a key sends to a terminal of 200×50 in each pane and way of drawing: bytes, which over SSH are time."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.terminal.conftest import command
from tests.terminal.emulated import Terminal

MOVE, PAGE = 2_000, 16_000
"""Bytes, at most, of a cursor move and of a page."""
_QUIET = 0.25
"""Seconds without a byte after which a key is taken to be answered."""
WAYS: dict[str, tuple[str, ...]] = {"dark": (), "ansi": ("--theme", "ansi"), "dark --slow": ("--slow",)}
"""The options of each way of drawing."""

_MODEL = """
import torch
from torch import nn

torch.manual_seed(1)
net = nn.Module()
net.table = nn.Parameter(torch.randn(2, 4096, 512))
net.many = nn.ParameterList([torch.randn(8, 8) for _ in range(120)])
net.blocks = nn.ModuleList(nn.Linear(4, 3) for _ in range(150))
"""


class _Part(NamedTuple):
    """Keys of a walk.

    Attributes:
        what: What they do; empty where they only lead to somewhere.
        keys: One after the other; the most that any of them sends counts.
        goal: Bytes; None where nothing is promised.
    """

    what: str
    keys: tuple[str, ...]
    goal: int | None = None


_TO_PREVIOUS = "\x1b[Z"
_WALK = (
    _Part("", ("O", "j", "j", "j")),
    _Part("cursor move in the tree", ("j", "j", "j", "k"), MOVE),
    _Part("page in the tree", ("pagedown", "pagedown"), PAGE),
    _Part("", ("g", "j", "tab")),
    _Part("cursor move in the module pane", ("j", "j", "j"), MOVE),
    _Part("page in the module pane", ("pagedown", "pagedown"), PAGE),
    _Part("", (_TO_PREVIOUS, "g", "tab", "tab", "tab")),
    _Part("cursor move in the values", ("right", "down", "left", "up"), MOVE),
    _Part("page in the values", ("pagedown", "pagedown"), PAGE),
    _Part("", ("home", "f3")),
    _Part("cursor move in the heat map", ("right", "down", "left", "up"), MOVE),
    _Part("page in the heat map", (">",), PAGE),
)


class Sent(NamedTuple):
    """What a key sends.

    Attributes:
        what: What it does.
        way: How everything is drawn.
        bytes: How much that is; the most of several.
        goal: At most so much; None where nothing is promised.
    """

    what: str
    way: str
    bytes: int
    goal: int | None

    @property
    def reached(self) -> bool:
        """Whether it is within its goal."""
        return self.goal is None or self.bytes <= self.goal


def measured() -> list[Sent]:
    """Count in each pane, in each way of drawing; the heat map's page is its next slice."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "net.py")
        file.write_text(_MODEL)
        return [sent for way, options in WAYS.items() for sent in _in_one_way(f"{file}:net", way, options)]


def _in_one_way(source: str, way: str, options: tuple[str, ...]) -> list[Sent]:
    with Terminal([*command(), source, *options], 200, 50) as terminal:
        terminal.wait_for("table", "[0, 0, 0]", "std")
        found = [Sent("from the start to the open model", way, terminal.silence(), None)]
        for part in _WALK:
            most = max(_sent_by(terminal, key) for key in part.keys)
            if part.what:
                found.append(Sent(part.what, way, most, part.goal))
    return found


def _sent_by(terminal: Terminal, key: str) -> int:
    """Bytes from the press of a key to the silence after it; each key of the walk changes something."""
    before = terminal.silence(_QUIET)
    terminal.press(key)
    terminal.wait_until(lambda: len(terminal.output) > before, f"answer to {key!r}")
    return terminal.silence(_QUIET) - before


def table(figures: list[Sent]) -> str:
    """The figures as lines of text, a column for each way."""
    line = "{:<46}" + " {:>12}" * len(WAYS) + " {:>8} {:>8}"
    lines = [line.format("bytes sent at 200x50", *WAYS, "goal", "reached")]
    for what in dict.fromkeys(one.what for one in figures):
        row = [one for one in figures if one.what == what]
        goal = row[0].goal
        late = [one.way for one in row if not one.reached]
        reached = "" if goal is None else "yes" if not late else "no" if len(late) == len(row) else "partly"
        lines.append(line.format(what, *(f"{one.bytes:,}" for one in row), f"{goal:,}" if goal else "", reached))
    return "\n".join(lines)
