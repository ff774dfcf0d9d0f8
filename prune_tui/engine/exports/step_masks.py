"""Which masks each step of a session gave: from the model now, backwards through what undo would restore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from prune_tui import steps
from prune_tui.engine import bits, pruned, targets
from prune_tui.engine.record import Edit
from prune_tui.step_settings import Bits


def backwards(model: nn.Module, edits: Sequence[Edit]) -> Iterator[dict[str, Bits]]:
    """The masks that each step gave its targets, by dotted name, the last step first.

    Nothing is kept for this while steps are done: a mask after a step is the one before the next step on that
    tensor, which undo needs anyway. For `remove` it is the masks that were removed.

    Args:
        model: As it is after all of these steps.
        edits: The steps that are done, in order.

    Raises:
        StepError: A target is not in the model any more.
    """
    later: dict[tuple[int, str], Bits | None] = {}
    for edit in reversed(edits):
        found: dict[str, Bits] = {}
        for effect in edit.effects:
            module, name = targets.locate(model, effect.target)
            key = (id(module), name)
            after = later[key] if key in later else _now(module, name)
            kept = edit.moment.mask(module, name)
            before = later[key] = None if kept is None else bits.pack(kept)
            mask = before if isinstance(edit.step, steps.Remove) else after
            if mask is not None:
                found[effect.target] = mask
        yield found


def of_steps(model: nn.Module, edits: Sequence[Edit]) -> list[dict[str, Bits]]:
    """As `backwards`, the first step first."""
    return list(backwards(model, edits))[::-1]


def _now(module: nn.Module, name: str) -> Bits | None:
    mask = pruned.mask(module, name)
    return None if mask is None else bits.pack(bits.alive(mask))
