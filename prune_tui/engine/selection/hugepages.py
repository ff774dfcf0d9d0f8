"""Large new tensors on large pages: the kernel hands out 2 MiB at a time where it is asked to.

A fresh tensor of 40 MB is ten thousand page faults, which take longer than filling it. `madvise(MADV_HUGEPAGE)`,
which numpy does for its own arrays and torch does not, makes them twenty. Where the kernel has no such pages, or
no `madvise`, nothing happens.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_WORTH_IT = 2**22
"""Bytes: a few large pages."""


@functools.cache
def _madvise() -> Callable[[int, int, int], int] | None:
    """The C library's `madvise`; None where there is none or no large pages."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    try:
        found: Callable[[int, int, int], int] = _with_types(ctypes.CDLL(None).madvise)
    except (OSError, AttributeError):
        return None
    return found


def _with_types(function: Any) -> Any:
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function


def empty_like(tensor: Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> Tensor:
    """`torch.empty_like`."""
    fresh = torch.empty_like(tensor, memory_format=memory_format)
    size, advise = fresh.numel() * fresh.itemsize, _madvise()
    if advise is not None and fresh.device.type == "cpu" and size >= _WORTH_IT:
        # Whole pages inside its memory only; that the kernel refuses costs time and nothing else.
        start = -(-fresh.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
        advise(start, (fresh.data_ptr() + size - start) // mmap.PAGESIZE * mmap.PAGESIZE, mmap.MADV_HUGEPAGE)
    return fresh
