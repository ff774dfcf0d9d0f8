"""Make the README's pictures from the real app: `python screenshots/make.py`, or only some: `... heatmap stack`.

Each picture is a list of keys pressed in a model, in a terminal of 16 million colours, with an engine in a process
of its own. The demo has neither heads nor repeated layers: for those there is `ENCODER`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from shapes import drawn
from textual.pilot import Pilot

from prune_tui.client import EngineProcess
from prune_tui.protocol import Open
from prune_tui.settings.choosing import choose
from prune_tui.settings.config_file import Config
from prune_tui.ui.app import PruneApp

HERE = Path(__file__).parent
ENCODER = '''
"""An encoder of eight layers. Head 2 of the second is weak; the sixth has a loud row in its feed-forward part."""

import torch
from torch import nn


class Encoder(nn.Module):
    """What `nn.TransformerEncoder` would hold, with waves for weights: noise would show nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True) for _ in range(8))
        with torch.no_grad():
            for depth, layer in enumerate(self.layers):
                layer.linear1.weight.copy_(waves(128, 64, 1 + depth / 4))
            self.layers[1].self_attn.in_proj_weight.view(3, 4, 16, 64)[:, 2] *= 0.1
            self.layers[5].linear1.weight[40] *= 12

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def waves(rows, columns, tilt):
    """Smooth stripes and a little noise, of a standard deviation of 0.05 or nearly so."""
    down = torch.linspace(0, 3 * torch.pi, rows)[:, None]
    across = torch.linspace(0, 3 * torch.pi, columns)
    weight = torch.sin(down * tilt + across) + torch.cos(down - across * tilt) + 0.4 * torch.randn(rows, columns)
    return weight / weight.std() * (0.05 + 0.001 * torch.randn(()))
'''


class Picture(NamedTuple):
    """What is pressed, and in what.

    Attributes:
        keys: One after another, each when all that the one before has asked for is there.
        size: Columns and lines of the terminal.
        source: `demo`, or a symbol of `ENCODER`.
        theme: The colours.
    """

    keys: tuple[str, ...]
    size: tuple[int, int]
    source: str = "demo"
    theme: str = "dark"


def typed(text: str) -> tuple[str, ...]:
    """Keys from a line of them, in which `up*4` is four times up."""
    keys: list[str] = []
    for word in text.split():
        key, _, times = word.partition("*")
        keys += [key] * int(times or 1)
    return tuple(keys)


WHOLE = (120, 40)
OPEN = "enter*2 z"
"""From the tree to the tensor's pane, which gets all of the screen."""
IN_COLUMNS = "5 tab*2 backspace 1"
LINEAR_1 = f"slash {' '.join('linear1')} enter asterisk"
ATTENTION = f"slash {' '.join('1.self')} enter"
PICTURES = {
    "before": Picture(typed("j"), WHOLE),
    "form": Picture(typed("j 5 up*4"), WHOLE),
    "after": Picture(typed("j 5 up*4 enter"), WHOLE),
    "light": Picture(typed("j space j space 3 enter j*2 f3 5 up*4"), WHOLE, theme="light"),
    "global": Picture(typed("j*3 f3 6 up*12"), WHOLE),
    "values": Picture(typed(f"j*2 3 enter {OPEN} f2 j*2 l x l*2 x X j*3 x"), (92, 24)),
    "heatmap": Picture(typed(f"j*4 5 enter {IN_COLUMNS} enter minus*3 {OPEN} f3"), (92, 28)),
    "mask": Picture(typed(f"j*4 5 enter 3 enter {IN_COLUMNS} enter minus*3 {OPEN} f4"), (92, 28)),
    "histogram": Picture(typed(f"j*3 {OPEN} f5 p z 3 up*8"), (100, 32)),
    "channels": Picture(typed(f"j*2 5 enter 6 up*6 enter {OPEN} f6 p"), (92, 24)),
    "structure": Picture(typed(f"{ATTENTION} 8 enter 5 down enter {OPEN} f7"), (92, 29), "Encoder"),
    "stack": Picture(typed(f"{LINEAR_1} 3 up*10 enter escape*2 1 enter {OPEN} f8"), (84, 26), "Encoder"),
}


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is asked, worked at or measured any more."""
    app = pilot.app
    assert isinstance(app, PruneApp)
    quiet = 0
    while quiet < 10:
        await pilot.pause(0.02)
        metric = app.main.status.metric
        measuring = metric is not None and metric.state == "measuring"
        busy = measuring or app.client.waiting or any(worker.is_running for worker in app.workers)
        quiet = 0 if busy else quiet + 1


async def take(name: str, picture: Picture, folder: Path) -> None:
    """Press the keys and write the picture.

    Args:
        name: Of the file.
        picture: What is pressed, and in what.
        folder: Where `encoder.py` is.
    """
    source = picture.source if picture.source == "demo" else f"{folder / 'encoder.py'}:{picture.source}"
    settings = choose(Config(HERE), {}, {"theme": picture.theme})
    app = PruneApp(Open(source, device="cpu"), EngineProcess, settings=settings)
    async with app.run_test(size=picture.size) as pilot:
        await pilot.pause()
        await settled(pilot)
        for key in picture.keys:
            await pilot.press(key)
            await settled(pilot)
        app.clear_notifications()
        await settled(pilot)
        (HERE / f"{name}.svg").write_text(drawn(app.export_screenshot(title="prune-tui", simplify=True)))
    print(f"screenshots/{name}.svg")


async def main() -> None:
    """Take the pictures that are named, or all of them."""
    os.environ.pop("NO_COLOR", None)
    os.environ["COLORTERM"] = "truecolor"  # whatever the terminal this is run in can show
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "encoder.py").write_text(ENCODER)
        for name in sys.argv[1:] or PICTURES:
            await take(name, PICTURES[name], Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
