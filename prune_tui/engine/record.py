"""The record of a session: every edit with what takes it back, and how it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch.nn.utils.prune import BasePruningMethod

from prune_tui import steps
from prune_tui.engine import undo
from prune_tui.view_rows import HistoryRow
from prune_tui.views import Effect, LogEntry


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
    """One edit and what takes it back, or does it again once it is undone."""

    step: steps.AnyStep
    effects: tuple[Effect, ...]
    moment: undo.Moment
    expected: undo.Standing
    recorded: tuple[tuple[BasePruningMethod, HistoryRow], ...]


@dataclasses.dataclass(frozen=True)
class Log:
    """Every edit, how many of them are done, and how often the model has changed: published as one."""

    edits: tuple[Edit, ...] = ()
    done: int = 0
    revision: int = 0

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
