"""The methods that torch has not, written once more as plainly as can be: entry by entry, on Python numbers."""

import itertools
import math
from fractions import Fraction
from typing import NamedTuple

import torch


class Tensor(NamedTuple):
    """What a method is told of a tensor.

    Attributes:
        shape: Its sizes.
        values: Its entries by index, before masking.
        alive: Whether each is left, by index.
        like: The tensor itself, for the dtype of a mask.
    """

    shape: tuple
    values: dict
    alive: dict
    like: torch.Tensor


def seen(module, name):
    """A module's tensor as it is now."""
    pruned = any(getattr(hook, "_tensor_name", None) == name for hook in module._forward_pre_hooks.values())
    original = getattr(module, f"{name}_orig" if pruned else name).detach()
    mask = getattr(module, f"{name}_mask") if pruned else torch.ones_like(original)
    indices = list(itertools.product(*map(range, original.shape)))
    return Tensor(
        tuple(original.shape),
        {index: original[index].item() for index in indices},
        {index: mask[index].item() == 1 for index in indices},
        original,
    )


def rank(score):
    """NaN ranks above all numbers."""
    return (1, 0.0) if math.isnan(score) else (0, score)


def mask_without(tensor, gone):
    """A mask with zeros at some indices, and where it had them before."""
    mask = torch.ones(tensor.shape, dtype=tensor.like.dtype)
    for index in [*gone, *(index for index, alive in tensor.alive.items() if not alive)]:
        mask[index] = 0
    return mask


