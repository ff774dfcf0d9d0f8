"""Seeding torch's generators for one step and leaving them as they were found."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterable, Iterator

import torch

from prune_tui.engine import interrupting
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.step_settings import StepError

# The default generators belong to the process: a preview in one thread and a step in another take turns.
exclusive = threading.RLock()

_LOOK = 0.05
"""Seconds between two looks at whether somebody still wants them."""
_waiting = 0
_waiting_changed = threading.Condition()


def seed_of_step(seed: int, number: int) -> int:
    """The seed of a random step that has none: drawn from the session's by the step's place in the history.

    Args:
        seed: The session's.
        number: 1 for the first step.
    """
    return random.Random(f"{seed}:{number}").randrange(2**31)


def wanted() -> bool:
    """Whether somebody waits for the generators: whoever holds them for long and can start anew gives way."""
    return _waiting > 0


def give_way() -> None:
    """Wait until nobody waits for the generators any more."""
    with _waiting_changed:
        _waiting_changed.wait_for(lambda: not wanted())


@contextlib.contextmanager
def _turn(stop: Stop) -> Iterator[None]:
    global _waiting  # noqa: PLW0603 - the process has one set of generators
    if not exclusive.acquire(blocking=False):
        with _waiting_changed:
            _waiting += 1
        try:
            while not exclusive.acquire(timeout=_LOOK):
                if stop():
                    raise Cancelled
                if why := interrupting.deaf():
                    raise interrupting.BlockedError(why)
        finally:
            with _waiting_changed:
                _waiting -= 1
                _waiting_changed.notify_all()
    try:
        yield
    finally:
        exclusive.release()


def _generator(device: torch.device) -> torch.Generator:
    """The default generator that torch draws from on a device."""
    if device.type in {"cpu", "meta"}:
        return torch.default_generator
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        return torch.cuda.default_generators[index]
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    raise StepError(f"random pruning on {device.type} is not supported; move the model to cpu or cuda first")


@contextlib.contextmanager
def untouched(devices: Iterable[torch.device] = (), stop: Stop = never) -> Iterator[set[torch.Generator]]:
    """Leave the default generators of the CPU and of these devices as they were found.

    Args:
        devices: Beside the CPU.
        stop: Asked while somebody else has them.

    Raises:
        StepError: A device whose generator cannot be reached; or a plugin has them and will not end.
        Cancelled: `stop` said so.
    """
    with _turn(stop):
        generators = {_generator(device) for device in {torch.device("cpu"), *devices}}
        states = [(generator, generator.get_state()) for generator in generators]
        try:
            yield generators
        finally:
            for generator, state in states:
                generator.set_state(state)


@contextlib.contextmanager
def seeded(seed: int, devices: Iterable[torch.device], stop: Stop = never) -> Iterator[None]:
    """What `torch.manual_seed(seed)` does to the CPU and these devices, undone at the end.

    `torch.manual_seed` itself would also seed devices that are not ours to touch, and leave a seed waiting for
    a CUDA that is not started yet.

    Args:
        seed: For every generator.
        devices: Where the step's tensors live; the CPU is always included, torch draws channels there.
        stop: As in `untouched`.

    Raises:
        StepError: As in `untouched`.
        Cancelled: Likewise.
    """
    with untouched(devices, stop) as generators:
        for generator in generators:
            generator.manual_seed(seed)
        yield
