"""What is asked of single tensors, over the wire."""

from __future__ import annotations

import torch

from prune_tui import protocol, views
from prune_tui.tensor_views import Broken, BrokenTensors, Located
from tests.engine.test_server import Line, lenet, line

__all__ = ["lenet", "line"]


def test_where_something_is_and_which_tensors_are_broken(lenet: Line) -> None:
    assert lenet.ask(protocol.GetBroken(), BrokenTensors).tensors == ()
    with torch.no_grad():
        lenet.model.get_parameter("conv2.weight")[3, 1, 0, 2] = torch.nan
    found = lenet.ask(protocol.Locate("conv2.weight", "effective", "nan", None), Located)
    assert (found.index, found.number, found.of) == ((3, 1, 0, 2), 1, 1)
    assert lenet.ask(protocol.GetBroken(), BrokenTensors).tensors == (Broken("conv2.weight", "1 NaN"),)


def test_a_draft_is_previewed_and_applied_as_any_step(lenet: Line) -> None:
    toggles = (protocol.Toggle((0, 0, 1, 2)), protocol.Toggle((4, -1, -1, -1)))
    previewed = lenet.ask(protocol.Draft("conv1.weight", toggles), views.Previewed)
    assert previewed.effects[0].took == 10
    edited = lenet.ask(protocol.Apply(previewed.step), views.Edited)
    assert edited.summary.masked == 10
    tile = lenet.ask(
        protocol.GetTile(
            "conv1.weight", "effective", 2, 3, (protocol.Block((0, 0), (1, 2), (0, 3)),), previewed.step
        ),
        views.Tile,
    )
    assert list(tile.blocks[0].states) == [views.ALIVE, views.ALIVE, views.NEWLY_MASKED]
    refused = lenet.ask(protocol.Draft("conv1.weight", toggles), views.Failed)
    assert "conv1.weight[0, 0, 1, 2] is masked already" in refused.message
