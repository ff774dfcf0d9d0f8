"""The engine as a process of its own: the child of a UI, which ends with it.

Importing this module imports no torch: the UI is told that torch is being imported before it is, and what the
headers of a checkpoint tell.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from typing import NoReturn

import msgspec

from prune_tui import frames
from prune_tui.engine.early_outline import early_outline
from prune_tui.protocol import Answer, Open
from prune_tui.views import AnyBody, EarlyOutline, Progress

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(descriptor: int, parent: int, expected: bytes = b"") -> None:
    """Serve the UI at the other end of a socket until it goes.

    Args:
        descriptor: Of a connected Unix socket inherited from the UI.
        parent: Process id of the UI.
        expected: An `Open` that will be asked, as msgpack: what can be told of it without torch is told at once.
    """
    _die_with_parent(parent)
    # The terminal is the UI's: a ctrl+c there is a key, not a signal for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=descriptor)
    _tell(connection, Progress(0, "importing torch"))
    early = _early(msgspec.msgpack.decode(expected, type=Open)) if expected else None
    # A long one is not sent before the UI reads it, and torch need not wait for that.
    telling = threading.Thread(target=_tell, args=(connection, early), name="prune-tui early", daemon=True)
    if early is not None:
        telling.start()
    from prune_tui.engine.server import Server  # noqa: PLC0415 - this imports torch

    if early is not None:
        telling.join()
    server = Server(connection, gone=_end)
    server.memory.start()
    server.serve()


def _tell(connection: socket.socket, body: AnyBody) -> None:
    """Send an event."""
    try:
        connection.sendall(frames.encode(Answer(0, 0, body)))
    except ConnectionError:
        _end()


def _early(expected: Open) -> EarlyOutline | None:
    """The tree of a checkpoint, if its headers tell it."""
    gc.disable()  # ten thousand rows are made, and nothing in circles
    try:
        return early_outline(expected)
    except Exception:  # noqa: BLE001 - the boundary: a file that is read here without torch is read again with it
        traceback.print_exc()  # into the log pane
        return None
    finally:
        gc.enable()


def _die_with_parent(parent: int) -> None:
    """Have Linux kill this process when the UI dies, even while a kernel holds the interpreter lock.

    It kills this process alone: what the model's code has started notices, as a DataLoader's workers do, or stays.

    Linux means the thread that started us: the UI starts engines from its main thread only.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _end()


def _end() -> NoReturn:
    """End at once, with every process that the model's code has started.

    Not sys.exit: a step or a model's forward may hold the main thread for minutes, and nobody waits any more.
    """
    if os.getpgrp() == os.getpid():  # we lead a group of our own, so nobody else is in it
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
