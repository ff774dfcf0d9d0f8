"""When the metric is measured, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import nn

from prune_tui import views
from prune_tui.engine import generators
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.evaluation.metric import Metric, unchanged
from prune_tui.engine.interrupting import interruptible
from prune_tui.engine.session import Session
from prune_tui.views import MetricMeasured

_PATIENCE = 1.0
"""Seconds that a first edit may wait for the first measurement."""
_GRACE = 1.0
"""Seconds that a metric has to stop by itself, between batches, before its forward is interrupted."""


class Measurement:
    """The metric of the model as it was opened, and as it is now.

    Args:
        tell: Sends an event.
    """

    def __init__(self, tell: Callable[[views.AnyBody], None]) -> None:
        self._tell = tell
        self._metric: Metric | None = None
        self._start: float | None = None
        self._begun = False
        self._switched_on = True
        self.wanted = False
        """The model has changed since it was measured."""

    @property
    def name(self) -> str:
        """What is measured; empty when nothing can be."""
        return "" if self._metric is None else self._metric.name

    def begin(self, metric: Metric | None) -> None:
        """A model was opened."""
        self._metric = metric
        self._start = None
        self._begun = False
        self.wanted = metric is not None

    def switch(self, on: bool) -> None:
        """Measure after each step, or no more."""
        self._switched_on = on
        self.wanted = on
        if not on:
            self._tell(MetricMeasured(self.name, None, self._start, "off"))

    def measure_the_start(self, session: Session) -> None:
        """Measure before a first edit that came so soon that nothing was measured yet; it waits for that."""
        if not self._begun and session.counts()[0] == 0:
            self.measure(session, lambda: True)

    def measure(self, session: Session, stop: Callable[[], bool]) -> None:
        """Measure once, if anything has changed since the last time; an edit that comes in goes first."""
        metric = self._metric
        if metric is None or not (self.wanted and self._switched_on):
            return
        self._tell(MetricMeasured(metric.name, None, self._start, "measuring"))
        self._begun = True
        first = self._start is None and session.counts()[0] == 0
        # The first one is what all others are compared with: an edit waits for it, though not for long.
        until = time.monotonic() + (_PATIENCE if first else 0)
        try:
            value = _measured(metric, session.model, lambda: time.monotonic() > until and stop())
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


def _measured(metric: Metric, model: nn.Module, stop: Stop) -> float:
    """Measure, from the beginning each time that somebody needs the generators meanwhile: a preview goes first.

    Raises:
        Cancelled: `stop` said so.
    """
    while True:
        generators.give_way()
        try:
            with unchanged(model, stop):
                return _interruptible(metric, model, lambda: generators.wanted() or stop())
        except Cancelled:
            if stop():
                raise


def _interruptible(metric: Metric, model: nn.Module, stop: Stop) -> float:
    """Measure; a forward or a hook that blocks is interrupted wherever it is, some time after it should stop.

    Raises:
        Cancelled: `stop` said so.
    """
    asked: list[float] = []

    def overdue() -> bool:
        if not stop():
            asked.clear()
        elif not asked:
            asked.append(time.monotonic())
        return bool(asked) and time.monotonic() - asked[0] > _GRACE

    return interruptible(lambda: metric.measure(model, stop), f"the forward that {metric.name} takes", overdue)
