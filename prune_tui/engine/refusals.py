"""What torch or a person's code refuses, told as a sentence about a tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prune_tui.step_settings import StepError


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Tell whatever torch raises as a StepError about a tensor, the exception itself as its cause.

    A tensor's class, a hook or a person's module may raise anything. Interrupts and MemoryError pass as they are.
    It stands around calls into torch's or a person's code only: a failure of ours is a bug and is told as one.
    """
    try:
        yield
    except (StepError, MemoryError):
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise StepError(f"{what}: torch refuses with {type(error).__name__}: {reason}") from error
