"""The same tensor of all repeated layers side by side, and which of them is unlike the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import NamedTuple

from torch import nn

from prune_tui.engine import channel_rows, targets, walking
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.pruned import base_names, is_pruned
from prune_tui.engine.reading import shape_of, stored
from prune_tui.tensor_views import Heatmap, Member, Stack

Pool = Callable[[Layers, int, int], Heatmap]
"""From a tensor and the cells there are, down and across, to its picture."""

MOST = 64
"""Members of a stack, at most."""


class Siblings(NamedTuple):
    """Tensors of one shape whose names differ in numbers only.

    Attributes:
        pattern: Their name, with `*` for these numbers.
        paths: Their names, in the order of the model; the one asked for is among them.
        left_out: How many more there are.
    """

    pattern: str
    paths: tuple[str, ...]
    left_out: int = 0


def siblings(model: nn.Module, path: str) -> Siblings:
    """The tensors that stand where this one does in layers like its own.

    Of a name with several numbers the first in which others differ is taken: `layers.3.experts.0.up` is stacked
    over the layers, not over the experts. Only where no single number will do are several.

    Args:
        model: The model.
        path: Dotted name of a tensor.

    Returns:
        Only the tensor itself where there is no other.

    Raises:
        StepError: The path names no module.
    """
    parts = path.split(".")
    alike = {other: _differing(parts, other.split(".")) for other in _of_the_same_shape(model, path)}
    numbers = [place for place, part in enumerate(parts) if _is_number(part)]
    choices = [{place} for place in numbers] + [set(numbers)]
    for choice in choices:
        found = [other for other, places in alike.items() if places is not None and places <= choice]
        if len(found) > 1:
            varying = {place for other in found for place in alike[other] or ()}
            pattern = ".".join("*" if place in varying else part for place, part in enumerate(parts))
            first = max(0, found.index(path) - MOST + 1)
            some = tuple(found[first : first + MOST])
            return Siblings(pattern, some, len(found) - len(some))
    return Siblings(path, (path,))


def _of_the_same_shape(model: nn.Module, path: str) -> Iterator[str]:
    """The names of all tensors of its shape, its own among them, in the order of the model."""
    module, name = targets.locate(model, path)
    own = stored(module, name)
    if own is None:
        return
    known = False
    for prefix, holder in walking.named_modules_of(model):
        for other in _names(holder):
            tensor = stored(holder, other)
            if tensor is not None and shape_of(tensor) == shape_of(own):
                found = f"{prefix}.{other}" if prefix else other
                known |= found == path
                yield found
    if not known:  # it stands in a module that has a place before this one
        yield path


def _names(module: nn.Module) -> Iterator[str]:
    """Its parameters by the names people prune them by, and its buffers; masks are no tensors of their own."""
    yield from base_names(module)
    for name in module._buffers:
        if not is_pruned(module, name.removesuffix("_mask")):
            yield name


def _differing(left: Sequence[str], right: Sequence[str]) -> set[int] | None:
    """Where two names differ; None where not in numbers only."""
    if len(left) != len(right):
        return None
    places = {place for place, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]}
    return places if all(_is_number(left[place]) and _is_number(right[place]) for place in places) else None


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit()


class _Measured(NamedTuple):
    path: str
    elements: int
    kept: int
    rms: float | None
    picture: Heatmap


def stack(
    found: Siblings,
    look: Callable[[str], Layers | NoValues],
    size: tuple[int, int],
    pool: Pool,
    stop: Stop,
) -> Stack:
    """Measure siblings and tell how odd each is.

    Args:
        found: The siblings.
        look: Takes hold of a tensor in the view asked for.
        size: Cells of a picture, down and across.
        pool: Draws a whole tensor in so many cells or fewer: its last axis across, all others down.
        stop: Asked between pieces of the work.

    Returns:
        The stack, or a note why there is none.

    Raises:
        Cancelled: `stop` said so.
    """
    if len(found.paths) < 2:
        return Stack(found.pattern, note=f"no other layer has a {found.pattern.rpartition('.')[2]} like this one")
    measured = [_measured(path, look(path), size, pool, stop) for path in found.paths]
    by_rms = _oddness([one.rms for one in measured])
    by_kept = _oddness([one.kept / one.elements if one.elements else None for one in measured])
    members = tuple(
        Member(one.path, one.elements, one.kept, one.rms, rms, kept, one.picture)
        for one, rms, kept in zip(measured, by_rms, by_kept, strict=True)
    )
    return Stack(found.pattern, members, found.left_out)


def _measured(path: str, layers: Layers | NoValues, size: tuple[int, int], pool: Pool, stop: Stop) -> _Measured:
    if isinstance(layers, NoValues):
        picture = Heatmap(0, 0, note=layers.note)
        return _Measured(path, layers.elements, layers.elements - layers.masked, None, picture)
    whole = channel_rows.rows(layers.cut(lambda tensor: tensor[None]), 0, stop)
    finite = int(whole.finite[0])
    rms = math.sqrt(float(whole.squares[0]) / finite) if finite else None
    return _Measured(path, whole.entries, int(whole.kept[0]), rms, pool(layers, *size))


def _oddness(values: Sequence[float | None]) -> list[float]:
    """How far each is from the median, in median absolute deviations; infinitely where others have no deviation.

    One without a value is infinitely odd, unless none has any.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return [0.0] * len(values)
    middle = median(known)
    deviation = median(abs(value - middle) for value in known)
    told = []
    for value in values:
        apart = math.inf if value is None else abs(value - middle)
        if apart <= 1e-9 * abs(middle):  # equal, but for the last bits of a sum
            told.append(0.0)
        else:
            told.append(apart / deviation if deviation else math.inf)
    return told
