import contextlib
import random

import numpy
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.demo.lenet import LeNet
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.evaluation.metric import accuracy, unchanged
from tests.engine.fingerprints import exact


class Restless(nn.Module):
    """Everything a forward should not do."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.lstm = nn.LSTM(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("calls", torch.zeros(2))
        self.register_buffer("mean", torch.full((2,), torch.nan))
        self.log, self.cache = [], {}

    def forward(self, x):
        x = self.norm(self.linear(x))
        self.calls += 1
        self.mean = torch.ones(2)
        self.last = x
        self.log.append(x)
        self.cache["x"] = x
        torch.rand(1), random.random(), numpy.random.rand()
        return self.lstm(x)[0]


def restless():
    model = Restless()
    prune.l1_unstructured(model.linear, "weight", amount=0.5)
    prune.l1_unstructured(model.lstm, "weight_hh_l0", amount=0.5)
    model.linear.register_forward_pre_hook(lambda *_: None)
    model.linear.eval()
    model.linear.weight_orig.grad = torch.ones(3, 3)
    return model


@pytest.mark.parametrize("error", [None, RuntimeError, Cancelled, KeyboardInterrupt])
def test_measuring_leaves_no_trace(error):
    model = restless()
    before, numpys = exact(model), numpy.random.get_state()[1].tolist()
    with contextlib.nullcontext() if error is None else pytest.raises(error):  # noqa: SIM117
        with unchanged(model):
            assert not any(module.training for module in model.modules())
            assert not model(torch.randn(4, 3)).requires_grad
            if error is not None:
                raise error
    assert exact(model) == before
    assert numpy.random.get_state()[1].tolist() == numpys
    assert (model.log, model.cache) == ([], {})
    model(torch.randn(4, 3)).sum().backward()
    assert model.linear.weight_orig.grad is not None


def test_a_backward_begun_before_can_still_be_run_after():
    model = restless()
    model.lstm.weight_hh_l0.sum().backward(retain_graph=True)
    with unchanged(model):
        model(torch.randn(4, 3))
    model.lstm.weight_hh_l0.sum().backward()
    assert model.lstm._flat_weights[1] is model.lstm.weight_hh_l0


def test_accuracy_is_the_fraction_that_is_right():
    images = torch.rand(130, 1, 28, 28)
    model = LeNet().eval()
    with torch.no_grad():
        labels = model(images).argmax(dim=1)
    labels[:13] = (labels[:13] + 1) % 10
    with torch.no_grad():
        assert accuracy(model, images, labels, lambda: False) == 0.9
        assert accuracy(model, images[:0], labels[:0], lambda: False) == 0


def test_accuracy_stops_between_batches():
    asked = []

    def stop():
        asked.append(True)
        return len(asked) == 2

    with pytest.raises(Cancelled):
        accuracy(LeNet(), torch.rand(200, 1, 28, 28), torch.zeros(200, dtype=torch.int64), stop)
    assert len(asked) == 2
