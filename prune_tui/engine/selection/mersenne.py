"""The numbers that `torch.rand` draws on the CPU, drawn by numpy, which takes half the time for the same ones.

Both have the Mersenne Twister (M. Matsumoto, T. Nishimura, ACM TOMACS 8, 1998). torch keeps its state as
`CPUGeneratorImpl` lays it out, and makes a float32 of the lowest 24 bits of each word; whether this torch does so
is tried before.
"""

from __future__ import annotations

import functools
import struct

import numpy as np
import torch
from torch import Tensor

_WORDS = 624
_HEAD = struct.Struct("=QiiQ")
"""The seed, how many words are left, whether it was seeded, which word is next."""
_BITS = 24


class Mersenne:
    """Draws from torch's default CPU generator in the place of `torch.rand`; who draws there afterwards goes on.

    Example:
        >>> with Mersenne() as drawing:
        ...     drawing.rand(out)
    """

    def __enter__(self) -> Mersenne:
        self._state = torch.get_rng_state()
        row = self._state.numpy()
        self._seed, left, self._seeded, following = _HEAD.unpack_from(row.data)
        key = row[_HEAD.size : _HEAD.size + 8 * _WORDS].view(np.uint64).astype(np.uint32)
        self._twister = np.random.MT19937()
        self._twister.state = {
            "bit_generator": "MT19937",
            "state": {"key": key, "pos": _WORDS if left == 1 else following},
        }
        self._drew = False
        self._generator = np.random.Generator(self._twister)
        return self

    def rand(self, out: Tensor) -> None:
        """What `torch.rand(len(out), out=out)` does.

        Args:
            out: 1-D, float32, contiguous, on the CPU.
        """
        self._drew |= out.numel() > 0
        drawn = self._generator.integers(0, 2**32, size=out.numel(), dtype=np.uint32)
        drawn &= np.uint32(2**_BITS - 1)
        numbers = out.numpy()
        np.copyto(numbers, drawn.view(np.int32), casting="same_kind")
        numbers *= np.float32(2**-_BITS)

    def __exit__(self, *_: object) -> None:
        """Leave torch's generator where it would be."""
        if not self._drew:
            return
        state = self._twister.state["state"]
        following = int(state["pos"])
        row = self._state.numpy()
        _HEAD.pack_into(row.data, 0, self._seed, _WORDS + 1 - following, self._seeded, following)
        row[_HEAD.size : _HEAD.size + 8 * _WORDS].view(np.uint64)[:] = state["key"]
        torch.set_rng_state(self._state)


@functools.cache
def usable() -> bool:
    """Whether this torch draws so; tried once, on a generator that is put back."""
    before = torch.get_rng_state()
    try:
        expected = torch.rand(2 * _WORDS + 7, dtype=torch.float32, device="cpu"), torch.get_rng_state()
        torch.set_rng_state(before)
        found = torch.empty(2 * _WORDS + 7, dtype=torch.float32, device="cpu")
        with Mersenne() as drawing:
            drawing.rand(found)
        return torch.equal(found, expected[0]) and torch.equal(torch.get_rng_state(), expected[1])
    except (struct.error, ValueError, RuntimeError):  # another layout
        return False
    finally:
        torch.set_rng_state(before)
