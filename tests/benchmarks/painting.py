"""The app in a terminal of its own, telling when it first painted and how long its event loop ever stood still.

Run as `python -m tests.benchmarks.painting KIND FILE`, KIND being `demo`, or `nothing` for an engine that never
answers; the time of its start is taken from the environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STARTED = "PRUNE_TUI_BENCHMARK_STARTED"
_TICK = 0.005


class Silence:
    """An engine that never answers, and needs no process."""

    def __init__(self) -> None:
        self.connection, self._theirs = socket.socketpair()
        self.on_line: Callable[[str], None] | None = None
        self.log: list[str] = []

    def ending(self) -> str:
        return "it was asked to"

    def stop(self) -> None:
        self._theirs.close()


def main(kind: str, report: Path) -> None:
    """Run the app until its model is open, or for a second with none, and write the report."""
    from prune_tui.client import EngineProcess
    from prune_tui.protocol import Open
    from prune_tui.ui import app

    class Timed(app.PruneApp):
        CSS_PATH = Path(app.__file__).with_name("app.tcss")

        def begin(self) -> None:
            super().begin()
            self.call_after_refresh(self._first_painted)

        def _first_painted(self) -> None:
            self.painted = time.time() - float(os.environ[_STARTED])
            self.watching = asyncio.get_running_loop().create_task(self._watched())

        async def _watched(self) -> None:
            stall, end = 0.0, time.monotonic() + (60 if kind == "demo" else 1)
            while time.monotonic() < end and self.main.status.summary is None:
                before = time.monotonic()
                await asyncio.sleep(_TICK)
                stall = max(stall, time.monotonic() - before - _TICK)
            report.write_text(json.dumps({"painted": self.painted, "stall": stall}))
            self.exit()

    Timed(Open("demo", device="cpu"), EngineProcess if kind == "demo" else Silence).run()


def measured(rounds: int) -> dict[str, Any]:
    """First paints in turns, and the longest stall of the event loop while the engine started.

    Returns:
        Medians of `baseline_s` (no model) and `ours_s` (the demo), and `stall_s`.
    """
    figures: dict[str, list[dict[str, float]]] = {"nothing": [], "demo": []}
    for _ in range(rounds):
        for kind, found in figures.items():
            found.append(_in_a_terminal(kind))
    return {
        "baseline_s": statistics.median(one["painted"] for one in figures["nothing"]),
        "ours_s": statistics.median(one["painted"] for one in figures["demo"]),
        "stall_s": statistics.median(one["stall"] for one in figures["demo"]),
    }


def _in_a_terminal(kind: str) -> dict[str, float]:
    from tests.terminal.emulated import Terminal

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "tests.benchmarks.painting", kind, str(report)]
        with Terminal(command, 120, 40, env={_STARTED: repr(time.time())}) as terminal:
            terminal.process.wait(timeout=90)
            if not report.exists():
                raise RuntimeError("the app ended without a report:\n" + "\n".join(terminal.screen))
        found: dict[str, float] = json.loads(report.read_text())
        return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
