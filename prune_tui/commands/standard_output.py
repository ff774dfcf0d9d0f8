"""Standard output for a command's answer alone: what the model's code prints goes to standard error."""

from __future__ import annotations

import errno
import os
import sys


class Answer:
    """The standard output that a command was started with."""

    def __init__(self, descriptor: int | None, encoding: str) -> None:
        """Keep a descriptor, or None where the shell has closed it."""
        self._descriptor = descriptor
        self._encoding = encoding

    def write(self, text: str | bytes) -> None:
        """Write a text and the end of its line at once, past all buffers: nothing of it is left for the exit.

        Args:
            text: As bytes where it has an encoding of its own, as JSON has.

        Raises:
            OSError: The disk is full, the reader of the pipe has gone, or there is no standard output.
        """
        if self._descriptor is None:
            raise OSError(errno.EBADF, "it is closed")
        data = (text if isinstance(text, bytes) else text.encode(self._encoding, "replace")) + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]


def take() -> Answer:
    """Send what is printed from now on, by whatever way, to standard error; the answer goes to what is returned.

    For as long as the process lives: what the model's code prints at exit, and what C++ holds back until then, is
    no part of the answer either. So standard output is never given back.
    """
    stdout, stderr = sys.stdout, sys.stderr
    kept, encoding = None, "utf-8"
    if stdout is not None:
        stdout.flush()
        kept, encoding = os.dup(1), stdout.encoding
    if stdout is not None or not _is_open(1):  # of a closed one's number something else may have been made
        _lead_elsewhere(to_stderr=stderr is not None)
    sys.stdout = stderr
    return Answer(kept, encoding)


def _lead_elsewhere(*, to_stderr: bool) -> None:
    if to_stderr:
        os.dup2(2, 1)
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if nowhere != 1:
        os.close(nowhere)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
