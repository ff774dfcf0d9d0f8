"""The catalogue of pruning methods: for each step, which masks it gives to its targets.

The masks come from torch's own classes in torch.nn.utils.prune, called on the same values, in the same order and
with the same seed as direct calls would be, so that they are equal to torch's bit by bit. What torch does around
them, and where that corrupts a model, is left to `engine.commit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, selection, targets
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.effects import channels_left, comes_to, ranked
from prune_tui.engine.reading import comparable
from prune_tui.engine.refusals import refusals
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import Bits, StepError

Masked = tuple[prune.BasePruningMethod, Tensor]
Planner = Callable[[Any, Sequence[Seen], Stop], list[Masked]]


def each(seen: Iterable[Seen], stop: Stop) -> Iterator[Seen]:
    """The targets one by one; raises Cancelled as soon as `stop` says so."""
    for one in seen:
        if stop():
            raise Cancelled
        yield one


def _masks_by(make: Callable[[Any, Seen], prune.BasePruningMethod]) -> Planner:
    """A planner that prunes each target by itself, with a method object of its own."""

    def planner(step: Any, found: Sequence[Seen], stop: Stop) -> list[Masked]:
        return [_mask(target, make(step, target)) for target in each(found, stop)]

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
    left = ranked(target)
    if isinstance(step.amount, int) and step.amount > left:
        elements = target.original.numel()
        has = _count(left, "entry", "entries") if left == elements else f"{left} entries left of {elements}"
        raise StepError(f"{target.path} has {has}; amount {step.amount} asks for more")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


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
    left = channels_left(target, step.dim)
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
    left = sum(ranked(target) for target in found)
    if isinstance(step.amount, int) and step.amount > left:
        if len(found) == 1:
            _entries(step, found[0])
        raise StepError(f"the {len(found)} targets have {left} entries left; amount {step.amount} asks for more")
    with refusals(targets.listed(target.path for target in found)):
        values = [target.values.contiguous() for target in each(found, stop)]
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


PLANNERS: dict[type[steps.Step], Planner] = {
    steps.Identity: _masks_by(_identity),
    steps.RandomUnstructured: _masks_by(_random_unstructured),
    steps.L1Unstructured: _masks_by(_l1_unstructured),
    steps.RandomStructured: _masks_by(_random_structured),
    steps.LnStructured: _masks_by(_ln_structured),
    steps.GlobalUnstructured: _global_unstructured,
    steps.CustomFromMask: _custom_from_mask,
}
