"""One entry of a tensor in all its layers: what the cursor reads out."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from prune_tui.engine.layers import Layers, NoValues
from prune_tui.tensor_views import Entry
from prune_tui.view_rows import VIEWS, View


def entry(layers_in: Callable[[View], Layers | NoValues], index: tuple[int, ...]) -> Entry:
    """Read one entry.

    Args:
        layers_in: The tensor as a view shows it, or why it has no values.
        index: One number for each axis.
    """
    shown: dict[View, float] = {}
    pruned = False
    for view in VIEWS:
        layers = layers_in(view)
        if isinstance(layers, NoValues):
            return Entry(note=layers.note)
        if not _inside(layers.values, index):
            shape = "×".join(map(str, layers.values.shape)) or "scalar"
            return Entry(note=f"the shape is {shape}: it has no entry {list(index)}")
        shown[view] = float(layers.cut(lambda layer: layer[index]).shown())
        pruned = layers.kept is not None
    return Entry(
        shown["effective"], shown["orig"], shown["mask"] if pruned else None, shown["step"], shown["start"]
    )


def _inside(values: Tensor, index: tuple[int, ...]) -> bool:
    return len(index) == values.dim() and all(0 <= at < size for at, size in zip(index, values.shape, strict=True))
