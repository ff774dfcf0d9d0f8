"""The server over a real socket: what it answers, in which order, and what it never lets through."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import nn

from prune_tui import frames, protocol, tensor_requests, view_rows, views
from prune_tui.engine import outline, planning, server, sources, statistics
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.evaluation import measurement
from prune_tui.engine.evaluation.metric import Metric
from prune_tui.engine.layers import Layers
from prune_tui.engine.selection import search
from prune_tui.engine.server import Server
from prune_tui.engine.sources import Loaded
from prune_tui.engine.telling import Tell
from prune_tui.protocol import Answer, Question
from prune_tui.steps import L1Unstructured, RandomUnstructured, Remove
from prune_tui.views import Failed, MetricMeasured
from tests.engine.doctor.ailing import half_pruned

B = TypeVar("B", bound=views.Body)

HALF_OF_CONV1 = L1Unstructured(targets=("conv1.weight",), amount=0.5)
CORNER = tensor_requests.GetTile(
    "conv1.weight", "effective", 2, 3, (tensor_requests.Block((0, 0), (0, 3), (0, 3)),)
)


class Line:
    """The other end of a server's socket: asks, and sorts what comes back into answers and events."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(20)
        self.gone = threading.Event()
        self.answers: dict[int, Answer] = {}
        self.events: list[views.Body] = []
        self._last = 0
        self.server = Server(theirs, self.gone.set)
        self._thread = threading.Thread(target=self.server.serve, daemon=True)
        self._thread.start()

    @property
    def model(self) -> nn.Module:
        """The very model that the server works on."""
        session = self.server._session
        assert session is not None
        return session.model

    def send(self, request: protocol.Request) -> int:
        """Ask without waiting."""
        self._last += 1
        self.socket.sendall(frames.encode(Question(self._last, request)))  # type: ignore[arg-type]
        return self._last

    def answer(self, identifier: int) -> Answer:
        """Wait for the answer to a question."""
        while identifier not in self.answers:
            self._receive()
        return self.answers[identifier]

    def ask(self, request: protocol.Request, kind: type[B]) -> B:
        """Ask, wait, and expect an answer of a kind."""
        body = self.answer(self.send(request)).body
        assert isinstance(body, kind), body
        return body

    def event(self, wanted: Callable[[views.Body], bool]) -> views.Body:
        """Wait for an event."""
        while not any(map(wanted, self.events)):
            self._receive()
        return next(filter(wanted, self.events))

    def metric(self, state: str) -> MetricMeasured:
        """Wait for the metric to say something new, and forget what it said before."""
        found = self.event(lambda body: isinstance(body, MetricMeasured) and body.state == state)
        del self.events[: self.events.index(found) + 1]
        assert isinstance(found, MetricMeasured)
        return found

    def close(self) -> None:
        self.socket.close()
        assert self.gone.wait(10)
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()

    def _receive(self) -> None:
        answer = frames.receive(self.socket, Answer)
        assert answer is not None, "the server closed the connection"
        if answer.id:
            assert answer.id not in self.answers, "a question is answered once"
            self.answers[answer.id] = answer
        else:
            self.events.append(answer.body)


@pytest.fixture
def line() -> Iterator[Line]:
    """A server without a model."""
    line = Line()
    yield line
    line.close()


@pytest.fixture
def lenet(line: Line) -> Line:
    """A server with the demo."""
    line.ask(protocol.Open(device="cpu"), views.Opened)
    return line


def _opening(monkeypatch: pytest.MonkeyPatch, model: nn.Module, metric: Metric | None = None) -> None:
    """Have any source open this model."""
    monkeypatch.setattr(sources, "load", lambda *_: Loaded(model, metric))


# The doctor


