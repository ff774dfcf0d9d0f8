"""What a step would do to a model: a plan. Planning changes nothing; only `Session` carries a plan out."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

import msgspec
import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, effects, generators, memory, patterns, targets
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.mask_files import read_mask
from prune_tui.engine.methods import planners
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.refusals import refusals
from prune_tui.engine.selection.planned_masks import PlannedMask, Whole
from prune_tui.engine.targets import Seen, Target
from prune_tui.step_settings import Bits
from prune_tui.views import Effect


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

    Returns:
        The plan. Its step carries the seed that was used, the mask that was read from a file, and the names that
        patterns among its targets stand for.

    Raises:
        StepError: The step cannot be done on these targets.
        Cancelled: `stop` said so.
    """
    step = steps.rebuilt(step)
    removing = isinstance(step, steps.Remove)
    with lock or contextlib.nullcontext():
        step, left_out = patterns.resolved(model, step)
        found, notes = targets.resolve(model, step.targets, removing=removing)
        conditions = tuple(target.condition() for target in found)
        seen = [Seen.of(target, mask_of(target)) for target in found]
        if isinstance(step, steps.CustomMethod):
            for target, one in zip(found, seen, strict=True):
                _give_gradient(target, one)
    if steps.draws(step) and getattr(step, "seed", None) is None:
        step = msgspec.structs.replace(step, seed=seed)
    if isinstance(step, steps.CustomFromMask) and step.mask is None:
        step = msgspec.structs.replace(step, mask=_read(step, seen))
    with torch.inference_mode(False), torch.no_grad():
        if not removing:
            _refuse_what_apply_would(step, seen)
        if removing:
            parts = [
                Part(target, None, None, effects.removal(one)) for target, one in zip(found, seen, strict=True)
            ]
        else:
            masked = zip(found, each(seen, stop), _draw(step, seen, stop), strict=True)
            parts = [_part(step, target, one, result) for target, one, result in masked]
    if isinstance(step, steps.ImportanceScores):
        step = msgspec.structs.replace(step, mask=_outcome(parts))
    return Plan(
        step,
        tuple(parts),
        tuple(left_out + notes + ([] if removing else effects.warnings(step, [part.effect for part in parts]))),
        conditions,
    )


def _part(step: steps.Step, target: Target, one: Seen, result: Masked) -> Part:
    """What a step would do to one tensor, with the counts: as planned, or counted from the mask itself."""
    method, mask = result
    planned = Whole(mask) if isinstance(mask, Tensor) else mask
    return Part(target, method, planned, planned.effect() or effects.effect(step, one, planned.made().mask))


def _give_gradient(target: Target, one: Seen) -> None:
    """Let a plugin see the parameter's gradient, as it does when torch calls it."""
    original, gradient = one.original, target.parameter.grad
    if gradient is not None and gradient.layout is original.layout and gradient.dtype is original.dtype:
        original.grad = gradient.detach()


def _refuse_what_apply_would(step: steps.Step, seen: Sequence[Seen]) -> None:
    """Refuse before any work what could be worked out and not be carried out, or not be worked out here.

    Raises:
        StepError: There is not so much memory, or torch cannot mask a tensor of this kind.
    """
    originals = [one.original for one in seen]
    needed = memory.of_masks(originals)
    kind = _working(step)
    if kind:
        # A mask that is worked out whole is there already when its copy and the product are made.
        whole = {device: size + size // 2 for device, size in needed.items()}
        working = memory.of_working(kind, originals)
        needed = {device: max(whole[device], working[device]) for device in needed}
    what = f"{steps.name_of(step)} of {targets.listed(one.path for one in seen)}"
    memory.check(what, needed, "prune fewer tensors at a time, or remove earlier pruning first")
    for one in seen:
        if one.original.numel() == 1:  # torch multiplies float8 by another float8, but not by a single one
            with refusals(one.path):
                torch.ones_like(one.original) * one.original


def _working(step: steps.Step) -> str:
    """The key of `memory.WORKING` for a step; empty where its masks are planned by threshold."""
    if isinstance(step, steps.CustomMethod):
        return "a plugin's"
    name = steps.name_of(step)
    if isinstance(step, steps.GlobalUnstructured):
        return f"{name} with a floor" if step.floor else ""
    across = isinstance(step, steps.ImportanceScores) and step.scope == "global"
    return f"{name} across all" if across else name if name in memory.WORKING else ""


def _outcome(parts: Sequence[Part]) -> Bits | tuple[Bits, ...]:
    """The masks of a plan: one where all targets get the same, else one for each."""
    masks = tuple(bits.pack(bits.alive(part.planned.made().mask)) for part in parts if part.planned is not None)
    return masks[0] if len(set(masks)) == 1 else masks


def _read(step: steps.CustomFromMask, seen: Sequence[Seen]) -> Bits | tuple[Bits, ...]:
    """The masks of a file: one where all targets get the same, else one for each."""
    masks = tuple(bits.pack(bits.alive(read_mask(step.file, one.path, one.original.shape))) for one in seen)
    return masks[0] if len(set(masks)) == 1 else masks


def _draw(step: steps.Step, seen: Sequence[Seen], stop: Stop) -> list[Masked]:
    if not steps.draws(step):
        return planners.masks(step, seen, stop)
    with generators.seeded(getattr(step, "seed"), {one.original.device for one in seen}, stop):  # noqa: B009
        return planners.masks(step, seen, stop)
