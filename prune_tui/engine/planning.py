"""What a step would do to a model: a plan. Planning changes nothing; only `Session` carries a plan out."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, effects, generators, patterns, step_memory, targets
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.mask_files import read_mask
from prune_tui.engine.methods import planners
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.refusals import refusals
from prune_tui.engine.selection.planned_masks import PlannedMask, Whole
from prune_tui.engine.targets import Seen, Target
from prune_tui.step_settings import Bits
from prune_tui.views import Effect

Tell = Callable[[int, int], None]
"""Called with how many targets are done, and with how many there are."""


def silent(_: int, __: int) -> None:
    """Tells nobody."""


@dataclasses.dataclass(frozen=True)
class Part:
    """What a step would do to one tensor.

    Attributes:
        target: The tensor.
        method: torch's object that will stand in the hook; None for `remove`.
        planned: Its mask afterwards; None for `remove`.
        effect: The counts.
        change: What a repair does that is neither torch's `apply` nor its `remove`.
        overwrites: Which entries of the parameter `change` writes over.
    """

    target: Target
    method: prune.BasePruningMethod | None
    planned: PlannedMask | None
    effect: Effect
    change: Callable[[], None] | None = None
    overwrites: Bits | None = None

    @property
    def outcome(self) -> Effect:
        """The counts once it is done: what a preview may leave open is known then."""
        known = self.planned.effect() if self.planned is not None and self.effect.unsure else None
        return known or self.effect

    @property
    def removes(self) -> bool:
        """Whether it does what torch's `remove` does."""
        return self.method is None and self.change is None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a step would do.

    Attributes:
        step: With its seed drawn.
        parts: One for each target.
        notes: What a person should know before it is done.
        conditions: Of the targets as the plan saw them; another one now makes it stale.
    """

    step: steps.Step
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    conditions: tuple[object, ...]


def plan(
    model: torch.nn.Module,
    step: steps.Step,
    seed: int,
    *,
    lock: contextlib.AbstractContextManager[object] | None = None,
    stop: Stop = never,
    mask_of: Callable[[Target], Tensor | None] = lambda target: target.mask,
    tell: Tell = silent,
) -> Plan:
    """Work out a step without changing the model, its generators or its gradients.

    Args:
        model: The model.
        step: What to do.
        seed: For a step that draws random numbers and does not carry its own.
        lock: Held while the tensors are taken hold of, and not while they are worked on: `.data =` in one thread
            and `detach()` in another do not go together.
        stop: Asked between targets.
        mask_of: The mask to build upon, for a moment that is not now.
        tell: Called with how many targets are worked out, and with how many there are.

    Returns:
        The plan. Its step carries the seed that was used, the mask that was read from a file, and the names that
        patterns among its targets stand for.

    Raises:
        StepError: The step cannot be done on these targets.
        Cancelled: `stop` said so.
    """
    ready = _prepared(model, step, seed, lambda target: Seen.of(target, mask_of(target)), lock=lock)
    with torch.inference_mode(False), torch.no_grad():
        removes = isinstance(ready.step, steps.Remove)
        tight = step_memory.check_removal(ready.found) if removes else step_memory.check(ready.step, ready.found)
        with contextlib.closing(_parts_of(ready, stop)) as found:
            parts = []
            for part in found:
                parts.append(part)
                tell(len(parts), len(ready.found))
    step = ready.step
    if isinstance(step, steps.ImportanceScores):
        step = msgspec.structs.replace(step, mask=_outcome(parts))
    return Plan(step, tuple(parts), (*ready.told([part.effect for part in parts]), *tight), ready.conditions)


def settled(plan: Plan, *, stop: Stop = never, tell: Tell = silent) -> Plan:
    """A plan whose masks are there already, where they are kept as bits: carrying it out takes no time.

    Args:
        plan: The plan.
        stop: Asked between targets.
        tell: Called with how many targets are done, and with how many there are.

    Raises:
        StepError: The values changed since it was planned.
        Cancelled: `stop` said so.
    """
    parts = []
    for part in plan.parts:
        if stop():
            raise Cancelled
        parts.append(_settled(part))
        tell(len(parts), len(plan.parts))
    return dataclasses.replace(plan, parts=tuple(parts))


def _settled(part: Part) -> Part:
    if part.planned is None or part.change is not None or not part.target.packs:
        return part
    with torch.inference_mode(False), torch.no_grad(), refusals(part.target.path):
        mask = Whole(part.planned.packed())
        _pack_own_mask(part.method)
    return dataclasses.replace(part, planned=mask, effect=part.outcome)


def _pack_own_mask(method: prune.BasePruningMethod | None) -> None:
    if type(method) is prune.CustomFromMask and method.mask is not None:
        method.mask = Whole(method.mask).packed()


class _Prepared(NamedTuple):
    """A step that can be worked out.

    Attributes:
        step: With its targets resolved, its seed drawn, and the mask that was read from a file.
        found: Its targets.
        seen: Their tensors.
        notes: On how the targets were resolved.
        conditions: Of the targets as they are seen.
    """

    step: steps.Step
    found: tuple[Target, ...]
    seen: tuple[Seen, ...]
    notes: tuple[str, ...]
    conditions: tuple[object, ...]

    def told(self, found: Sequence[Effect]) -> tuple[str, ...]:
        """What a person should know of the step, given what it does."""
        return (*self.notes, *([] if isinstance(self.step, steps.Remove) else effects.warnings(self.step, found)))


def _prepared(
    model: torch.nn.Module,
    step: steps.Step,
    seed: int,
    see: Callable[[Target], Seen],
    *,
    lock: contextlib.AbstractContextManager[object] | None = None,
) -> _Prepared:
    """Find a step's targets and take hold of their tensors; the rest is as in `plan`.

    Args:
        model: The model.
        step: What to do.
        seed: For a step that draws random numbers and does not carry its own.
        see: Takes hold of a target's tensors.
        lock: Held meanwhile.

    Raises:
        StepError: The step cannot be done on these targets.
    """
    step = steps.rebuilt(step)
    removing = isinstance(step, steps.Remove)
    with lock or contextlib.nullcontext():
        step, left_out = patterns.resolved(model, step)
        found, notes = targets.resolve(model, step.targets, removing=removing)
        conditions = tuple(target.condition() for target in found)
        seen = tuple(map(see, found))
        if isinstance(step, steps.CustomMethod):
            for target, one in zip(found, seen, strict=True):
                _give_gradient(target, one)
    if steps.draws(step) and getattr(step, "seed", None) is None:
        step = msgspec.structs.replace(step, seed=seed)
    if isinstance(step, steps.CustomFromMask) and step.mask is None:
        step = msgspec.structs.replace(step, mask=_read(step, seen))
    return _Prepared(step, tuple(found), seen, (*left_out, *notes), conditions)


def _parts_of(ready: _Prepared, stop: Stop) -> Generator[Part, None, None]:
    """What a step does to each of its targets, worked out as they are asked for.

    No gradients may be recorded meanwhile, and the generators belong to the step until the iterator is closed.

    Raises:
        StepError: The step cannot be done on these targets.
        Cancelled: `stop` said so.
    """
    if isinstance(ready.step, steps.Remove):
        for target, one in zip(ready.found, ready.seen, strict=True):
            yield Part(target, None, None, effects.removal(one))
        return
    _refuse_single_entries(ready.seen)
    with contextlib.closing(_drawn(ready.step, ready.seen, stop)) as masks:
        for target, one in zip(ready.found, each(ready.seen, stop), strict=True):
            # No name here holds a mask while the next one is made.
            yield _part(ready.step, target, one, next(masks))
        if next(masks, None) is not None:
            raise RuntimeError(f"{steps.name_of(ready.step)} made more masks than it has targets")


def _part(step: steps.Step, target: Target, one: Seen, result: Masked) -> Part:
    """What a step would do to one tensor, with the counts: as planned, or counted from the mask itself."""
    method, mask = result
    planned = Whole(mask) if isinstance(mask, Tensor) else mask
    if target.packs:
        planned = planned.lasting()
        _pack_own_mask(method)
    return Part(target, method, planned, planned.effect() or effects.effect(step, one, planned.alive()))


def _give_gradient(target: Target, one: Seen) -> None:
    """Let a plugin see the parameter's gradient, as it does when torch calls it."""
    original, gradient = one.original, target.parameter.grad
    if gradient is not None and gradient.layout is original.layout and gradient.dtype is original.dtype:
        original.grad = gradient.detach()


