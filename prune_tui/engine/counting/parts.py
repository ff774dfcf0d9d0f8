"""A piece of a tensor as it is counted: on the CPU, in one row, in a dtype that counting knows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from prune_tui.engine.counting.distribution import Floats
from prune_tui.engine.counting.patterns import coding
from prune_tui.engine.layers import Layers
from prune_tui.engine.reading import as_numbers
from prune_tui.engine.selection.cores import scratch

Truths = npt.NDArray[np.bool_]


class Part(NamedTuple):
    """One piece; its arrays may be scratch memory of the thread, which lasts until the next one.

    Attributes:
        before: What its histogram is of: the values before masking, or else what the view shows. Numbers of 8 and
            16 bits and float32 as they are, others as float64.
        seen: What the view shows, likewise: `before` itself where that is the same; None where it is its product
            with zeros and ones.
        gone: Which entries the mask takes; None where nothing is pruned.
        factors: Those zeros and ones.
    """

    before: Tensor
    seen: Tensor | None
    gone: Truths | None = None
    factors: npt.NDArray[Any] | None = None

    def numbers(self) -> Floats:
        """What the view shows as float64, in scratch memory."""
        row = _wide(self.before if self.seen is None else self.seen).numpy()
        if self.factors is not None:
            with np.errstate(all="ignore"):  # 0 × inf is NaN, as torch has it, without a word
                row = np.multiply(row, self.factors, out=scratch(row.dtype, row.size, 1), casting="unsafe")
        numbers = scratch(np.float64, row.size)
        np.copyto(numbers, row)
        return numbers


def _wide(row: Tensor) -> Tensor:
    return row if row.dtype.itemsize > 2 else as_numbers(row)


def part_of(piece: Layers, scale: float) -> Part:
    """Prepare a piece.

    Args:
        piece: At most some hundred thousand entries.
        scale: Numbers that become float64 are multiplied with it, and float32 is unless it is 1; those of 8 and
            16 bits never.
    """
    piece = piece.cut(lambda layer: layer.cpu().resolve_neg())
    before = _row(piece.values if piece.view in {"effective", "orig"} else piece.seen(), scale)
    if piece.kept is None:
        return Part(before, before)
    kept = _mask(piece.kept)
    gone = np.equal(kept, 0, out=scratch(np.bool_, kept.size))
    if piece.view != "effective":
        return Part(before, before, gone)
    ones = np.equal(kept, 1, out=scratch(np.bool_, kept.size, 1))
    binary = np.count_nonzero(gone) + np.count_nonzero(ones) == kept.size
    # A complex infinity times 1 is NaN in part, and float8_e8m0fnu has no 0.
    if binary and not piece.values.is_complex() and coding(before.dtype).zeros:
        return Part(before, None, gone, kept)
    return Part(before, _row(piece.seen(), scale), gone)


def _row(tensor: Tensor, scale: float) -> Tensor:
    flat = tensor.reshape(-1).contiguous()
    if coding(flat.dtype).exact or (flat.dtype is torch.float32 and scale == 1):
        return flat
    numbers = as_numbers(flat)
    return numbers if scale == 1 else numbers * scale


def _mask(kept: Tensor) -> npt.NDArray[Any]:
    """In one row, in a dtype that numpy has and is quick with."""
    if kept.is_complex():
        kept = kept.to(torch.complex128).resolve_conj()
    elif kept.is_floating_point() and kept.dtype.itemsize <= 2:
        kept = kept.to(torch.float32)
    row: npt.NDArray[Any] = kept.reshape(-1).numpy()
    return row
