"""Choosing the entries of smallest magnitude by counting: torch's very choice, without sorting what nobody reads.

`torch.topk` copies sixteen bytes an entry and sorts its result. Here a sample brackets the threshold, one pass
over all tensors counts what lies below the bracket and collects what lies inside, and only that is searched. The
tensors may differ in dtype and device: each is read where it lies, in the patterns of its own dtype.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.selection import cores, device_passes, living, passes, product
from prune_tui.engine.selection.living import Before
from prune_tui.engine.selection.magnitudes import KINDS, Words, narrowed, widened, words
from prune_tui.engine.selection.passes import Ranked, Tally
from prune_tui.step_settings import Bits

FEW = 2**14
"""Entries among which the threshold is searched without a bracket."""
_SAMPLED = (2**13, 2**18)
"""Least and most entries of the sample."""
_DEVICES = ("cpu", "cuda")


class Counted(NamedTuple):
    """A first pass that somebody made already.

    Attributes:
        low: The bracket's lower end, itself not inside: a pattern of the common dtype.
        high: Its upper end, not inside either.
        tallies: For each tensor what the jobs of `passes_of(values).tallies(one, low, high, collect=True)` found.
    """

    low: int
    high: int
    tallies: Sequence[Sequence[Tally]]


class Share(NamedTuple):
    """What of one tensor is among the smallest, in the patterns of the common dtype.

    Attributes:
        below: How many magnitudes are below the threshold.
        tied_by_piece: How many are equal to it, for each job of the passes over the tensor.
        greatest_below: The greatest that is below; -1 where there is none, None where the pass has not told.
    """

    below: int
    tied_by_piece: tuple[int, ...]
    greatest_below: int | None

    @property
    def tied(self) -> int:
        """How many are equal to the threshold."""
        return sum(self.tied_by_piece)


class Selection(NamedTuple):
    """The smallest magnitudes of some tensors together.

    Attributes:
        dtype: The dtype in which they are compared: torch's promotion of all their dtypes.
        threshold: The pattern of the greatest magnitude that goes; -1 where none goes.
        shares: What is theirs, in the order of the tensors.
        wanted: How many of those equal to the threshold go, of all tensors together.
    """

    dtype: torch.dtype
    threshold: int
    shares: tuple[Share, ...]
    wanted: int

    @property
    def tied(self) -> int:
        """How many are equal to the threshold; where more than `wanted`, someone has to choose."""
        return sum(share.tied for share in self.shares)


def passes_of(tensor: Tensor) -> ModuleType:
    """The passes that are quickest where a tensor lies."""
    return passes if tensor.device.type == "cpu" else device_passes


def ranked(values: Tensor, mask: Before | None, stop: Stop) -> Ranked | None:
    """A tensor as the selection ranks it; None where it cannot.

    Args:
        values: Any shape, dtype, device and strides; without gradient.
        mask: The mask before, of the same shape; only entries where it is 1 are ranked. None where there is none.
            Bits are taken of values on the CPU.
        stop: Asked between pieces.
    """
    if type(values) is not Tensor or values.dtype not in KINDS or values.device.type not in _DEVICES:
        return None
    if product.flushes():
        return None
    if mask is None:
        return Ranked(values.contiguous(), None, values.numel())
    if isinstance(mask, Bits):
        is_here = values.device.type == "cpu"
        return Ranked(values.contiguous(), mask, living.count(mask)) if is_here else None
    if (type(mask), mask.dtype, mask.device, mask.shape) != (Tensor, values.dtype, values.device, values.shape):
        return None
    mask = mask.contiguous()
    counted = cores.spread(_called, passes_of(mask).counts(mask), stop)
    zeros, ones = (sum(found) for found in zip(*counted, strict=True)) if counted else (0, 0)
    # torch ranks where a mask is 1 and keeps what else it holds; those are left to torch.
    return Ranked(values.contiguous(), mask, ones) if zeros + ones == mask.numel() else None


def _called(job: Callable[[], Any]) -> Any:
    return job()


def smallest(
    tensors: Sequence[Ranked], count: int, stop: Stop, counted: Counted | None = None
) -> Selection | None:
    """Find the threshold below which the `count` smallest magnitudes of some tensors lie.

    Args:
        tensors: The tensors, of one dtype where they were counted.
        count: How many go, at most as many as are ranked.
        stop: Asked between pieces.
        counted: A first pass, where there was one, with the threshold inside its bracket if luck will have it.

    Returns:
        The selection; None where a NaN would have to go, which torch ranks above all.
    """
    dtype = functools.reduce(torch.promote_types, (one.values.dtype for one in tensors))
    if count == 0:
        return Selection(dtype, -1, (Share(0, (), -1),) * len(tensors), 0)
    search = _Search(tensors, dtype, count, stop)
    tallies = search.sampled(counted) or search.halved()
    if tallies is None:
        return None
    if search.collected:
        below = sum(tally.below for tally in tallies)
        inside = np.concatenate([part for tally in tallies for part in tally.collected])
        inside.partition(count - below - 1)
        threshold = int(inside[count - below - 1])
    else:
        threshold = search.low + 1
    if threshold > KINDS[dtype].infinite:
        return None
    shares = tuple(_share(tally, threshold, collected=search.collected) for tally in tallies)
    return Selection(dtype, threshold, shares, count - sum(share.below for share in shares))


def _share(tally: _Sum, threshold: int, *, collected: bool) -> Share:
    unknown = None if tally.below else -1
    if not collected:
        return Share(tally.below, tally.inside, unknown)
    smaller, greatest, tied = 0, -1, []
    for part in tally.collected:
        less = part < threshold
        smaller += (found := int(np.count_nonzero(less)))
        tied.append(int(np.count_nonzero(part == threshold)))
        if found:
            greatest = max(greatest, int(part[less].max()))
    return Share(tally.below + smaller, tuple(tied), greatest if smaller else unknown)


class _Sum(NamedTuple):
    """What a pass found in a tensor, in the patterns of the common dtype.

    Attributes:
        below: How many magnitudes are below the bracket.
        inside: How many are inside, by piece.
        collected: Those, by piece, where they were asked for.
    """

    below: int
    inside: tuple[int, ...]
    collected: tuple[Words, ...]


class _Search:
    """The search for a bracket that holds the threshold.

    Attributes:
        low: The bracket's lower end, itself not inside.
        collected: The magnitudes inside were collected; else they are all one and the same.
    """

    def __init__(self, tensors: Sequence[Ranked], dtype: torch.dtype, count: int, stop: Stop) -> None:
        self._tensors = tensors
        self._dtype = dtype
        self._count = count
        self._stop = stop
        self.low = -1
        self.collected = True

    def sampled(self, counted: Counted | None) -> list[_Sum] | None:
        """By a sample: almost always the only pass, where not even that was made; None where it misled."""
        if counted is not None:
            low, high, self.low = counted.low, counted.high, counted.low
            tallies = [self._sum(one, found) for one, found in zip(self._tensors, counted.tallies, strict=True)]
        else:
            living = sum(one.living for one in self._tensors)
            low, high = _bracket(self._tensors, self._dtype, self._count / max(living, 1))
            tallies = self._pass(low, high)
        where = self._where(tallies)
        if not where:
            return tallies
        # Magnitudes that many share are the ends of the bracket themselves.
        end = low if where < 0 else high
        tallies = self._pass(end - 1, end + 1)
        return None if self._where(tallies) else tallies

    def halved(self) -> list[_Sum] | None:
        """By halving the patterns, one pass for each bit: slow, and always right. None where a NaN would go."""
        floor, ceiling = 0, KINDS[self._dtype].infinite
        while floor <= ceiling:
            middle = (floor + ceiling) // 2
            tallies = self._pass(middle - 1, middle + 1)
            where = self._where(tallies)
            if not where:
                return tallies
            floor, ceiling = (floor, middle - 1) if where < 0 else (middle + 1, ceiling)
        return None

    def _where(self, tallies: Sequence[_Sum]) -> int:
        """Whether the threshold is inside (0), below (-1) or above (1)."""
        below = sum(tally.below for tally in tallies)
        if self._count <= below:
            return -1
        return 0 if self._count <= below + sum(sum(tally.inside) for tally in tallies) else 1

    def _pass(self, low: int, high: int) -> list[_Sum]:
        """One sum for each tensor, in the patterns of the common dtype; what is inside, in any order."""
        kind = KINDS[self._dtype]
        self.low, high = min(max(low, -1), kind.infinite), min(high, kind.most)
        self.collected = high - self.low > 2
        jobs: list[tuple[int, Callable[[], Tally]]] = []
        for index, one in enumerate(self._tensors):
            own = one.values.dtype
            floor = narrowed(self.low, self._dtype, own)
            ceiling = min(narrowed(high - 1, self._dtype, own) + 1, one.kind.most)
            found = passes_of(one.values).tallies(one, floor, ceiling, collect=self.collected)
            jobs += [(index, job) for job in found]
        tallies: list[list[Tally]] = [[] for _ in self._tensors]
        for (index, _), tally in zip(jobs, cores.spread(_second_called, jobs, self._stop), strict=True):
            tallies[index].append(tally)
        return [self._sum(one, found) for one, found in zip(self._tensors, tallies, strict=True)]

    def _sum(self, one: Ranked, found: Sequence[Tally]) -> _Sum:
        parts = [tally.collected for tally in found] if self.collected else []
        return _Sum(
            sum(tally.below for tally in found),
            tuple(tally.inside for tally in found),
            tuple(widened(part, one.values.dtype, self._dtype) for part in parts),
        )


def _second_called(pair: tuple[int, Callable[[], Any]]) -> Any:
    return pair[1]()


def _bracket(tensors: Sequence[Ranked], dtype: torch.dtype, fraction: float) -> tuple[int, int]:
    """Two patterns with the threshold almost surely between them: five standard deviations of its rank."""
    kind, total = KINDS[dtype], sum(one.values.numel() for one in tensors)
    if total <= FEW:
        return -1, kind.most
    found = _sample(tensors, dtype, total)
    spread = 5 * (found.size * fraction * (1 - fraction)) ** 0.5 + 2
    first, last = int(found.size * fraction - spread), int(found.size * fraction + spread)
    within = [rank for rank in (first, last) if 0 <= rank < found.size]
    if within:
        found.partition(within)
    low = int(found[first]) if first in within else -1
    high = int(found[last]) if last in within else kind.most
    return low, max(high, low + 2)


def _sample(tensors: Sequence[Ranked], dtype: torch.dtype, total: int) -> Words:
    """Patterns of ranked entries: one anywhere in each of many equal stretches of the tensors."""
    # A generator of its own: the process's are not ours to draw from. The seed matters to nothing but the time.
    size = min(max(total >> 7, _SAMPLED[0]), _SAMPLED[1])
    chosen = ((np.arange(size) + np.random.default_rng(0).random(size)) * (total / size)).astype(np.int64)
    ends = np.cumsum([one.values.numel() for one in tensors])
    found = []
    for one, last, positions in zip(tensors, ends, np.split(chosen, np.searchsorted(chosen, ends)), strict=False):
        if positions.size:
            found.append(widened(_picked(one, positions - (last - one.values.numel())), one.values.dtype, dtype))
    return np.concatenate(found)


def _picked(one: Ranked, positions: npt.NDArray[np.int64]) -> Words:
    """The magnitudes at some positions, but for those that are not ranked."""
    picked: Words = _at(one.values, positions) & one.kind.signed(one.kind.most)
    if one.mask is None:
        return picked
    kept = living.at(one.mask, positions) if isinstance(one.mask, Bits) else _at(one.mask, positions) != 0
    found: Words = picked[kept]
    return found


def _at(tensor: Tensor, positions: npt.NDArray[np.int64]) -> Words:
    if tensor.device.type == "cpu":
        found: Words = words(tensor).take(positions)
        return found
    picked = tensor.view(-1)[torch.from_numpy(positions).to(tensor.device)].cpu()
    return words(picked)


def greatest_below(one: Ranked, selection: Selection, stop: Stop) -> int:
    """The greatest pattern of a tensor below the threshold, in the common dtype; -1 where there is none."""
    own = one.values.dtype
    border = narrowed(selection.threshold - 1, selection.dtype, own) + 1
    jobs = passes_of(one.values).greatest_below(one, border)
    found = max(cores.spread(_called, jobs, stop), default=-1)
    if found < 0:
        return -1
    return int(widened(np.array([found], one.kind.signed), own, selection.dtype)[0])
