"""How structs travel over a Unix socket: msgpack in frames, each behind its length in four bytes.

Both ends use this module, so that they cannot differ. A frame that is too long or does not decode ends the
connection with `FrameError`; nothing is ever unpickled.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_LENGTH = struct.Struct(">I")
LONGEST = 256 * 1024 * 1024


class FrameError(ConnectionError):
    """What came over the socket is not a frame of ours."""


def encode(message: msgspec.Struct) -> bytes:
    """A struct as one frame, length first.

    Raises:
        FrameError: It is longer than the other side would take.
    """
    body = msgspec.msgpack.encode(message)
    _check(len(body))
    return _LENGTH.pack(len(body)) + body


def decode(body: bytes, kind: type[T]) -> T:
    """The struct in a frame's body.

    Raises:
        FrameError: It is no such struct.
    """
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:  # nested too deep: not by us
        raise FrameError(f"cannot read a frame as {kind.__name__}: {error}") from error


def _checked_length(head: bytes) -> int:
    (length,) = _LENGTH.unpack(head)
    _check(length)
    return int(length)


def _check(length: int) -> None:
    if length > LONGEST:
        raise FrameError(f"a frame of {length:,} bytes is longer than the {LONGEST:,} allowed")


def receive(connection: socket.socket, kind: type[T]) -> T | None:
    """Wait for the next struct on a blocking socket; None when the other side has closed it."""
    head = _receive_exactly(connection, _LENGTH.size)
    body = _receive_exactly(connection, _checked_length(head)) if head is not None else None
    return None if body is None else decode(body, kind)


def _receive_exactly(connection: socket.socket, count: int) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        piece = connection.recv(min(count - len(received), 1 << 20))
        if not piece:
            return None
        received += piece
    return bytes(received)


async def read(stream: asyncio.StreamReader, kind: type[T]) -> T | None:
    """Wait for the next struct on a stream; None when the other side has closed it."""
    from asyncio import IncompleteReadError  # noqa: PLC0415 - the engine has no event loop, and starts sooner without

    try:
        head = await stream.readexactly(_LENGTH.size)
        body = await stream.readexactly(_checked_length(head))
    except (IncompleteReadError, ConnectionResetError):
        return None
    return decode(body, kind)
