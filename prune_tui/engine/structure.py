"""What a mask would allow: indices that are wholly gone, patterns that hardware knows, heads and gates."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from prune_tui.engine import channel_rows, hardware_patterns, targets
from prune_tui.engine.axes import axis_names
from prune_tui.engine.boxes import alive, boxes
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.channel_groups import Grouping, grouping
from prune_tui.engine.hardware_patterns import Place
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.reading import masked_entries
from prune_tui.tensor_views import AxisDead, Group, Structure

FIRST = 12
"""Dead indices that are named, at most."""


class Standing(NamedTuple):
    """A tensor where it stands in its model.

    Attributes:
        layers: The tensor in the view `effective`.
        place: As the hardware patterns look at it.
        groups: Which rows or columns of it belong together; None where nothing tells of any.
    """

    layers: Layers
    place: Place
    groups: Grouping | None


def standing(model: nn.Module, path: str, layers: Layers | NoValues) -> Standing | NoValues:
    """Look at what stands around a tensor: quick, and nobody may change the model meanwhile.

    Args:
        model: The model it stands in.
        path: Its dotted name.
        layers: The tensor in the view `effective`, or why it has no values.

    Raises:
        StepError: The path names no module.
    """
    if isinstance(layers, NoValues):
        return layers
    module, name = targets.locate(model, path)
    shape = tuple(layers.values.shape)
    place = Place(module, layers.values, layers.kept, axis_names(module, name, shape))
    return Standing(layers, place, grouping(model, path, shape))


def structure(tensor: Standing | NoValues, stop: Stop) -> Structure:
    """What the mask of a tensor would allow.

    Args:
        tensor: The tensor where it stands, or why it has no values.
        stop: Asked between boxes of 2^15 entries.

    Raises:
        Cancelled: `stop` said so.
    """
    if isinstance(tensor, NoValues):
        return Structure(tensor.elements, tensor.elements - tensor.masked, note=tensor.note)
    layers, place, found = tensor
    shape = tuple(layers.values.shape)
    along = [_kept_along(shape, layers.kept, dim, stop) for dim in range(len(shape))]
    elements = layers.values.numel()
    return Structure(
        elements=elements,
        kept=int(along[0].sum()) if along else elements - _masked(layers.kept),
        axes=tuple(_dead(dim, kept, elements) for dim, kept in enumerate(along)),
        patterns=hardware_patterns.patterns(place, stop),
        groups=() if found is None else tuple(_groups(layers, found, stop)),
        grouped="" if found is None else found.told,
    )


def _masked(kept: Tensor | None) -> int:
    return 0 if kept is None else masked_entries(kept)


def _kept_along(shape: Sequence[int], kept: Tensor | None, dim: int, stop: Stop) -> npt.NDArray[np.int64]:
    """How many entries a mask keeps at each index of an axis."""
    if kept is None:
        return np.full(shape[dim], prod(shape[:dim]) * prod(shape[dim + 1 :]), np.int64)
    counts = np.zeros(shape[dim], np.int64)
    for box in boxes(kept, dim):
        if stop():
            raise Cancelled
        counts[box.channels] += alive(box.cut(kept)).sum(axis=1, dtype=np.uint32)
    return counts


def _dead(dim: int, kept: npt.NDArray[np.int64], elements: int) -> AxisDead:
    """Which indices of an axis have entries, and none that is kept."""
    dead = np.flatnonzero(kept == 0)[: None if elements else 0]
    return AxisDead(dim, len(kept), len(dead), tuple(map(int, dead[:FIRST])))


def _groups(layers: Layers, found: Grouping, stop: Stop) -> list[Group]:
    rows = channel_rows.rows(layers, found.axis, stop)
    told = []
    for name, runs in zip(found.names, found.runs, strict=True):
        entries = sum(run.stop - run.start for run in runs) * rows.entries
        kept = sum(int(rows.kept[run].sum()) for run in runs)
        norm = sqrt(sum(float(rows.squares[run].sum()) for run in runs))
        told.append(Group(name, entries, kept, norm))
    return told
