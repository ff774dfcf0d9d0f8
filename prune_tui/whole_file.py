"""A file written whole or not at all: beside its place first, on the disk, and only then under its name."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from prune_tui.step_settings import StepError


class ExistsError(StepError):
    """There is a file of that name, and nobody said that it may go."""


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse what could not be written, before any work is done for it.

    Raises:
        ExistsError: There is a file already.
        StepError: There is no such folder, or nothing may be written there.
    """
    try:
        if path.is_dir():
            raise StepError(f"{path} is a folder; name a file in it")
        check_folder(path.parent)
        if path.exists() and not path.is_file():
            raise StepError(f"{path} is no ordinary file; nothing is written over it")
        if path.exists() and not overwrite:
            raise ExistsError(f"{path} exists already")
    except (OSError, ValueError) as error:  # too long a name, or one with a zero byte
        if isinstance(error, StepError):
            raise
        raise StepError(f"{path} cannot be written: {error}") from error


def check_folder(folder: Path) -> None:
    """Refuse a folder in which nothing can be written.

    Raises:
        StepError: There is none, it is not the person's, or the system keeps no files there.
        OSError: It cannot be asked.
    """
    if not folder.is_dir():
        raise StepError(f"there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StepError(f"the folder {folder} is not yours to write to")
    if not shutil.disk_usage(folder).total:  # as /proc
        raise StepError(f"nothing can be written to {folder}: the system keeps no files there; save elsewhere")


@contextlib.contextmanager
def written_whole(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a path to write to; when the block ends well, the file takes its place, on the disk, in one move.

    Whatever fails or interrupts, the file that was there stays as it was, and nothing is left beside it.

    Args:
        path: Where the file is to be; through a symbolic link, where that leads.
        overwrite: It may replace another one.

    Raises:
        ExistsError: A file of that name has appeared.
        StepError: It cannot be written; says why.
    """
    place = Path(os.path.realpath(path))
    check_place(place, overwrite=overwrite)
    beside = place.with_name(f".prune-tui-{secrets.token_hex(4)}.part")
    try:
        beside.touch(exist_ok=False)
        mode = (place if place.exists() else beside).stat().st_mode
        yield beside
        beside.chmod(mode & 0o777)  # safetensors lets nobody else read what it writes
        _settle(beside, place, overwrite=overwrite)
    except OSError as error:
        why = error.strerror or str(error)
        raise StepError(f"{path} cannot be written: {why}; it is as it was before") from error
    finally:
        with contextlib.suppress(OSError):  # the disk is gone, and so is the file
            beside.unlink(missing_ok=True)


def _settle(beside: Path, place: Path, *, overwrite: bool) -> None:
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    if overwrite:
        beside.replace(place)
    else:
        _link(beside, place)
    settle_folder(place.parent)


def settle_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    with contextlib.suppress(OSError):  # some network file systems do not sync folders
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _link(beside: Path, place: Path) -> None:
    """Give a file its name unless another has it: unlike a rename, a link never replaces."""
    try:
        os.link(beside, place)
    except FileExistsError as error:
        raise ExistsError(f"{place} exists already") from error
    except OSError:  # a file system without links
        check_place(place, overwrite=False)
        beside.replace(place)


def write_text(path: Path, text: str, *, overwrite: bool) -> int:
    """Write a text as UTF-8.

    Returns:
        Its size in bytes.

    Raises:
        ExistsError: There is a file already.
        StepError: It cannot be written; nothing is half written.
    """
    data = text.encode("utf-8", "surrogatepass")
    with written_whole(path, overwrite=overwrite) as beside:
        beside.write_bytes(data)
    return len(data)
