"""The engine behind the protocol: takes requests from a socket, answers them, reports progress.

One thread changes the model and measures it (`edit`); reads run beside it in threads of their own, so that a long
count never delays the next picture.
"""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from prune_tui import frames, protocol, views
from prune_tui.engine import modules, outline, sources, statistics, targets, tiles
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.evaluation.metric import Metric, unchanged
from prune_tui.engine.lanes import Job, Lane
from prune_tui.engine.session import Session, WrappedModelError
from prune_tui.protocol import LANES, Answer, Question
from prune_tui.steps import StepError
from prune_tui.views import Failed, LogEntry, MetricMeasured, Progress, Summary

_ATTEMPTS = 3
"""How often a view is taken of a model that changes while it is looked at."""

_PATIENCE = 1.0
"""Seconds that a first edit may wait for the first measurement."""


class Server:
    """One connection to one UI, and the one model it works on.

    Args:
        connection: A connected Unix socket; frames of `Question` come in, frames of `Answer` go out.
        gone: Called in the reading thread when the other side has closed the connection.
    """

    def __init__(self, connection: socket.socket, gone: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._gone = gone
        self._sending = threading.Lock()
        self._session: Session | None = None
        self._rows: tuple[views.ModuleRow, ...] = ()
        self._readonly = False
        self._measurement = _Measurement(self._tell)
        self._lanes = {
            lane: Lane(
                self._work,
                self._answer_dropped,
                supersede=lane != "edit",
                idle=self._measure if lane == "edit" else None,
            )
            for lane in ("edit", "look", "count", "preview")
        }

    # ---------------------------------------------------------------- the threads

    def serve(self) -> None:
        """Work until the other side closes the connection; edits are made in the calling thread."""
        for name, lane in self._lanes.items():
            if name != "edit":
                threading.Thread(target=lane.run, name=f"prune-tui {name}", daemon=True).start()
        threading.Thread(target=self._read, name="prune-tui reader", daemon=True).start()
        self._lanes["edit"].run()

    def _read(self) -> None:
        try:
            while (question := frames.receive(self._connection, Question)) is not None:
                self._put(question)
        except OSError as error:
            print(f"prune-tui engine: the connection broke: {error}", flush=True)  # noqa: T201 - the log pane
        for lane in self._lanes.values():
            lane.close()
        if self._gone is not None:
            self._gone()

    def _put(self, question: Question) -> None:
        if isinstance(question.request, protocol.Cancel):
            for lane in self._lanes.values():
                lane.cancel(question.request.id)
            self._send(question.id, views.Done())
        else:
            self._lanes[LANES[type(question.request)]].put(question)

    def _work(self, job: Job) -> None:
        """Answer one job; a view of a model that changed meanwhile is taken anew."""
        edit = LANES[type(job.question.request)] == "edit"
        for _ in range(_ATTEMPTS):
            revision = self._revision
            body = self._body(job)
            if edit or revision == self._revision or job.stopped:
                break
        else:
            body = Failed("the model keeps changing", "superseded")
        self._send(job.question.id, body)

    def _body(self, job: Job) -> views.Body:
        """The answer, whatever happens: a request without one would leave the UI waiting for ever."""
        try:
            return _HANDLERS[type(job.question.request)](self, job)
        except (Cancelled, KeyboardInterrupt):
            return _stopped(job, "stopped")
        except WrappedModelError as error:
            return Failed(str(error), "wrapped")
        except (StepError, sources.SourceError) as error:
            return Failed(str(error), "refused", traceback.format_exc())
        except MemoryError as error:
            return Failed(f"not enough memory: {error}; nothing was changed", "refused", traceback.format_exc())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary: told with its traceback
            traceback.print_exc()  # into the log pane
            return Failed(f"{type(error).__name__}: {error}", "bug", traceback.format_exc())

    def _answer_dropped(self, job: Job) -> None:
        self._send(job.question.id, _stopped(job, "stopped before it began"))

    @property
    def _revision(self) -> int:
        return 0 if self._session is None else self._session.revision

    def _tell(self, body: views.AnyBody) -> None:
        """Send an event."""
        self._send(0, body)

    def _send(self, identifier: int, body: Any) -> None:
        try:
            frame = frames.encode(Answer(identifier, self._revision, body))
        except (OSError, ValueError, OverflowError) as error:  # a name that is not UTF-8, an answer without end
            failed = Failed(f"the answer cannot be sent: {error}", "bug", traceback.format_exc())
            frame = frames.encode(Answer(identifier, self._revision, failed))
        with self._sending:
            try:
                self._connection.sendall(frame)
            except OSError:
                return  # the reader sees the same end of the connection and ends the process

    # ---------------------------------------------------------------- edits

    def _open(self, job: Job) -> views.Body:
        request: protocol.Open = job.question.request  # type: ignore[assignment]
        self._tell(Progress(job.question.id, f"opening {request.source}"))
        loaded = sources.load(request.source, request.arguments, request.device, request.seed)
        model = loaded.model
        try:
            session = Session(model, request.seed)
        except WrappedModelError as error:
            if not request.unwrap:
                raise
            session = Session(error.inner, request.seed)
        self._rows = outline.outline(session.model)
        self._readonly = request.readonly
        self._measurement.begin(loaded.metric)
        self._session = session
        return views.Opened(self._summary(), self._rows)

    def _apply(self, job: Job) -> views.Body:
        return self._edited("applied", lambda session: session.do(job.question.request.step))  # type: ignore[union-attr]

    def _amend(self, job: Job) -> views.Body:
        return self._edited("amended", lambda session: session.amend(job.question.request.amount))  # type: ignore[union-attr]

    def _undo(self, _: Job) -> views.Body:
        return self._edited("undone", Session.step_back)

    def _redo(self, _: Job) -> views.Body:
        return self._edited("redone", Session.step_forward)

    def _edited(self, action: Any, edit: Callable[[Session], LogEntry]) -> views.Edited:
        session = self._open_session
        if self._readonly:
            raise StepError("this session is read-only (--readonly); start without it to prune")
        entry = edit(session)
        with session.lock:
            touched = {targets.locate(session.model, path)[0] for path in entry.step.targets}
            changed = outline.changed_rows(session.model, self._rows, touched)
            rows = list(self._rows)
            for index, row in changed:
                rows[index] = row
            self._rows = tuple(rows)
        self._measurement.wanted = True
        return views.Edited(entry, action, self._summary(), changed)

    def _set_metric(self, job: Job) -> views.Body:
        self._measurement.switch(job.question.request.measured)  # type: ignore[union-attr]
        return views.Done()

    def _measure(self) -> None:
        if self._session is not None:
            self._measurement.measure(self._session, self._lanes["edit"].has_work)

    @property
    def _open_session(self) -> Session:
        if self._session is None:
            raise StepError("no model is open yet")
        return self._session

    def _summary(self) -> Summary:
        session = self._session
        if session is None:
            raise StepError("no model is open yet")
        done, undone = session.counts()
        row = self._rows[0]
        return Summary(
            name=type(session.model).__name__,
            device=outline.devices(session.model),
            parameters=row.parameters,
            masked=row.masked,
            steps=done,
            undone=undone,
            readonly=self._readonly,
            seed=session.seed,
            notes=_notes(session.model),
            metric=self._measurement.name,
        )

    # ---------------------------------------------------------------- looking

    def _outline(self, _: Job) -> views.Body:
        return views.Outline(self._rows)

    def _module(self, job: Job) -> views.Body:
        session = self._open_session
        path: str = job.question.request.path  # type: ignore[union-attr]
        with session.lock:
            return modules.module_view(session.model, path, _module_at(session.model, path), session.recorded())

    def _tile(self, job: Job) -> views.Body:
        request: protocol.GetTile = job.question.request  # type: ignore[assignment]
        session = self._open_session
        would_go = None
        if request.preview is not None:
            plan = session.plan(request.preview)
            masks = {part.target.path: part.mask for part in plan.parts}
            mask = masks.get(request.tensor)
            would_go = None if mask is None else mask == 0
        with session.lock:
            module, name = targets.locate(session.model, request.tensor)
            return tiles.tile(module, name, request, session.newly_masked(request.tensor), would_go)

    def _statistics(self, job: Job) -> views.Body:
        request: protocol.GetStatistics = job.question.request  # type: ignore[assignment]
        module, name = targets.locate(self._open_session.model, request.tensor)
        return statistics.statistics(module, name, request.view, job.stop)

    def _preview(self, job: Job) -> views.Body:
        return self._open_session.foresee(job.question.request.step)  # type: ignore[union-attr]

    def _history(self, _: Job) -> views.Body:
        return views.History(self._open_session.log())


def _stopped(job: Job, message: str) -> Failed:
    return Failed(message, "superseded" if job.stopped == "superseded" else "cancelled")


def _notes(model: nn.Module) -> tuple[str, ...]:
    """What of a model a person should know before pruning it."""
    parameters = list(model.parameters())
    lazy = sum(map(is_lazy, parameters))
    meta = sum(parameter.is_meta for parameter in parameters if not is_lazy(parameter))
    told = {
        "this model has no parameters: there is nothing to prune": not parameters,
        f"{lazy} parameters are not initialised: run one forward before you prune them": lazy,
        f"{meta} parameters are on the meta device: they have no values to prune": meta,
    }
    return tuple(note for note, holds in told.items() if holds)


def _module_at(model: nn.Module, path: str) -> nn.Module:
    return targets.locate(model, f"{path}." if path else "")[0]


_HANDLERS: dict[type[protocol.Request], Callable[[Server, Job], views.Body]] = {
    protocol.Open: Server._open,
    protocol.Apply: Server._apply,
    protocol.Amend: Server._amend,
    protocol.Undo: Server._undo,
    protocol.Redo: Server._redo,
    protocol.SetMetric: Server._set_metric,
    protocol.GetOutline: Server._outline,
    protocol.GetModule: Server._module,
    protocol.GetTile: Server._tile,
    protocol.GetStatistics: Server._statistics,
    protocol.GetHistory: Server._history,
    protocol.Preview: Server._preview,
}


class _Measurement:
    """The metric of the model as it was opened, and as it is now.

    Args:
        tell: Sends an event.
    """

    def __init__(self, tell: Callable[[views.AnyBody], None]) -> None:
        self._tell = tell
        self._metric: Metric | None = None
        self._start: float | None = None
        self._switched_on = True
        self.wanted = False

    @property
    def name(self) -> str:
        """What is measured; empty when nothing can be."""
        return "" if self._metric is None else self._metric.name

    def begin(self, metric: Metric | None) -> None:
        """A model was opened."""
        self._metric = metric
        self._start = None
        self.wanted = metric is not None

    def switch(self, on: bool) -> None:
        """Measure after each step, or no more."""
        self._switched_on = on
        self.wanted = on
        if not on:
            self._tell(MetricMeasured(self.name, None, self._start, "off"))

    def measure(self, session: Session, stop: Callable[[], bool]) -> None:
        """Measure once, if anything has changed since the last time; an edit that comes in goes first."""
        metric = self._metric
        if metric is None or not (self.wanted and self._switched_on):
            return
        self._tell(MetricMeasured(metric.name, None, self._start, "measuring"))
        first = self._start is None and session.revision == 0
        # The first one is what all others are compared with: an edit waits for it, though not for long.
        until = time.monotonic() + (_PATIENCE if first else 0)
        try:
            with unchanged(session.model):
                value = metric.measure(session.model, lambda: time.monotonic() > until and stop())
        except Cancelled:
            return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a person's forward may raise anything
            self.wanted = False
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self._tell(MetricMeasured(metric.name, None, self._start, "failed", reason))
            return
        self.wanted = False
        if first:
            self._start = value
        self._tell(MetricMeasured(metric.name, value, self._start, "measured"))
