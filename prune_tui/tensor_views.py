"""What the engine tells of one tensor: pooled pictures, channels, structure, a stack of like tensors.

Arrays travel as bytes: little-endian float32 or uint8, row by row. A tuple of a million floats takes half a second
to pack, bytes take none. An array that does not apply is empty.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from prune_tui.views import Body

Pool = Literal["extreme", "mean"]
"""How many entries become one cell: the one of greatest magnitude, with its sign, or their mean."""
POOLS: tuple[Pool, ...] = ("extreme", "mean")

# What a cell of a pooled picture holds among others; bits of one byte.
HAS_NAN, HAS_INF, HAS_NEWLY_MASKED, HAS_ZERO = (1 << bit for bit in range(4))


class Tally(msgspec.Struct, frozen=True):
    """What a rectangle of a tensor holds, counted exactly, whatever it is pooled to.

    Attributes:
        entries: How many there are.
        kept: Those that the mask keeps.
        going: Those of them that the previewed step would mask.
        dead_rows: Rows whose every entry in the rectangle is masked.
        dead_columns: Likewise.
    """

    entries: int = 0
    kept: int = 0
    going: int = 0
    dead_rows: int = 0
    dead_columns: int = 0


class Heatmap(Body, frozen=True):
    """A rectangle of one facet, pooled to so many cells or fewer; where it is smaller, a cell is an entry.

    Attributes:
        height: Rows of cells.
        width: Columns of cells.
        values: float32, `height × width`: pooled over the finite values; NaN where there are none.
        kept: uint8 likewise: the share of entries that the mask keeps, of 255; 0 only for none, 255 only for all.
        marks: uint8 likewise: bits `HAS_…`.
        note: Why there are no values.
        going: uint8 likewise: of the entries kept the share that the previewed step would mask, of 255; 0 only for
            none, 255 only for all. Empty where no step would mask any of the tensor.
        tally: Of the whole rectangle.
    """

    height: int
    width: int
    values: bytes = b""
    kept: bytes = b""
    marks: bytes = b""
    note: str = ""
    going: bytes = b""
    tally: Tally = Tally()


class Entry(Body, frozen=True):
    """One entry of a tensor in all its layers; a complex one by its magnitude.

    Attributes:
        effective: `orig × mask`.
        orig: Before masking.
        mask: None where nothing is pruned.
        step: How the last step changed the effective value.
        start: How the session did.
        note: Why there is none; then the numbers mean nothing.
    """

    effective: float = 0.0
    orig: float = 0.0
    mask: float | None = None
    step: float = 0.0
    start: float = 0.0
    note: str = ""


class Channels(Body, frozen=True):
    """A row for each index of one axis.

    Attributes:
        dim: The axis.
        entries: Of one channel.
        norms: float32: the L2 norm over finite values.
        kept: float32: the share of entries that the mask keeps, 0 to 1.
        minima: float32, over finite values; NaN where there are none.
        maxima: Likewise.
        bad: uint8: bits `HAS_NAN`, `HAS_INF`.
        profiles: uint8, `PROFILE` for each channel: the greatest magnitude in each of as many equal stretches of
            it, of 255 for the greatest of all channels.
        note: Why there are none.
    """

    dim: int
    entries: int = 0
    norms: bytes = b""
    kept: bytes = b""
    minima: bytes = b""
    maxima: bytes = b""
    bad: bytes = b""
    profiles: bytes = b""
    note: str = ""


PROFILE = 12
"""Stretches of a channel's profile, at most: fewer where it has fewer entries."""


class AxisDead(msgspec.Struct, frozen=True):
    """Which indices of an axis the mask takes wholly.

    Attributes:
        dim: The axis.
        size: How many indices it has.
        dead: How many are wholly masked.
        first: The first of those.
    """

    dim: int
    size: int
    dead: int
    first: tuple[int, ...] = ()


