"""A model taken hold of once, for all checks to look at: an edit in another thread changes nothing in it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.prune import BasePruningMethod

from prune_tui.engine import bits, pruned
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.doctor.orphans import finite, has_values, may_not_be_finite
from prune_tui.engine.named import computes
from prune_tui.engine.reading import comparable, pieces, product, shape_of, unequal
from prune_tui.engine.walking import Place, places

Hook = Callable[..., Any]


class Holder(NamedTuple):
    """A module and what it held when the examination began.

    Attributes:
        path: Dotted name of its first place; empty for the model itself.
        module: The module.
        parameters: By torch's names; None where the module was built without.
        buffers: Likewise.
        hooks: Its forward_pre hooks with their ids, in order.
        attributes: Everything else in its `__dict__`.
    """

    path: str
    module: nn.Module
    parameters: Mapping[str, Tensor | None]
    buffers: Mapping[str, Tensor | None]
    hooks: tuple[tuple[int, Hook], ...]
    attributes: Mapping[str, object]

    def dotted(self, name: str) -> str:
        """The dotted name of one of its tensors."""
        return f"{self.path}.{name}" if self.path else name


class PrunedTensor(NamedTuple):
    """A tensor with a hook, an original and a mask.

    Attributes:
        holder: The module it belongs to.
        name: Its name there, `weight`.
        parameter: The very Parameter behind it, which may stand elsewhere, too.
        original: Its values, detached; itself where it is lazy.
        mask: The mask, detached; itself where it is lazy.
        multiplied: Its hooks make orig × mask, as torch's own do.
        attribute: What stands under its name in the module; None when nothing does.
    """

    holder: Holder
    name: str
    parameter: Tensor
    original: Tensor
    mask: Tensor
    multiplied: bool
    attribute: object

    @property
    def path(self) -> str:
        """Its dotted name."""
        return self.holder.dotted(self.name)

    @property
    def fits(self) -> bool:
        """Whether the mask has the shape of the values and is where they are."""
        told = [(shape_of(one), one.device) for one in (self.original, self.mask)]
        return is_lazy(self.original) or (told[0] == told[1] and not is_lazy(self.mask))

    @property
    def readable(self) -> bool:
        """Whether there are values to look at, and a mask that fits them."""
        return has_values(self.original) and has_values(self.mask) and self.fits


@dataclasses.dataclass
class Counted:
    """What one walk over a pruned tensor counts, in entries.

    Attributes:
        elements: All.
        kept: Those the mask keeps.
        scaled: Those where the mask is neither 0 nor 1.
        poisoned: NaN or infinite ones that the mask takes.
        nans: NaN that it keeps.
        stale: Those where the attribute is not orig × mask; all of them where it has another shape or dtype. What
            a person's hook should have made is known to that hook alone: none, unless there is no attribute.
    """

    elements: int = 0
    kept: int = 0
    scaled: int = 0
    poisoned: int = 0
    nans: int = 0
    stale: int = 0


class Examination:
    """All modules, tensors and hooks of a model at one moment.

    Args:
        model: The model; nothing in it changes.
        stop: Asked between pieces of work.
        lock: Held while everything is taken hold of, and not while it is looked at.

    Attributes:
        model: The model.
        places: Every place of a module, parents before children.
        holders: Every module once.
        pruned: Every pruned tensor once.
    """

    def __init__(
        self,
        model: nn.Module,
        stop: Stop = never,
        lock: contextlib.AbstractContextManager[object] | None = None,
    ) -> None:
        self.model = model
        self._stop = stop
        self._counted: dict[str, Counted] = {}
        with lock or contextlib.nullcontext():
            self.places: list[Place] = places(model)
            self.holders = [_held(place) for index, place in enumerate(self.places) if place.first == index]
            self.pruned = [one for holder in self.holders for one in _pruned(holder)]

    def check_stop(self) -> None:
        """Raise Cancelled when nobody waits for the answer any more."""
        if self._stop():
            raise Cancelled

    def pieces(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Walk tensors of one shape side by side, and stop when told to."""
        for piece in pieces(*tensors):
            self.check_stop()
            yield piece

    def readable(self) -> Iterator[tuple[PrunedTensor, Counted]]:
        """Each pruned tensor that has values, with what is counted of it."""
        for one in self.pruned:
            if one.readable:
                yield one, self.counted(one)

    def counted(self, one: PrunedTensor) -> Counted:
        """The counts of a readable tensor; walked over once, however many checks ask."""
        if one.path not in self._counted:
            self._counted[one.path] = self._count(one)
        return self._counted[one.path]

    def _count(self, one: PrunedTensor) -> Counted:
        counted, attribute = Counted(), _comparable_attribute(one) if one.multiplied else None
        for values, mask, *shown in self.pieces(
            one.original, one.mask, *([] if attribute is None else [attribute])
        ):
            _count_piece(counted, values, mask)
            if shown:
                counted.stale += _stale(values, mask, shown[0])
        missing = attribute is None and (one.multiplied or not isinstance(one.attribute, Tensor))
        if missing and not (computes(one.holder.module) and one.attribute is None):
            counted.stale = counted.elements
        return counted


