"""What each step would do to a model: a plan. Planning changes nothing; only `Session` carries a plan out.

The masks come from torch's own classes in torch.nn.utils.prune, called on the same values, in the same order and
with the same seed as direct calls would be, so that they are equal to torch's bit by bit. What torch does around
them, and where that corrupts a model, is left to `engine.commit`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, generators, selection, targets
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.mask_files import read_mask
from prune_tui.engine.reading import as_numbers, comparable
from prune_tui.engine.targets import Seen, Target
from prune_tui.steps import Bits, StepError
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
        conditions: Of the targets as the plan saw them; another one now makes it stale.
    """

    step: steps.Step
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    conditions: tuple[object, ...]


Masked = tuple[prune.BasePruningMethod, Tensor]
Planner = Callable[[Any, Sequence[Seen], Stop], list[Masked]]


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
        The plan. Its step carries the seed that was used and the mask that was read from a file.

    Raises:
        StepError: The step cannot be done on these targets.
        Cancelled: `stop` said so.
    """
    step = _checked(step)
    removing = isinstance(step, steps.Remove)
    with lock or contextlib.nullcontext():
        found, notes = targets.resolve(model, step.targets, removing=removing)
        conditions = tuple(target.condition() for target in found)
        seen = [Seen.of(target, mask_of(target)) for target in found]
    if steps.draws(step) and getattr(step, "seed", None) is None:
        step = msgspec.structs.replace(step, seed=seed)
    if isinstance(step, steps.CustomFromMask) and step.mask is None:
        step = msgspec.structs.replace(step, mask=_read(step, seen))
    with torch.inference_mode(False), torch.no_grad():
        masked: Sequence[tuple[prune.BasePruningMethod | None, Tensor | None]]
        masked = [(None, None) for _ in seen] if removing else _draw(step, seen, stop)
        parts = [
            Part(target, method, mask, _removal(one) if mask is None else _effect(step, one, mask))
            for target, one, (method, mask) in zip(found, _each(seen, stop), masked, strict=True)
        ]
    return Plan(step, tuple(parts), tuple(notes + ([] if removing else _warnings(step, parts))), conditions)


def _each(seen: Iterable[Seen], stop: Stop) -> Iterator[Seen]:
    for one in seen:
        if stop():
            raise Cancelled
        yield one


def _checked(step: steps.Step) -> steps.Step:
    """The same step with its settings checked: one that came over the wire or was made by hand never was."""
    given = {setting.name: getattr(step, setting.name) for setting in steps.method_of(step).settings}
    settings = {name: value for name, value in given.items() if not (name in {"file", "mask"} and not value)}
    return steps.build(steps.method_of(step).name, step.targets, settings)


def _read(step: steps.CustomFromMask, seen: Sequence[Seen]) -> Bits | tuple[Bits, ...]:
    """The masks of a file: one where all targets get the same, else one for each."""
    masks = tuple(bits.pack(bits.alive(read_mask(step.file, one.path, one.original.shape))) for one in seen)
    return masks[0] if len(set(masks)) == 1 else masks


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Tell whatever torch raises as a StepError about a tensor, the exception itself as its cause.

    A tensor's class, a hook or a person's module may raise anything. Interrupts and MemoryError pass as they are.
    It stands around calls into torch's or a person's code only: a failure of ours is a bug and is told as one.
    """
    try:
        yield
    except (StepError, MemoryError):
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise StepError(f"{what}: torch refuses with {type(error).__name__}: {reason}") from error


def _draw(step: steps.Step, seen: Sequence[Seen], stop: Stop) -> list[Masked]:
    planner = _PLANNERS[type(step)]
    if not steps.draws(step):
        return planner(step, seen, stop)
    with generators.seeded(getattr(step, "seed"), {one.original.device for one in seen}):  # noqa: B009
        return planner(step, seen, stop)


def _removal(target: Seen) -> Effect:
    if target.mask is None:
        raise StepError(f"{target.path} is not pruned; there is nothing to remove")
    left = _left(target)
    return Effect(target.path, 0, left, target.original.numel(), 0, left)


def _left(target: Seen) -> int:
    """Entries that its mask keeps."""
    mask = target.mask
    return target.original.numel() if mask is None else int(bits.alive(mask).sum())


def _ranked(target: Seen) -> int:
    """Entries that torch ranks when it prunes: after a mask of other values than 0 and 1, fewer than are left."""
    mask = target.mask
    return target.original.numel() if mask is None else int((comparable(mask) == 1).sum())