class Satisfied(msgspec.Struct, frozen=True):
    """How far a mask is in a pattern that hardware runs faster.

    Attributes:
        name: `2:4 along in`, `16×16 blocks`.
        there: Groups that satisfy it: at most n kept of m, or a block with none kept.
        of: Groups in all; 0 where the shape does not allow it.
        means: What it would allow, in a sentence; or why it cannot be.
    """

    name: str
    there: int
    of: int
    means: str


class Group(msgspec.Struct, frozen=True):
    """Rows or columns that belong together: a head, a gate.

    Attributes:
        name: `head 3`, `input gate`.
        entries: How many it has.
        kept: How many the mask keeps.
        norm: L2, over finite effective values.
    """

    name: str
    entries: int
    kept: int
    norm: float


class Structure(Body, frozen=True):
    """What a mask would allow.

    Attributes:
        elements: Entries.
        kept: Entries that the mask keeps.
        axes: Of each axis what is dead.
        patterns: How far it is in each pattern.
        groups: Heads or gates, where the module has such.
        grouped: What those are and how they were told, in a sentence.
        note: Why there is nothing to tell.
    """

    elements: int
    kept: int
    axes: tuple[AxisDead, ...] = ()
    patterns: tuple[Satisfied, ...] = ()
    groups: tuple[Group, ...] = ()
    grouped: str = ""
    note: str = ""


class Member(msgspec.Struct, frozen=True):
    """One tensor of a stack.

    Attributes:
        path: Dotted name.
        elements: Entries.
        kept: Entries that the mask keeps.
        rms: Root mean square of the finite values; None where there are none.
        rms_oddness: How far its rms is from the median of the stack, in median absolute deviations.
        kept_oddness: How far its kept share is, likewise.
        picture: Its whole tensor, pooled by extreme; of an N-d tensor all leading axes are rows.
    """

    path: str
    elements: int
    kept: int
    rms: float | None
    rms_oddness: float
    kept_oddness: float
    picture: Heatmap

    @property
    def oddness(self) -> float:
        """How odd it is, by what it is oddest in."""
        return max(self.rms_oddness, self.kept_oddness)


class Stack(Body, frozen=True):
    """The same tensor of all repeated layers.

    Attributes:
        pattern: `layers.*.mlp.up.weight`: `*` stands for the numbers in which the names differ.
        members: In the order of the model.
        left_out: How many more there are.
        note: Why there are none.
    """

    pattern: str
    members: tuple[Member, ...] = ()
    left_out: int = 0
    note: str = ""


class Located(Body, frozen=True):
    """Where the next entry of a kind is.

    Attributes:
        index: One number for each axis; None where there is none.
        value: What the view shows there.
        number: Which one it is of them: 1 for the first by index, of extremes for the greatest; 0 for none.
        of: How many there are.
        note: Why there is none.
    """

    index: tuple[int, ...] | None
    value: float = 0.0
    number: int = 0
    of: int = 0
    note: str = ""


class Drafted(Body, frozen=True):
    """What a painted mask comes to.

    Attributes:
        took: Entries that it masks.
        left: Entries that it keeps, of those that no mask takes yet.
    """

    took: int
    left: int


class Norms(Body, frozen=True):
    """How large the values of each module are.

    Attributes:
        norms: The L2 norm over the finite effective values of all parameters in and below it, for each row of the
            outline in its order.
    """

    norms: tuple[float, ...]


class Broken(msgspec.Struct, frozen=True):
    """A tensor with something wrong in it.

    Attributes:
        tensor: Dotted name.
        what: `3 NaN`, `all zero`, `constant 1`.
        one_value: There is neither NaN nor Inf in it, but nothing else than one value.
    """

    tensor: str
    what: str
    one_value: bool = False


class BrokenTensors(Body, frozen=True):
    """Every tensor that holds NaN or Inf, or nothing but one value, in the order of the model."""

    tensors: tuple[Broken, ...]
