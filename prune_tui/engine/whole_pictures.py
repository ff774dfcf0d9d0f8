"""A whole tensor as a small picture: each cell shows the entry of greatest magnitude that lies in it."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_tui.engine.boxes import Box, alive, boxes, parts_of
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.layers import Layers
from prune_tui.tensor_views import HAS_INF, HAS_NAN, HAS_ZERO, Heatmap


def pooled(layers: Layers, height: int, width: int, stop: Stop) -> Heatmap:
    """Pool a tensor by extreme; what is held besides is as large as the picture.

    Args:
        layers: The tensor; its last axis runs across, all others down.
        height: Cells there are, down.
        width: Cells there are, across.
        stop: Asked between boxes.

    Raises:
        Cancelled: `stop` said so.
    """
    missing = max(2 - layers.values.dim(), 0)
    layers = layers.cut(lambda tensor: tensor[(None,) * missing])
    *leading, columns = layers.values.shape
    picture = _Picture(prod(leading), columns, height, width)
    for box in boxes(layers.values, len(leading)):
        if stop():
            raise Cancelled
        picture.add(box, layers.cut(box.cut))
    return picture.told()


class _Picture:
    """Cells that fill; columns first, as the boxes have them."""

    def __init__(self, rows: int, columns: int, height: int, width: int) -> None:
        self.sizes = (columns, rows)
        self.cells = (min(width, columns), min(height, rows))
        self.lowest = np.full(self.cells, np.inf)
        self.highest = np.full(self.cells, -np.inf)
        self.kept = np.zeros(self.cells, np.int64)
        self.marks = np.zeros(self.cells, np.uint8)

    def add(self, box: Box, layers: Layers) -> None:
        values = layers.shown().numpy()
        left, lefts = parts_of(box.channels, self.sizes[0], self.cells[0])
        top, tops = parts_of(box.entries, self.sizes[1], self.cells[1])
        here = (slice(left, left + len(lefts)), slice(top, top + len(tops)))

        def each(reduce: np.ufunc, entries: npt.NDArray[Any]) -> npt.NDArray[Any]:
            """One number for each cell."""
            found: npt.NDArray[Any] = reduce.reduceat(reduce.reduceat(entries, tops, axis=1), lefts, axis=0)
            return found

        kept = np.ones(values.shape, np.uint8) if layers.kept is None else alive(layers.kept)
        finite = np.isfinite(values)
        self.lowest[here] = np.minimum(self.lowest[here], each(np.minimum, np.where(finite, values, np.inf)))
        self.highest[here] = np.maximum(self.highest[here], each(np.maximum, np.where(finite, values, -np.inf)))
        self.kept[here] += each(np.add, kept.astype(np.int64))
        for mark, where in (
            (HAS_NAN, np.isnan(values)),
            (HAS_INF, np.isinf(values)),
            (HAS_ZERO, (values == 0) & (kept != 0)),
        ):
            self.marks[here] |= each(np.maximum, where * np.uint8(mark))

    def told(self) -> Heatmap:
        values = np.where(self.highest >= -self.lowest, self.highest, self.lowest)
        values[~np.isfinite(values)] = np.nan
        entries = np.outer(*(self._entries(axis) for axis in (0, 1)))
        shares = np.clip(np.round(255 * self.kept / np.maximum(entries, 1)), 1, 254)
        shares[self.kept == 0] = 0
        shares[self.kept == entries] = 255
        width, height = self.cells
        with np.errstate(over="ignore"):  # beyond float32's range it is Inf
            told = values.T.astype("<f4").tobytes()
        return Heatmap(height, width, told, shares.T.astype(np.uint8).tobytes(), self.marks.T.tobytes())

    def _entries(self, axis: int) -> npt.NDArray[np.int64]:
        """How many indices each cell has."""
        cells = max(self.cells[axis], 1)
        return np.diff(np.arange(cells + 1) * self.sizes[axis] // cells)[: self.cells[axis]]
