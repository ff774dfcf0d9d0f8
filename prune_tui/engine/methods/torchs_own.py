"""The catalogue of pruning methods: for each step, which masks it gives to its targets.

The masks are equal, bit by bit, to those of torch's own classes in torch.nn.utils.prune, called on the same
values, in the same order and with the same seed: `planned` says how they are found without what torch spends on
them, and whatever that cannot do is computed by torch's classes themselves. What torch does around them, and
where that corrupts a model, is left to `engine.commit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import prune

from prune_tui import steps
from prune_tui.engine import bits, memory, targets
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.effects import channels_alive, channels_left, comes_to, ranked
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.reading import dtype_name
from prune_tui.engine.refusals import refusals
from prune_tui.engine.selection import channels, random_scores, search, smallest
from prune_tui.engine.selection.passes import Ranked
from prune_tui.engine.selection.planned_masks import PlannedMask
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import Bits, StepError

Masked = tuple[prune.BasePruningMethod, Tensor | PlannedMask]
"""torch's object for the hook, and the mask: as a tensor, or planned."""

Planner = Callable[[Any, Sequence[Seen], Stop], Iterable[Masked]]
"""Gives the masks of the targets in their order. Where they are made one by one, nothing of one is held while the
next is made: who takes them one at a time needs no more memory than for the largest."""


def each(seen: Iterable[Seen], stop: Stop) -> Iterator[Seen]:
    """The targets one by one; raises Cancelled as soon as `stop` says so."""
    for one in seen:
        if stop():
            raise Cancelled
        yield one


def _masks_by(make: Callable[[Any, Seen], prune.BasePruningMethod], quick: _Quick | None = None) -> Planner:
    """A planner that prunes each target by itself, with a method object of its own.

    Args:
        make: The method object; refuses what cannot be done.
        quick: Plans the mask without torch's class, or says None.
    """

    def masked(step: Any, target: Seen, stop: Stop) -> Masked:
        method = make(step, target)
        planned = None if quick is None else quick(step, target, method, stop)
        return _mask(target, method) if planned is None else _named(method, target, planned)

    def planner(step: Any, found: Sequence[Seen], stop: Stop) -> Iterator[Masked]:
        return (masked(step, target, stop) for target in each(found, stop))

    return planner


_Quick = Callable[[Any, Seen, Any, Stop], Tensor | PlannedMask | None]


def _named(method: prune.BasePruningMethod, target: Seen, mask: Tensor | PlannedMask) -> Masked:
    method._tensor_name = target.name
    return method, mask


def _mask(target: Seen, method: prune.BasePruningMethod) -> Masked:
    """The mask of torch's `BasePruningMethod.apply`, up to the point where it would change the module."""
    method._tensor_name = target.name
    with refusals(target.path):
        values = target.values
    return method, _compute(target.path, method, values, target.mask)


def _compute(where: str, method: prune.BasePruningMethod, values: Tensor, mask: Tensor | None) -> Tensor:
    """The mask torch computes: directly the first time, on what is left by way of a container after that."""
    with refusals(f"{where} ({dtype_name(values)}), {type(method).__name__}"):
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
    if isinstance(step.amount, int) and step.amount > (left := ranked(target)):
        elements = target.original.numel()
        has = _count(left, "entry", "entries") if left == elements else f"{left} entries left of {elements}"
        raise StepError(f"{target.path} has {has}; amount {step.amount} asks for more")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def refuse_without_channels(target: Seen, dim: int, instead: str) -> None:
    """Refuse what has no channels along an axis.

    Args:
        target: The target.
        dim: The axis.
        instead: Names of methods that prune its entries.

    Raises:
        StepError: It has fewer than two axes, or not this one.
    """
    shape = target.original.shape
    if len(shape) < 2:
        raise StepError(
            f"{target.path} is {len(shape)}-D; channels need two axes or more. Prune entries instead ({instead})"
        )
    if not -len(shape) <= dim < len(shape):
        times = "×".join(map(str, shape))
        raise StepError(f"{target.path} is {times}; it has no axis {dim}, choose 0 to {len(shape) - 1}")


