"""What each step would do to a model: a plan. Planning changes nothing; only `Session` carries a plan out.

The masks come from torch's own classes in torch.nn.utils.prune, called on the same values, in the same order and
with the same seed as direct calls would be, so that they are equal to torch's bit by bit. What torch does around
them, and where that corrupts a model, is left to `engine.commit`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, generators, pruned, targets
from prune_tui.engine.mask_files import read_mask
from prune_tui.engine.targets import Target
from prune_tui.steps import StepError
from prune_tui.views import Effect


@dataclasses.dataclass(frozen=True)
class Part:
    """What a step would do to one tensor.

    Attributes:
        target: The tensor.
        method: torch's object that will stand in the hook; None for `remove`.
        mask: Its mask afterwards, in the dtype torch gives it; None for `remove`.
        effect: The counts.
    """

    target: Target
    method: prune.BasePruningMethod | None
    mask: Tensor | None
    effect: Effect


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a step would do.

    Attributes:
        step: With its seed drawn.
        parts: One for each target.
        notes: What a person should know before it is done.
    """

    step: steps.Step
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


Masked = tuple[prune.BasePruningMethod, Tensor]
Planner = Callable[[Any, Sequence[Target]], list[Masked]]


def plan(model: torch.nn.Module, step: steps.Step, seed: int) -> Plan:
    """Work out a step without changing the model, its generators or its gradients.

    Args:
        model: The model.
        step: What to do.
        seed: For a step that draws random numbers and does not carry its own.

    Returns:
        The plan; its step carries the seed that was used.

    Raises:
        StepError: The step cannot be done on these targets.
    """
    found, notes = targets.resolve(model, step.targets)
    if steps.draws(step) and getattr(step, "seed", None) is None:
        step = msgspec.structs.replace(step, seed=seed)
    if isinstance(step, steps.Remove):
        return Plan(step, tuple(_removal(target) for target in found), tuple(notes))
    with torch.inference_mode(False), torch.no_grad():
        masked = _draw(step, found)
        parts = [
            Part(target, method, mask, _effect(step, target, mask))
            for target, (method, mask) in zip(found, masked, strict=True)
        ]
    return Plan(step, tuple(parts), tuple(notes + _warnings(step, parts)))


def _draw(step: steps.Step, found: Sequence[Target]) -> list[Masked]:
    planner = _PLANNERS[type(step)]
    if not steps.draws(step):
        return planner(step, found)
    with generators.seeded(getattr(step, "seed"), {target.parameter.device for target in found}):  # noqa: B009
        return planner(step, found)


def _removal(target: Target) -> Part:
    if not pruned.is_pruned(target.module, target.name):
        raise StepError(f"{target.path} is not pruned; there is nothing to remove")
    elements = target.parameter.numel()
    left = _left(target)
    return Part(target, None, None, Effect(target.path, 0, left, elements, 0, left))


def _left(target: Target) -> int:
    """Entries that its mask keeps."""
    mask = target.mask
    return target.parameter.numel() if mask is None else int(bits.alive(mask).sum())


def _masks_by(make: Callable[[Any, Target], prune.BasePruningMethod]) -> Planner:
    """A planner that prunes each target by itself, with a method object of its own."""

    def planner(step: Any, found: Sequence[Target]) -> list[Masked]:
        return [_mask(target, make(step, target)) for target in found]

    return planner


def _mask(target: Target, method: prune.BasePruningMethod) -> Masked:
    """The mask of torch's `BasePruningMethod.apply`, up to the point where it would change the module."""
    method._tensor_name = target.name
    return method, _compute(target.path, method, target.values, target.mask)


