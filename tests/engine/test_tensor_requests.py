"""What is asked of single tensors, over the wire."""

from __future__ import annotations

import torch

from prune_tui import protocol, tensor_requests, views
from prune_tui.steps import CustomFromMask
from prune_tui.tensor_views import Broken, BrokenTensors, Drafted, Located
from tests.engine.test_server import Line, lenet, line

__all__ = ["lenet", "line"]


def test_where_something_is_and_which_tensors_are_broken(lenet: Line) -> None:
    assert lenet.ask(tensor_requests.GetBroken(), BrokenTensors).tensors == ()
    with torch.no_grad():
        lenet.model.get_parameter("conv2.weight")[3, 1, 0, 2] = torch.nan
    found = lenet.ask(tensor_requests.Locate("conv2.weight", "effective", "nan", None), Located)
    assert (found.index, found.number, found.of) == ((3, 1, 0, 2), 1, 1)
    assert lenet.ask(tensor_requests.GetBroken(), BrokenTensors).tensors == (Broken("conv2.weight", "1 NaN"),)


def test_a_draft_is_previewed_and_applied_as_any_step(lenet: Line) -> None:
    toggles = (tensor_requests.Toggle((0, 0, 1, 2)), tensor_requests.Toggle((4, -1, -1, -1)))
    painted = tensor_requests.Painted("conv1.weight", toggles)
    assert lenet.ask(tensor_requests.Draft(painted), Drafted) == Drafted(10, 44)
    row = tensor_requests.GetTile(
        "conv1.weight", "effective", 2, 3, (tensor_requests.Block((0, 0), (1, 2), (0, 3)),), painted
    )
    states = list(lenet.ask(row, views.Tile).blocks[0].states)
    assert states == [views.ALIVE, views.ALIVE, views.WOULD_GO]
    edited = lenet.ask(protocol.Apply(painted), views.Edited)
    assert edited.summary.masked == 10
    assert isinstance(edited.entry.step, CustomFromMask)
    states = list(lenet.ask(row, views.Tile).blocks[0].states)
    assert states == [views.ALIVE, views.ALIVE, views.NEWLY_MASKED], "marked again or not, it is masked"
    refused = lenet.ask(tensor_requests.Draft(painted), views.Failed)
    assert "conv1.weight[0, 0, 1, 2] is masked already" in refused.message
