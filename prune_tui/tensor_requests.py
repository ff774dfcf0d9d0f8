"""What the UI asks about one tensor, about all of them at once, and of a mask that is being painted."""

from __future__ import annotations

from typing import Literal

import msgspec

from prune_tui.request import Request
from prune_tui.steps import AnyStep
from prune_tui.tensor_views import Pool
from prune_tui.view_rows import View


class Toggle(msgspec.Struct, frozen=True):
    """Entries of a draft mask that go, or stay after all.

    Attributes:
        index: One number for each axis; -1 for all of it: `(3, -1)` is row 3.
    """

    index: tuple[int, ...]


class Painted(msgspec.Struct, frozen=True, tag_field="method", tag="painted"):
    """A mask as it was painted, of which the engine makes a `CustomFromMask`.

    The mask itself, a bit for each entry, is twelve megabytes for a tensor of a hundred million, and would travel
    with each stroke and with each tile that is looked at meanwhile.

    Attributes:
        tensor: Dotted name.
        toggles: In the order they were made: an entry named twice stays.
    """

    tensor: str
    toggles: tuple[Toggle, ...]


Intended = AnyStep | Painted
"""What a person is about to do: a step, or what a painted mask comes to."""


class Block(msgspec.Struct, frozen=True):
    """A rectangle of one facet: fixed leading indices, a range of rows and of columns.

    Attributes:
        facet: One index for each axis that is neither row nor column, in the order of the axes.
        rows: First row and one past the last.
        columns: First column and one past the last.
    """

    facet: tuple[int, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]


class GetTile(Request, frozen=True):
    """The visible part of a tensor. Answered with `Tile`.

    Attributes:
        tensor: Dotted name.
        view: Which values: the effective ones, those before masking, the mask, or effective minus original.
        row_axis: The axis that runs down; -1 when the tensor has fewer than two axes.
        column_axis: The axis that runs across; -1 for a scalar.
        blocks: What is visible.
        preview: Mark the entries this would mask.
    """

    tensor: str
    view: View
    row_axis: int
    column_axis: int
    blocks: tuple[Block, ...]
    preview: Intended | None = None


class GetStatistics(Request, frozen=True):
    """Count, range, moments, quantiles and histogram of a tensor. Answered with `Statistics`.

    Attributes:
        tensor: Dotted name.
        view: Which values.
        sampled: Of a sample only, within ten milliseconds; what is small is told exactly all the same.
    """

    tensor: str
    view: View
    sampled: bool = False


class GetHeatmap(Request, frozen=True):
    """A rectangle of a tensor, pooled to the cells there are. Answered with `Heatmap`.

    Attributes:
        tensor: Dotted name.
        view: Which values.
        row_axis: The axis that runs down; -1 when the tensor has fewer than two axes.
        column_axis: The axis that runs across; -1 for a scalar.
        block: The rectangle.
        height: Cells there are, down.
        width: Cells there are, across.
        pool: What becomes of the entries of a cell.
        preview: Mark the entries this would mask.
    """

    tensor: str
    view: View
    row_axis: int
    column_axis: int
    block: Block
    height: int
    width: int
    pool: Pool = "extreme"
    preview: Intended | None = None


class GetChannels(Request, frozen=True):
    """Each index of an axis in a row. Answered with `Channels`."""

    tensor: str
    view: View
    dim: int


class GetStructure(Request, frozen=True):
    """What the mask of a tensor would allow. Answered with `Structure`."""

    tensor: str


class GetStack(Request, frozen=True):
    """The same tensor of all repeated layers, pooled to so many cells each. Answered with `Stack`."""

    tensor: str
    view: View
    height: int
    width: int


class GetEntry(Request, frozen=True):
    """One entry in all its layers. Answered with `Entry`."""

    tensor: str
    index: tuple[int, ...]


class Locate(Request, frozen=True):
    """The next entry of a kind, round the end to the beginning. Answered with `Located`.

    Attributes:
        tensor: Dotted name.
        view: Which values.
        kind: What is looked for; `extreme` are the hundred of greatest magnitude, `not_finite` NaN and Inf.
        after: The entry to go on from, which is not found itself unless it is the only one; None before the first.
        forward: In the order of the indices, `extreme` from the greatest magnitude down; or against it.
    """

    tensor: str
    view: View
    kind: Literal["nan", "inf", "not_finite", "extreme", "masked"]
    after: tuple[int, ...] | None
    forward: bool = True


class GetBroken(Request, frozen=True):
    """Look for tensors with NaN or Inf, or of one value only. Answered with `BrokenTensors`."""


class GetNorms(Request, frozen=True):
    """The L2 norm of every module. Answered with `Norms`."""


class Draft(Request, frozen=True):
    """What a painted mask comes to. Changes nothing. Answered with `Drafted`."""

    painted: Painted
