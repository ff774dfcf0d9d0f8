"""Opening what the command opens in a person's own process, and leaving that as it was found."""

from __future__ import annotations

import ast
import contextlib
import copy
import os
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from prune_tui.engine import generators
from prune_tui.engine.cancelling import never
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.protocol import Open

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

_LARGEST_SEED = 2**63 - 1
_NONE: Mapping[str, Any] = MappingProxyType({})


class Openable:
    """What a session is where it is not made of a model that is there."""

    @classmethod
    def open(
        cls,
        source: str | Path,
        *,
        arguments: Mapping[str, Any] = _NONE,
        device: str | torch.device = "auto",
        seed: int = 0,
        weights: str | Path = "",
        key: str = "",
        allow: Iterable[str] = (),
        trust: bool = False,
    ) -> Session:
        """A session on whatever the command opens, in this process.

        What came pruned is pruned, with torch's hooks, and `save` writes names as they are in the source. The
        values of a checkpoint stay in its files until they are looked at.

        Args:
            source: A checkpoint's file or folder; `"file.py:Symbol"` or `"package.module:Symbol"`, where the
                symbol is a Module class, a function that returns a Module, or a Module; or `"demo"`.
            arguments: For the class or function, by name; what Python writes as literals.
            device: `"auto"` leaves a model where it is: on the CPU, or where its code puts it.
            seed: Seeds the construction of the model and every random step. The process's own generators are left
                as they were found.
            weights: A checkpoint to load into the model that the class or function makes.
            key: Which part of a trainer's dictionary to open, as `"model_state_dict"`.
            allow: Classes and functions that a checkpoint's pickle may use.
            trust: Let a checkpoint's pickle run whatever code it brings.

        Returns:
            The session. Its `notes` are what a person should know of how it was opened.

        Raises:
            SourceError: It cannot be opened; a ValueError that says what is wrong, where, and what to do.
            StepError: It cannot be pruned; likewise.

        Example:
            >>> session = Session.open("model.safetensors")
            >>> session.apply("l1_unstructured", "*.weight", amount=0.3)
            >>> session.save("pruned.safetensors")
        """
        # What opens makes sessions, and so cannot be there before them.
        from prune_tui.engine.evaluation.measurement import Measurement  # noqa: PLC0415
        from prune_tui.engine.opening import open_session  # noqa: PLC0415

        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= _LARGEST_SEED:
            raise SourceError(f"seed={seed!r}: a seed is a whole number from 0 to {_LARGEST_SEED}")
        request = Open(
            _name(source),
            tuple(_as_text(name, value) for name, value in arguments.items()),
            str(device),
            seed,
            unwrap=True,
            key=key,
            allow=(allow,) if isinstance(allow, str) else tuple(allow),
            trust=trust,
            weights=_name(weights) if weights else "",
        )
        with _generators_as_they_were():
            return open_session(request, Measurement(lambda _: None), lambda _: None, never).session


def _name(source: str | Path) -> str:
    """A source as the command takes it: a `Path` without a symbol is a file or folder, whatever it is called."""
    name = os.fspath(source)
    is_file = isinstance(source, Path) and ".py:" not in name and not source.is_absolute()
    return os.path.join(".", name) if is_file else name


def _as_text(name: str, value: Any) -> str:
    """An argument as --arg takes it, from which the same value comes."""
    text = repr(value)
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        if ast.literal_eval(text) == value:
            return f"{name}={text}"
    raise SourceError(
        f"arguments: {name} is a {type(value).__name__}, and no value that Python writes as a literal, such as 10,"
        " 'relu' or [1, 2]; build the model yourself: Session(model)"
    )


@contextlib.contextmanager
def _generators_as_they_were() -> Iterator[None]:
    """Building a model draws from generators that are seeded for it; the process has its own use for them."""
    before, numpys = random.getstate(), np.random.get_state()
    started = torch.cuda.is_initialized()
    waiting = _seeds_that_wait()
    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())] if started else []
    try:
        with generators.untouched(devices):
            yield
    finally:
        random.setstate(before)
        np.random.set_state(numpys)
        if not torch.cuda.is_initialized():
            vars(torch.cuda._lazy_seed_tracker).update(waiting)


def _seeds_that_wait() -> dict[str, Any]:
    """What `torch.manual_seed` has left for a CUDA that is not started yet."""
    return {name: copy.copy(value) for name, value in vars(torch.cuda._lazy_seed_tracker).items()}
