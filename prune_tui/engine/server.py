"""The engine behind the protocol: takes requests from a socket, answers them, reports progress.

One thread changes the model and measures it (`edit`); reads run beside it in threads of their own, so that a long
count never delays the next picture.
"""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args

import msgspec
from torch import nn

from prune_tui import files, frames, protocol, view_rows, views
from prune_tui.engine import (
    description,
    doctor,
    interrupting,
    modules,
    opening,
    outline,
    saving_answers,
    targets,
    tensor_answers,
)
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.evaluation.measurement import Measurement
from prune_tui.engine.exports import exporting
from prune_tui.engine.journaling import ChangedError, Journaling
from prune_tui.engine.lanes import Job, Lane
from prune_tui.engine.memory_used import MemoryTelling
from prune_tui.engine.named import class_name
from prune_tui.engine.record import DoubtfulError
from prune_tui.engine.saving.saver import OverSourceError
from prune_tui.engine.session import Session
from prune_tui.engine.sources import SourceError
from prune_tui.engine.telling import Tell
from prune_tui.engine.walking import tensors_of
from prune_tui.engine.wrapped import WrappedModelError
from prune_tui.journal import InUseError, JournalError
from prune_tui.protocol import LANES, Answer, Question
from prune_tui.step_settings import StepError
from prune_tui.view_rows import ModuleRow
from prune_tui.views import Failed, FailureKind, LogEntry, Progress, Summary
from prune_tui.whole_file import ExistsError

_ATTEMPTS = 3
"""How often a view is taken of a model that changes while it is looked at."""

_Action = Literal["applied", "amended", "undone", "redone"]
_ChangedRows = tuple[tuple[int, ModuleRow], ...]
_Request = TypeVar("_Request", bound=protocol.Request)
_Handler = Callable[["Server", _Request, Stop], views.Body]
# The narrower first.
_REFUSALS: dict[type[Exception], FailureKind] = {
    WrappedModelError: "wrapped",
    ChangedError: "changed",
    OverSourceError: "source",
    ExistsError: "exists",
    DoubtfulError: "doubtful",
    interrupting.BlockedError: "blocked",
    StepError: "refused",
    SourceError: "refused",
    InUseError: "in use",
    JournalError: "refused",
}
_HANDLERS: dict[type[protocol.Request], Callable[..., views.Body]] = {}


def _answers(kind: type[_Request]) -> Callable[[_Handler[_Request]], _Handler[_Request]]:
    """Mark the method of a `Server` that answers a kind of request."""

    def registered(handler: _Handler[_Request]) -> _Handler[_Request]:
        _HANDLERS[kind] = handler
        return handler

    return registered


