"""A tensor as a view shows it: values and mask of now, and those of an earlier moment, all of one shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from prune_tui.engine import pruned, targets
from prune_tui.engine.earlier import Earlier
from prune_tui.engine.packed_masks import plain
from prune_tui.engine.reading import (
    as_numbers,
    difference,
    effective,
    elements_of,
    masked_entries,
    pieces,
    pieces_in_order,
    stored,
    viewed,
    why_misfit,
    why_no_values,
)
from prune_tui.engine.session import Session
from prune_tui.engine.written_over import WrittenOver
from prune_tui.view_rows import View


class Layers(NamedTuple):
    """What lies over each other in a tensor.

    Attributes:
        values: As stored, without gradient; strides, dtype and device are whatever they are.
        kept: The mask; None where nothing is pruned.
        view: What is shown of them.
        earlier: The tensor at the moment that the views `step` and `start` compare with; None where it has not
            changed since, and for other views.
        written: What the earlier values held that have been written over since; of a part it is put back, so that
            no tensor is ever copied whole.
    """

    values: Tensor
    kept: Tensor | None
    view: View
    earlier: Earlier | None = None
    written: WrittenOver | None = None

    def shown(self) -> Tensor:
        """float64: what the view shows. As large as `values` in eight bytes an entry: cut or walk before."""
        return as_numbers(self.seen())

    def seen(self) -> Tensor:
        """The same in the dtype it has; differences are float64."""
        if self.view not in {"step", "start"}:
            return viewed(self.values, self.kept, self.view)
        if self.earlier is None:
            return torch.zeros_like(as_numbers(self.values))
        then, mask = self.earlier
        if self.written is not None:
            then = self.written.back_in(then, self.written.coordinates)
        return difference(effective(self.values, self.kept), effective(then, mask))

    def cut(self, part: Callable[[Tensor], Tensor]) -> Layers:
        """The same part of each; of a mask that is kept as bits written out."""
        return self._with([plain(part(one)) for one in self._there])

    def pieces(self) -> Iterator[Layers]:
        """Parts that stay in the cache, in the order of the memory, each entry once (`reading.pieces`)."""
        return (self._with(parts) for parts in pieces(*self._there))

    def pieces_in_order(self) -> Iterator[Layers]:
        """Likewise, in the order of the indices (`reading.pieces_in_order`)."""
        return (self._with(parts) for parts in pieces_in_order(*self._there))

    @property
    def _there(self) -> list[Tensor]:
        coordinates = () if self.written is None else self.written.coordinates
        return [one for one in (self.values, self.kept, *(self.earlier or ()), *coordinates) if one is not None]

    def _with(self, parts: Sequence[Tensor]) -> Layers:
        """The same with other tensors in the places of those that are there.

        What is the negative of its memory, as `x.conj().imag` is, numpy cannot read: parts are written out.
        """
        rest = iter([part.resolve_neg() for part in parts])
        values = next(rest)
        kept = None if self.kept is None else next(rest)
        if self.earlier is None:
            return Layers(values, kept, self.view)
        then = next(rest)
        mask = None if self.earlier.mask is None else next(rest)
        if self.written is not None:
            then = self.written.back_in(then, list(rest))
        return Layers(values, kept, self.view, Earlier(then, mask))


class NoValues(NamedTuple):
    """A tensor that cannot be shown.

    Attributes:
        note: Why.
        elements: Entries it has all the same.
        masked: Entries that its mask takes.
    """

    note: str
    elements: int = 0
    masked: int = 0


def layers_of(session: Session, path: str, view: View) -> Layers | NoValues:
    """Take hold of a tensor; the session's lock is held meanwhile, and not needed to walk through it afterwards.

    Args:
        session: The session.
        path: Its dotted name, `conv1.weight`, also while it is pruned.
        view: What is to be shown of it.

    Returns:
        The layers, or why it has no values.
    """
    with session.lock:
        module, name = targets.locate(session.model, path)
        found = layers(module, name, view)
        if isinstance(found, Layers) and view in {"step", "start"}:
            then = session.earlier.tensor(path, "step" if view == "step" else "start")
            return found if then is None else found._replace(earlier=then.earlier, written=then.written)
        return found


def layers(module: nn.Module, name: str, view: View) -> Layers | NoValues:
    """As `layers_of`, of a module that belongs to no session: nothing has changed."""
    values, kept = stored(module, name), pruned.mask(module, name)
    if values is None:
        return NoValues(f"{type(module).__name__} has no tensor {name}")
    note = why_no_values(values) or ("" if kept is None else why_misfit(kept, values))
    if note:
        elements = elements_of(values)
        return NoValues(note, elements, 0 if kept is None else min(masked_entries(kept), elements))
    return Layers(values.detach(), None if kept is None else kept.detach().resolve_neg(), view)
