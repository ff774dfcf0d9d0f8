"""Which masks each step of a session gave: from the model now, backwards through what undo would restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from torch import nn

from prune_tui import steps
from prune_tui.engine import bits, checksums, pruned, targets
from prune_tui.engine.record import Edit
from prune_tui.step_settings import Bits


class Change(NamedTuple):
    """The mask of one tensor around a step.

    Attributes:
        before: None where it was not pruned.
        after: None where it is not pruned any more.
    """

    before: Bits | None
    after: Bits | None


def backwards(model: nn.Module, edits: Sequence[Edit]) -> Iterator[dict[str, Change]]:
    """What each step did to the masks of its targets, by dotted name, the last step first.

    Nothing is kept for this while steps are done: a mask after a step is the one before the next step on that
    tensor, which undo needs anyway.

    Args:
        model: As it is after all of these steps.
        edits: The steps that are done, in order.

    Raises:
        StepError: A target is not in the model any more.
    """
    later: dict[tuple[int, str], Bits | None] = {}
    for edit in reversed(edits):
        changes = {}
        for effect in edit.effects:
            module, name = targets.locate(model, effect.target)
            key = (id(module), name)
            after = later[key] if key in later else _now(module, name)
            before = later[key] = edit.moment.bits(module, name)
            changes[effect.target] = Change(before, after)
        yield changes


def of_steps(model: nn.Module, edits: Sequence[Edit]) -> list[dict[str, Change]]:
    """As `backwards`, the first step first."""
    return list(backwards(model, edits))[::-1]


def checksum(step: steps.Step, changes: Mapping[str, Change]) -> str:
    """The digest of the masks a step gave, or took away where it is a `remove`, as `Session.checksum`."""
    removed = isinstance(step, steps.Remove)
    given = {path: change.before if removed else change.after for path, change in changes.items()}
    return checksums.of({path: mask for path, mask in given.items() if mask is not None})


def _now(module: nn.Module, name: str) -> Bits | None:
    mask = pruned.mask(module, name)
    return None if mask is None else bits.kept_by(mask)
