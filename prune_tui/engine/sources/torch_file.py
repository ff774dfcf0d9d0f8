"""What `torch.save` writes since torch 1.6: a zip archive of a pickle and the storages it speaks of, mapped."""

from __future__ import annotations

from prune_tui.engine.sources import archive_kinds, pickle_outline, pickled_checkpoint
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.pickle_outline import Outline
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.stored_tensors import Storages, Tensors
from prune_tui.engine.sources.zip_records import Place, Records

_LARGEST = 1_000_000_000
"""Bytes of a pickle, which holds no tensors itself."""


def read(file: MappedFile, records: Records, asked: Asked) -> Checkpoint:
    """Open an archive.

    Raises:
        SourceError: It is damaged, holds no tensors, or wants what nobody has allowed.
    """
    root = archive_kinds.root_of(records, archive_kinds.CONTENT) or ""
    outline = outline_of(file, records, f"{root}{archive_kinds.CONTENT}")
    return pickled_checkpoint.read(file, outline, tensors_in(file, records, root), asked)


def outline_of(file: MappedFile, records: Records, name: str) -> Outline:
    """A pickle in an archive.

    Raises:
        SourceError: It is damaged.
    """
    data = records.bytes_of(name, _LARGEST)
    return pickle_outline.read_bytes(data, f"{name.rpartition('/')[2]} in {file.path}")


def tensors_in(file: MappedFile, records: Records, root: str, folder: str = "data") -> Tensors:
    """The tensors that an archive's pickle speaks of.

    Args:
        file: Holds the archive.
        records: Its.
        root: Where they lie.
        folder: Of the storages, below.

    Raises:
        SourceError: They are those of a machine of another kind.
    """
    order = f"{root}byteorder"
    if order in records.names and records.bytes_of(order, 100).strip() != b"little":
        raise SourceError(
            f"{file.path} was written by a big-endian machine; load and save it with torch on this one"
        )

    def place(key: str) -> Place:
        return records.place(f"{root}{folder}/{key}")

    return Tensors(Storages(file, place), file.path)
