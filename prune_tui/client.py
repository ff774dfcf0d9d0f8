"""The UI's side of the protocol: start an engine, ask, await, cancel, and notice when it is gone."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from prune_tui import frames, views
from prune_tui.protocol import Answer, Cancel, Open, Question, Request

B = TypeVar("B", bound=views.Body)

_PERHAPS: dict[int, str] = {
    signal.SIGKILL: ", perhaps because the system ran out of memory",
    signal.SIGSEGV: ": compiled code read or wrote where it must not",
    signal.SIGABRT: ": compiled code gave up",
}
"""What most often lies behind a signal that ends an engine."""
_LOG_LINES = 5_000
_LONGEST_LINE = 16_384
# Without the current folder on the path: a random.py there must not stand in for the one that torch imports.
_CODE = (
    "import sys; sys.path[:] = [*filter(None, sys.path), {home!r}]; "
    "from prune_tui.engine.process import main; main({descriptor}, {parent}, {expected!r})"
)


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """The engine answered `Failed`.

    Attributes:
        failed: Its answer.
    """

    def __init__(self, failed: views.Failed) -> None:
        super().__init__(failed.message)
        self.failed = failed


class EngineGone(Exception):  # noqa: N818 - it is an event
    """The connection to the engine has ended."""


class EngineProcess:
    """An engine as a child process. What it writes to its standard output and error is kept as log lines.

    Start it from the main thread: Linux ends the engine with the thread that started it.

    Args:
        folder: Where it works; modules of packages are found from there.
        expected: What it will be asked to open: what it can tell of that without torch, it tells at once.

    Attributes:
        connection: Our end of the socket.
        log: The last lines it wrote.
        on_line: Called in a thread with each new line.
    """

    def __init__(self, folder: Path | None = None, expected: Open | None = None) -> None:
        self.log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self.on_line: Callable[[str], None] | None = None
        self.connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        home = str(Path(__file__).resolve().parent.parent)
        told = msgspec.msgpack.encode(expected) if expected is not None else b""
        code = _CODE.format(home=home, descriptor=theirs.fileno(), parent=os.getpid(), expected=told)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder if folder is not None and folder.is_dir() else None,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a hang-up of the terminal is for the UI to handle
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._collecting = threading.Thread(target=self._collect, name="engine output", daemon=True)
        self._collecting.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _collect(self) -> None:
        output = self._process.stdout
        if output is None:
            return
        with output:
            while raw := output.readline(_LONGEST_LINE):
                # Of a progress bar, which goes back to the start of its line, what it came to.
                line = raw.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]
                self.log.append(line)
                if self.on_line is not None:
                    self.on_line(line)

    def ending(self) -> str:
        """How it ended, in words."""
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "it closed the connection but still runs"
        self._collecting.join(timeout=1)  # what it said last is worth waiting for
        if code < 0:
            return f"it was killed by {signal.Signals(-code).name}{_PERHAPS.get(-code, '')}"
        return f"it exited with code {code}"

    def stop(self) -> None:
        """End it at once, busy, suspended or idle, with every process that the model's code has started."""
        self.on_line = None
        self.connection.close()
        # Its group outlives it when the model's code has started processes and only the engine was killed.
        with contextlib.suppress(ProcessLookupError):  # none of them is left
            os.killpg(self._process.pid, signal.SIGKILL)
        # A process that waits for a dead disk or GPU cannot be killed yet; it will end when it wakes.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)


class Client:
    """Questions to an engine and its answers.

    Args:
        connection: A connected Unix socket.
        on_event: Called with each event that no question asked for.
        on_gone: Called once when the engine closes the connection, or sends what cannot be read.

    Attributes:
        revision: Of the model, as far as the engine has told.
        gone: There is no engine any more.
        broken: Why the connection could not be read any further; empty when it was closed.
    """

    def __init__(
        self,
        connection: socket.socket,
        on_event: Callable[[views.Body], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._on_event = on_event
        self._on_gone = on_gone
        self._waiting: dict[int, asyncio.Future[views.Body]] = {}
        self._watched: dict[int, Callable[[str], None]] = {}
        self._asked: dict[int, Request] = {}
        self._last = 0
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self.revision = 0
        self.gone = False
        self.broken = ""

    @property
    def waiting(self) -> int:
        """Questions without an answer."""
        return len(self._waiting)

    async def start(self) -> None:
        """Begin to listen."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._connection)
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        """Stop listening and close the connection."""
        self.gone = True
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._fail_all()

    async def ask(self, request: Request, kind: type[B], watch: Callable[[str], None] | None = None) -> B:
        """Ask and wait for the answer; a task that is cancelled while it waits cancels the request too.

        Args:
            request: What to ask.
            kind: The answer it must have.
            watch: Called with where the request stands, while it takes long.

        Raises:
            Refused: The engine answered `Failed`.
            EngineGone: There is no engine any more.
        """
        if self.gone or self._writer is None:
            raise EngineGone
        identifier = self._new_id()
        future: asyncio.Future[views.Body] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = future
        self._asked[identifier] = request
        if watch is not None:
            self._watched[identifier] = watch
        try:
            self._send(identifier, request)
            body = await future
        except asyncio.CancelledError:
            if not self.gone:
                self._send(self._new_id(), Cancel(identifier))  # nobody waits for its answer
            raise
        finally:
            self._waiting.pop(identifier, None)
            self._watched.pop(identifier, None)
            self._asked.pop(identifier, None)
        if isinstance(body, views.Failed):
            raise Refused(body)
        if not isinstance(body, kind):
            raise frames.FrameError(f"asked {type(request).__name__}, was answered {type(body).__name__}")
        return body

    def give_up(self, request: Request) -> None:
        """Have the engine leave a request that waits for its answer; what is done by then it answers as ever."""
        for identifier in [known for known, asked in self._asked.items() if asked is request]:
            self._send(self._new_id(), Cancel(identifier))

    def _send(self, identifier: int, request: Request) -> None:
        if self._writer is not None:
            self._writer.write(frames.encode(Question(identifier, request)))  # type: ignore[arg-type]

    def _new_id(self) -> int:
        self._last += 1
        return self._last

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (answer := await frames.read(reader, Answer)) is not None:
                self._take(answer)
        except OSError as error:
            # A frame that cannot be read: the connection is of no use any more, the same as a closed one.
            self.broken = str(error)
        finally:
            self.gone = True
            self._fail_all()
        if self._writer is not None:
            self._writer.close()
        self._on_gone()

    def _take(self, answer: Answer) -> None:
        self.revision = max(self.revision, answer.revision)
        if answer.id == 0:
            self._take_event(answer.body)
            return
        future = self._waiting.get(answer.id)
        if future is not None and not future.done():
            future.set_result(answer.body)

    def _take_event(self, body: views.Body) -> None:
        """How far a request is matters to the one who asked, if he still waits."""
        if not isinstance(body, views.Progress) or body.request == 0:
            self._on_event(body)
        elif body.request in self._watched:
            self._watched[body.request](body.text)

    def _fail_all(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EngineGone())