def instead_of_channels(step: steps.Step) -> str:
    """The methods for entries that are most like one for channels."""
    return "global_unstructured, lamp" if steps.ranks_together(step) else "random_unstructured, l1_unstructured"


def _channels(step: Any, target: Seen) -> None:
    shape = target.original.shape
    refuse_without_channels(target, step.dim, instead_of_channels(step))
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


def _smallest(step: Any, target: Seen, method: Any, stop: Stop) -> PlannedMask | None:
    """The smallest magnitudes of one tensor."""
    one = search.ranked(target.original, target.before, stop)
    if one is None:
        return None
    count, what = comes_to(method.amount, one.living), f"{steps.method_of(step).name} of {target.path}"
    found = smallest.planned([target.path], [one], count, ties=step.ties, what=what, stop=stop)
    return None if found is None else found[0]


def _at_random(step: Any, target: Seen, method: Any, stop: Stop) -> PlannedMask | None:
    """Entries of one tensor by scores drawn as torch draws them."""
    one = search.ranked(target.original, target.before, stop)
    if one is None:
        return None
    count, what = comes_to(method.amount, one.living), f"{steps.method_of(step).name} of {target.path}"
    scored, counted = random_scores.scored([one], count, stop) if count else ([one], None)
    found = smallest.planned(
        [target.path], scored, count, ties="torch", what=what, stop=stop, at_random=True, counted=counted
    )
    return None if found is None else found[0]


def _as_before(_: Any, target: Seen, __: Any, ___: Stop) -> Tensor | None:
    """The mask there was, where it is there as bits."""
    before = target.before
    return target.mask if isinstance(before, Bits) else None


def _of_living_channels(step: Any, target: Seen, kept: Callable[[Tensor, int], Tensor]) -> PackedMask | None:
    """Channels of what is left of a tensor whose mask is there as bits, as torch's container goes through them.

    Args:
        step: With an amount and an axis.
        target: The target.
        kept: Which channels stay, of some values and so many that go.
    """
    alive = target.alive
    if alive is None or not isinstance(target.before, Bits):
        return None
    dim = step.dim % alive.dim()
    living = channels_alive(alive, dim)
    count = comes_to(step.amount, int(living.sum()))
    if count:
        left = living.nonzero()[:, 0]
        # As torch's own indexing with flags: a copy whose channels lie as before.
        stays = kept(target.values.index_select(dim, left), count)
        flags = torch.zeros_like(living)
        flags[left[stays]] = True
        alive &= flags.view([-1 if axis == dim else 1 for axis in range(alive.dim())])
    return PackedMask(bits.pack(alive), target.original.dtype)


def _channels_by_norm(step: Any, target: Seen, method: Any, _: Stop) -> Tensor | PlannedMask | None:
    if isinstance(target.before, Bits):
        with refusals(f"{target.path} ({dtype_name(target.original)}), LnStructured"):
            return _of_living_channels(
                step, target, lambda values, count: channels.kept_by_norm(values, method, count)
            )
    if not channels.can_be_planned(target.original, target.mask):
        return None
    values, size = target.original, target.original.shape[step.dim]
    count = comes_to(step.amount, size)
    kept = torch.ones(size, dtype=torch.bool)
    if count:
        with refusals(f"{target.path} ({dtype_name(values)}), LnStructured"):
            kept = channels.kept_by_norm(values, method, count)
    return channels.ChannelsMasked(target.path, values, step.dim, kept, units_took=count)


