"""What lies beside the storages in an archive of `torch.save`: pickle and byte order. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from prune_tui.engine.sources import pickle_outline
from prune_tui.engine.sources.pickle_outline import Outline
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.zip_records import Records

LARGEST = 1_000_000_000
"""Bytes of a pickle, which holds no tensors itself."""


def outline_of(path: Path, records: Records, name: str, most: int = LARGEST) -> Outline:
    """A pickle in an archive.

    Args:
        path: Of the archive, for errors.
        records: Its.
        name: Of the pickle.
        most: Bytes that it may have.

    Raises:
        SourceError: It is damaged, or larger.
    """
    return pickle_outline.read_bytes(records.bytes_of(name, most), f"{name.rpartition('/')[2]} in {path}")


def check_byte_order(path: Path, records: Records, root: str) -> None:
    """Refuse what was written by a machine of another kind.

    Args:
        path: Of the archive, for errors.
        records: Its.
        root: Where they lie.

    Raises:
        SourceError: It was.
    """
    order = f"{root}byteorder"
    if order in records.names and records.bytes_of(order, 100).strip() != b"little":
        raise SourceError(f"{path} was written by a big-endian machine; load and save it with torch on this one")
