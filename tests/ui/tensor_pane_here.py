"""The tensor pane as a pilot uses it: going to a tensor, and reading what the pane says."""

from __future__ import annotations

from textual.pilot import Pilot

from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.widgets.readout_line import ReadoutLine
from prune_tui.ui.widgets.tensor_pane import TensorPane
from tests.in_process import press, screen_text, settle

PICTURE_KEYS = {
    "f2": "values",
    "f3": "heatmap",
    "f4": "mask",
    "f5": "histogram",
    "f6": "channels",
    "f7": "structure",
    "f8": "stack",
}


def main_of(pilot: Pilot[None]) -> MainScreen:
    return pilot.app.main


def pane_of(pilot: Pilot[None]) -> TensorPane:
    return main_of(pilot).tensor_pane


async def look_at(pilot: Pilot[None], tensor: str, *keys: str) -> TensorPane:
    """Go to a tensor, give the focus to its picture, and press keys there."""
    main_of(pilot).go_to(tensor.rpartition(".")[0], tensor)
    await settle(pilot)
    pane = pane_of(pilot)
    assert pane.tensor.tensor == tensor
    pane.picture.focus()
    await press(pilot, *keys)
    return pane


def readout(pilot: Pilot[None]) -> str:
    """What the pane's last line says, however narrow the pane."""
    return pane_of(pilot).query_one(ReadoutLine).text


def said(pilot: Pilot[None]) -> str:
    """The toast; empty where there is none."""
    return "\n".join(notification.message for notification in pilot.app._notifications)


def picture_text(pilot: Pilot[None]) -> str:
    """What the picture shows, whatever toast lies over it."""
    picture = pane_of(pilot).picture
    return "\n".join(picture.render_line(y).text.rstrip() for y in range(picture.size.height))


def frame_text(pilot: Pilot[None]) -> str:
    """The pane with its frame, as it stands on the screen."""
    region = pane_of(pilot).region
    lines = screen_text(pilot).splitlines()[region.y : region.bottom]
    return "\n".join(line[region.x : region.right].rstrip() for line in lines)
