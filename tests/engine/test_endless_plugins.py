"""A plugin that does not end: what the server answers meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from torch.nn.utils.prune import BasePruningMethod

import prune_tui
from prune_tui import protocol, views
from prune_tui.engine import interrupting
from prune_tui.steps import CustomMethod, L1Unstructured, RandomUnstructured
from prune_tui.views import Failed
from tests.engine.test_server import Line, lenet, line  # noqa: F401 - fixtures

begun = threading.Event()
free = threading.Event()
BIAS = ("fc3.bias",)


class Endless(BasePruningMethod):
    """Never comes to a mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        """Spin."""
        begun.set()
        while True:
            pass


class Deaf(BasePruningMethod):
    """Comes to a mask when the test says so, whatever is raised in it."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        """Wait."""
        begun.set()
        while not free.is_set():
            try:
                free.wait()
            except BaseException:  # noqa: BLE001, PERF203 - as bad as can be
                continue
        return default_mask.clone()


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    begun.clear()
    free.clear()
    monkeypatch.setattr(interrupting, "_PATIENCE", 0)
    for kind in (Endless, Deaf):
        prune_tui.add_method(kind)
    yield
    free.set()


@pytest.mark.parametrize("kind", [protocol.Preview, protocol.Apply])
def test_an_endless_plugin_is_interrupted_by_who_gives_it_up(lenet: Line, kind: type[protocol.Request]) -> None:  # noqa: F811
    question = lenet.send(kind(CustomMethod(targets=BIAS, name="endless")))  # type: ignore[call-arg]
    assert begun.wait(10)
    lenet.ask(protocol.Cancel(question), views.Done)
    body = lenet.answer(question).body
    assert isinstance(body, Failed)
    assert body.kind == "cancelled"
    random = RandomUnstructured(targets=BIAS, amount=0.5)
    assert lenet.ask(protocol.Preview(random), views.Previewed).effects[0].took == 5
    assert lenet.ask(protocol.Apply(random), views.Edited).entry.number == 1


def test_a_newer_preview_interrupts_it_too(lenet: Line) -> None:  # noqa: F811
    question = lenet.send(protocol.Preview(CustomMethod(targets=BIAS, name="endless")))
    assert begun.wait(10)
    lenet.ask(protocol.Preview(L1Unstructured(targets=BIAS, amount=0.5)), views.Previewed)
    assert isinstance(lenet.answer(question).body, Failed)


def test_who_asks_after_one_that_cannot_be_interrupted_is_told(lenet: Line) -> None:  # noqa: F811
    question = lenet.send(protocol.Preview(CustomMethod(targets=BIAS, name="deaf")))
    assert begun.wait(10)
    lenet.ask(protocol.Cancel(question), views.Done)
    while not interrupting.deaf():
        pass
    failed = lenet.ask(protocol.Preview(L1Unstructured(targets=BIAS, amount=0.5)), Failed)
    assert failed.kind == "blocked"
    assert failed.message.startswith("deaf (test_endless_plugins.py:")
    assert "is still running, for 0 s now, and cannot be interrupted" in failed.message
    assert "have another engine started" in failed.message
    # The other lanes go on; but for what needs the generators that it holds.
    lenet.ask(protocol.Apply(L1Unstructured(targets=BIAS, amount=0.5)), views.Edited)
    random = RandomUnstructured(targets=BIAS, amount=1)
    assert "is still running" in lenet.ask(protocol.Apply(random), Failed).message
    free.set()
    lenet.answer(question)
    lenet.ask(protocol.Preview(L1Unstructured(targets=BIAS, amount=0.5)), views.Previewed)
    lenet.ask(protocol.Apply(random), views.Edited)
