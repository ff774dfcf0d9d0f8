"""How far a mask is in patterns that some kernels run faster or store smaller: 2:4, 4:8, empty blocks.

Sources: for 2:4 and its dtypes and sizes `torch.sparse.semi_structured`, which is asked itself; for convolutions
NVIDIA's TensorRT documentation, "Structured Sparsity": of every four input channels, at each output channel and
place of the kernel, at least two are zero; for blocks `torch.Tensor.to_sparse_bsr`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from prune_tui.engine.boxes import alive, boxes
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.reading import dtype_name
from prune_tui.tensor_views import Satisfied

BLOCK = 16
"""Rows and columns of a block: the least that sparse kernels are made for."""


class Place(NamedTuple):
    """A tensor and where it stands.

    Attributes:
        module: What holds it.
        values: As stored.
        kept: Its mask; None where nothing is pruned.
        axes: A name for each axis.
    """

    module: nn.Module
    values: Tensor
    kept: Tensor | None
    axes: tuple[str, ...]


def patterns(place: Place, stop: Stop) -> tuple[Satisfied, ...]:
    """2:4 and 4:8 along the axis that is summed over, and blocks with nothing kept.

    Raises:
        Cancelled: `stop` said so.
    """
    axis = _summed_axis(place.axes)
    names = [f"{kept}:{of} along {place.axes[axis]}" if axis >= 0 else f"{kept}:{of}" for kept, of in _GROUPS]
    if place.values.dim() < 2 or not place.values.numel():
        why = _NO_ENTRIES if not place.values.numel() else _NO_MATRIX
        return tuple(Satisfied(name, 0, 0, why) for name in (*names, _BLOCKS))
    there = _groups_there(place, axis, stop)
    means = (_means_of_2_4(place, axis), _MEANS_OF_4_8)
    size, rest = place.values.shape[axis], place.values.numel()
    told = []
    for name, (_, of), found, sentence in zip(names, _GROUPS, there, means, strict=True):
        unfit = f"{place.axes[axis]} is {size}, which is no multiple of {of}."
        told.append(Satisfied(name, 0, 0, unfit) if size % of else Satisfied(name, found, rest // of, sentence))
    return (*told, _blocks(place, stop))


_NO_ENTRIES = "It has no entries."
_NO_MATRIX = "Kernels for this take matrices; a tensor of fewer than two axes is none."
_GROUPS = ((2, 4), (4, 8))
_BLOCKS = f"{BLOCK}×{BLOCK} blocks"
_MEANS_OF_4_8 = (
    "Less strict than 2:4, which implies it. torch.sparse.to_sparse_semi_structured stores 2:4 only: it would lose"
    " entries of this."
)


def _summed_axis(axes: tuple[str, ...]) -> int:
    """The axis along which products are added up; -1 for a tensor without axes."""
    return axes.index("in") if "in" in axes else len(axes) - 1


def _groups_there(place: Place, axis: int, stop: Stop) -> tuple[int, int]:
    """Groups of four with at most two kept, and of eight with at most four; 0 where the size allows none."""
    size = place.values.shape[axis]
    if place.kept is None or size % 4:
        return 0, 0
    fours_there = eights_there = 0
    for box in boxes(place.kept, axis, multiple=8):
        if stop():
            raise Cancelled
        part = alive(box.cut(place.kept))
        fours = part[0::4] + part[1::4] + part[2::4] + part[3::4]
        fours_there += int(np.count_nonzero(fours <= 2))
        if size % 8 == 0:
            eights_there += int(np.count_nonzero(fours[0::2] + fours[1::2] <= 4))
    return fours_there, eights_there


def _means_of_2_4(place: Place, axis: int) -> str:
    """What 2:4 would allow."""
    if isinstance(place.module, nn.Embedding | nn.EmbeddingBag):
        return "An embedding is looked up, not multiplied: only a Linear that shares it would gain."
    if place.values.dim() > 2:
        return (
            "torch.sparse.to_sparse_semi_structured takes matrices only. TensorRT reads convolutions like this:"
            f" groups along {place.axes[axis]}, at each place of the kernel."
        )
    return _what_torch_takes(place.values)


def _what_torch_takes(values: Tensor) -> str:
    """In which dtypes torch would store a matrix of this size, as the torch that runs says it."""
    # The class is a prototype, its table private: without it less is said.
    taker = getattr(torch.sparse, "SparseSemiStructuredTensorCUSPARSELT", None)
    limits: dict[torch.dtype, Any] = getattr(taker, "_DTYPE_SHAPE_CONSTRAINTS", {})
    if not limits:
        return "torch.sparse.to_sparse_semi_structured needs a matrix on a CUDA device."
    rows, columns = values.shape
    fit = [
        str(dtype).removeprefix("torch.")
        for dtype, limit in limits.items()
        if rows % limit.sparse_min_rows == 0 and columns % limit.sparse_min_cols == 0
    ]
    if not fit:
        least = min(limits.values(), key=lambda limit: (limit.sparse_min_rows, limit.sparse_min_cols))
        return (
            f"torch.sparse.to_sparse_semi_structured does not take {rows}×{columns}: it needs multiples of"
            f" {least.sparse_min_rows} rows and {least.sparse_min_cols} columns."
        )
    return (
        f"torch.sparse.to_sparse_semi_structured takes a matrix that is all 2:4, contiguous and on a CUDA device,"
        f" as {_either(fit)}; this one is {dtype_name(values)} on {values.device}."
    )


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _blocks(place: Place, stop: Stop) -> Satisfied:
    """Blocks of the matrix first axis × all others that the mask takes wholly."""
    rows = place.values.shape[0]
    columns = place.values.numel() // rows
    if rows % BLOCK or columns % BLOCK:
        unfit = f"As a matrix this is {rows}×{columns}: not both are multiples of {BLOCK}."
        return Satisfied(_BLOCKS, 0, 0, unfit)
    shape = (rows // BLOCK, columns // BLOCK)
    matrix = "it" if place.values.dim() == 2 else f"it as a matrix {place.axes[0]} × all others"
    means = f"Tensor.to_sparse_bsr(({BLOCK}, {BLOCK})) stores {matrix} without the empty blocks."
    if place.kept is None:
        return Satisfied(_BLOCKS, 0, shape[0] * shape[1], means)
    some = np.zeros(shape, np.uint8)
    for box in boxes(place.kept, 0):
        if stop():
            raise Cancelled
        part = alive(box.cut(place.kept))
        down, across = _blocks_of(box.channels), _blocks_of(box.entries)
        found = np.maximum.reduceat(part, list(_starts(box.entries)), axis=1)
        some[down, across] |= np.maximum.reduceat(found, list(_starts(box.channels)), axis=0)
    return Satisfied(_BLOCKS, int(np.count_nonzero(some == 0)), some.size, means)


def _blocks_of(indices: slice) -> slice:
    """The blocks in which some indices lie."""
    return slice(indices.start // BLOCK, -(-indices.stop // BLOCK))


def _starts(indices: slice) -> Iterator[int]:
    """Where among some indices each of their blocks begins."""
    blocks = _blocks_of(indices)
    return (max(block * BLOCK - indices.start, 0) for block in range(blocks.start, blocks.stop))
