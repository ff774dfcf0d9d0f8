"""Tensors as torch's pickles describe them, placed in the memory of the file that holds their storages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from prune_tui.engine import memory
from prune_tui.engine.sources import described_tensors
from prune_tui.engine.sources.described_tensors import Extent, NotShownError
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.zip_records import Place
from prune_tui.told_names import typed

_SMALL = 10_000_000
"""Bytes that nobody asks for the memory of."""


class Layout(NamedTuple):
    """How a tensor lies in a storage.

    Attributes:
        dtype: Of its entries.
        extent: Which of the storage's they are.
    """

    dtype: torch.dtype
    extent: Extent


class Storages:
    """The storages in a file, each in memory once, whoever shares it.

    Args:
        file: Holds them.
        place: Where one lies, by its key.
    """

    def __init__(self, file: MappedFile, place: Callable[[str], Place]) -> None:
        self._file, self._place = file, place
        self._held: dict[str, Tensor] = {}

    def tensor(self, key: str, size: int, layout: Layout, *, start: int = 0) -> Tensor:
        """A tensor on one of them.

        Args:
            key: The storage's.
            size: Bytes that the storage should have; 0 where nobody says.
            layout: How it lies there.
            start: Entry of the storage that it counts from.

        Raises:
            NotShownError: It shows few entries very often.
            SourceError: It does not lie within.
        """
        extent = layout.extent
        entries = self._entries(key, size, layout.dtype)
        described_tensors.check(self._file.path, extent, entries.nbytes // layout.dtype.itemsize - start)
        if start + extent.offset == 0 and entries.dtype == layout.dtype:
            whole = _as_a_whole(entries, extent)
            if whole is not None:
                return whole
        try:
            empty = torch.empty(0, dtype=layout.dtype)
            storage = entries.untyped_storage()
            return empty.set_(storage, start + extent.offset, extent.shape, extent.strides)
        except RuntimeError as error:  # sizes that are none for torch, though they hold nothing
            raise SourceError(
                f"{self._file.path} is damaged: a tensor of shape {extent.shape}: {error}"
            ) from error

    def _entries(self, key: str, size: int, dtype: torch.dtype) -> Tensor:
        """All entries of a storage in a row."""
        if key not in self._held:
            place = self._place(key)
            if place.start % dtype.itemsize:
                _afford(self._file, place.size)
            self._held[key] = self._file.tensor(dtype, (place.size // dtype.itemsize,), place.start)
        found = self._held[key]
        if size > found.nbytes:
            raise SourceError(
                f"{self._file.path} is damaged or cut off: a storage should have {size:,} bytes, and there are"
                f" {found.nbytes:,}"
            )
        return found


def _as_a_whole(entries: Tensor, extent: Extent) -> Tensor | None:
    """A tensor that has all entries of its storage in their order, as most have; None where it has not."""
    if math.prod(extent.shape) != entries.numel() or 0 in extent.shape:
        return None
    found = entries.view(extent.shape)
    return found if found.stride() == extent.strides else None


def _afford(file: MappedFile, size: int) -> None:
    """What does not lie at a multiple of its entries' size is copied."""
    there = memory.free(torch.device("cpu")) if size > _SMALL else None
    if there is not None and size > there:
        raise SourceError(
            f"{file.path} is in a format whose tensors cannot be mapped: {memory.readable(size)} are needed for"
            f" one, {memory.readable(there)} are free. Convert it to safetensors where there is more memory:"
            f" prune-tui convert {typed(file.path)} weights.safetensors"
        )


class Tensors:
    """The tensors of a pickle.

    Args:
        storages: What they lie in.
        path: Of the file, for errors.
    """

    def __init__(self, storages: Storages, path: object) -> None:
        self._storages, self._path = storages, path

    def all_of(self, made: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """What torch would rebuild, and why that is not shown of some.

        Args:
            made: By name; `is_tensor` is true of each.

        Raises:
            SourceError: One is damaged.
        """
        tensors: dict[str, Tensor] = {}
        reasons: dict[str, str] = {}
        for name, one in made.items():
            found = described_tensors.shown(self._of, one)
            if isinstance(found, str):
                reasons[name] = found
            else:
                tensors[name] = found
        return tensors, reasons

    def _of(self, made: Any) -> Tensor:
        told = described_tensors.describe(made, self._path)
        layout = Layout(_dtype(told.dtype), told.extent)
        return self._storages.tensor(
            told.key, told.entries * _dtype(told.stored).itemsize, layout, start=told.start
        )


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise NotShownError(f"is of dtype torch.{name[:100]}")
    return found
