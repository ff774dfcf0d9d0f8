"""What `torch.save` writes since torch 1.6: a zip archive of a pickle and the storages it speaks of, mapped."""

from __future__ import annotations

from prune_tui.engine.sources import archive_kinds, pickled_checkpoint, torch_records
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.stored_tensors import Storages, Tensors
from prune_tui.engine.sources.zip_records import Place, Records


def read(file: MappedFile, records: Records, asked: Asked) -> Checkpoint:
    """Open an archive.

    Raises:
        SourceError: It is damaged, holds no tensors, or wants what nobody has allowed.
    """
    root = archive_kinds.root_of(records, archive_kinds.CONTENT) or ""
    outline = torch_records.outline_of(file.path, records, f"{root}{archive_kinds.CONTENT}")
    return pickled_checkpoint.read(file, outline, tensors_in(file, records, root), asked)


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
    torch_records.check_byte_order(file.path, records, root)

    def place(key: str) -> Place:
        return records.place(f"{root}{folder}/{key}")

    return Tensors(Storages(file, place), file.path)
