"""The visible part of an N-dimensional tensor, with what pruning did and would do to each of its entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.reading import as_numbers
from prune_tui.engine.selection.planned_masks import PlannedMask
from prune_tui.tensor_requests import Block, GetTile
from prune_tui.views import ALIVE, MASKED, NEWLY_MASKED, WOULD_GO, Tile, TileBlock


class Pruning(NamedTuple):
    """What pruning did last to a tensor, and what it would do.

    Attributes:
        alive_before: What was alive before the last step, where that took any; bool, of the tensor's shape.
        planned: The mask that the previewed step would give.
    """

    alive_before: Tensor | None = None
    planned: PlannedMask | None = None


class _Cut(NamedTuple):
    """A rectangle of each layer."""

    layers: Layers
    alive_before: Tensor | None
    planned: Tensor | None


def tile(layers: Layers | NoValues, request: GetTile, pruning: Pruning) -> Tile:
    """The blocks that a person sees. Only they are computed and copied, never the whole tensor.

    Args:
        layers: The tensor in the view asked for, or why it has no values.
        request: Which blocks; what reaches beyond the shape is left out.
        pruning: What is marked in them.

    Returns:
        The blocks in the order asked for, or a note why there are no values.
    """
    axes = (request.row_axis, request.column_axis)
    note = layers.note if isinstance(layers, NoValues) else misfit(layers.values, *axes, request.blocks)
    if note or isinstance(layers, NoValues):
        return Tile(blocks=(), note=note)
    return Tile(blocks=tuple(_told(_cut(layers, pruning, block, *axes)) for block in request.blocks))


def misfit(values: Tensor, row_axis: int, column_axis: int, blocks: Sequence[Block]) -> str:
    """Why the axes asked for are not those of the tensor, which may have changed since they were drawn."""
    axes = [axis for axis in (row_axis, column_axis) if axis != -1]
    facets = values.dim() - len(axes)
    fits = len(set(axes)) == len(axes) and all(0 <= axis < values.dim() for axis in axes)
    if fits and all(len(block.facet) == facets for block in blocks):
        return ""
    shape = "×".join(map(str, values.shape)) or "scalar"
    return f"the shape is {shape}: rows of axis {row_axis}, columns of axis {column_axis} do not fit"


def _cut(layers: Layers, pruning: Pruning, block: Block, row_axis: int, column_axis: int) -> _Cut:
    """The same rectangle of each, on the CPU."""

    def cut(layer: Tensor) -> Tensor:
        return rectangle(layer, block, row_axis, column_axis).cpu()

    before, planned = pruning.alive_before, pruning.planned
    return _Cut(
        layers.cut(cut), None if before is None else cut(before), None if planned is None else planned.shown(cut)
    )


def rectangle(tensor: Tensor, block: Block, row_axis: int, column_axis: int) -> Tensor:
    """A block as rows and columns, a view of the tensor; empty when its facet lies outside.

    Of a tensor of one axis, or none, it has so many axes.
    """
    ranges = {row_axis: block.rows, column_axis: block.columns}
    facets = [axis for axis in range(tensor.dim()) if axis not in ranges]
    index: list[int | slice] = [slice(None)] * tensor.dim()
    inside = True
    for axis, (start, stop) in ranges.items():
        if axis != -1:
            index[axis] = slice(max(start, 0), max(stop, 0))
    for axis, at in zip(facets, block.facet, strict=True):
        inside = inside and 0 <= at < tensor.shape[axis]
        index[axis] = at if inside else 0
    if not inside:
        return tensor.new_empty((0, 0))
    cut = tensor[tuple(index)]
    return cut.t() if row_axis > column_axis else cut


def _told(cut: _Cut) -> TileBlock:
    states, layers = _states(cut), cut.layers
    origs = as_numbers(layers.values) if layers.view == "effective" and bool((states != ALIVE).any()) else None
    return TileBlock(
        values=tuple(layers.shown().flatten().tolist()),
        states=bytes(states.flatten().tolist()),
        origs=() if origs is None else tuple(origs.flatten().tolist()),
    )


def _states(cut: _Cut) -> Tensor:
    """A masked entry cannot go again, so what would go marks the living and what went the masked."""
    values, kept = cut.layers.values, cut.layers.kept
    gone = torch.zeros_like(values, dtype=torch.bool) if kept is None else as_numbers(kept) == 0
    states = gone.to(torch.uint8) * MASKED
    if cut.alive_before is not None:
        states[gone & cut.alive_before] = NEWLY_MASKED
    if cut.planned is not None:
        states[~gone & (as_numbers(cut.planned) == 0)] = WOULD_GO
    return states