def semi_structured(tensors, pattern="2:4", dim=1):
    """Of every M entries along an axis, all but the N largest go, and first what is masked already."""
    keep, of = map(int, pattern.split(":"))
    assert 0 < keep < of
    for tensor in tensors:
        assert tensor.shape[dim] % of == 0
        axis = dim % len(tensor.shape)
        gone = []
        groups = itertools.groupby(
            sorted(tensor.values, key=lambda index: (index[:axis], index[axis + 1 :], index[axis])),
            key=lambda index: (index[:axis], index[axis + 1 :], index[axis] // of),
        )
        for _, group in groups:
            masked_first = sorted(
                group, key=lambda index: (tensor.alive[index], rank(abs(tensor.values[index])), index[axis])
            )
            gone += masked_first[: of - keep]
        yield mask_without(tensor, gone)


def count_of(amount, left):
    """How many an amount is."""
    count = amount if isinstance(amount, int) else round(amount * left)
    assert amount is not True
    assert 0 <= count <= left
    return count


def taken_together(tensors, scores, amount, floor, all_of=None):
    """Take the smallest one by one, passing over a tensor that has no more to give.

    Args:
        tensors: The tensors.
        scores: For each tensor, the score of what can go, by index or channel, in order.
        amount: As in a step.
        floor: The share of each tensor that stays.
        all_of: For each tensor, of how many the floor is a share; None for its entries.
    """
    count = count_of(amount, sum(map(len, scores)))
    assert 0 <= floor < 1
    all_of = all_of or [len(tensor.values) for tensor in tensors]
    room = [
        max(0, len(own) - math.ceil(Fraction(str(floor)) * every))
        for own, every in zip(scores, all_of, strict=True)
    ]
    gone = [[] for _ in tensors]
    candidates = [(rank(score), number, unit) for number, own in enumerate(scores) for unit, score in own.items()]
    for _, number, unit in sorted(candidates, key=lambda candidate: candidate[0]):
        if sum(map(len, gone)) < count and len(gone[number]) < room[number]:
            gone[number].append(unit)
    assert sum(map(len, gone)) == count
    return gone


def masks_without(tensors, gone):
    return [mask_without(tensor, own) for tensor, own in zip(tensors, gone, strict=True)]


def lamp(tensors, amount, floor=0.0):
    """Rank w² over the sum of the squares of all in its tensor that are as large or larger."""
    scores = []
    for tensor in tensors:
        living = {index: abs(tensor.values[index]) for index, alive in tensor.alive.items() if alive}
        largest = max((size for size in living.values() if math.isfinite(size)), default=0)
        own = {}
        for index, size in living.items():
            if math.isnan(size):
                own[index] = math.nan
            elif math.isinf(size):
                own[index] = 1.0
            else:
                larger = [other / largest for other in living.values() if size <= other < math.inf] if size else []
                own[index] = (size / largest) ** 2 / math.fsum(other**2 for other in larger) if size else 0.0
        scores.append(own)
    return masks_without(tensors, taken_together(tensors, scores, amount, floor))


def global_structured(tensors, amount, n=2, dim=0, floor=0.0):
    """Rank channels by the n-th root of the mean of |w|ⁿ."""
    assert not isinstance(n, str)
    assert n != 0
    scores, members = [], []
    for tensor in tensors:
        assert len(tensor.shape) > 1
        size = tensor.shape[dim]
        axis = dim % len(tensor.shape)
        inside = {channel: [index for index in tensor.values if index[axis] == channel] for channel in range(size)}
        living = [
            channel for channel, own in inside.items() if not own or any(tensor.alive[index] for index in own)
        ]
        members.append(inside)
        scores.append(
            {
                channel: mean_norm([abs(tensor.values[i]) if tensor.alive[i] else 0.0 for i in inside[channel]], n)
                for channel in living
            }
        )
    gone = taken_together(tensors, scores, amount, floor, [tensor.shape[dim] for tensor in tensors])
    return [
        mask_without(tensor, [index for channel in own for index in inside[channel]])
        for tensor, inside, own in zip(tensors, members, gone, strict=True)
    ]


def mean_norm(sizes, n):
    if not sizes:
        return 0.0
    if any(map(math.isnan, sizes)):
        return math.nan
    if math.isinf(n):
        return max(sizes) if n > 0 else min(sizes)
    if n < 0 and not all(sizes):
        return 0.0
    return (math.fsum(size**n for size in sizes) / len(sizes)) ** (1 / n)


def smallest_magnitudes(tensors, counts):
    gone = []
    for tensor, count in zip(tensors, counts, strict=True):
        living = [index for index, alive in tensor.alive.items() if alive]
        gone.append(sorted(living, key=lambda index: rank(abs(tensor.values[index])))[:count])
    return masks_without(tensors, gone)


def shared_out(tensors, amount, weights, least):
    """One ε for all, found by halving; then rounded, the largest remainders up."""
    left = [sum(tensor.alive.values()) for tensor in tensors]
    total = sum(left) - count_of(amount, sum(left))
    assert total >= sum(least)

    def kept(scale):
        return [
            min(most, max(low, scale * weight)) for weight, low, most in zip(weights, least, left, strict=True)
        ]

    low, high = Fraction(0), Fraction(max([1, *left]))
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(kept(middle)) >= total else (middle, high)
    exact = [round(number * 10**9) / Fraction(10**9) for number in kept(high)]
    whole = [math.floor(number) for number in exact]
    by_remainder = sorted(range(len(whole)), key=lambda number: whole[number] - exact[number])
    fitting = [number for number in by_remainder if whole[number] < left[number]]
    for number in fitting[: total - sum(whole)]:
        whole[number] += 1
    return smallest_magnitudes(tensors, [now - stays for now, stays in zip(left, whole, strict=True)])


def least_of(tensors, floor):
    assert 0 <= floor < 1
    return [min(sum(t.alive.values()), math.ceil(Fraction(str(floor)) * len(t.values))) for t in tensors]


def uniform_plus(tensors, amount, floor=0.0):
    least = least_of(tensors, floor)
    convolutions = [number for number, tensor in enumerate(tensors) if len(tensor.shape) > 2]
    linears = [number for number, tensor in enumerate(tensors) if len(tensor.shape) == 2]
    for number in linears[-1:]:
        fifth = -(-len(tensors[number].values) // 5)
        least[number] = min(sum(tensors[number].alive.values()), max(least[number], fifth))
    for number in convolutions[:1]:
        least[number] = sum(tensors[number].alive.values())
    return shared_out(tensors, amount, [len(tensor.values) for tensor in tensors], least)


def erdos_renyi_kernel(tensors, amount, floor=0.0):
    weights = [sum(tensor.shape) or 1 for tensor in tensors]
    return shared_out(tensors, amount, weights, least_of(tensors, floor))


def global_unstructured(tensors, amount, pruning_method="L1Unstructured", floor=0.0):
    """With a floor, which torch's has not."""
    living = [[index for index, alive in tensor.alive.items() if alive] for tensor in tensors]
    drawn = iter((-torch.rand(sum(map(len, living)))).tolist())
    scores = [
        {index: abs(tensor.values[index]) if pruning_method == "L1Unstructured" else next(drawn) for index in own}
        for tensor, own in zip(tensors, living, strict=True)
    ]
    return masks_without(tensors, taken_together(tensors, scores, amount, floor))


BY_L1 = {"uniform_plus", "erdos_renyi_kernel"}
"""Those whose masks are torch's L1 in each tensor."""
