"""Work in pieces on all cores: numpy and torch let go of the interpreter lock, so that threads do it.

The threads live as long as one call: a pool that stays would not survive a fork, and starting one costs less
than a single piece.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from prune_tui.engine.cancelling import Cancelled, Stop

PIECE = 2**19
"""Entries of a piece: its scratch stays in the cache, and it hides what the calls on it cost."""
MOST_THREADS = 8
BATCH = 1024
"""Pieces that are taken hold of at a time, where there may be many."""

_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")


def available() -> int:
    """Cores that this process may use, at most `MOST_THREADS`."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cores = os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def slices(size: int) -> Iterator[slice]:
    """Pieces of so many entries, the last one perhaps shorter."""
    return (slice(start, min(start + PIECE, size)) for start in range(0, size, PIECE))


def spread(work: Callable[[_Piece], _Result], pieces: Sequence[_Piece], stop: Stop) -> list[_Result]:
    """Work on every piece, on as many cores as there are.

    Args:
        work: Called with each piece once, in any thread.
        pieces: The pieces; they are begun in their order.
        stop: Asked before each piece.

    Returns:
        What `work` returned, in the order of the pieces.

    Raises:
        Cancelled: `stop` said so.
        BaseException: Whatever `work` raised first; no further piece is begun.
    """
    results: list[Any] = [None] * len(pieces)
    failures: list[BaseException] = []
    turns = itertools.count()  # `next` on it is atomic

    def run() -> None:
        try:
            while not failures and (turn := next(turns)) < len(pieces):
                if stop():
                    raise Cancelled
                results[turn] = work(pieces[turn])
        except BaseException as failure:  # noqa: BLE001 - raised again in the thread that asked
            failures.append(failure)

    # Each thread starts with a copy of the context. torch's modes are not in it but each thread's own: gradients
    # are on there and no default device holds, so that jobs work on detached tensors and name their devices.
    helpers = [
        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
        for _ in range(min(available(), len(pieces)) - 1)
    ]
    for helper in helpers:
        helper.start()
    run()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
    return results


def spread_lazily(work: Callable[[_Piece], _Result], pieces: Iterable[_Piece], stop: Stop) -> list[_Result]:
    """As `spread`, but so many pieces are taken hold of at a time only: of some tensors there are millions."""
    waiting, results = iter(pieces), list[_Result]()
    while batch := list(itertools.islice(waiting, BATCH)):
        results += spread(work, batch, stop)
    return results


def in_relay(
    first: Callable[[_Piece], object],
    then: Callable[[_Piece], _Result],
    pieces: Sequence[_Piece],
    stop: Stop,
) -> list[_Result]:
    """Work on every piece twice: in this thread what has to be done in order, in another what can follow it.

    Args:
        first: Called with each piece in order, in this thread.
        then: Called with each piece in order, in another thread, after `first` was.
        pieces: The pieces.
        stop: Asked before each piece.

    Returns:
        What `then` returned, in the order of the pieces.

    Raises:
        Cancelled: `stop` said so.
        BaseException: Whatever one of them raised.
    """
    done: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
    results: list[_Result] = []
    failures: list[BaseException] = []

    def follow() -> None:
        try:
            while (piece := done.get()) is not None:
                results.append(then(piece))
        except BaseException as failure:  # noqa: BLE001 - raised again in the thread that asked
            failures.append(failure)

    follower = threading.Thread(target=contextvars.copy_context().run, args=(follow,), daemon=True)
    follower.start()
    try:
        for piece in pieces:
            if failures:
                break
            if stop():
                raise Cancelled
            first(piece)
            done.put(piece)
    finally:
        done.put(None)
        follower.join()
    if failures:
        raise failures[0]
    return results


class _Scratch(threading.local):
    """Each thread's own arrays, by type and purpose."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[npt.DTypeLike, int], npt.NDArray[Any]] = {}


_scratch = _Scratch()


def scratch(kind: npt.DTypeLike, size: int, number: int = 0) -> npt.NDArray[Any]:
    """An array of this thread to work in, with whatever it held before.

    Args:
        kind: Its dtype.
        size: Entries, at most `PIECE`.
        number: Which one, where a piece needs several.
    """
    found = _scratch.arrays.get((kind, number))
    if found is None or found.size < size:
        found = _scratch.arrays[kind, number] = np.empty(max(size, min(PIECE, 4 * size)), kind)
    return found[:size]
