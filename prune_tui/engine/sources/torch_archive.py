"""The zip archives that torch writes, told apart by what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from prune_tui.engine.sources import archive_kinds, exported_program, torch_file, torchscript_file, zip_records
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.zip_records import Records


class _Kind(NamedTuple):
    looks_like: Callable[[Records], bool]
    read: Callable[[MappedFile, Records, Asked], Checkpoint]


_KINDS = (
    _Kind(archive_kinds.is_torchscript, torchscript_file.read),
    _Kind(archive_kinds.is_exported, exported_program.read),
    _Kind(archive_kinds.is_torch_file, torch_file.read),
)


def looks_like(path: Path) -> bool:
    """Whether a file is a zip archive; other readers of such ask before."""
    return zip_records.looks_like(path)


def read(path: Path, asked: Asked) -> Checkpoint:
    """Open an archive.

    Raises:
        SourceError: It is damaged, or none of torch's.
    """
    file = MappedFile(path)
    records = Records(file)
    kind = next((one for one in _KINDS if one.looks_like(records)), None)
    if kind is None:
        some = ", ".join(repr(name[:60]) for name in records.names[:3]) or "nothing"
        raise SourceError(f"{path} is a zip archive, but none that torch has written: it holds {some}")
    return kind.read(file, records, asked)
