"""What was found in each tensor of a model, kept for as long as the tensor is as it was.

An edit changes a few tensors of many: only those are read again. That a tensor is as it was is told by its memory
and by torch's version counters, as autograd does; what is written through `.data` leaves no trace in them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from torch import Tensor, nn

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.packed_masks import memory_of
from prune_tui.engine.reading import PIECE, pieces, why_no_values
from prune_tui.engine.selection import cores
from prune_tui.engine.session import Session
from prune_tui.engine.walking import tensors_of

_AT_A_TIME = cores.BATCH * PIECE
"""Entries that are read before what was found in them is kept, though the survey be stopped then."""

_Found = TypeVar("_Found")
_Piece = tuple[int, Tensor, "Tensor | None"]
"""Number of a tensor, a part of its values and of its mask."""


class Layered(Protocol):
    """A tensor to be read."""

    @property
    def values(self) -> Tensor:
        """As stored."""

    @property
    def kept(self) -> Tensor | None:
        """Its mask, where one fits it."""


class _Writer(NamedTuple):
    """A tensor of the model, by which its memory could be written to.

    Attributes:
        tensor: The tensor.
        memory: What it lies in; torch keeps this object for as long as the memory itself.
        version: How often it was written to.
    """

    tensor: weakref.ref[Tensor]
    memory: weakref.ref[object]
    version: int

    def stands(self, now: _Writer) -> bool:
        """Whether it is the same tensor on the same memory, and was not written to since."""
        tensor, memory = self.tensor(), self.memory()
        there = tensor is not None and memory is not None
        return there and tensor is now.tensor() and memory is now.memory() and self.version == now.version


_Writers = tuple[_Writer, ...]
_Key = tuple[object, ...]


class _Known(NamedTuple, Generic[_Found]):
    """What was found in a tensor, and who could have changed it."""

    writers: _Writers
    found: _Found


class Survey(Generic[_Found]):
    """Reads the tensors of a session's model, and remembers what it has found.

    Args:
        nothing: What is found in a tensor before it is read.
        look: Told what was found in a tensor so far, a part of its values and the same part of its mask; returns
            what there is in the part. Called in any thread, the parts of a tensor in any order.
        unite: Puts two such together.
    """

    def __init__(
        self,
        nothing: Callable[[], _Found],
        look: Callable[[_Found, Tensor, Tensor | None], _Found],
        unite: Callable[[_Found, _Found], _Found],
    ) -> None:
        self._nothing = nothing
        self._look = look
        self._unite = unite
        self._known: weakref.WeakKeyDictionary[Session, dict[_Key, _Known[_Found]]] = weakref.WeakKeyDictionary()

    def of(self, session: Session, tensors: Sequence[Layered], stop: Stop) -> list[_Found]:
        """Find out about some tensors.

        Args:
            session: The session; its lock is not held while they are read.
            tensors: As the model held them a moment ago.
            stop: Asked between pieces of about 2^18 entries.

        Returns:
            What is in each of them.

        Raises:
            Cancelled: `stop` said so; what was found until then need not be looked for again.
        """
        with session.lock:
            writers = _writers(session.model, tensors)  # before they are read: what is written later is seen later
        before = self._known.get(session, {})
        known = {
            key: before[key] for key in writers if key in before and _stand(before[key].writers, writers[key])
        }
        self._known[session] = known
        unread = {_key(one): one for one in tensors if _key(one) not in known}
        for some in _batches(list(unread.values())):
            for one, found in zip(some, self._read(some, stop), strict=True):
                known[_key(one)] = _Known(writers[_key(one)], found)
        return [known[_key(one)].found for one in tensors]

    def _read(self, tensors: Sequence[Layered], stop: Stop) -> list[_Found]:
        found = [self._nothing() for _ in tensors]

        def look(piece: _Piece) -> tuple[int, _Found]:
            number, values, kept = piece
            return number, self._look(found[number], values, kept)

        for number, part in cores.spread_lazily(look, _pieces(tensors), stop):
            found[number] = self._unite(found[number], part)
        return found


def _pieces(tensors: Iterable[Layered]) -> Iterator[_Piece]:
    for number, one in enumerate(tensors):
        for values, *kept in pieces(one.values, *([] if one.kept is None else [one.kept])):
            yield number, values, kept[0] if kept else None


def _batches(tensors: Sequence[Layered]) -> Iterator[list[Layered]]:
    some: list[Layered] = []
    elements = 0
    for one in tensors:
        some.append(one)
        elements += one.values.numel()
        if elements >= _AT_A_TIME:
            yield some
            some, elements = [], 0
    if some:
        yield some


# ---------------------------------------------------------------- whether a tensor is as it was


def _key(one: Layered) -> _Key:
    """The same wherever else these values stand with this mask."""
    return tuple(_place(layer) for layer in _layers(one))


def _layers(one: Layered) -> list[Tensor]:
    return [one.values] if one.kept is None else [one.values, one.kept]


def _place(tensor: Tensor) -> tuple[object, ...]:
    seen_as = (tensor.dtype, tensor.is_conj(), tensor.is_neg())
    return id(memory_of(tensor)), tensor.storage_offset(), tensor.shape, tensor.stride(), seen_as


def _writers(model: nn.Module, tensors: Sequence[Layered]) -> dict[_Key, _Writers]:
    """For each of some tensors those of the model that lie on its memory; none where one of them does not tell.

    Tensors of inference mode count no versions, and one that has left the model may be written to by anybody.
    """
    on: dict[int, list[_Writer | None]] = {}
    for tensor in tensors_of(model):
        if not why_no_values(tensor):
            memory = memory_of(tensor)
            on.setdefault(id(memory), []).append(_writer(tensor, memory))
    found = {}
    for one in tensors:
        there = [on.get(id(memory_of(layer)), [None]) for layer in _layers(one)]
        writers = [writer for some in there for writer in some if writer is not None]
        found[_key(one)] = tuple(writers) if len(writers) == sum(map(len, there)) else ()
    return found


def _writer(tensor: Tensor, memory: object) -> _Writer | None:
    return None if tensor.is_inference() else _Writer(weakref.ref(tensor), weakref.ref(memory), tensor._version)


def _stand(before: _Writers, now: _Writers) -> bool:
    """Whether nobody has written since; not known where there are none."""
    return bool(before) and len(before) == len(now) and all(map(_Writer.stands, before, now))
