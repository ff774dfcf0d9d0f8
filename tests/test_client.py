"""Asking, waiting, cancelling, and noticing that the engine is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from prune_tui import frames, protocol, views
from prune_tui.client import Client, EngineGone, EngineProcess, Refused
from prune_tui.protocol import Answer, Question
from prune_tui.steps import L1Unstructured
from tests.in_process import EngineHere


class Conversation:
    """A client, and the other end of its socket played by the test."""

    def __init__(self) -> None:
        ours, self.engine = socket.socketpair()
        self.engine.settimeout(10)
        self.events: list[views.Body] = []
        self.gone = 0
        self.client = Client(ours, self.events.append, self._note_gone)

    def _note_gone(self) -> None:
        self.gone += 1

    async def asked(self) -> Question:
        """The next question that the engine receives."""
        question = await asyncio.to_thread(frames.receive, self.engine, Question)
        assert question is not None
        return question

    def answer(self, question: Question, body: views.AnyBody, revision: int = 0) -> None:
        self.engine.sendall(frames.encode(Answer(question.id, revision, body)))


@pytest.fixture
async def talk() -> AsyncIterator[Conversation]:
    conversation = Conversation()
    await conversation.client.start()
    yield conversation
    await conversation.client.close()
    conversation.engine.close()


async def _until(is_so: Callable[[], bool], timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _undo(talk: Conversation) -> asyncio.Task[views.Done]:
    return asyncio.create_task(talk.client.ask(protocol.Undo(), views.Done))


async def test_an_answer_goes_to_the_one_who_asked(talk: Conversation) -> None:
    first, second = _undo(talk), asyncio.create_task(talk.client.ask(protocol.GetHistory(), views.History))
    questions = [await talk.asked(), await talk.asked()]
    talk.answer(questions[1], views.History(()), revision=2)
    talk.answer(questions[0], views.Done(), revision=1)
    assert await second == views.History(())
    assert await first == views.Done()
    assert talk.client.revision == 2
    assert talk.client.waiting == 0


async def test_events_go_to_their_handler(talk: Conversation) -> None:
    progress = views.Progress(0, "opening demo")
    talk.answer(Question(0, protocol.Undo()), progress)
    await _until(lambda: bool(talk.events))
    assert talk.events == [progress]


async def test_how_far_a_request_is_goes_to_the_one_who_asked(talk: Conversation) -> None:
    seen: list[str] = []
    asking = asyncio.create_task(talk.client.ask(protocol.Undo(), views.Done, seen.append))
    unwatched = _undo(talk)
    questions = [await talk.asked(), await talk.asked()]
    for question in questions:
        talk.answer(Question(0, protocol.Undo()), views.Progress(question.id, f"request {question.id}"))
        talk.answer(question, views.Done())
    await asking
    await unwatched
    assert seen == ["request 1"]
    assert talk.events == []


async def test_a_refusal_is_raised(talk: Conversation) -> None:
    asking = _undo(talk)
    talk.answer(await talk.asked(), views.Failed("there is nothing to undo"))
    with pytest.raises(Refused, match="there is nothing to undo"):
        await asking


async def test_an_answer_of_another_kind_is_an_error(talk: Conversation) -> None:
    asking = _undo(talk)
    talk.answer(await talk.asked(), views.History(()))
    with pytest.raises(frames.FrameError, match="asked Undo, was answered History"):
        await asking


async def test_who_stops_waiting_cancels_the_request(talk: Conversation) -> None:
    asking = _undo(talk)
    question = await talk.asked()
    asking.cancel()
    cancel = await talk.asked()
    assert cancel.request == protocol.Cancel(question.id)
    talk.answer(question, views.Failed("stopped", "cancelled"))
    talk.answer(cancel, views.Done())
    asking = _undo(talk)
    talk.answer(await talk.asked(), views.Done())
    assert await asking == views.Done()
    assert talk.events == []


async def test_all_who_wait_are_told_when_the_engine_goes(talk: Conversation) -> None:
    waiting = [_undo(talk) for _ in range(3)]
    await talk.asked()
    talk.engine.close()
    for asking in waiting:
        with pytest.raises(EngineGone):
            await asking
    await _until(lambda: talk.gone == 1)
    with pytest.raises(EngineGone):
        await talk.client.ask(protocol.Undo(), views.Done)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (struct.pack(">I", 5) + b"hello", "cannot read a frame as Answer"),
        (b"\xff\xff\xff\xff", "is longer than the"),
        (b"GET / HTTP/1.1\r\n\r\n", "is longer than the"),
    ],
)
async def test_what_cannot_be_read_ends_the_connection(talk: Conversation, sent: bytes, why: str) -> None:
    asking = _undo(talk)
    await talk.asked()
    talk.engine.sendall(sent)
    with pytest.raises(EngineGone):
        await asking
    await _until(lambda: talk.gone == 1)
    assert why in talk.client.broken
    assert talk.engine.recv(1) == b""


async def test_closing_is_no_surprise(talk: Conversation) -> None:
    asking = _undo(talk)
    await talk.asked()
    await talk.client.close()
    with pytest.raises(EngineGone):
        await asking
    assert talk.gone == 0


# With a real engine


@pytest.fixture
async def lenet() -> AsyncIterator[Client]:
    """A client of an engine in this process, with the demo open."""
    engine = EngineHere()
    client = Client(engine.connection, lambda _: None, lambda: None)
    await client.start()
    await client.ask(protocol.Open(device="cpu"), views.Opened)
    yield client
    await client.close()
    engine.stop()


async def test_a_step_and_its_undo(lenet: Client) -> None:
    step = L1Unstructured(targets=("conv1.weight",), amount=0.5)
    done = await lenet.ask(protocol.Apply(step), views.Edited)
    assert done.entry.effects[0].took == 27
    assert lenet.revision == 1
    await lenet.ask(protocol.Undo(), views.Edited)
    assert lenet.revision == 2


async def test_of_many_equal_questions_the_last_is_answered(lenet: Client) -> None:
    asking = [asyncio.create_task(lenet.ask(protocol.GetModule("conv1"), views.ModuleView)) for _ in range(50)]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[-1], views.ModuleView)
    for answer in answers:
        if isinstance(answer, Refused):
            assert answer.failed.kind == "superseded"
        else:
            assert isinstance(answer, views.ModuleView)


# The process


@pytest.fixture
def shadowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with files named as modules that the engine and torch import."""
    for name in ("random", "torch", "socket", "ctypes", "numpy", "prune_tui"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong file was imported')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("shadowed")
async def test_files_of_the_current_folder_do_not_shadow_what_the_engine_imports() -> None:
    engine = EngineProcess()
    client = Client(engine.connection, lambda _: None, lambda: None)
    try:
        await client.start()
        opened = await client.ask(protocol.Open(device="cpu"), views.Opened)
        assert opened.summary.name == "LeNet"
    finally:
        await client.close()
        engine.stop()


def test_an_engine_that_was_killed_says_so() -> None:
    engine = EngineProcess()
    os.kill(engine.pid, signal.SIGKILL)
    assert engine.ending() == "it was killed by SIGKILL, perhaps because the system ran out of memory"
    engine.stop()
    engine.stop()


def test_a_suspended_engine_is_ended_too() -> None:
    engine = EngineProcess()
    os.kill(engine.pid, signal.SIGSTOP)
    engine.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(engine.pid, 0)


@pytest.fixture
def printing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], EngineProcess]:
    """Makes an engine that prints some bytes and ends: its interpreter is replaced by one line of shell."""

    def start(code: str) -> EngineProcess:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import os; os.write(1, {code})"\n')
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))
        return EngineProcess()

    return start


def test_what_the_engine_prints_is_kept_line_by_line(printing: Callable[[str], EngineProcess]) -> None:
    engine = printing(r"b'one\ntwo \xff\n 10%\r 90%\r100%\nlast'")
    assert engine.ending() == "it exited with code 0"
    assert list(engine.log) == ["one", "two \N{REPLACEMENT CHARACTER}", "100%", "last"]
    engine.stop()


def test_a_line_without_end_is_cut(printing: Callable[[str], EngineProcess]) -> None:
    engine = printing("b'x' * 60_000")
    engine.ending()
    assert [len(line) for line in engine.log] == [16_384, 16_384, 16_384, 60_000 - 3 * 16_384]
    engine.stop()