def _count_piece(counted: Counted, values: Tensor, mask: Tensor) -> None:
    """Take in a piece; what is as it should be is told by quick comparisons, and only the rest entry by entry."""
    alive = bits.alive(mask)
    counted.elements += values.numel()
    counted.kept += int(alive.count_nonzero())
    if not _equal(mask, alive.to(mask.dtype)):
        counted.scaled += int((alive & (comparable(mask) != 1)).count_nonzero())
    if may_not_be_finite(values):
        sound = finite(values)
        counted.poisoned += int((~alive & ~sound).count_nonzero())
        counted.nans += int((alive & comparable(values).isnan()).count_nonzero())


def _stale(values: Tensor, mask: Tensor, shown: Tensor) -> int:
    """How many entries of a piece of the attribute are not orig × mask."""
    fresh = product(values, mask)
    return 0 if _equal(shown, fresh) else int(unequal(shown, fresh).count_nonzero())


def _equal(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors are the same throughout, told at once; torch has no such kernel for complex32."""
    return left.dtype is not torch.complex32 and torch.equal(comparable(left), comparable(right))


def _held(place: Place) -> Holder:
    module = place.module
    own = {"_parameters", "_buffers", "_modules"}
    return Holder(
        place.path,
        module,
        dict(module._parameters.items()),
        dict(module._buffers.items()),
        tuple(module._forward_pre_hooks.items()),
        {name: value for name, value in vars(module).items() if name not in own},
    )


def _pruned(holder: Holder) -> Iterator[PrunedTensor]:
    names = [pruned.pruned_name(hook) for _, hook in holder.hooks]
    for name in dict.fromkeys(filter(None, names)):
        parameter, mask = holder.parameters.get(f"{name}_orig"), holder.buffers.get(f"{name}_mask")
        if parameter is not None and mask is not None:
            # Nothing can be detached before it is initialised.
            original, kept = (tensor if is_lazy(tensor) else tensor.detach() for tensor in (parameter, mask))
            hooks = (hook for _, hook in holder.hooks if pruned.pruned_name(hook) == name)
            multiplied = all(isinstance(hook, BasePruningMethod) and pruned.multiplies(hook) for hook in hooks)
            yield PrunedTensor(holder, name, parameter, original, kept, multiplied, holder.attributes.get(name))


def _comparable_attribute(one: PrunedTensor) -> Tensor | None:
    """The attribute, where it can be compared entry by entry with what it should be."""
    attribute = one.attribute
    if not isinstance(attribute, Tensor) or not has_values(attribute):
        return None
    told = [(shape_of(tensor), tensor.dtype, tensor.device) for tensor in (attribute, one.original)]
    return attribute.detach() if told[0] == told[1] else None
