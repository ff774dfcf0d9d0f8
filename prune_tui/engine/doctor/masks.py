"""Checks of masks and of the values behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor
from torch.nn.parameter import is_lazy

from prune_tui.engine.doctor import orphans
from prune_tui.engine.doctor.examination import Examination, PrunedTensor
from prune_tui.engine.doctor.found import Found
from prune_tui.engine.reading import comparable, shape_of
from prune_tui.engine.targets import listed


def misfits(seen: Examination) -> Iterator[Found]:
    """Masks of another shape or on another device than their values."""
    for one in seen.pruned:
        if not one.fits:
            told = [f"{_size(of)} on {of.device}" for of in (one.mask, one.original)]
            yield Found(one.holder.path, one.path, {"mask": told[0], "values": told[1]})


def _size(tensor: Tensor) -> str:
    return "not initialised" if is_lazy(tensor) else "×".join(map(str, shape_of(tensor))) or "scalar"


def stale(seen: Examination) -> Iterator[Found]:
    """Attributes that are not orig × mask; all in one finding, since a training step leaves them all so."""
    yield from _together(
        one for one, counted in seen.readable() if counted.stale and one.name not in one.holder.parameters
    )


def poisoned(seen: Examination) -> Iterator[Found]:
    """NaN and infinity under a mask."""
    for one, counted in seen.readable():
        if counted.poisoned:
            yield Found(one.holder.path, one.path, {"count": f"{counted.poisoned:,}"})


def scaled(seen: Examination) -> Iterator[Found]:
    """Masks of other values than 0 and 1."""
    for one, counted in seen.readable():
        if counted.scaled:
            yield Found(one.holder.path, one.path, {"count": f"{counted.scaled:,} of {counted.elements:,}"})


def idle(seen: Examination) -> Iterator[Found]:
    """Masks that take nothing; all in one finding, since preparing a model leaves every one of them so."""
    yield from _together(
        one
        for one, counted in seen.readable()
        if counted.kept == counted.elements and not counted.scaled and counted.elements
    )


def _together(found: Iterable[PrunedTensor]) -> Iterator[Found]:
    tensors = list(found)
    if tensors:
        first, paths = tensors[0], tuple(one.path for one in tensors)
        yield Found(first.holder.path, first.path if len(paths) == 1 else "", {"places": listed(paths)}, paths)


def dead(seen: Examination) -> Iterator[Found]:
    """Masks that take everything; a bias without any is a usual thing."""
    for one, counted in seen.readable():
        if counted.elements and not counted.kept and not one.name.startswith("bias"):
            yield Found(one.holder.path, one.path, {"count": f"{counted.elements:,}"})


def nans(seen: Examination) -> Iterator[Found]:
    """NaN that no mask takes."""
    behind_masks = {id(one.parameter) for one in seen.pruned}
    for one, counted in seen.readable():
        if counted.nans:
            yield Found(one.holder.path, one.path, {"count": f"{counted.nans:,}"})
    told: set[int] = set()
    for holder in seen.holders:
        for name, parameter in holder.parameters.items():
            if parameter is None or id(parameter) in behind_masks | told or not orphans.has_values(parameter):
                continue
            told.add(id(parameter))
            count = _nans(seen, parameter)
            if count:
                yield Found(holder.path, holder.dotted(name), {"count": f"{count:,}"})


def _nans(seen: Examination, parameter: Tensor) -> int:
    if not (parameter.is_floating_point() or parameter.is_complex()):
        return 0
    return sum(
        int(comparable(piece).isnan().count_nonzero())
        for (piece,) in seen.pieces(parameter)
        if orphans.may_not_be_finite(piece)
    )


def without_entries(seen: Examination) -> Iterator[Found]:
    """Parameters of no entries."""
    for holder in seen.holders:
        for name, parameter in holder.parameters.items():
            if parameter is not None and orphans.has_values(parameter) and not parameter.numel():
                yield Found(holder.path, holder.dotted(name), {"shape": "×".join(map(str, parameter.shape))})


def inference_tensors(seen: Examination) -> Iterator[Found]:
    """Masks made inside `torch.inference_mode`."""
    for one in seen.pruned:
        if not is_lazy(one.mask) and one.mask.is_inference() and one.parameter.requires_grad:
            yield Found(one.holder.path, one.path)
