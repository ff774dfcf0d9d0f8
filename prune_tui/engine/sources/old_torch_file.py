"""What `torch.save` wrote before torch 1.6, and still does when asked to: five pickles, then the storages.

Its storages begin where the one before ends, so that most lie across the boundaries of their entries: those are
copied, one by one, when their tensors are opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from prune_tui.engine.sources import pickle_outline, pickled_checkpoint
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.described_tensors import dtype_of_storage
from prune_tui.engine.sources.dtype_names import ITEMSIZES
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.pickled_objects import Persistent
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.stored_tensors import Storages, Tensors
from prune_tui.engine.sources.zip_records import Place

_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that the first pickle holds, after its protocol."""
_WITHIN = 16
"""Bytes in which it begins."""
_PROTOCOL = 1001
_LENGTH = 8
"""Bytes before each storage, which say how many entries it has."""
_TAR = b"ustar"
_TAR_AT = 257
_AGAIN = "load it with torch where it comes from, and save its state_dict with today's torch.save"


def looks_like(path: Path) -> bool:
    """Whether a file begins as one, or as what torch 0.1 or Python's own pickle wrote."""
    with path.open("rb") as file:
        start = file.read(_TAR_AT + len(_TAR))
    return _MAGIC in start[: _WITHIN + len(_MAGIC)] or start.endswith(_TAR) or start[:1] == b"\x80"


def read(path: Path, asked: Asked) -> Checkpoint:
    """Open a file.

    Raises:
        SourceError: It is damaged, of another kind, holds no tensors, or wants what nobody has allowed.
    """
    file = MappedFile(path)
    if file.bytes_at(_TAR_AT, len(_TAR)) == _TAR:
        raise SourceError(f"{path} is a tar archive, as torch wrote them before version 0.1.10: {_AGAIN}")
    if _MAGIC not in file.bytes_at(0, _WITHIN + len(_MAGIC)):
        raise SourceError(f"{path} is a pickle, but not one of torch.save: {_AGAIN}")
    try:
        with path.open("rb") as stream:
            return _read(file, stream, asked)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error


def _read(file: MappedFile, stream: IO[bytes], asked: Asked) -> Checkpoint:
    def pickle(what: str) -> pickle_outline.Outline:
        return pickle_outline.read(stream, f"{what} in {file.path}")

    pickle("the first pickle")
    if pickle("its version").value != _PROTOCOL:
        raise SourceError(f"{file.path} is in a version of torch's old format that is not known: {_AGAIN}")
    machine = pickle("its machine").value
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise SourceError(f"{file.path} was written by a big-endian machine: {_AGAIN}")
    content = pickle("its content")
    keys = pickle("its list of storages").value
    places = _places(file, stream.tell(), keys if isinstance(keys, list) else [], content.outside)

    def place(key: str) -> Place:
        if key not in places:
            raise SourceError(f"{file.path} is damaged: it has no storage {key[:40]!r}")
        return places[key]

    tensors = Tensors(Storages(file, place), file.path)
    kind = "torch file in the old format"
    return pickled_checkpoint.read(file, content, tensors, asked, kind=kind, mapped=False)


def _places(file: MappedFile, start: int, keys: list[Any], outside: tuple[Persistent, ...]) -> dict[str, Place]:
    """Where the storages lie: one after the other, in the order of their keys."""
    sizes = {}
    for id_ in (one.id for one in outside):
        if isinstance(id_, tuple) and len(id_) > 3 and id_[0] == "storage" and isinstance(id_[2], (str, int)):
            dtype = dtype_of_storage(id_[1])
            sizes[str(id_[2])] = ITEMSIZES[dtype] if dtype is not None else 0
    places: dict[str, Place] = {}
    for key in keys:
        size = sizes.get(str(key), 0) if isinstance(key, (str, int)) else 0
        if not size:
            break  # what comes after one of unknown size cannot be found
        entries = int.from_bytes(file.bytes_at(start, _LENGTH), "little")
        if start + _LENGTH + entries * size > file.size:
            raise SourceError(
                f"{file.path} is cut off or damaged: a storage of {entries:,} entries begins at byte {start:,} of"
                f" {file.size:,}"
            )
        places[str(key)] = Place(start + _LENGTH, entries * size)
        start += _LENGTH + entries * size
    return places