class Server:
    """One connection to one UI, and the one model it works on.

    Args:
        connection: A connected Unix socket; frames of `Question` come in, frames of `Answer` go out.
        gone: Called in the reading thread when the other side has closed the connection.

    Attributes:
        memory: Tells what this process holds, once it is started.
    """

    def __init__(self, connection: socket.socket, gone: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._gone = gone
        self._sending = threading.Lock()
        self._at_work = threading.local()  # the job of each lane
        self._session: Session | None = None
        self._rows: tuple[view_rows.ModuleRow, ...] = ()
        self._opened: Summary | None = None
        self._readonly = False
        self._origin = protocol.Open()
        self._measurement = Measurement(self._tell)
        self._journaling: Journaling | None = None
        self.memory = MemoryTelling(self._tell)
        self._lanes = {
            lane: Lane(
                self._work,
                self._answer_dropped,
                supersede=lane != "edit",
                idle=self._measure if lane == "edit" else None,
            )
            for lane in get_args(protocol.Lane)
        }

    # ---------------------------------------------------------------- the threads

    def serve(self) -> None:
        """Work until the other side closes the connection; edits are made in the calling thread."""
        for name, lane in self._lanes.items():
            if name != "edit":
                threading.Thread(target=lane.run, name=f"prune-tui {name}", daemon=True).start()
        threading.Thread(target=self._read, name="prune-tui reader", daemon=True).start()
        self._lanes["edit"].run()
        if self._journaling is not None:
            self._journaling.close()

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
            self._send(question.id, self._revision, views.Done())
            return
        lane = self._lanes[LANES[type(question.request)]]
        if deaf := interrupting.deaf(lane.thread) if lane.thread is not None else "":
            self._send(question.id, self._revision, Failed(deaf, "blocked"))
        else:
            lane.put(question)

    def _work(self, job: Job) -> None:
        """Answer one job, with the revision that the answer was made at."""
        edits = LANES[type(job.question.request)] == "edit"
        revision, body = self._edit(job) if edits else self._view(job)
        self._send(job.question.id, revision, body)
        if edits:
            self.memory.look()

    def _edit(self, job: Job) -> tuple[int, views.Body]:
        body = self._body(job)
        return self._revision, body  # nobody else changes the model before this thread's next job

    def _view(self, job: Job) -> tuple[int, views.Body]:
        """A view of a model that changed while it was looked at is taken anew."""
        for _ in range(_ATTEMPTS):
            moment = self._moment
            body = self._body(job)
            if job.stopped:
                return moment[0], _stopped(job, "stopped")
            if moment == self._moment:
                return moment[0], body
        return self._revision, Failed("the model keeps changing", "superseded")

    def _body(self, job: Job) -> views.Body:
        """The answer, whatever happens: a request without one would leave the UI waiting for ever."""
        request, revision = job.question.request, self._revision
        self._at_work.job = job
        if isinstance(request, protocol.Open):
            self._tell(Progress(0, f"opening {request.source}"))
        try:
            return _HANDLERS[type(request)](self, request, job.stop)
        except (Cancelled, KeyboardInterrupt):
            return _stopped(job, "stopped")
        except tuple(_REFUSALS) as error:
            kind = next(kind for refusal, kind in _REFUSALS.items() if isinstance(error, refusal))
            return Failed(str(error), kind, traceback.format_exc())
        except MemoryError as error:
            nothing = "; nothing was changed" if self._revision == revision else ""
            return Failed(f"not enough memory: {error}{nothing}", "refused", traceback.format_exc())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary: told with its traceback
            traceback.print_exc()  # into the log pane
            return Failed(f"{type(error).__name__}: {error}", "bug", traceback.format_exc())

    def _answer_dropped(self, job: Job) -> None:
        self._send(job.question.id, self._revision, _stopped(job, "stopped before it began"))

    @property
    def _revision(self) -> int:
        return self._moment[0]

    @property
    def _moment(self) -> tuple[int, int]:
        """Another one as soon as the model was touched."""
        return (0, 0) if self._session is None else self._session.moment

    def _tell(self, body: views.Body) -> None:
        """Send an event."""
        self._send(0, self._revision, body)

    def _teller(self) -> Tell:
        """Tells, from any thread, how far the job is that the calling thread works on now."""
        identifier = self._at_work.job.question.id
        return lambda text: self._tell(Progress(identifier, text))

    def _send(self, identifier: int, revision: int, body: Any) -> None:
        try:
            frame = frames.encode(Answer(identifier, revision, body))
        except (OSError, ValueError, OverflowError) as error:  # a name that is not UTF-8, an answer without end
            if isinstance(body, views.Edited) and body.rows:  # the edit is done, and that can be told
                self._send(identifier, revision, msgspec.structs.replace(body, rows=()))
                return
            failed = Failed(f"the answer cannot be sent: {error}", "bug", traceback.format_exc())
            frame = frames.encode(Answer(identifier, revision, failed))
        with self._sending:
            try:
                self._connection.sendall(frame)
            except OSError:
                return  # the reader sees the same end of the connection and ends the process

    # ---------------------------------------------------------------- edits

    @_answers(protocol.Open)
    def _open(self, request: protocol.Open, stop: Stop) -> views.Body:
        opened = opening.open_session(request, self._measurement, lambda text: self._tell(Progress(0, text)), stop)
        session = opened.session
        rows = outline.outline(session.model)
        done, undone = session.counts()
        summary = Summary(
            name=class_name(session.model),
            device=outline.devices(session.model),
            parameters=rows[0].parameters,
            masked=rows[0].masked,
            steps=done,
            undone=undone,
            readonly=request.readonly,
            seed=session.seed,
            notes=opened.notes,
            metric="" if opened.metric is None else opened.metric.name,
            state=session.state,
        )
        self._rows, self._opened, self._readonly = rows, summary, request.readonly
        self._origin = request
        self._session, self._journaling = session, opened.journaling
        self.memory.devices = tuple({tensor.device for tensor in tensors_of(session.model)})
        journal = "" if opened.journaling is None else opened.journaling.path.name
        return views.Opened(summary, rows, journal, opened.methods)

    @_answers(protocol.Apply)
    def _apply(self, request: protocol.Apply, stop: Stop) -> views.Body:
        return self._edited("applied", lambda session: session.do(session.drafts.meant(request.step, stop), stop))

    @_answers(protocol.Amend)
    def _amend(self, request: protocol.Amend, stop: Stop) -> views.Body:
        return self._edited("amended", lambda session: session.amend(request.amount, stop))

    @_answers(protocol.Undo)
    def _undo(self, _: protocol.Undo, __: Stop) -> views.Body:
        return self._edited("undone", Session.step_back)

    @_answers(protocol.Redo)
    def _redo(self, request: protocol.Redo, _: Stop) -> views.Body:
        return self._edited("redone", lambda session: session.step_forward(anyway=request.anyway))

    def _edited(self, action: _Action, edit: Callable[[Session], LogEntry]) -> views.Edited:
        session, opened = self._open_session, self._opened
        if self._readonly or opened is None:
            raise StepError("this session is read-only (--readonly); start without it to prune")
        self._measurement.measure_the_start(session)
        entry = edit(session)
        # The edit is done: from here on nothing may make the answer a `Failed`, which says that it is not.
        self._measurement.wanted = True
        changed, notes = self._counted_again(session, entry)
        done, undone = session.counts()
        row = self._rows[0]
        summary = msgspec.structs.replace(
            opened,
            parameters=row.parameters,
            masked=row.masked,
            steps=done,
            undone=undone,
            notes=opened.notes + notes,
            state=session.state,
        )
        return views.Edited(entry, action, summary, changed)

    def _counted_again(self, session: Session, entry: LogEntry) -> tuple[_ChangedRows, tuple[str, ...]]:
        """The rows that an edit changed; where they cannot be told apart all of them, and else a note."""

        def those_touched() -> _ChangedRows:
            touched = {targets.locate(session.model, path)[0] for path in entry.step.targets}
            return outline.changed_rows(session.model, self._rows, touched)

        def all_of_them() -> _ChangedRows:
            return tuple(enumerate(outline.outline(session.model)))

        for count in (those_touched, all_of_them):
            try:
                with session.lock:
                    changed = count()
                rows = dict(enumerate(self._rows)) | dict(changed)
                self._rows = tuple(rows.values())
            except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001, PERF203
                reason = f"{type(error).__name__}: {error}"
                traceback.print_exc()  # into the log pane
            else:
                return changed, ()
        return (), (f"the step is done, but its masks could not be counted: {reason}",)

    @_answers(protocol.Export)
    def _export(self, request: protocol.Export, _: Stop) -> views.Body:
        return exporting.export(self._open_session, self._origin, request)

    @_answers(files.GetSizes)
    def _sizes(self, _: files.GetSizes, __: Stop) -> views.Body:
        return saving_answers.sizes(self._open_session, self._origin)

    @_answers(files.GetSource)
    def _source(self, _: files.GetSource, __: Stop) -> views.Body:
        checkpoint = self._open_session.checkpoint
        if checkpoint is None:
            raise StepError(f"{self._origin.source} is code, which made the weights: there is no file to tell of")
        return description.described(checkpoint)

    @_answers(files.Save)
    def _save(self, request: files.Save, stop: Stop) -> views.Body:
        return saving_answers.saved(self._open_session, request, stop, self._teller())

    @_answers(protocol.SetMetric)
    def _set_metric(self, request: protocol.SetMetric, _: Stop) -> views.Body:
        self._measurement.switch(request.measured)
        return views.Done()

    def _measure(self) -> None:
        if self._session is not None:
            self._measurement.measure(self._session, self._lanes["edit"].has_work)
            self.memory.look()

    @property
    def _open_session(self) -> Session:
        if self._session is None:
            raise StepError("no model is open yet")
        return self._session

    # ---------------------------------------------------------------- looking

    @_answers(protocol.GetModule)
    def _module(self, request: protocol.GetModule, _: Stop) -> views.Body:
        session, path = self._open_session, request.path
        with session.lock:
            return modules.module_view(session.model, path, _module_at(session.model, path), session.recorded())

    @_answers(protocol.Preview)
    def _preview(self, request: protocol.Preview, stop: Stop) -> views.Body:
        return self._open_session.foresee(request.step, stop)

    @_answers(protocol.GetFindings)
    def _findings(self, _: protocol.GetFindings, stop: Stop) -> views.Body:
        session = self._open_session
        return doctor.examine(session.model, stop, session.lock)

    @_answers(protocol.GetHistory)
    def _history(self, _: protocol.GetHistory, __: Stop) -> views.Body:
        return views.History(self._open_session.log())


def _stopped(job: Job, message: str) -> Failed:
    return Failed(message, "superseded" if job.stopped == "superseded" else "cancelled")


def _module_at(model: nn.Module, path: str) -> nn.Module:
    return targets.locate(model, f"{path}." if path else "")[0]


def _of_a_tensor(answer: Callable[[Session, Any, Stop], views.Body]) -> Callable[..., views.Body]:
    return lambda server, request, stop: answer(server._open_session, request, stop)


def _long(answer: Callable[[Session, Any, Stop, Tell], views.Body]) -> Callable[..., views.Body]:
    return lambda server, request, stop: answer(server._open_session, request, stop, server._teller())


_HANDLERS |= {kind: _of_a_tensor(answer) for kind, answer in tensor_answers.ANSWERS.items()}
_HANDLERS |= {kind: _long(answer) for kind, answer in tensor_answers.LONG_ANSWERS.items()}