def _compute(where: str, method: prune.BasePruningMethod, values: Tensor, mask: Tensor | None) -> Tensor:
    """The mask torch computes: directly the first time, on what is left by way of a container after that."""
    computing, before = method, torch.ones_like(values)
    if mask is not None:
        computing = prune.PruningContainer()
        computing._tensor_name = method._tensor_name
        computing.add_pruning_method(method)
        before = mask.detach().clone(memory_format=torch.contiguous_format)
    try:
        computed: Tensor = computing.compute_mask(values, default_mask=before)
    except (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StepError(
            f"{where}: torch refuses {type(method).__name__} on this"
            f" {str(values.dtype).removeprefix('torch.')} tensor: {reason}"
        ) from error
    return computed


def _entries(step: Any, target: Target) -> None:
    left = _left(target)
    if isinstance(step.amount, int) and step.amount > left:
        elements = target.parameter.numel()
        has = f"{left} entries" if left == elements else f"{left} entries left of {elements}"
        raise StepError(f"{target.path} has {has}; amount {step.amount} asks for more")


def _channels_left(target: Target, dim: int) -> int:
    """Channels along an axis that are not wholly masked, as PruningContainer counts them."""
    mask = target.mask
    if mask is None:
        return target.parameter.shape[dim]
    others = [axis for axis in range(mask.dim()) if axis != dim % mask.dim()]
    return int((bits.alive(mask).sum(dim=others) != 0).sum())


def _channels(step: Any, target: Target) -> None:
    shape = target.parameter.shape
    if len(shape) < 2:
        raise StepError(
            f"{target.path} is {len(shape)}-D; channels need two axes or more."
            " Prune entries instead (random_unstructured, l1_unstructured)"
        )
    if not -len(shape) <= step.dim < len(shape):
        times = "×".join(map(str, shape))
        raise StepError(f"{target.path} is {times}; it has no axis {step.dim}, choose 0 to {len(shape) - 1}")
    left = _channels_left(target, step.dim)
    if isinstance(step.amount, int) and step.amount > left:
        of = "" if left == shape[step.dim] else f" left of {shape[step.dim]}"
        raise StepError(
            f"{target.path} has {left} channels{of} along axis {step.dim}; amount {step.amount} asks for more"
        )


def _identity(_: steps.Identity, __: Target) -> prune.BasePruningMethod:
    return prune.Identity()


def _random_unstructured(step: steps.RandomUnstructured, target: Target) -> prune.BasePruningMethod:
    _entries(step, target)
    return prune.RandomUnstructured(step.amount)


def _l1_unstructured(step: steps.L1Unstructured, target: Target) -> prune.BasePruningMethod:
    _entries(step, target)
    return prune.L1Unstructured(step.amount)


def _random_structured(step: steps.RandomStructured, target: Target) -> prune.BasePruningMethod:
    _channels(step, target)
    return prune.RandomStructured(step.amount, dim=step.dim)


def _ln_structured(step: steps.LnStructured, target: Target) -> prune.BasePruningMethod:
    _channels(step, target)
    if step.n == "fro" and target.parameter.dim() != 2:
        raise StepError(
            f"{target.path} is {target.parameter.dim()}-D; n=fro is for 2-D tensors, n=2 is the same there"
        )
    return prune.LnStructured(step.amount, n=step.n, dim=step.dim)


def _custom_from_mask(step: steps.CustomFromMask, target: Target) -> prune.BasePruningMethod:
    shape = target.parameter.shape
    if step.mask is None:
        mask = read_mask(step.file, target.path, shape)
    elif step.mask.shape == tuple(shape):
        mask = bits.unpack(step.mask)
    else:
        raise StepError(
            f"the mask is {step.mask}; {target.path} is {'×'.join(map(str, shape))}: they must be the same"
        )
    return prune.CustomFromMask(mask.to(target.parameter.device))


def _global_unstructured(step: steps.GlobalUnstructured, found: Sequence[Target]) -> list[Masked]:
    """`prune.global_unstructured`: one long vector ranked by one method, each tensor's share a mask of its own."""
    devices = {target.parameter.device for target in found}
    if len(devices) > 1:
        raise StepError(
            f"the targets are on {', '.join(sorted(map(str, devices)))}; a global step needs them on one device"
        )
    left = sum(_left(target) for target in found)
    if isinstance(step.amount, int) and step.amount > left:
        raise StepError(f"the {len(found)} targets have {left:,} entries left; amount {step.amount} asks for more")
    values = [target.values for target in found]
    masks = [
        torch.ones_like(value) if target.mask is None else target.mask
        for target, value in zip(found, values, strict=True)
    ]
    method = getattr(prune, step.pruning_method)(amount=step.amount)
    method._tensor_name = "temp"
    flat_values = torch.cat([value.view(-1) for value in values])
    flat_mask = torch.cat([mask.contiguous().view(-1) for mask in masks])
    final = _compute(f"{len(found)} targets", method, flat_values, flat_mask)
    sizes = [value.numel() for value in values]
    # A clone: a view would keep the whole flat vector alive for as long as one hook holds its share.
    shares = [share.clone().view_as(value) for share, value in zip(torch.split(final, sizes), values, strict=True)]
    return [_mask(target, prune.CustomFromMask(share)) for target, share in zip(found, shares, strict=True)]


_PLANNERS: dict[type[steps.Step], Planner] = {
    steps.Identity: _masks_by(_identity),
    steps.RandomUnstructured: _masks_by(_random_unstructured),
    steps.L1Unstructured: _masks_by(_l1_unstructured),
    steps.RandomStructured: _masks_by(_random_structured),
    steps.LnStructured: _masks_by(_ln_structured),
    steps.GlobalUnstructured: _global_unstructured,
    steps.CustomFromMask: _masks_by(_custom_from_mask),
}


def _effect(step: steps.Step, target: Target, mask: Tensor) -> Effect:
    """Count what a mask takes beyond the one before it."""
    before, after = target.mask, bits.alive(mask)
    taken = ~after if before is None else bits.alive(before) & ~after
    left, took = _left(target), int(taken.sum())
    units = steps.method_of(step).units
    if units == "channels":
        units_left = _channels_left(target, getattr(step, "dim"))  # noqa: B009 - every step of channels has it
        units_took = comes_to(getattr(step, "amount"), units_left)  # noqa: B009
    else:
        units, units_left, units_took = "entries", left, took
    return Effect(
        target.path, took, left, target.parameter.numel(), units_took, units_left, units, _threshold(target, taken)
    )


def comes_to(amount: int | float, left: int) -> int:
    """How many units an amount is: a count itself, a fraction of what is left rounded half to even.

    As `torch.nn.utils.prune._compute_nparams_toprune`.
    """
    return amount if isinstance(amount, int) else round(amount * left)


def _threshold(target: Target, taken: Tensor) -> float | None:
    """The greatest magnitude that goes; None when nothing goes, or where torch has no magnitudes (float8)."""
    values = target.values
    if values.dtype.itemsize == 1 or not bool(taken.any()):
        return None
    return float(values[taken].abs().max())


def _warnings(step: steps.Step, parts: Iterable[Part]) -> list[str]:
    """What a person should know about a plan that torch would carry out without a word."""
    notes = []
    for part in parts:
        effect = part.effect
        amount = getattr(step, "amount", 0)
        if effect.took == effect.left and effect.left:
            notes.append(f"{effect.target} would be left empty: nothing of it stays")
        elif amount and not effect.units_took and not steps.method_of(step).many:
            notes.append(f"amount {amount} comes to none of {effect.units_left} {effect.units} in {effect.target}")
    return notes
