"""Standard output as it was before a command took it, for tests that call one in their own process."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def standard_output_given_back() -> Iterator[None]:
    """Undo what `standard_output.take` does for the life of a process."""
    stdout, descriptor = sys.stdout, os.dup(1)
    try:
        yield
    finally:
        sys.stdout = stdout
        os.dup2(descriptor, 1)
        os.close(descriptor)
