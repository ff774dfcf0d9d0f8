"""Amounts for each layer that come to a wanted amount over all of them; then magnitude in each, by torch's L1.

A layer keeps ε times its weight in the share-out, the same ε for all, but no less than its least and no more than
it has left: where one would, it keeps just that, and ε is found anew for the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.effects import comes_to, ranked
from prune_tui.engine.methods import ranking
from prune_tui.engine.methods.torchs_own import PLANNERS, Masked, each
from prune_tui.engine.targets import Seen, listed
from prune_tui.step_settings import StepError
from prune_tui.step_types import ErdosRenyiKernel, L1Unstructured, UniformPlus
from prune_tui.steps import name_of

_LAST_KEEPS = Fraction(1, 5)


class Layer(NamedTuple):
    """What a layer may keep.

    Attributes:
        weight: In the share-out.
        least: Entries it keeps in any case.
        left: Entries it has left.
    """

    weight: int
    least: int
    left: int


def uniform_plus(step: UniformPlus, found: Sequence[Seen], stop: Stop) -> Iterator[Masked]:
    """The same density everywhere, but the first convolution stays as it is and the last linear layer keeps 20%.

    Convolutions are targets of three axes or more, linear layers those of two, first and last in the order given.

    Source: Gale, Elsen, Hooker, "The State of Sparsity in Deep Neural Networks", 2019, arXiv 1902.09574, of their
    ResNet-50; named uniform+ by Lee et al. 2021, arXiv 2010.07611.
    """
    convolutions = [index for index, target in enumerate(found) if target.original.dim() > 2]
    linears = [index for index, target in enumerate(found) if target.original.dim() == 2]

    def layer(index: int, target: Seen, least: int, left: int) -> Layer:
        if convolutions[:1] == [index]:
            least = left
        elif linears[-1:] == [index]:
            least = max(least, math.ceil(_LAST_KEEPS * target.original.numel()))
        return Layer(target.original.numel(), min(least, left), left)

    return _shared_out(step, found, layer, stop)


def erdos_renyi_kernel(step: ErdosRenyiKernel, found: Sequence[Seen], stop: Stop) -> Iterator[Masked]:
    """A density in proportion to a layer's sum of sizes over their product, (in + out + kh + kw) / (in·out·kh·kw).

    Source: Evci, Gale, Menick, Castro, Elsen, "Rigging the Lottery: Making All Tickets Winners", 2020,
    arXiv 1911.11134, section 3 (1); a layer that would need a density above 1 stays dense, as in its code.
    """

    def layer(_: int, target: Seen, least: int, left: int) -> Layer:
        return Layer(sum(target.original.shape) or 1, least, left)

    return _shared_out(step, found, layer, stop)


def _shared_out(
    step: Any, found: Sequence[Seen], layer: Callable[[int, Seen, int, int], Layer], stop: Stop
) -> Iterator[Masked]:
    left = [ranked(target) for target in each(found, stop)]
    least = [
        min(now, ranking.floor_of(step.floor, target.original.numel()))
        for now, target in zip(left, found, strict=True)
    ]
    layers = [layer(*one) for one in zip(range(len(found)), found, least, left, strict=True)]
    count = comes_to(step.amount, sum(left))
    most = sum(one.left - one.least for one in layers)
    where = listed(target.path for target in found)
    if count > sum(left):
        raise StepError(f"{where}: {sum(left)} entries left; amount {step.amount} asks for more")
    if count > most:
        raise StepError(
            f"{where}: amount {step.amount} takes {count} of {sum(left)} entries; {name_of(step)}"
            f"{f' with a floor of {step.floor}' if step.floor else ''} lets {most} go. Lower the amount"
        )
    kept = kept_by_each(layers, sum(left) - count)
    for target, now, stays in zip(each(found, stop), left, kept, strict=True):
        by_magnitude = L1Unstructured(targets=(target.path,), amount=now - stays, ties=step.ties)
        yield from PLANNERS[L1Unstructured](by_magnitude, [target], stop)


def kept_by_each(layers: Sequence[Layer], total: int) -> list[int]:
    """How many entries each layer keeps, in whole numbers that sum to a total.

    Args:
        layers: The layers.
        total: No less than the sum of what each keeps at least, no more than that of what each has left.
    """
    exact: dict[int, Fraction] = {}
    free = list(range(len(layers)))
    while free:
        scale = (total - sum(exact.values(), Fraction(0))) / max(1, sum(layers[index].weight for index in free))
        wanted = {index: scale * layers[index].weight for index in free}
        above = {index: Fraction(layers[index].left) for index in free if wanted[index] > layers[index].left}
        below = {index: Fraction(layers[index].least) for index in free if wanted[index] < layers[index].least}
        too_much = sum((wanted[index] - above[index] for index in above), Fraction(0))
        too_little = sum((below[index] - wanted[index] for index in below), Fraction(0))
        # Whichever is more will still be so with another ε: it is settled now, the other may settle itself.
        settled = above if too_much >= too_little and above else below
        exact |= settled or wanted
        free = [index for index in free if index not in exact]
    return _rounded([exact[index] for index in range(len(layers))], [layer.left for layer in layers], total)


def _rounded(exact: Sequence[Fraction], left: Sequence[int], total: int) -> list[int]:
    """Whole numbers of the same sum: those with the largest remainders are rounded up, the first of equal ones."""
    kept = [math.floor(number) for number in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: kept[index] - exact[index])
    open_to_more = [index for index in by_remainder if kept[index] < left[index]]
    for index in open_to_more[: total - sum(kept)]:
        kept[index] += 1
    return kept
