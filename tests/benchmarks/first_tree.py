"""The command on a checkpoint, in a terminal: when its tree is written there, and when the model is open."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from tests.terminal.conftest import command
from tests.terminal.emulated import Terminal

_ROW, _OPEN = b"layers", b" params"
"""What a row of the tree has, and what the first line has once the model is open."""
_LONGEST = 60


def measured(file: Path, rounds: int) -> dict[str, float]:
    """Medians, in seconds from the start of the command.

    Args:
        file: A checkpoint of tensors whose names begin with `layers`.
        rounds: How often the command is run.

    Returns:
        `ours_s` until the tree, `baseline_s` until the model is open.
    """
    runs = [_once(file) for _ in range(rounds)]
    return {
        "ours_s": statistics.median(tree for tree, _ in runs),
        "baseline_s": statistics.median(opened for _, opened in runs),
    }


def _once(file: Path) -> tuple[float, float]:
    with Terminal([*command(), str(file)], 120, 40) as terminal:
        return _until(terminal, _ROW), _until(terminal, _OPEN)


def _until(terminal: Terminal, text: bytes) -> float:
    while text not in terminal.output:
        if time.monotonic() - terminal.started > _LONGEST:
            raise RuntimeError("it is not there:\n" + "\n".join(terminal.screen))
        time.sleep(0.001)
    return time.monotonic() - terminal.started
