"""A measurement goes first for nobody: what it runs is interrupted when an edit has waited long enough."""

from __future__ import annotations

import threading

import torch
from torch import nn

from prune_tui import Session
from prune_tui.engine.evaluation.measurement import Measurement
from prune_tui.engine.evaluation.metric import Metric
from prune_tui.views import AnyBody, MetricMeasured


def test_a_hook_that_never_ends_is_interrupted_and_leaves_the_model_as_it_was() -> None:
    model = nn.Linear(2, 2).train()
    began = threading.Event()

    def endless(*_: object) -> None:
        began.set()
        while True:
            pass

    handle = model.register_forward_hook(endless)
    told: list[AnyBody] = []
    measurement = Measurement(told.append)
    measurement.begin(Metric("ones", lambda module, _: float(module(torch.ones(2)).sum())))
    session = Session(model)
    measurement.measure(session, began.is_set)
    assert [body.state for body in told if isinstance(body, MetricMeasured)] == ["measuring"]
    assert measurement.wanted, "it is measured again when the edit is done"
    assert model.training

    handle.remove()
    measurement.measure(session, lambda: False)
    assert isinstance(told[-1], MetricMeasured)
    assert told[-1].state == "measured"
