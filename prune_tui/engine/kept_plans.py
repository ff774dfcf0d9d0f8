"""The plan that is kept from a preview until the step is done, and made once however many ask for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import nn

from prune_tui import steps
from prune_tui.engine import planning, targets
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.doctor import repairs
from prune_tui.engine.mask_files import stamp
from prune_tui.step_settings import StepError

_PATIENCE = 0.05
"""Seconds between two looks at whether somebody still wants a plan that another thread makes."""

Moment = tuple[int, int]
"""The model's revision, and how often it was touched."""


class _Planned(NamedTuple):
    """A plan that is kept: for which step, of which moment, and of which mask file."""

    moment: Moment
    step: steps.Step
    file: tuple[int, ...]
    plan: planning.Plan


class KeptPlans:
    """Makes plans of steps and keeps the last one for as long as it holds.

    Args:
        model: The model.
        lock: Held while the model changes.
        now: The moment, and the seed of the next step.
        tell: Called while a plan is made, as `planning.plan` does.
    """

    def __init__(
        self,
        model: nn.Module,
        lock: contextlib.AbstractContextManager[object],
        now: Callable[[], tuple[Moment, int]],
        tell: planning.Tell = planning.silent,
    ) -> None:
        self._model = model
        self._lock = lock
        self._now = now
        self._tell = tell
        self._planned: _Planned | None = None
        self._planning: list[steps.Step] = []
        self._planning_changed = threading.Condition()

    def forget(self) -> None:
        """Keep no plan."""
        self._planned = None

    def plan(self, step: steps.Step, stop: Stop) -> planning.Plan:
        """The plan of a step, as `Session.plan`."""
        with self._turn(step, stop):
            file = _file_of(step)
            while True:
                with self._lock:  # not in the middle of an edit
                    (moment, seed), planned = self._now(), self._planned
                if planned is not None and planned.moment == moment and self._answers(planned, step, file):
                    return planned.plan
                try:
                    plan = repairs.plan_any(self._model, step, seed, lock=self._lock, stop=stop, tell=self._tell)
                except Exception:
                    if not self._overtaken(moment):
                        raise
                    continue
                with self._lock:
                    if not self._overtaken(moment):
                        self._planned = _Planned(moment, step, file, plan)
                        return plan

    def _overtaken(self, moment: Moment) -> bool:
        """Whether an edit that failed came in between; refuses where one did that has changed the model."""
        with self._lock:
            now, _ = self._now()
            if now[0] != moment[0]:
                raise StepError("the model changed while the step was worked out; ask again")
            return now != moment

    @contextlib.contextmanager
    def _turn(self, step: steps.Step, stop: Stop) -> Iterator[None]:
        """Wait while another thread plans the same step."""
        with self._planning_changed:
            while any(steps.same(step, other) for other in self._planning):
                if stop():
                    raise Cancelled
                self._planning_changed.wait(_PATIENCE)  # nobody notifies of a `stop`
            self._planning.append(step)
        try:
            yield
        finally:
            with self._planning_changed:
                self._planning = [other for other in self._planning if other is not step]
                self._planning_changed.notify_all()

    def _answers(self, planned: _Planned, step: steps.Step, file: tuple[int, ...]) -> bool:
        """Whether a plan is that of a step, and still holds."""
        asked = steps.same(step, planned.step) and file == planned.file
        return (asked or steps.same(step, planned.plan.step)) and self._holds(planned.plan)

    def _holds(self, plan: planning.Plan) -> bool:
        """Whether the targets are still where the plan found them, with the values and masks it saw."""
        try:
            return all(
                targets.locate(self._model, part.target.path) == (part.target.module, part.target.name)
                and part.target.condition() == condition
                for part, condition in zip(plan.parts, plan.conditions, strict=True)
            )
        except StepError:  # a target is gone
            return False


def _file_of(step: steps.Step) -> tuple[int, ...]:
    """What tells the file of a step, as it is now, from what it may be later; nothing where it needs none."""
    if isinstance(step, steps.ImportanceScores | steps.CustomFromMask) and step.mask is None:
        return stamp(step.file)
    return ()
