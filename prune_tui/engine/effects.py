"""What a mask takes: counts, the threshold, and what a person should know of a step before it is done."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prune_tui import steps
from prune_tui.engine import bits, targets
from prune_tui.engine.reading import as_numbers, comparable, pieces
from prune_tui.engine.selection import living
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import Bits, StepError
from prune_tui.totals import Total
from prune_tui.views import Effect


def effect(step: steps.Step, target: Seen, mask: Tensor) -> Effect:
    """Count what a mask takes beyond the one before it."""
    before, after = target.alive, bits.alive(mask)
    taken = ~after if before is None else before & ~after
    left, took = left_of(target), int(taken.count_nonzero())  # torch would sum a copy in int64
    units = steps.method_of(step).units
    if units == "channels":
        units_left = channels_left(target, getattr(step, "dim"))  # noqa: B009 - every step of channels has it
        together = steps.ranks_together(step) or steps.total_of(step) is not None
        if together:  # the amount is not one of this target's channels
            units_took = units_left - channels_left(target._replace(mask=mask), getattr(step, "dim"))  # noqa: B009
        else:
            units_took = comes_to(getattr(step, "amount"), units_left)  # noqa: B009
    else:
        units, units_left, units_took = "entries", ranked(target), took
    threshold = _threshold(target, taken) if steps.takes_smallest(step) else None
    return Effect(target.path, took, left, target.original.numel(), units_took, units_left, units, threshold)


def removal(target: Seen) -> Effect:
    """What `remove` does: it takes nothing more.

    Raises:
        StepError: There is no mask to remove.
    """
    if target.mask is None:
        raise StepError(f"{target.path} is not pruned; there is nothing to remove")
    left = left_of(target)
    return Effect(target.path, 0, left, target.original.numel(), 0, left)


def left_of(target: Seen) -> int:
    """Entries that its mask keeps."""
    alive = target.alive
    return target.original.numel() if alive is None else int(alive.count_nonzero())


def ranked(target: Seen) -> int:
    """Entries that torch ranks when it prunes: after a mask of other values than 0 and 1, fewer than are left."""
    before = target.before
    if isinstance(before, Bits):
        return living.count(before)
    return target.original.numel() if before is None else int((comparable(before) == 1).sum())


def channels_left(target: Seen, dim: int) -> int:
    """Channels along an axis that are not wholly masked, as PruningContainer counts them."""
    alive = target.alive
    return target.original.shape[dim] if alive is None else int(channels_alive(alive, dim).sum())


def channels_alive(alive: Tensor, dim: int) -> Tensor:
    """Which channels along an axis have an entry left; bool, 1-D."""
    others = [axis for axis in range(alive.dim()) if axis != dim % alive.dim()]
    return alive.amax(dim=others) if alive.numel() and others else alive.sum(dim=others) != 0


def comes_to(amount: int | float | str, left: int) -> int:
    """How many units an amount is: a count itself, a fraction of what is left rounded half to even.

    As `torch.nn.utils.prune._compute_nparams_toprune`.
    """
    if isinstance(amount, str):
        raise TypeError(f"amount {amount!r} names a total; engine.methods.planners turns it into a count first")
    return amount if isinstance(amount, int) else round(amount * left)


def _threshold(target: Seen, taken: Tensor) -> float | None:
    """The greatest magnitude that goes, NaN apart; None when there is none."""
    greatest = -1.0
    masks = () if target.mask is None else (target.mask,)
    for original, where, *mask in pieces(target.original, taken, *masks):
        gone = target._replace(original=original, mask=mask[0] if mask else None).values[where]
        if gone.numel():
            gone = comparable(gone) if gone.is_floating_point() else as_numbers(gone)
            greatest = max(greatest, float(gone.abs().nan_to_num(nan=-1.0, posinf=torch.inf).max()))
    return None if greatest < 0 else greatest


def _beginning(total: Total, effects: Sequence[Effect], *, together: bool) -> list[str]:
    """Where a step of a schedule goes on from, where something is masked already."""
    masked = [effect.elements - effect.left for effect in effects]
    if total.steps == 1 or not any(masked):
        return []
    goes_on = f"step {total.step} of {total.steps} goes on from"
    if len(effects) > 1 and not together:
        return [f"of each tensor, {goes_on} what is masked now"]
    elements = sum(effect.elements for effect in effects)
    afterwards = sum(masked) + sum(effect.took for effect in effects)
    now = f"{sum(masked) / elements:.1%}"
    where = f"{effects[0].target} is at {now}" if len(effects) == 1 else f"{now} is masked"
    return [f"{where} now: {goes_on} there, to {afterwards / elements:.1%}"]


def warnings(step: steps.Step, effects: Sequence[Effect]) -> list[str]:
    """What a person should know about a plan that torch would carry out without a word."""
    notes = []
    amount = steps.settings_of(step).get("amount", 0)
    together = steps.ranks_together(step)
    if together and amount and not any(effect.took for effect in effects):
        left = sum(effect.units_left for effect in effects)
        notes.append(f"amount {amount} comes to none of {left} {effects[0].units if effects else 'entries'}")
    emptied = [effect.target for effect in effects if effect.took == effect.left > 0]
    if emptied:
        notes.append(f"{targets.listed(emptied)} would be left empty: nothing of it stays")
    idle = [effect for effect in effects if amount and effect.left and not effect.units_took]
    total = steps.total_of(step)
    if total is not None:
        notes += [
            f"{one.target} is at {1 - one.left / one.elements:.1%} already; {amount} takes nothing more of it"
            for one in idle
            if not together and one.elements
        ]
        notes += _beginning(total, effects, together=together)
    elif not together:
        notes += [f"amount {amount} comes to none of {one.units_left} {one.units} in {one.target}" for one in idle]
    return notes
