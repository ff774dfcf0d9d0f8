"""The seeds that a command takes."""

from __future__ import annotations

from prune_tui.step_settings import StepError

_LARGEST = 2**63 - 1


def checked(seed: int) -> int:
    """The value of --seed.

    Raises:
        StepError: It is none that torch's generators and recipes take.
    """
    if not 0 <= seed <= _LARGEST:
        raise StepError(f"--seed {seed}: a seed is a whole number from 0 to {_LARGEST}")
    return seed
