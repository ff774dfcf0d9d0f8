"""Opening a model for a session: load it, take wrappers off, begin its journal or go on with one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from prune_tui.engine import sources
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.evaluation.measurement import Measurement
from prune_tui.engine.evaluation.metric import Metric
from prune_tui.engine.journaling import Journaling, check_unchanged, replay
from prune_tui.engine.methods import plugins
from prune_tui.engine.named import class_name
from prune_tui.engine.session import Session
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.engine.walking import parameters_of
from prune_tui.engine.wrapped import WrappedModelError
from prune_tui.journal import Header, Plugged, new_path, why_not_kept
from prune_tui.protocol import Open
from prune_tui.source_names import settled
from prune_tui.steps import Plugin


class OpenedSession(NamedTuple):
    """What opening gives.

    Attributes:
        session: On the model.
        metric: What can be measured of it; None when nothing can.
        journaling: The session's journal; None where none is kept.
        notes: What a person should know.
        methods: What plugins have added to the catalogue.
        checkpoint: What the weights were read from; None where the model's code made them.
    """

    session: Session
    metric: Metric | None
    journaling: Journaling | None
    notes: tuple[str, ...]
    methods: tuple[Plugin, ...]
    checkpoint: Checkpoint | None = None


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
    loaded = sources.load(request)
    session = _session(loaded, request.seed, unwrap=request.unwrap)
    measurement.begin(loaded.metric)
    journaling, notes = _journaled(session, request, measurement, tell, stop)
    of_source = loaded.notes + _of_unwrapping(loaded, session.checkpoint)
    told = _notes(session.model) + of_source + added.notes + notes
    session.origin, session.notes = request, told
    return OpenedSession(session, loaded.metric, journaling, told, added.methods, session.checkpoint)


def _of_unwrapping(loaded: Loaded, checkpoint: Checkpoint | None) -> tuple[str, ...]:
    """What is told of a checkpoint since it is without the names of wrappers."""
    known = () if loaded.checkpoint is None else loaded.checkpoint.notes
    return () if checkpoint is None else tuple(note for note in checkpoint.notes if note not in known)


def _journaled(
    session: Session, request: Open, measurement: Measurement, tell: Callable[[str], None], stop: Stop
) -> tuple[Journaling | None, tuple[str, ...]]:
    """Begin the session's journal, or do again what is in one and go on with it; what to know about that."""
    if not request.journals or request.readonly:
        return None, ()
    if not request.resume:
        why_not = why_not_kept(Path(request.journals))
        told = f"no step can be done here, for it could be lost: {why_not}; mend that, or start with --no-journal"
        return _new_journal(session, request), (told,) if why_not else ()
    measurement.measure(session, stop)  # what all later values are compared with
    journaling, kept = Journaling.go_on(Path(request.journals) / request.resume)
    try:
        if not request.anyway:
            check_unchanged(kept, session.fingerprint)
        else:
            # The old one stays as it is: it is the record of another model.
            journaling.close()
            journaling = _new_journal(session, request)
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


def _new_journal(session: Session, request: Open) -> Journaling:
    started, folder = datetime.datetime.now().astimezone().isoformat(timespec="seconds"), str(Path.cwd())

    def header() -> Header:
        """With the first step: until then nobody has to read the model for its fingerprint."""
        return Header(
            source=settled(request.source),
            arguments=request.arguments,
            device=request.device,
            seed=request.seed,
            unwrap=request.unwrap,
            plugins=_absolute(request.plugins),
            key=request.key,
            allow=request.allow,
            trust=request.trust,
            weights=settled(request.weights) if request.weights else "",
            folder=folder,
            model=class_name(session.model),
            fingerprint=session.fingerprint,
            torch=str(torch.__version__),
            started=started,
        )

    journaling = Journaling(new_path(Path(request.journals)), header)
    session.recorder = journaling.record
    return journaling


def _absolute(files: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(Path(file).resolve()) for file in files)


def _session(loaded: Loaded, seed: int, *, unwrap: bool) -> Session:
    """A session of a model, or of what is inside all its wrappers; its checkpoint is without their names, too."""
    model, checkpoint, prefix = loaded.model, loaded.checkpoint, ""
    seen: set[int] = set()  # a wrapper may hold itself
    while True:
        try:
            if prefix and checkpoint is not None and all(one.startswith(prefix) for one in checkpoint.tensors):
                checkpoint = checkpoint.with_prefix(prefix)
            return Session(model, seed, past=loaded.past, checkpoint=checkpoint)
        except WrappedModelError as error:  # noqa: PERF203
            if not unwrap or id(model) in seen:
                raise
            seen.add(id(model))
            prefix += f"{next(name for name, one in model._modules.items() if one is error.inner)}."
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
