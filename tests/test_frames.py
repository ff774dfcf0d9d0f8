"""Structs over a socket: what goes in comes out, and what is no frame of ours is said to be none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from prune_tui import frames, protocol, tensor_requests, views
from prune_tui.protocol import Answer, Question
from prune_tui.steps import L1Unstructured

QUESTIONS = [
    Question(1, protocol.Open("net.py:Net", ("width=3",), "cpu", 7, readonly=True)),
    Question(2, protocol.Apply(L1Unstructured(targets=("conv1.weight",), amount=0.3))),
    Question(3, tensor_requests.GetTile("w", "mask", 0, 1, (tensor_requests.Block((0,), (0, 3), (0, 5)),))),
    Question(2**40, protocol.Cancel(3)),
]
GARBAGE = [
    b"",
    b"\x00",
    b"hello",
    b"\xc1" * 10,
    msgspec.msgpack.encode({"id": 1}),
    msgspec.msgpack.encode({"id": "one", "request": {"type": "Undo"}}),
    msgspec.msgpack.encode({"id": 1, "request": {"type": "NoSuchRequest"}}),
    b"\x91" * 100_000,  # lists in lists in lists
    b"\xdd\xff\xff\xff\xff",  # a list said to have four thousand million items
]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_arrives_as_it_was_sent(pair: tuple[socket.socket, socket.socket], question: Question) -> None:
    here, there = pair
    here.sendall(frames.encode(question))
    assert frames.receive(there, Question) == question


def test_frames_arrive_one_by_one_however_they_are_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    sent = b"".join(map(frames.encode, QUESTIONS))

    def send_bytes() -> None:
        for byte in sent:
            here.send(bytes([byte]))

    sending = threading.Thread(target=send_bytes)
    sending.start()
    assert [frames.receive(there, Question) for _ in QUESTIONS] == QUESTIONS
    sending.join()


@pytest.mark.parametrize("sent", [b"", b"\x00\x00", frames.encode(QUESTIONS[0])[:-1]])
def test_a_closed_connection_is_no_frame(pair: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    here, there = pair
    here.sendall(sent)
    here.close()
    assert frames.receive(there, Question) is None


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_told_apart(garbage: bytes) -> None:
    with pytest.raises(frames.FrameError, match="cannot read a frame as Question"):
        frames.decode(garbage, Question)


@given(some.binary(max_size=60))
def test_whatever_comes_nothing_else_is_raised(garbage: bytes) -> None:
    with contextlib.suppress(frames.FrameError):
        frames.decode(garbage, Answer)


def test_a_frame_that_is_too_long_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    here.sendall(struct.pack(">I", frames.LONGEST + 1))
    with pytest.raises(frames.FrameError, match="is longer than the 268,435,456 allowed"):
        frames.receive(there, Question)


def test_a_frame_that_is_too_long_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "LONGEST", 100)
    with pytest.raises(frames.FrameError, match="is longer than the 100 allowed"):
        frames.encode(Answer(1, 0, views.Failed("x" * 200)))


async def _read(sent: bytes) -> Answer | None:
    stream = asyncio.StreamReader()
    stream.feed_data(sent)
    stream.feed_eof()
    return await frames.read(stream, Answer)


async def test_streams_read_the_same_frames() -> None:
    answer = Answer(4, 2, views.Done())
    assert await _read(frames.encode(answer)) == answer
    assert await _read(frames.encode(answer)[:-1]) is None
    assert await _read(b"") is None
    with pytest.raises(frames.FrameError):
        await _read(struct.pack(">I", 5) + b"hello")
    with pytest.raises(frames.FrameError):
        await _read(b"\xff\xff\xff\xff")
