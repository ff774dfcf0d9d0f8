import operator
from typing import NamedTuple

import pytest
import torch
from torch import nn

from prune_tui.engine import pruned, surveys
from prune_tui.engine.broken import broken_tensors
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.norms import norms
from prune_tui.engine.session import Session
from prune_tui.engine.surveys import Survey


class Layers(NamedTuple):
    """What a survey reads of one tensor."""

    values: torch.Tensor
    kept: torch.Tensor | None


class Counting:
    """A survey of the weights of a session's model that knows how many tensors it has read."""

    def __init__(self, session):
        self.session = session
        self.read = 0
        self.survey = Survey(float, self.look, operator.add)

    def look(self, _, values, kept):
        self.read += 1
        return float((values if kept is None else values * kept).sum())

    def again(self, stop=never):
        """How many tensors were read for another survey, which tells what a fresh one does."""
        before = self.read
        weights = [
            Layers(pruned.original(module, "weight"), pruned.mask(module, "weight"))
            for module in self.session.model.modules()
            if hasattr(module, "weight")
        ]
        found = self.survey.of(self.session, weights, stop)
        read = self.read - before
        assert found == Survey(float, self.look, operator.add).of(self.session, weights, never)
        self.read = before + read
        return read


@pytest.fixture
def counting():
    return Counting(Session(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 2))))


def test_what_an_edit_did_not_touch_is_not_read_again(counting):
    session = counting.session
    assert counting.again() == 3
    assert counting.again() == 0
    session.apply("l1_unstructured", "1.weight", amount=0.5)
    assert counting.again() == 1
    session.apply("remove", "1.weight")
    assert counting.again() == 1
    session.undo()  # writes the values again that were masked, into the same memory
    assert counting.again() == 1
    session.redo()
    assert counting.again() == 1


def test_values_written_back_by_undo_are_read_again(counting):
    """They are written into the memory that is there, without a trace if it is done by `.data`."""
    session, weight = counting.session, counting.session.model[1].weight
    session.apply("l1_unstructured", "1.weight", amount=0.5)
    session.apply("remove", "1.weight")
    version = weight._version
    session.undo()
    assert weight._version > version


def test_what_somebody_else_writes_is_read_again(counting):
    model = counting.session.model
    counting.again()
    with torch.no_grad():
        model[0].weight.add_(1)
    assert counting.again() == 1
    model[1].weight.data = torch.ones(5, 4)
    model[2].weight = nn.Parameter(torch.ones(2, 5))
    assert counting.again() == 2
    model.load_state_dict(model.state_dict())
    assert counting.again() == 3


def test_what_is_written_through_another_tensor_on_the_same_memory_is_read_again(counting):
    model = counting.session.model
    model.register_buffer("view", model[0].weight.data[:, :2])
    counting.again()
    model.view.add_(1)
    assert counting.again() == 1


def test_tensors_that_count_no_versions_are_read_each_time():
    with torch.inference_mode():
        counting = Counting(Session(nn.Sequential(nn.Linear(3, 4))))
    assert counting.again() == 1
    assert counting.again() == 1


def test_a_survey_that_was_stopped_goes_on_where_it_was(counting, monkeypatch):
    monkeypatch.setattr(surveys, "_AT_A_TIME", 1)
    with pytest.raises(Cancelled):
        counting.again(lambda: counting.read == 2)
    assert counting.again() == 1


def test_the_norms_and_the_broken_follow_every_edit():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 4.0], [0.5, 0.25]]))
        model[1].weight.copy_(torch.tensor([[1.0, float("nan")], [2.0, 1.0]]))
    session = Session(model)

    def told():
        return norms(session).norms[1], [one.what for one in broken_tensors(session).tensors]

    first = told()
    session.apply("custom_from_mask", "0.weight", mask=torch.eye(2))
    assert told() == (pytest.approx(3.0104, abs=1e-4), first[1])
    session.apply("custom_from_mask", "1.weight", mask=torch.tensor([[1, 0], [1, 1]]))
    session.apply("clean_masked", "1.weight")
    assert told()[1] == []
    while session.history:
        session.undo()
    assert told() == first
