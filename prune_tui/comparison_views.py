"""What the engine tells of two models that were compared: structure, values and masks apart."""

from __future__ import annotations

import msgspec


class Side(msgspec.Struct, frozen=True):
    """One of the two.

    Attributes:
        tensors: How many it has, by name; pairs of original and mask are one.
        elements: Entries of them, tied ones under each name.
        pruned: Tensors that have a mask.
        masked: Entries that the masks take.
    """

    tensors: int
    elements: int
    pruned: int
    masked: int


class OnlyHere(msgspec.Struct, frozen=True):
    """A tensor, or a module with all its tensors, that only one of the two has.

    Attributes:
        name: Of the tensor or of the module.
        tensors: How many; 0 for a tensor by itself.
    """

    name: str
    tensors: int = 0


class Unlike(msgspec.Struct, frozen=True):
    """A tensor that both have and cannot share values: its shape in each."""

    name: str
    a: tuple[int, ...]
    b: tuple[int, ...]


class OtherDtype(msgspec.Struct, frozen=True):
    """A tensor that both have in different dtypes."""

    name: str
    a: str
    b: str


class NotCompared(msgspec.Struct, frozen=True):
    """A tensor that both have, and why its values could not be compared."""

    name: str
    why: str


class MasksCompared(msgspec.Struct, frozen=True):
    """The masks of a tensor.

    Attributes:
        a: Entries masked in A; None where it has no mask.
        b: Likewise.
        only_a: Entries masked in A alone.
        only_b: Likewise.
    """

    a: int | None
    b: int | None
    only_a: int = 0
    only_b: int = 0


class TensorCompared(msgspec.Struct, frozen=True):
    """A tensor that is not the same to the last bit in both.

    Numbers are compared: NaN equals NaN, and -0.0 equals 0.0. An entry counts as what the model computes with: its
    value with the mask laid over it.

    Attributes:
        name: As people prune it: `conv1.weight`.
        elements: Entries.
        differ: Entries that differ.
        not_finite: How many of those are NaN or infinite on one side at least; they have no difference.
        max_abs: The greatest difference among the others; None where there is none.
        relative: Norm of the difference over the norm of A, of finite entries; None where A is zero.
        under_mask: Entries that are equal, while the values under the two masks are not.
        bits: Entries that are equal as numbers and not as bits: signs of zero, kinds of NaN.
        masks: Where at least one side has a mask.
    """

    name: str
    elements: int
    differ: int = 0
    not_finite: int = 0
    max_abs: float | None = None
    relative: float | None = None
    under_mask: int = 0
    bits: int = 0
    masks: MasksCompared | None = None

    @property
    def other_masks(self) -> bool:
        """The masks take other entries, or only one side has one."""
        found = self.masks
        return found is not None and (found.only_a + found.only_b > 0 or (found.a is None) != (found.b is None))


class Comparison(msgspec.Struct, frozen=True):
    """What two models have in common and what not.

    Attributes:
        a: The one.
        b: The other.
        only_a: What only the one has, whole modules as one.
        only_b: Likewise.
        shapes: Tensors of other shapes.
        dtypes: Tensors of other dtypes; their values were compared all the same.
        identical: Tensors that are the same to the last bit, masks included.
        tensors: Those that are not.
        not_compared: Those nobody can say it of.
    """

    a: Side
    b: Side
    only_a: tuple[OnlyHere, ...]
    only_b: tuple[OnlyHere, ...]
    shapes: tuple[Unlike, ...]
    dtypes: tuple[OtherDtype, ...]
    identical: int
    tensors: tuple[TensorCompared, ...]
    not_compared: tuple[NotCompared, ...]

    @property
    def same_structure(self) -> bool:
        """Same names, shapes and dtypes."""
        return not (self.only_a or self.only_b or self.shapes or self.dtypes)

    @property
    def same_values(self) -> bool:
        """All tensors that both have compute the same."""
        return not self.not_compared and not any(one.differ for one in self.tensors)

    @property
    def exactly_same(self) -> bool:
        """Masks, values under masks, and bits are the same, too."""
        return self.same_structure and not self.not_compared and not self.tensors
