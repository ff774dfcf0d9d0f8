"""The visible part of an N-dimensional tensor, with what pruning did and would do to each of its entries."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from prune_tui.engine import pruned
from prune_tui.engine.reading import as_numbers, stored, viewed, why_no_values
from prune_tui.engine.selection.planned_masks import PlannedMask
from prune_tui.protocol import Block, GetTile
from prune_tui.view_rows import View
from prune_tui.views import ALIVE, MASKED, NEWLY_MASKED, WOULD_GO, Tile, TileBlock


class _Layers(NamedTuple):
    """What lies over each other in a tile: all of one shape."""

    values: Tensor
    kept: Tensor | None
    before: Tensor | None
    planned: PlannedMask | None

    def cut(self, block: Block, row_axis: int, column_axis: int) -> _Cut:
        """The same rectangle of each, on the CPU."""

        def cut(layer: Tensor) -> Tensor:
            return _cut(layer, block, row_axis, column_axis)

        return _Cut(
            cut(self.values),
            None if self.kept is None else cut(self.kept),
            None if self.before is None else cut(self.before),
            None if self.planned is None else self.planned.shown(cut),
        )


class _Cut(NamedTuple):
    """A rectangle of each layer."""

    values: Tensor
    kept: Tensor | None
    before: Tensor | None
    planned: Tensor | None


def tile(
    module: nn.Module, name: str, request: GetTile, before: Tensor | None, planned: PlannedMask | None
) -> Tile:
    """The blocks that a person sees. Only they are computed and copied, never the whole tensor.

    Args:
        module: What holds the tensor.
        name: The tensor's name there: `weight`, also while it is pruned.
        request: Which view and which blocks; what reaches beyond the shape is left out.
        before: What was alive before the last step, where that took any; bool, of the tensor's shape.
        planned: The mask that the previewed step would give.

    Returns:
        The blocks in the order asked for, or a note why there are no values.
    """
    values, kept = stored(module, name), pruned.mask(module, name)
    if values is None:
        return Tile(blocks=(), note=f"{type(module).__name__} has no tensor {name}")
    note = why_no_values(values) or _misfit(values, request)
    if note:
        return Tile(blocks=(), note=note)
    layers = _Layers(values.detach(), kept, before, planned)
    cuts = (layers.cut(block, request.row_axis, request.column_axis) for block in request.blocks)
    return Tile(blocks=tuple(_told(cut, request.view) for cut in cuts))


def _misfit(values: Tensor, request: GetTile) -> str:
    """Why the axes asked for are not those of the tensor, which may have changed since they were drawn."""
    axes = [axis for axis in (request.row_axis, request.column_axis) if axis != -1]
    facets = values.dim() - len(axes)
    fits = len(set(axes)) == len(axes) and all(0 <= axis < values.dim() for axis in axes)
    if fits and all(len(block.facet) == facets for block in request.blocks):
        return ""
    shape = "×".join(map(str, values.shape)) or "scalar"
    asked = f"rows of axis {request.row_axis}, columns of axis {request.column_axis}"
    return f"the shape is {shape}: {asked} do not fit"


def _cut(tensor: Tensor, block: Block, row_axis: int, column_axis: int) -> Tensor:
    """A block as rows and columns; empty when its facet lies outside."""
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
        return tensor.new_empty((0, 0), device="cpu")
    cut = tensor[tuple(index)].cpu()
    return cut.t() if row_axis > column_axis else cut


def _told(cut: _Cut, view: View) -> TileBlock:
    states = _states(cut)
    values = viewed(cut.values, cut.kept, view)
    origs = as_numbers(cut.values) if view == "effective" and bool((states != ALIVE).any()) else None
    return TileBlock(
        values=tuple(values.flatten().tolist()),
        states=bytes(states.flatten().tolist()),
        origs=() if origs is None else tuple(origs.flatten().tolist()),
    )


def _states(cut: _Cut) -> Tensor:
    """A masked entry cannot go again, so what would go marks the living and what went the masked."""
    gone = torch.zeros_like(cut.values, dtype=torch.bool) if cut.kept is None else as_numbers(cut.kept) == 0
    states = gone.to(torch.uint8) * MASKED
    if cut.before is not None:
        states[gone & cut.before] = NEWLY_MASKED
    if cut.planned is not None:
        states[~gone & (as_numbers(cut.planned) == 0)] = WOULD_GO
    return states