def _masks_by(make: Callable[[Any, Seen], prune.BasePruningMethod]) -> Planner:
    """A planner that prunes each target by itself, with a method object of its own."""

    def planner(step: Any, found: Sequence[Seen], stop: Stop) -> list[Masked]:
        return [_mask(target, make(step, target)) for target in _each(found, stop)]

    return planner


def _mask(target: Seen, method: prune.BasePruningMethod) -> Masked:
    """The mask of torch's `BasePruningMethod.apply`, up to the point where it would change the module."""
    method._tensor_name = target.name
    with refusals(target.path):
        values = target.values
    return method, _compute(target.path, method, values, target.mask)


def _compute(where: str, method: prune.BasePruningMethod, values: Tensor, mask: Tensor | None) -> Tensor:
    """The mask torch computes: directly the first time, on what is left by way of a container after that."""
    if type(method) is prune.L1Unstructured:
        ranked = values.numel() if mask is None else int((comparable(mask) == 1).sum())
        quick = selection.smallest_masked(values.contiguous(), mask, comes_to(method.amount, ranked))
        if quick is not None:
            return quick
    with refusals(f"{where} ({str(values.dtype).removeprefix('torch.')}), {type(method).__name__}"):
        if mask is None:
            before = torch.ones_like(values)
            # torch's `view(-1)` fails on a first prune of, say, a channels_last weight; entries are ranked in the
            # order of their indices, as it does from the second prune on.
            flat = getattr(method, "PRUNING_TYPE", "") == "unstructured"
            first: Tensor = method.compute_mask(values.contiguous() if flat else values, default_mask=before)
            return first
        container = prune.PruningContainer()
        container._tensor_name = method._tensor_name
        container.add_pruning_method(method)
        before = mask.detach().clone(memory_format=torch.contiguous_format)
        again: Tensor = container.compute_mask(values, default_mask=before)
        return again


def _entries(step: Any, target: Seen) -> None:
    left = _ranked(target)
    if isinstance(step.amount, int) and step.amount > left:
        elements = target.original.numel()
        has = _count(left, "entry", "entries") if left == elements else f"{left} entries left of {elements}"
        raise StepError(f"{target.path} has {has}; amount {step.amount} asks for more")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _channels_left(target: Seen, dim: int) -> int:
    """Channels along an axis that are not wholly masked, as PruningContainer counts them."""
    mask = target.mask
    if mask is None:
        return target.original.shape[dim]
    others = [axis for axis in range(mask.dim()) if axis != dim % mask.dim()]
    return int((bits.alive(mask).sum(dim=others) != 0).sum())


def _channels(step: Any, target: Seen) -> None:
    shape = target.original.shape
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
        whole = left == shape[step.dim]
        has = _count(left, "channel", "channels") if whole else f"{left} channels left of {shape[step.dim]}"
        raise StepError(f"{target.path} has {has} along axis {step.dim}; amount {step.amount} asks for more")


def _identity(_: steps.Identity, __: Seen) -> prune.BasePruningMethod:
    return prune.Identity()


def _random_unstructured(step: steps.RandomUnstructured, target: Seen) -> prune.BasePruningMethod:
    _entries(step, target)
    return prune.RandomUnstructured(step.amount)


def _l1_unstructured(step: steps.L1Unstructured, target: Seen) -> prune.BasePruningMethod:
    _entries(step, target)
    return prune.L1Unstructured(step.amount)


def _random_structured(step: steps.RandomStructured, target: Seen) -> prune.BasePruningMethod:
    _channels(step, target)
    return prune.RandomStructured(step.amount, dim=step.dim)


def _ln_structured(step: steps.LnStructured, target: Seen) -> prune.BasePruningMethod:
    _channels(step, target)
    axes = target.original.dim()
    if step.n == "fro" and axes > 3:
        raise StepError(f"{target.path} is {axes}-D; n=fro is for 2-D and 3-D tensors, n=2 is the same here")
    if step.n == "nuc" and axes != 3:
        raise StepError(f"{target.path} is {axes}-D; n=nuc is for 3-D tensors, whose channels are matrices")
    return prune.LnStructured(step.amount, n=step.n, dim=step.dim)