def test_the_doctor_looks_and_a_repair_is_a_step(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    model = half_pruned()
    _opening(monkeypatch, model)
    line.ask(protocol.Open(), views.Opened)
    finding = line.ask(protocol.GetFindings(), views.Findings).findings[0]
    assert finding.repair is not None
    edited = line.ask(protocol.Apply(finding.repair), views.Edited)
    assert (edited.summary.masked, edited.rows[0][1].masked) == (3, 3)
    assert finding not in line.ask(protocol.GetFindings(), views.Findings).findings
    line.ask(protocol.Undo(), views.Edited)
    assert line.ask(protocol.GetFindings(), views.Findings).findings[0] == finding


def test_the_doctor_can_be_stopped_and_holds_up_nobody(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = threading.Event()

    def slowly(_: nn.Module, stop: Stop, lock: object) -> views.Body:
        looking.set()
        while not stop():
            pass
        raise Cancelled

    _opening(monkeypatch, half_pruned())
    line.ask(protocol.Open(), views.Opened)
    monkeypatch.setattr(server.doctor, "examine", slowly)
    question = line.send(protocol.GetFindings())
    assert looking.wait(10)
    line.ask(tensor_requests.GetStatistics("bias", "effective"), views.Statistics)
    line.ask(protocol.Cancel(question), views.Done)
    body = line.answer(question).body
    assert isinstance(body, Failed)
    assert body.kind == "cancelled"


# Opening


def test_opening_tells_the_model_and_its_rows(line: Line) -> None:
    opened = line.ask(protocol.Open(device="cpu", seed=3), views.Opened)
    assert (opened.summary.name, opened.summary.device, opened.summary.parameters) == ("LeNet", "cpu", 60_074)
    assert (opened.summary.seed, opened.summary.metric) == (3, "accuracy")
    assert [row.path for row in opened.rows] == ["", "conv1", "conv2", "fc1", "fc2", "fc3"]
    assert line.events[0] == views.Progress(0, "opening demo")


def test_before_a_model_is_open_everything_is_refused(line: Line) -> None:
    for request in (protocol.GetModule(""), protocol.Undo(), protocol.GetHistory(), CORNER):
        failed = line.ask(request, Failed)
        assert (failed.kind, failed.message) == ("refused", "no model is open yet")


def test_a_source_that_cannot_be_opened_can_be_followed_by_one_that_can(line: Line, tmp_path: Path) -> None:
    failed = line.ask(protocol.Open(f"{tmp_path}/none.py:Net"), Failed)
    assert failed.kind == "refused"
    assert "there is no file" in failed.message
    assert failed.details.startswith("Traceback")
    line.ask(protocol.Open(device="cpu"), views.Opened)


def test_a_script_module_is_refused(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    _opening(monkeypatch, torch.jit.script(nn.Linear(2, 2)))
    failed = line.ask(protocol.Open(), Failed)
    assert failed.kind == "refused"
    assert failed.message.endswith("Open the Python module it was scripted from")


def test_what_is_inside_a_wrapper_is_offered(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    _opening(monkeypatch, nn.DataParallel(nn.Sequential(nn.Linear(2, 2))))
    failed = line.ask(protocol.Open(), Failed)
    assert failed.kind == "wrapped"
    assert "a DataParallel around a Sequential" in failed.message
    assert line.ask(protocol.Open(unwrap=True), views.Opened).summary.name == "Sequential"


def test_a_compiled_model_is_offered_too(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    _opening(monkeypatch, torch.compile(nn.Linear(2, 2)))  # type: ignore[arg-type]
    assert line.ask(protocol.Open(), Failed).kind == "wrapped"
    assert line.ask(protocol.Open(unwrap=True), views.Opened).summary.name == "Linear"


def test_what_is_inside_several_wrappers_is_opened(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = torch.compile(nn.DataParallel(nn.DataParallel(nn.Linear(2, 2))))
    _opening(monkeypatch, wrapped)  # type: ignore[arg-type]
    assert line.ask(protocol.Open(unwrap=True), views.Opened).summary.name == "Linear"


def test_a_very_deep_model_is_opened_and_pruned(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    for _ in range(1_200):
        model = nn.Sequential(model)
    _opening(monkeypatch, model, Metric("share", lambda *_: 1.0))
    opened = line.ask(protocol.Open(), views.Opened)
    assert len(opened.rows) == 1_202
    step = L1Unstructured(targets=(f"{opened.rows[-1].path}.weight",), amount=1)
    assert line.ask(protocol.Apply(step), views.Edited).summary.masked == 1
    remove = Remove(targets=step.targets)
    assert line.ask(protocol.Apply(remove), views.Edited).summary.masked == 0


def test_a_model_without_parameters_opens_with_a_note(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    _opening(monkeypatch, nn.Sequential(nn.ReLU()))
    opened = line.ask(protocol.Open(), views.Opened)
    assert opened.summary.notes == ("this model has no parameters: there is nothing to prune",)


def test_a_lazy_model_opens_and_its_parameters_say_why_they_cannot_be_pruned(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    _opening(monkeypatch, nn.Sequential(nn.LazyLinear(3)))
    line.ask(protocol.Open(), views.Opened)
    assert line.ask(protocol.GetModule("0"), views.ModuleView).parameters[0].note
    step = L1Unstructured(targets=("0.weight",), amount=0.5)
    assert "initiali" in line.ask(protocol.Apply(step), Failed).message


# Looking


def test_a_module(lenet: Line) -> None:
    view = lenet.ask(protocol.GetModule("conv1"), views.ModuleView)
    assert [row.name for row in view.parameters] == ["weight", "bias"]


@pytest.mark.parametrize(
    "request_",
    [
        protocol.GetModule("conv9"),
        tensor_requests.GetStatistics("conv9.weight", "effective"),
        protocol.Preview(L1Unstructured(targets=("conv9.weight",), amount=0.5)),
        protocol.Apply(L1Unstructured(targets=("conv9.weight",), amount=0.5)),
    ],
)
def test_an_unknown_path_names_the_nearest(lenet: Line, request_: protocol.Request) -> None:
    failed = lenet.ask(request_, Failed)
    assert failed.kind == "refused"
    assert "has no module 'conv9' (did you mean 'conv" in failed.message


def test_a_tile_holds_the_values(lenet: Line) -> None:
    (block,) = lenet.ask(CORNER, views.Tile).blocks
    assert list(block.values) == lenet.model.conv1.weight[0, 0].flatten().tolist()


def test_a_tile_marks_what_a_step_would_mask(lenet: Line) -> None:
    step = L1Unstructured(targets=("conv1.weight",), amount=1.0)
    request = tensor_requests.GetTile("conv1.weight", "effective", 2, 3, CORNER.blocks, step)
    (block,) = lenet.ask(request, views.Tile).blocks
    assert set(block.states) == {views.WOULD_GO}


def test_statistics(lenet: Line) -> None:
    found = lenet.ask(tensor_requests.GetStatistics("conv1.weight", "effective"), views.Statistics)
    weight = lenet.model.conv1.weight
    assert found.elements == weight.numel()
    assert found.maximum == pytest.approx(weight.max().item())
    assert found.mean == pytest.approx(weight.mean().item(), abs=1e-6)


def test_a_sample_of_what_is_small_is_all_of_it(lenet: Line) -> None:
    sampled, whole = (
        lenet.ask(tensor_requests.GetStatistics("conv1.weight", "effective", sampled=sampled), views.Statistics)
        for sampled in (True, False)
    )
    assert sampled == whole
    assert sampled.quality == "exact"


def test_a_sample_of_what_is_large_is_a_sample(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    _opening(monkeypatch, nn.Linear(1000, 1000))
    line.ask(protocol.Open(), views.Opened)
    found = line.ask(tensor_requests.GetStatistics("weight", "effective", sampled=True), views.Statistics)
    assert (found.quality, found.elements) == ("sampled", 1_000_000)


# Editing


def test_a_preview_is_what_the_step_does(lenet: Line) -> None:
    step = RandomUnstructured(targets=("conv1.weight", "fc1.weight"), amount=0.25)
    previewed = lenet.ask(protocol.Preview(step), views.Previewed)
    done = lenet.ask(protocol.Apply(step), views.Edited)
    assert done.entry.step == previewed.step
    assert done.entry.effects == previewed.effects


def test_apply_undo_redo_and_amend(lenet: Line) -> None:
    before = lenet.model.conv1.weight.clone()
    done = lenet.ask(protocol.Apply(HALF_OF_CONV1), views.Edited)
    assert (done.action, done.summary.steps, done.summary.masked) == ("applied", 1, 27)
    assert [index for index, _ in done.rows] == [0, 1]
    assert lenet.ask(protocol.Undo(), views.Edited).summary.undone == 1
    assert torch.equal(lenet.model.conv1.weight, before)
    assert lenet.ask(protocol.Redo(), views.Edited).summary.masked == 27
    amended = lenet.ask(protocol.Amend(9), views.Edited)
    assert (amended.action, amended.summary.masked, amended.summary.steps) == ("amended", 9, 1)
    assert [entry.step.amount for entry in lenet.ask(protocol.GetHistory(), views.History).entries] == [9]


def test_every_edit_raises_the_revision_and_looking_does_not(lenet: Line) -> None:
    edits = (protocol.Apply(HALF_OF_CONV1), protocol.Undo(), protocol.Redo())
    for revision, edit in enumerate(edits, start=1):
        assert lenet.answer(lenet.send(edit)).revision == revision
        assert lenet.answer(lenet.send(protocol.GetModule("conv1"))).revision == revision


@pytest.mark.parametrize("request_", [protocol.Undo(), protocol.Redo(), protocol.Amend(3)])
def test_there_is_nothing_to_take_back(lenet: Line, request_: protocol.Request) -> None:
    assert lenet.ask(request_, Failed).kind == "refused"


def test_a_readonly_model_can_be_looked_at_only(line: Line) -> None:
    opened = line.ask(protocol.Open(device="cpu", readonly=True), views.Opened)
    assert opened.summary.readonly
    for edit in (protocol.Apply(HALF_OF_CONV1), protocol.Undo(), protocol.Amend(1)):
        assert "read-only (--readonly)" in line.ask(edit, Failed).message
    line.ask(protocol.Preview(HALF_OF_CONV1), views.Previewed)
    assert line.ask(protocol.GetModule("conv1"), views.ModuleView).computed == ()


# Several things at once


class Gate:
    """Work that waits until the test lets it go on, or until it is told to stop."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def wait(self, stop: Stop) -> None:
        self.entered.set()
        while not self.open.wait(0.01):
            if stop():
                raise Cancelled


@pytest.fixture
def slow_statistics(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Statistics that take their time."""
    gate = Gate()
    count = statistics.statistics

    def slow(layers: Layers, stop: Stop, tell: Tell) -> views.Statistics:
        tell("counting 40%")
        gate.wait(stop)
        return count(layers, stop, tell)

    monkeypatch.setattr(statistics, "statistics", slow)
    return gate


_COUNT = tensor_requests.GetStatistics("conv1.weight", "effective")


def test_looking_goes_on_while_something_is_counted(lenet: Line, slow_statistics: Gate) -> None:
    counting = lenet.send(_COUNT)
    assert slow_statistics.entered.wait(10)
    lenet.ask(protocol.GetModule("conv1"), views.ModuleView)
    assert counting not in lenet.answers
    slow_statistics.open.set()
    assert isinstance(lenet.answer(counting).body, views.Statistics)


def test_how_far_the_counting_is_is_told(lenet: Line, slow_statistics: Gate) -> None:
    counting = lenet.send(_COUNT)
    progress = lenet.event(lambda body: isinstance(body, views.Progress) and body.request == counting)
    slow_statistics.open.set()
    assert progress == views.Progress(counting, "counting 40%")
    assert isinstance(lenet.answer(counting).body, views.Statistics)


def test_looking_goes_on_while_an_edit_runs(lenet: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    apply = server._HANDLERS[protocol.Apply]

    def slow(own: Server, request: protocol.Apply, stop: Stop) -> views.Body:
        gate.wait(stop)
        return apply(own, request, stop)

    monkeypatch.setitem(server._HANDLERS, protocol.Apply, slow)
    editing = lenet.send(protocol.Apply(HALF_OF_CONV1))
    assert gate.entered.wait(10)
    assert lenet.answer(lenet.send(protocol.GetModule("conv1"))).revision == 0
    gate.open.set()
    assert lenet.answer(editing).revision == 1


def test_a_newer_view_takes_the_place_of_the_older(lenet: Line, slow_statistics: Gate) -> None:
    running = lenet.send(_COUNT)
    assert slow_statistics.entered.wait(10)
    waiting, newest = lenet.send(_COUNT), lenet.send(_COUNT)
    for outdated in (running, waiting):
        body = lenet.answer(outdated).body
        assert isinstance(body, Failed)
        assert body.kind == "superseded"
    slow_statistics.open.set()
    assert isinstance(lenet.answer(newest).body, views.Statistics)


def test_a_view_of_a_model_that_has_changed_meanwhile_is_taken_anew(lenet: Line, slow_statistics: Gate) -> None:
    counting = lenet.send(_COUNT)
    assert slow_statistics.entered.wait(10)
    lenet.ask(protocol.Apply(HALF_OF_CONV1), views.Edited)
    slow_statistics.open.set()
    answer = lenet.answer(counting)
    assert isinstance(answer.body, views.Statistics)
    assert (answer.revision, answer.body.masked) == (1, 27)


def test_an_answer_bears_the_revision_it_was_made_at(lenet: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, send = Gate(), Server._send

    def slow(own: Server, identifier: int, *rest: Any) -> None:
        if identifier == looking:
            gate.wait(lambda: False)
        send(own, identifier, *rest)

    looking = lenet._last + 1
    monkeypatch.setattr(Server, "_send", slow)
    lenet.send(protocol.GetModule("conv1"))
    assert gate.entered.wait(10)
    lenet.ask(protocol.Apply(HALF_OF_CONV1), views.Edited)
    gate.open.set()
    answer = lenet.answer(looking)
    assert isinstance(answer.body, views.ModuleView)
    assert (answer.revision, answer.body.computed) == (0, ())


@pytest.mark.parametrize("error", [MemoryError("full"), RecursionError("deep"), KeyboardInterrupt()])
def test_an_edit_that_is_done_is_told_as_done_whatever_fails_after_it(
    lenet: Line, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(outline, "changed_rows", lambda *_: _raise(error))
    answer = lenet.answer(lenet.send(protocol.Apply(HALF_OF_CONV1)))
    assert isinstance(answer.body, views.Edited)
    assert (answer.revision, answer.body.summary.masked, len(answer.body.rows)) == (1, 27, 6)
    monkeypatch.setattr(outline, "outline", lambda *_: _raise(error))
    edited = lenet.ask(protocol.Undo(), views.Edited)
    assert (edited.summary.steps, edited.rows) == (0, ())
    assert edited.summary.notes[-1].startswith("the step is done, but its masks could not be counted: ")


def test_an_edit_whose_rows_cannot_be_sent_is_told_without_them(
    lenet: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        outline, "changed_rows", lambda *_: ((0, view_rows.ModuleRow("\udcff", "", -1, 0, 0, ())),)
    )
    edited = lenet.ask(protocol.Apply(HALF_OF_CONV1), views.Edited)
    assert (edited.summary.steps, edited.rows) == (1, ())


def test_want_of_memory_before_an_edit_says_that_nothing_was_changed(
    lenet: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "plan", lambda *_, **__: _raise(MemoryError("full")))
    failed = lenet.ask(protocol.Apply(HALF_OF_CONV1), Failed)
    assert (failed.kind, failed.message) == ("refused", "not enough memory: full; nothing was changed")


def test_a_preview_that_runs_can_be_cancelled(lenet: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, ranked = Gate(), search.ranked
    monkeypatch.setattr(search, "ranked", lambda *args: gate.wait(lambda: False) or ranked(*args))
    step = L1Unstructured(targets=("conv1.weight", "conv2.weight"), amount=0.5)
    previewing = lenet.send(protocol.Preview(step))
    assert gate.entered.wait(10)
    lenet.ask(protocol.Cancel(previewing), views.Done)
    gate.open.set()
    body = lenet.answer(previewing).body
    assert isinstance(body, Failed)
    assert body.kind == "cancelled"


def test_a_preview_and_its_tile_are_planned_once(lenet: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, plan_of, planned = Gate(), planning.plan, []

    def slow(*args: Any, **settings: Any) -> planning.Plan:
        planned.append(args[1])
        gate.wait(lambda: False)
        return plan_of(*args, **settings)

    monkeypatch.setattr(planning, "plan", slow)
    previewing = lenet.send(protocol.Preview(HALF_OF_CONV1))
    assert gate.entered.wait(10)
    tile = lenet.send(tensor_requests.GetTile("conv1.weight", "effective", 2, 3, CORNER.blocks, HALF_OF_CONV1))
    lenet.ask(tensor_requests.GetStatistics("conv1.weight", "effective"), views.Statistics)
    gate.open.set()
    assert isinstance(lenet.answer(previewing).body, views.Previewed)
    assert isinstance(lenet.answer(tile).body, views.Tile)
    assert planned == [HALF_OF_CONV1]


@pytest.mark.usefixtures("slow_statistics")
def test_cancelling(lenet: Line) -> None:
    counting = lenet.send(_COUNT)
    lenet.ask(protocol.Cancel(counting), views.Done)
    body = lenet.answer(counting).body
    assert isinstance(body, Failed)
    assert body.kind == "cancelled"
    lenet.ask(protocol.Cancel(counting), views.Done)
    lenet.ask(protocol.Cancel(999), views.Done)


def test_edits_are_done_in_order(lenet: Line) -> None:
    edits = [lenet.send(protocol.Apply(HALF_OF_CONV1)) for _ in range(5)]
    edits += [lenet.send(protocol.Undo()) for _ in range(4)]
    assert [lenet.answer(edit).revision for edit in edits] == list(range(1, 10))
    assert lenet.ask(protocol.GetModule("conv1"), views.ModuleView).computed[0].kept == 27


# Measuring


class Net(nn.Module):
    """Two weights, and a forward that does what the test says."""

    def __init__(self, act: Callable[[], object] = bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 3.0]))
        self._act = act

    def forward(self) -> torch.Tensor:
        self._act()
        return self.weight.sum() / 4


SUM = Metric("share", lambda model, _: float(model()))
ONE_OF_TWO = L1Unstructured(targets=("weight",), amount=1)


def test_the_metric_is_measured_at_the_start_and_after_each_step(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    _opening(monkeypatch, Net(), SUM)
    line.ask(protocol.Open(), views.Opened)
    assert line.metric("measured") == MetricMeasured("share", 1.0, 1.0, "measured")
    line.ask(protocol.Apply(ONE_OF_TWO), views.Edited)
    assert line.event(lambda body: isinstance(body, MetricMeasured)).state == "measuring"  # type: ignore[attr-defined]
    assert line.metric("measured") == MetricMeasured("share", 0.75, 1.0, "measured")


def test_the_metric_can_be_switched_off_and_on(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    _opening(monkeypatch, Net(), SUM)
    line.ask(protocol.Open(), views.Opened)
    line.metric("measured")
    line.ask(protocol.SetMetric(measured=False), views.Done)
    assert line.metric("off") == MetricMeasured("share", None, 1.0, "off")
    line.ask(protocol.Apply(ONE_OF_TWO), views.Edited)
    line.ask(protocol.GetHistory(), views.History)
    assert line.events == []
    line.ask(protocol.SetMetric(measured=True), views.Done)
    assert line.metric("measured").value == 0.75


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError("no\nsuch"), SystemExit(3)])
def test_a_forward_that_raises_fails_the_metric_and_nothing_else(
    line: Line, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    _opening(monkeypatch, Net(lambda: _raise(error)), SUM)
    line.ask(protocol.Open(), views.Opened)
    failed = line.metric("failed")
    assert failed.value is None
    assert failed.message == f"{type(error).__name__}: {error}".splitlines()[0]
    line.ask(protocol.Apply(ONE_OF_TWO), views.Edited)


def test_an_edit_does_not_wait_for_the_metric(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()

    def measure(model: nn.Module, stop: Stop) -> float:
        gate.wait(stop)
        return float(model())

    _opening(monkeypatch, Net(), Metric("share", measure))
    line.ask(protocol.Open(), views.Opened)
    assert gate.entered.wait(10)
    line.ask(protocol.Apply(ONE_OF_TWO), views.Edited)
    gate.open.set()
    assert line.metric("measured").value == 0.75


def test_a_preview_does_not_wait_for_the_metric(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()

    def measure(model: nn.Module, stop: Stop) -> float:
        gate.wait(stop)
        return float(model())

    _opening(monkeypatch, Net(), Metric("share", measure))
    line.ask(protocol.Open(), views.Opened)
    assert gate.entered.wait(10)
    step = RandomUnstructured(targets=("weight",), amount=1)
    assert line.ask(protocol.Preview(step), views.Previewed).effects[0].took == 1
    gate.open.set()
    assert line.metric("measured").value == 1.0


def test_the_start_is_measured_though_an_edit_waits_already(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> Loaded:
        while not line.server._lanes["edit"].has_work():
            time.sleep(0.001)
        return Loaded(Net(), SUM)

    monkeypatch.setattr(sources, "load", load)
    line.send(protocol.Open())
    line.ask(protocol.Apply(ONE_OF_TWO), views.Edited)
    assert line.metric("measured") == MetricMeasured("share", 1.0, 1.0, "measured")
    assert line.metric("measured") == MetricMeasured("share", 0.75, 1.0, "measured")


def test_what_is_measured_before_any_step_is_the_start(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(9))

    def measure(model: nn.Module, stop: Stop) -> float:
        if next(times) == 0 or hasattr(model, "weight_mask"):
            Gate().wait(stop)  # the first edit waits for it, but not for ever
        return float(model())

    _opening(monkeypatch, Net(), Metric("share", measure))
    monkeypatch.setattr(measurement, "_PATIENCE", 0)
    line.ask(protocol.Open(), views.Opened)
    line.ask(protocol.Apply(ONE_OF_TWO), views.Edited)
    line.ask(protocol.Undo(), views.Edited)
    assert line.metric("measured") == MetricMeasured("share", 1.0, 1.0, "measured")


# What must never happen


@pytest.mark.parametrize("error", [KeyError("oops"), SystemExit(1)])
def test_a_bug_is_told_with_its_traceback(
    lenet: Line, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setitem(server._HANDLERS, protocol.GetModule, lambda *_: _raise(error))
    failed = lenet.ask(protocol.GetModule("conv1"), Failed)
    assert failed.kind == "bug"
    assert failed.message == f"{type(error).__name__}: {error}"
    assert "test_server.py" in failed.details
    lenet.ask(protocol.GetHistory(), views.History)


def test_an_answer_that_cannot_be_sent_is_a_bug_too(lenet: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(server._HANDLERS, protocol.GetModule, lambda *_: views.Progress(1, "\udcff"))
    assert lenet.ask(protocol.GetModule("conv1"), Failed).kind == "bug"
    monkeypatch.setattr(frames, "LONGEST", 5_000)
    monkeypatch.setitem(server._HANDLERS, protocol.GetModule, lambda *_: views.Progress(1, "x" * 5_000))
    assert "longer than the 5,000 allowed" in lenet.ask(protocol.GetModule("conv1"), Failed).message


def test_garbage_ends_the_connection_and_says_why(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    line.socket.sendall(struct.pack(">I", 5) + b"hello")
    assert line.gone.wait(10)
    assert "the connection broke: cannot read a frame as Question" in capsys.readouterr().out


def test_who_goes_while_an_edit_runs_does_not_hang_the_engine(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    monkeypatch.setitem(server._HANDLERS, protocol.Undo, lambda _, __, stop: gate.wait(stop) or views.Done())
    line.send(protocol.Undo())
    assert gate.entered.wait(10)  # the fixture closes the line, and waits for the thread to end
