"""Opening a model for a session: load it, take wrappers off, begin its journal or go on with one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from prune_tui.engine import fingerprints, sources
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.evaluation.measurement import Measurement
from prune_tui.engine.evaluation.metric import Metric
from prune_tui.engine.journaling import Journaling, check_unchanged, replay
from prune_tui.engine.methods import plugins
from prune_tui.engine.session import Session
from prune_tui.engine.walking import parameters_of
from prune_tui.engine.wrapped import WrappedModelError
from prune_tui.journal import Header, Plugged, new_path, settled
from prune_tui.protocol import Open
from prune_tui.steps import Plugin


class OpenedSession(NamedTuple):
    """What opening gives.

    Attributes:
        session: On the model.
        metric: What can be measured of it; None when nothing can.
        journaling: The session's journal; None where none is kept.
        notes: What a person should know.
        methods: What plugins have added to the catalogue.
    """

    session: Session
    metric: Metric | None
    journaling: Journaling | None
    notes: tuple[str, ...]
    methods: tuple[Plugin, ...]


def open_session(
    request: Open, measurement: Measurement, tell: Callable[[str], None], stop: Stop
) -> OpenedSession:
    """Do what an `Open` asks for.

    Args:
        request: What to open, and which session to go on with.
        measurement: Told of the metric.
        tell: Called with where it stands.
        stop: Asked within the steps that are done again.

    Raises:
        SourceError: Nothing can be opened.
        StepError: What was opened cannot be pruned.
        JournalError: The session's journal cannot be read, or is in use.
        ChangedError: The model is not the one its journal was made on.
        Cancelled: `stop` said so.
    """
    added = plugins.load(request.plugins)
    loaded = sources.load(request.source, request.arguments, request.device, request.seed)
    session = _session(loaded.model, request.seed, unwrap=request.unwrap)
    measurement.begin(loaded.metric)
    journaling, notes = _journaled(session, request, measurement, tell, stop)
    return OpenedSession(
        session, loaded.metric, journaling, _notes(session.model) + added.notes + notes, added.methods
    )


def _journaled(
    session: Session, request: Open, measurement: Measurement, tell: Callable[[str], None], stop: Stop
) -> tuple[Journaling | None, tuple[str, ...]]:
    """Begin the session's journal, or do again what is in one and go on with it; what to know about that."""
    if not request.journals or request.readonly:
        return None, ()
    fingerprint = fingerprints.of_model(session.model)
    if not request.resume:
        return _new_journal(session, request, fingerprint), ()
    measurement.measure(session, stop)  # what all later values are compared with
    journaling, kept = Journaling.go_on(Path(request.journals) / request.resume)
    try:
        if not request.anyway:
            check_unchanged(kept, fingerprint)
        else:
            # The old one stays as it is: it is the record of another model.
            journaling.close()
            journaling = _new_journal(session, request, fingerprint)
        notes = replay(session, kept, anyway=request.anyway, tell=tell, stop=stop)
        measurement.wanted = True
    except BaseException:
        journaling.close()
        raise
    more = [file for file in _absolute(request.plugins) if file not in kept.header.plugins]
    if more and not request.anyway:
        journaling.record(Plugged(tuple(more)))
    session.recorder = journaling.record
    return journaling, notes + ((kept.damage,) if kept.damage else ())


def _new_journal(session: Session, request: Open, fingerprint: str) -> Journaling:
    header = Header(
        source=settled(request.source),
        arguments=request.arguments,
        device=request.device,
        seed=request.seed,
        unwrap=request.unwrap,
        plugins=_absolute(request.plugins),
        folder=str(Path.cwd()),
        model=type(session.model).__name__,
        fingerprint=fingerprint,
        torch=str(torch.__version__),
        started=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    journaling = Journaling(new_path(Path(request.journals)), header)
    session.recorder = journaling.record
    return journaling


def _absolute(files: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(Path(file).resolve()) for file in files)


def _session(model: nn.Module, seed: int, *, unwrap: bool) -> Session:
    """A session of a model, or of what is inside all its wrappers."""
    seen: set[int] = set()  # a wrapper may hold itself
    while True:
        try:
            return Session(model, seed)
        except WrappedModelError as error:  # noqa: PERF203
            if not unwrap or id(model) in seen:
                raise
            seen.add(id(model))
            model = error.inner


def _notes(model: nn.Module) -> tuple[str, ...]:
    """What of a model a person should know before pruning it."""
    parameters = parameters_of(model)
    lazy = sum(map(is_lazy, parameters))
    meta = sum(parameter.is_meta for parameter in parameters if not is_lazy(parameter))
    told = {
        "this model has no parameters: there is nothing to prune": not parameters,
        f"{lazy} parameters are not initialised: run one forward before you prune them": lazy,
        f"{meta} parameters are on the meta device: they have no values to prune": meta,
    }
    return tuple(note for note, holds in told.items() if holds)