def _refuse_single_entries(seen: Sequence[Seen]) -> None:
    """Refuse tensors of one entry that torch cannot mask.

    Raises:
        StepError: It multiplies float8 by another float8, but not by a single one.
    """
    for one in seen:
        if one.original.numel() == 1:
            with refusals(one.path):
                torch.ones_like(one.original) * one.original


def _outcome(parts: Sequence[Part]) -> Bits | tuple[Bits, ...]:
    """The masks of a plan: one where all targets get the same, else one for each."""
    masks = tuple(bits.kept_by(part.planned.packed()) for part in parts if part.planned is not None)
    return masks[0] if len(set(masks)) == 1 else masks


def _read(step: steps.CustomFromMask, seen: Sequence[Seen]) -> Bits | tuple[Bits, ...]:
    """The masks of a file: one where all targets get the same, else one for each."""
    masks = tuple(bits.pack(bits.alive(read_mask(step.file, one.path, one.original.shape))) for one in seen)
    return masks[0] if len(set(masks)) == 1 else masks


def _drawn(step: steps.Step, seen: Sequence[Seen], stop: Stop) -> Generator[Masked, None, None]:
    """The masks, made as they are asked for; a step's random numbers are its own as long as that lasts."""
    if not steps.draws(step):
        yield from planners.masks(step, seen, stop)
        return
    with generators.seeded(getattr(step, "seed"), {one.original.device for one in seen}, stop):  # noqa: B009
        yield from planners.masks(step, seen, stop)
