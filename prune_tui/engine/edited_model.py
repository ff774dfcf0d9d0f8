"""A model and its edit history as the protocol speaks of them. The only place that changes a model."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from torch import nn
from torch.nn.utils.prune import BasePruningMethod

from prune_tui import journal, steps
from prune_tui.engine import checksums, commit, fingerprints, memory, planning
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.drafting import Drafts
from prune_tui.engine.earlier import EarlierTensors
from prune_tui.engine.generators import seed_of_step
from prune_tui.engine.kept_plans import KeptPlans
from prune_tui.engine.past import NO_PAST, Past
from prune_tui.engine.record import (
    DoubtfulError,
    Edit,
    Log,
    carried_out,
    checksum_of,
    entry_of,
)
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.wrapped import check_model
from prune_tui.step_settings import StepError
from prune_tui.view_rows import HistoryRow
from prune_tui.views import LogEntry, Previewed


class EditedModel:
    """A model, what was done to it, and what can be redone.

    Every edit is all or nothing: after an exception the model's keys, parameter order, hooks, Parameter identity
    and values are as they were.

    Args:
        model: Edited in place.
        seed: Every random step draws its own seed from this one, by its place in the history.
        past: What was done to the model before, as its checkpoint tells.
        checkpoint: What its weights were read from; None where its code made them.

    Raises:
        WrappedModelError: `model` is a DataParallel or compiled wrapper; its `inner` can be opened.
        StepError: `model` is not a module that torch can prune.
    """

    def __init__(
        self, model: nn.Module, seed: int = 0, *, past: Past = NO_PAST, checkpoint: Checkpoint | None = None
    ) -> None:
        check_model(model)
        self.model = model
        self.seed = seed
        self.past = past
        self.checkpoint = checkpoint
        # Held while the model changes: whoever reads in another thread takes it for as long as one read lasts.
        self.lock = threading.RLock()
        # Called with how many targets of a step were gone through, and with how many there are.
        self.progress: planning.Tell = planning.silent
        # Told of each change, a `journal.Event`, or of several that belong together, once they are made and before
        # they count; when it raises, they are put back.
        self.recorder: Callable[..., None] | None = None
        # What of `state` the file holds that was saved last; at first nothing is done, and so nothing is unsaved.
        self.stored: tuple[int, ...] = ()
        self._log = Log()
        self.earlier = EarlierTensors(model, lambda: self._log)
        # Counts each time the model is about to be touched and each time that has ended, failed edits included.
        self._touched = 0
        # Held by whoever edits, longer than `lock`: what a step comes to is worked out while others still read.
        self._editing = threading.RLock()
        self.drafts = Drafts(model, self.lock)
        self._plans = KeptPlans(model, self.lock, lambda: (self.moment, self._seed_of_next()), self._gone_through)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the model before the first step; worked out when it is asked for, at the latest by that step."""
        return fingerprints.of_model(self.model)

    @property
    def revision(self) -> int:
        """How often the model has changed."""
        return self._log.revision

    @property
    def state(self) -> tuple[int, ...]:
        """The numbers of the steps that are done: equal where the model is the same, after undo and redo, too."""
        return self._log.state

    @property
    def moment(self) -> tuple[int, int]:
        """Another one as soon as the model was touched, by an edit that failed and was put back, too."""
        return self._log.revision, self._touched

    def foresee(self, step: steps.Step, stop: Stop = never) -> Previewed:
        """What a step would do."""
        plan = self.plan(step, stop)
        return Previewed(cast(steps.AnyStep, plan.step), tuple(part.effect for part in plan.parts), plan.notes)

    def plan(self, step: steps.Step, stop: Stop = never) -> planning.Plan:
        """The plan of a step. Any thread may ask; others read the model meanwhile.

        The last plan is kept as long as it holds, so that applying what was previewed costs nothing more; who asks
        for a step that another thread is planning gets its plan.

        Raises:
            StepError: The step cannot be done, or an edit came in between.
            Cancelled: `stop` said so.
        """
        if self.checkpoint is not None:
            if self.checkpoint.refusal:
                raise StepError(self.checkpoint.refusal)
            self.checkpoint.check()
        return self._plans.plan(step, stop)

    def do(self, step: steps.Step, stop: Stop = never) -> LogEntry:
        """Carry a step out. Raises StepError or Cancelled, and changes nothing, when it is not done."""
        with self._editing:
            plan = self.plan(step, stop)
            _ = self.fingerprint  # as long as the model is still what it was
            plan = planning.settled(plan, stop=stop, tell=self._gone_through)
            with self._changing() as done:
                before, modules = self._log, [part.target.module for part in plan.parts]
                with commit.all_or_nothing(modules, done):
                    edit = carried_out(self.model, plan, before.done + 1, before.next_number)
                    after = before.then((*before.edits[: before.done], edit), before.done + 1)
                    self._record(lambda: journal.Did(edit.step, checksum_of(self.model, edit)))
                    self._log = after
            return entry_of(self._log, self._log.done - 1)

    def do_and_tell(self, step: steps.Step) -> tuple[LogEntry, tuple[str, ...]]:
        """Carry a step out; returns it, and what a person should know of it."""
        notes = self.foresee(step).notes  # the plan is kept for the step itself
        return self.do(step), notes

    def step_back(self) -> LogEntry:
        """Undo."""
        with self._editing:
            if not self._log.done:
                raise StepError("there is nothing to undo")
            return self._exchange(self._log.done - 1, self._log.done - 1)

    def step_forward(self, *, anyway: bool = False) -> LogEntry:
        """Redo; a step that is in doubt only `anyway`, else DoubtfulError says why not."""
        with self._editing:
            if self._log.done == len(self._log.edits):
                raise StepError("there is nothing to redo")
            doubt = self._log.edits[self._log.done].doubt
            if doubt and not anyway:
                raise DoubtfulError(doubt)
            return self._exchange(self._log.done, self._log.done + 1)

    def doubt(self, why: str) -> None:
        """Have the last step, once it is undone, be redone only when that is asked for in spite of a reason."""
        with self._editing:
            log = self._log
            last = dataclasses.replace(log.edits[log.done - 1], doubt=why)
            self._log = dataclasses.replace(log, edits=(*log.edits[: log.done - 1], last, *log.edits[log.done :]))

    def amend(self, amount: int | float | str, stop: Stop = never) -> LogEntry:
        """Replace the last step by the same one with another amount, on the same targets with the same seed.

        Raises:
            StepError: There is no such step, or the amount cannot be done; the step stands as it was.
        """
        with self._editing:
            before = self._log
            if not before.done:
                raise StepError("there is no step to amend")
            last = before.edits[before.done - 1]
            # Only `remove`, which has no amount, writes values: those of now with the masks of then are the moment
            # before the step, so that nothing is touched and nobody waits until the new amount is known to do.
            plan = planning.plan(
                self.model,
                steps.with_amount(last.step, amount),
                0,
                lock=self.lock,
                stop=stop,
                mask_of=last.moment.buffer,
                tell=self._gone_through,
            )
            plan = planning.settled(plan, stop=stop, tell=self._gone_through)
            with self._changing() as done, last.moment.exchanged(last.expected, done):
                edit = carried_out(self.model, plan, before.done, before.next_number)
                after = before.then((*before.edits[: before.done - 1], edit), before.done)
                self._record(lambda: journal.Amended(edit.step, checksum_of(self.model, edit)))
                self._log = after
            return entry_of(self._log, self._log.done - 1)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Stop]:
        """Hold the lock while the model changes, and yield whether the new log has been published.

        Until it is, whatever fails has to put the model back; a plan made meanwhile, of a model half changed,
        is never kept.
        """
        with self.lock:
            before = self._log
            self._touched += 1
            try:
                yield lambda: self._log is not before
            finally:
                self._touched += 1
                self._plans.forget()

    @contextlib.contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Make the steps of a block one edit: when it fails they are taken back, and what redo would do stays.

        They are recorded once all of them are done.
        """
        with self._editing:
            before, recorder = self._log, self.recorder
            events: list[journal.Event] = []
            self.recorder = lambda *together: events.extend(together)
            try:
                yield
                if recorder is not None and events:
                    recorder(*events)
            except BaseException:
                while self._log.done > before.done:
                    self.step_back()
                if self._log is not before:
                    self._log = dataclasses.replace(before, revision=self._log.revision + 1)
                raise
            finally:
                self.recorder = recorder

    def edits(self) -> tuple[Edit, ...]:
        """The steps that are done, oldest first, with what takes them back."""
        log = self._log
        return log.edits[: log.done]

    def _record(self, *events: Callable[[], journal.Event]) -> None:
        if self.recorder is not None:
            self.recorder(*(event() for event in events))

    def log(self) -> tuple[LogEntry, ...]:
        """Every step, oldest first, those undone last."""
        log = self._log
        return tuple(entry_of(log, index) for index in range(len(log.edits)))

    def counts(self) -> tuple[int, int]:
        """Steps done, and steps that redo would do again."""
        log = self._log
        return log.done, len(log.edits) - log.done

    def recorded(self) -> Mapping[BasePruningMethod, HistoryRow]:
        """What the session knows about each method object that it put into a hook."""
        return {**self.past.recorded, **{method: row for edit in self._log.edits for method, row in edit.recorded}}

    def checksum(self) -> str:
        """The digest of the masks of the last step's targets; of those it took away where it was a `remove`.

        Raises:
            StepError: There is no step.
        """
        with self.lock:
            if not self._log.done:
                raise StepError("there is no step yet")
            return checksum_of(self.model, self._log.edits[self._log.done - 1])

    def whole_checksum(self) -> str:
        """The digest of every mask in the model."""
        with self.lock:
            return checksums.of_model(self.model)

    # ---------------------------------------------------------------- inside

    def _gone_through(self, done: int, whole: int) -> None:
        """Let go of what was read of the files; so much is left of a step that reads all of them."""
        if self.checkpoint is not None:
            self.checkpoint.forget()
            memory.give_back()
        self.progress(done, whole)

    def _seed_of_next(self) -> int:
        """The seed of the next step: by its place, so that a preview and the step itself draw the same."""
        return seed_of_step(self.seed, self._log.done + 1)

    def _exchange(self, index: int, done: int) -> LogEntry:
        before = self._log
        edit = before.edits[index]
        with self._changing() as stands, edit.moment.exchanged(edit.expected, stands) as replaced:
            redone = done > before.done
            doubt = "" if redone else edit.doubt
            turned = dataclasses.replace(edit, moment=replaced, expected=replaced.standing(), doubt=doubt)
            after = before.then((*before.edits[:index], turned, *before.edits[index + 1 :]), done)
            if redone and edit.doubt:  # its masks are not those that the journal knows
                self._record(journal.Redid, lambda: journal.Amended(edit.step, checksum_of(self.model, turned)))
            else:
                self._record(journal.Redid if redone else journal.Undid)
            self._log = after
        return entry_of(self._log, index)
