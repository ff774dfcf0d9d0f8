"""The record of a session: every edit with what takes it back, and how it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, cast

from torch import nn
from torch.nn.utils.prune import BasePruningMethod

from prune_tui import steps
from prune_tui.engine import checksums, commit, hooks, planning, pruned, targets, undo
from prune_tui.engine.module_moments import Standing
from prune_tui.step_settings import StepError
from prune_tui.view_rows import HistoryRow
from prune_tui.views import Effect, LogEntry


class DoubtfulError(StepError):
    """A step that is redone only when it is asked for anyway; the text says why."""


@dataclasses.dataclass(frozen=True)
class HistoryEntry:
    """One step of a session.

    Attributes:
        method: Its name in the catalogue, `l1_unstructured`.
        targets: Dotted names.
        settings: Its settings by name.
        seed: What a random step was seeded with; None for the others.
        took: For each target, how many entries it masked.
    """

    method: str
    targets: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int | None
    took: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Edit:
    """One edit and what takes it back, or does it again once it is undone.

    Attributes:
        step: What was done.
        effects: What it did to each target.
        moment: The pruning of its targets before it; once it is undone, after it.
        expected: How its modules stand as long as nobody else changes them.
        recorded: What torch forgets about the method objects it put into hooks.
        number: Its own for ever, though it is undone and done again: no other edit of the session has it.
        doubt: Why it should not be redone unasked; mostly empty.
    """

    step: steps.AnyStep
    effects: tuple[Effect, ...]
    moment: undo.Moment
    expected: Standing
    recorded: tuple[tuple[BasePruningMethod, HistoryRow], ...]
    number: int
    doubt: str = ""


@dataclasses.dataclass(frozen=True)
class Log:
    """Every edit, how many of them are done, and how often the model has changed: published as one."""

    edits: tuple[Edit, ...] = ()
    done: int = 0
    revision: int = 0

    @property
    def state(self) -> tuple[int, ...]:
        """The numbers of the edits that are done: equal where the model is the same."""
        return tuple(edit.number for edit in self.edits[: self.done])

    @property
    def next_number(self) -> int:
        """For an edit that is made now: one that no edit has had."""
        return self.revision + 1

    def then(self, edits: tuple[Edit, ...], done: int) -> Log:
        """The log after the next change."""
        return Log(edits, done, self.revision + 1)


def entry_of(log: Log, index: int) -> LogEntry:
    """One edit as it is told to the UI."""
    edit = log.edits[index]
    return LogEntry(index + 1, edit.step, edit.effects, undone=index >= log.done)


def public(entry: LogEntry) -> HistoryEntry:
    """An entry as the Python API gives it."""
    step = entry.step
    return HistoryEntry(
        steps.name_of(step),
        step.targets,
        steps.settings_of(step),
        getattr(step, "seed", None),
        {effect.target: effect.took for effect in entry.effects},
    )


def carried_out(model: nn.Module, plan: planning.Plan, place: int, number: int) -> Edit:
    """Do what a plan says, and keep what takes it back.

    Args:
        model: Changed in place.
        plan: What is done.
        place: Of the edit in the history, 1 for the first.
        number: The edit's own.
    """
    moment = undo.moment_before(model, plan.parts)
    commit.carry_out(plan)
    effects = tuple(part.outcome for part in plan.parts)
    recorded = tuple(_recorded(plan, place))
    return Edit(cast(steps.AnyStep, plan.step), effects, moment, moment.standing(), recorded, number)


def _recorded(plan: planning.Plan, number: int) -> Iterator[tuple[BasePruningMethod, HistoryRow]]:
    """What torch forgets about each method of a plan: how many entries it took, and a step it has no class for."""
    for part in plan.parts:
        if part.method is not None:
            own = isinstance(plan.step, steps.CustomMethod)  # the object is the plugin's: it knows its settings
            known = own or type(part.method).__name__ == type(plan.step).__name__
            settings = hooks.settings_text(part.method) if known else steps.describe(plan.step)
            yield part.method, HistoryRow(type(part.method).__name__, settings, part.outcome.took, number)


def checksum_of(model: nn.Module, edit: Edit) -> str:
    """The digest of the masks that an edit gave; of those it took away where it was a `remove`."""
    removed = isinstance(edit.step, steps.Remove)
    masks = {}
    for effect in edit.effects:
        module, name = targets.locate(model, effect.target)
        mask = edit.moment.mask(module, name) if removed else pruned.mask(module, name)
        if mask is not None:
            masks[effect.target] = mask
    return checksums.of(checksums.packed(masks))