def _custom_from_mask(step: steps.CustomFromMask, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    masks = step.mask if isinstance(step.mask, tuple) else (step.mask,) * len(found)
    if len(masks) != len(found):
        raise StepError(f"the step has {len(masks)} masks for {len(found)} targets")
    kept = {target.path: mask for target, mask in zip(found, masks, strict=True)}
    return _masks_by(lambda _, target: _from_bits(kept[target.path], target))(step, found, stop)


def _from_bits(kept: Bits | None, target: Seen) -> prune.BasePruningMethod:
    if kept is None:
        raise RuntimeError("the mask's file has not been read")
    return prune.CustomFromMask(_unpacked(kept, target).to(target.original.device))


def _unpacked(kept: Bits, target: Seen) -> Tensor:
    shape = target.original.shape
    if kept.shape != tuple(shape):
        raise StepError(f"the mask is {kept}; {target.path} is {'×'.join(map(str, shape))}: they must be the same")
    if len(kept.data) != -(-shape.numel() // 8):
        raise StepError(f"the mask has {len(kept.data)} bytes, which do not make a {kept}")
    return bits.unpack(kept)


def _global_unstructured(step: steps.GlobalUnstructured, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """`prune.global_unstructured`: one long vector ranked by one method, each tensor's share a mask of its own."""
    devices = {target.original.device for target in found}
    if len(devices) > 1:
        raise StepError(
            f"the targets are on {', '.join(sorted(map(str, devices)))}; a global step needs them on one device"
        )
    left = sum(_ranked(target) for target in found)
    if isinstance(step.amount, int) and step.amount > left:
        if len(found) == 1:
            _entries(step, found[0])
        raise StepError(f"the {len(found)} targets have {left} entries left; amount {step.amount} asks for more")
    with refusals(targets.listed(target.path for target in found)):
        values = [target.values.contiguous() for target in _each(found, stop)]
    masks = [
        torch.ones_like(value) if target.mask is None else target.mask
        for target, value in zip(found, values, strict=True)
    ]
    method = getattr(prune, step.pruning_method)(amount=step.amount)
    method._tensor_name = "temp"
    flat_values = torch.cat([value.view(-1) for value in values])
    flat_mask = torch.cat([mask.contiguous().view(-1) for mask in masks])
    final = _compute(", ".join(target.path for target in found), method, flat_values, flat_mask)
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
    steps.CustomFromMask: _custom_from_mask,
}


def _effect(step: steps.Step, target: Seen, mask: Tensor) -> Effect:
    """Count what a mask takes beyond the one before it."""
    before, after = target.mask, bits.alive(mask)
    taken = ~after if before is None else bits.alive(before) & ~after
    left, took = _left(target), int(taken.sum())
    units = steps.method_of(step).units
    if units == "channels":
        units_left = _channels_left(target, getattr(step, "dim"))  # noqa: B009 - every step of channels has it
        units_took = comes_to(getattr(step, "amount"), units_left)  # noqa: B009
    else:
        units, units_left, units_took = "entries", _ranked(target), took
    return Effect(
        target.path, took, left, target.original.numel(), units_took, units_left, units, _threshold(target, taken)
    )


def comes_to(amount: int | float, left: int) -> int:
    """How many units an amount is: a count itself, a fraction of what is left rounded half to even.

    As `torch.nn.utils.prune._compute_nparams_toprune`.
    """
    return amount if isinstance(amount, int) else round(amount * left)


def _threshold(target: Seen, taken: Tensor) -> float | None:
    """The greatest magnitude that goes, NaN apart; None when there is none."""
    gone = target.values[taken]
    if not gone.numel():
        return None
    gone = comparable(gone) if gone.is_floating_point() else as_numbers(gone)
    greatest = float(gone.abs().nan_to_num(nan=-1.0, posinf=torch.inf).max())
    return None if greatest < 0 else greatest


def _warnings(step: steps.Step, parts: Sequence[Part]) -> list[str]:
    """What a person should know about a plan that torch would carry out without a word."""
    notes = []
    amount = getattr(step, "amount", 0)
    if steps.method_of(step).many and amount and not any(part.effect.took for part in parts):
        notes.append(f"amount {amount} comes to none of {sum(part.effect.left for part in parts)} entries")
    emptied = [part.effect.target for part in parts if part.effect.took == part.effect.left > 0]
    if emptied:
        notes.append(f"{targets.listed(emptied)} would be left empty: nothing of it stays")
    idle = [part.effect for part in parts if amount and part.effect.left and not part.effect.units_took]
    if not steps.method_of(step).many:
        notes += [f"amount {amount} comes to none of {one.units_left} {one.units} in {one.target}" for one in idle]
    return notes
