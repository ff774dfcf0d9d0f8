"""What a pickle describes, without doing what it says.

A pickle is a program that may call anything. This follows its instructions on paper and writes down what would be
called with what; nothing is imported, called or given an attribute. So a file can be looked into before anybody
trusts it, and tensors are placed in its memory only after their sizes are checked. It is also quicker than the
unpickler of `torch.load(weights_only=True)`.
"""

from __future__ import annotations

import itertools
from typing import IO, Any, NamedTuple

from prune_tui.engine.sources.pickle_machine import INSTRUCTIONS, STOP, CutOffError, Machine
from prune_tui.engine.sources.pickled_objects import Global, Persistent
from prune_tui.engine.sources.source_error import SourceError

MOST_INSTRUCTIONS = 5_000_000
"""A tensor takes thirty, so that 150,000 fit; each may take a hundred bytes of memory here."""
_FIRST_READ = 1 << 20
"""Bytes of a stream that are tried first; where they hold no whole pickle, twice as many are."""
_LARGEST = 1_000_000_000
"""Bytes of a pickle, which holds no tensors itself."""


class Outline(NamedTuple):
    """A pickle's content.

    Attributes:
        value: Plain values, lists, tuples and `Entries`, with `Made`, `Global` and `Persistent` for the rest.
        names: The classes and functions it names, in order.
        outside: What it says is kept outside of it, in order.
    """

    value: Any
    names: tuple[Global, ...]
    outside: tuple[Persistent, ...]


def read(stream: IO[bytes], what: str) -> Outline:
    """Read one pickle of a file.

    Args:
        stream: Stands behind it afterwards.
        what: How to call it in an error: `.metadata`.

    Raises:
        SourceError: It is damaged, or too large to be a model's.
    """
    start, data, wanted = stream.tell(), b"", _FIRST_READ
    while True:
        more = stream.read(wanted - len(data))
        data += more
        try:
            outline, length = _followed(data, what, start)
        except CutOffError as error:
            if not more or len(data) >= _LARGEST:
                raise _damaged(what, start + len(data), error) from error
            wanted = min(2 * len(data), _LARGEST)
            continue
        stream.seek(start + length)
        return outline


def read_bytes(data: bytes, what: str) -> Outline:
    """Read one pickle; what stands behind it is left alone.

    Args:
        data: The pickle.
        what: How to call it in an error: `data.pkl in net.pt`.

    Raises:
        SourceError: It is damaged, or too large to be a model's.
    """
    try:
        return _followed(data, what, 0)[0]
    except CutOffError as error:
        raise _damaged(what, len(data), error) from error


def _followed(data: bytes, what: str, start: int) -> tuple[Outline, int]:
    """What a pickle describes, and its length.

    Args:
        data: Begins with it.
        what: How to call it in an error.
        start: Where it begins in its file.

    Raises:
        SourceError: It is damaged, or too large to be a model's.
        CutOffError: The data end within it.
    """
    machine, at = Machine(data), 0
    bytes_of, follow = machine.data, INSTRUCTIONS
    try:
        for _ in itertools.repeat(None, MOST_INSTRUCTIONS):
            byte = bytes_of[at]
            if byte == STOP:
                break
            at = follow[byte](machine, at + 1)
        else:
            raise SourceError(f"{what} has more than {MOST_INSTRUCTIONS:,} instructions; no model's has so many")
        return Outline(machine.stack.pop(), tuple(machine.names), tuple(machine.outside)), at + 1
    except (SourceError, CutOffError):
        raise
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise _damaged(what, start + at, error) from error


def _damaged(what: str, at: int, error: Exception) -> SourceError:
    why = str(error) if isinstance(error, ValueError) else "an instruction finds nothing to work on"
    return SourceError(f"{what} is damaged at its byte {at:,}: {why[:200]}. Was it copied to the end?")