def _channels_at_random(step: Any, target: Seen, _: Any, __: Stop) -> Tensor | PlannedMask | None:
    if isinstance(target.before, Bits):
        return _of_living_channels(
            step, target, lambda values, count: channels.kept_at_random(values.shape[step.dim], count)
        )
    if not channels.can_be_planned(target.original, target.mask):
        return None
    values, size = target.original, target.original.shape[step.dim]
    count = comes_to(step.amount, size)
    kept = channels.kept_at_random(size, count) if count else torch.ones(size, dtype=torch.bool)
    return channels.ChannelsMasked(target.path, values, step.dim, kept, units_took=count)


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


def _custom_from_mask(step: steps.CustomFromMask, found: Sequence[Seen], stop: Stop) -> Iterable[Masked]:
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
    """`prune.global_unstructured`: all entries ranked together, each tensor's share a mask of its own."""
    tensors = [search.ranked(target.original, target.before, stop) for target in each(found, stop)]
    several = [one for one in tensors if one is not None]
    quick = len(several) == len(found)
    left = sum(one.living for one in several) if quick else sum(ranked(target) for target in found)
    if isinstance(step.amount, int) and step.amount > left:
        if len(found) == 1:
            _entries(step, found[0])
        raise StepError(f"the {len(found)} targets have {left} entries left; amount {step.amount} asks for more")
    planned = _globally(step, found, several, comes_to(step.amount, left), stop) if quick else None
    if planned is None:
        return _as_one_vector(step, found, stop)
    # torch hangs the share of the mask into the hook; `commit` does, when it is made.
    return [_named(prune.CustomFromMask(None), *pair) for pair in zip(found, planned, strict=True)]


def _globally(
    step: steps.GlobalUnstructured, found: Sequence[Seen], tensors: Sequence[Ranked], count: int, stop: Stop
) -> Sequence[PlannedMask] | None:
    """The smallest of all, wherever they are; or at random, where torch would draw one number after the other."""
    paths = [target.path for target in found]
    what = f"global_unstructured of {targets.listed(paths)}"
    if step.pruning_method == "L1Unstructured":
        return smallest.planned(paths, tensors, count, ties=step.ties, what=what, stop=stop)
    if len({one.values.dtype for one in tensors}) > 1 or any(one.values.device.type != "cpu" for one in tensors):
        return None
    scored, counted = random_scores.scored(tensors, count, stop) if count else (tensors, None)
    return smallest.planned(
        paths, scored, count, ties="torch", what=what, stop=stop, at_random=True, counted=counted
    )


def _as_one_vector(step: steps.GlobalUnstructured, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """As torch does it, for what cannot be ranked by patterns."""
    devices = {target.original.device for target in found}
    if len(devices) > 1:
        raise StepError(
            f"the targets are on {', '.join(sorted(map(str, devices)))}; {_why_one_device(step)}"
            " Prune them device by device"
        )
    elements, left = sum(target.original.numel() for target in found), sum(map(ranked, found))
    widest = max((target.original.itemsize for target in found), default=0)
    needed = memory.of_one_vector(elements, left, comes_to(step.amount, left), widest)
    what = f"global_unstructured of {targets.listed(target.path for target in found)}"
    memory.check(what, dict.fromkeys(devices, needed), "prune fewer tensors at a time")
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


def _why_one_device(step: steps.GlobalUnstructured) -> str:
    if step.pruning_method == "RandomUnstructured":
        return "a global random step draws from one device's generator."
    return "entries of these dtypes, or NaN among those that would go, can be ranked on one device only."


PLANNERS: dict[type[steps.Step], Planner] = {
    steps.Identity: _masks_by(_identity, _as_before),
    steps.RandomUnstructured: _masks_by(_random_unstructured, _at_random),
    steps.L1Unstructured: _masks_by(_l1_unstructured, _smallest),
    steps.RandomStructured: _masks_by(_random_structured, _channels_at_random),
    steps.LnStructured: _masks_by(_ln_structured, _channels_by_norm),
    steps.GlobalUnstructured: _global_unstructured,
    steps.CustomFromMask: _custom_from_mask,
}
