"""The entries of parameters that a step writes over, bit by bit: those under the mask that `remove` takes away.

Strides are kept, too, as in `module_moments`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.autograd.graph import increment_version

from prune_tui.engine import bits, pruned
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.packed_masks import address_of
from prune_tui.engine.planning import Part
from prune_tui.engine.reading import why_no_values
from prune_tui.engine.strides import is_dense
from prune_tui.engine.walking import tensors_of
from prune_tui.step_settings import Bits


@dataclasses.dataclass(frozen=True)
class Overwritten:
    """The entries of a parameter that `remove` writes over.

    Attributes:
        parameter: The parameter.
        where: Which entries, one bit each.
        entries: Their values, in order.
        strides: Of the parameter; None where it cannot be made again from them.
        memory: The whole tensor, where another tensor of the model shares its memory in one of the two states:
            `remove` parts them. It costs nothing, the other one keeps it alive.
    """

    parameter: nn.Parameter
    where: Bits
    entries: Tensor
    strides: tuple[int, ...] | None
    memory: Tensor | None

    @classmethod
    def found(cls, parameter: nn.Parameter, where: Bits, *, shared: bool) -> Overwritten:
        """The entries as they are now."""
        data = parameter.data
        entries = data[bits.unpack(where, data.device)].clone()
        strides = data.stride() if is_dense(data) else None
        return cls(parameter, where, entries, strides, data if shared else None)

    @property
    def is_contiguous(self) -> bool:
        """Whether its entries lay in the order of their indices."""
        if self.strides is None:
            return False
        return torch.empty_strided(self.where.shape, self.strides, device="meta").is_contiguous()

    def is_of(self, parameter: nn.Parameter) -> bool:
        """Whether it is of this parameter, or of one that has the same entries in the same memory."""
        if parameter is self.parameter:
            return True
        one, other = parameter.data, self.parameter.data
        if why_no_values(one) or why_no_values(other) or not one.numel():
            return False
        places = [(each.data_ptr(), each.dtype, each.shape, each.stride()) for each in (one, other)]
        return places[0] == places[1]

    def now(self) -> Overwritten:
        """The same entries as they are now."""
        return self.found(self.parameter, self.where, shared=self.memory is not None)

    def write(self) -> None:
        """Put the entries back, and the parameter into the memory it had, unless that would lose other changes."""
        data = self.parameter.data
        where = bits.unpack(self.where, data.device)
        wanted = self._strided(data.clone() if self.memory is not None else data)
        bits.put(wanted, where, self.entries)
        if not self.parameter.is_inference():
            increment_version(self.parameter)  # writing through `.data` does not, and surveys go by it
        if self.memory is not None and _identical(self.memory, wanted):
            wanted = self.memory
        # Trained or converted since, the memory holds other values; then the parameter goes on in its own.
        if wanted is not data:
            self.parameter.data = wanted

    def _strided(self, data: Tensor) -> Tensor:
        if self.strides is None or self.strides == data.stride():
            return data
        return torch.empty_strided(data.shape, self.strides, dtype=data.dtype, device=data.device).copy_(data)


def _identical(one: Tensor, other: Tensor) -> bool:
    alike = (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
    return alike and torch.equal(bits.integers(one), bits.integers(other))


@contextlib.contextmanager
def rewritten(values: Sequence[Overwritten], done: Stop) -> Iterator[tuple[Overwritten, ...]]:
    """Write entries back and yield those they replace; a failure before it is `done` writes these back.

    Which memory a parameter is in belongs to its module, and is put back with that.
    """
    replaced = tuple(overwritten.now() for overwritten in reversed(values))
    data = [overwritten.parameter.data for overwritten in replaced]
    try:
        for overwritten in reversed(values):
            overwritten.write()
        yield replaced
    except BaseException:
        if not done():
            for now, held in zip(replaced, data, strict=True):
                bits.put(held, bits.unpack(now.where, held.device), now.entries)
        raise


def holders_in(model: nn.Module) -> dict[int, set[int]]:
    """For each piece of memory in a model, the tensors on it, both by address."""
    holders: dict[int, set[int]] = {}
    for tensor in tensors_of(model):
        if not why_no_values(tensor):
            holders.setdefault(address_of(tensor), set()).add(id(tensor))
    return holders


def of_remove(part: Part, holders: dict[int, set[int]]) -> Overwritten:
    """What taking the pruning of a target away will write over.

    Args:
        part: Of a plan of `remove`, not yet carried out.
        holders: As `holders_in` tells.

    Raises:
        RuntimeError: The target is not pruned any more.
    """
    parameter, mask = part.target.parameter, part.target.mask
    if mask is None:
        raise RuntimeError(f"the plan to remove {part.target.path} is older than the model")
    data = parameter.data
    found = pruned.pruning_hook(part.target.module, part.target.name)
    if found is not None and pruned.multiplies(found[1]):
        removed = pruned.applied(data, mask)
        # `x * 1` is not always x: it quiets a NaN, and makes NaN of a complex number with an infinite part.
        changed = bits.integers(removed) != bits.integers(data)
        where = ~bits.alive(mask) | (changed.any(dim=-1) if data.is_complex() else changed)
    else:  # what a person's class writes is not asked before it is done
        where = torch.ones(data.shape, dtype=torch.bool, device=data.device)
    shared = len(holders.get(address_of(data), ())) > 1
    return Overwritten.found(parameter, bits.pack(where), shared=shared)
