"""Make the README's pictures from the real app: `python screenshots/make.py`.

Each picture is a list of keys pressed in the demo, at 120×40, with an engine in a process of its own.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.pilot import Pilot

from prune_tui.client import EngineProcess
from prune_tui.protocol import Open
from prune_tui.ui.app import PruneApp
from prune_tui.views import MetricMeasured

HERE = Path(__file__).parent
SIZE = (120, 40)
PICTURES: dict[str, tuple[str, ...]] = {
    "before": ("j",),
    "form": ("j", "5", *("up",) * 4),
    "after": ("j", "5", *("up",) * 4, "enter"),
    "global": ("6", *("up",) * 12),
}


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is asked, worked at or measured any more."""
    app = pilot.app
    assert isinstance(app, PruneApp)
    quiet = 0
    while quiet < 5:
        await pilot.pause(0.02)
        metric = app.main.status.metric
        measured = isinstance(metric, MetricMeasured) and metric.state == "measured"
        busy = app.client.waiting or any(worker.is_running for worker in app.workers)
        quiet = quiet + 1 if measured and not busy else 0


async def take(name: str, keys: tuple[str, ...]) -> None:
    """Press the keys and write the picture."""
    app = PruneApp(Open(device="cpu"), EngineProcess)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        (HERE / f"{name}.svg").write_text(app.export_screenshot(title="prune-tui", simplify=True))
    print(f"screenshots/{name}.svg")


async def main() -> None:
    """Take all pictures."""
    for name, keys in PICTURES.items():
        await take(name, keys)


if __name__ == "__main__":
    asyncio.run(main())
