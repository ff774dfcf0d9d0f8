"""A folder that is written file by file, beside its place; finished files are kept when the writing is ended.

A small state file says which are finished and what they are of; whoever comes with the same goes on, whoever comes
with something else begins anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prune_tui.step_settings import StepError
from prune_tui.whole_file import settle_folder

_STATE = ".prune-tui-state.json"


def place_of(path: Path) -> Path:
    """Where the unfinished folder of a place is, which another run may go on with."""
    place = Path(os.path.realpath(path))
    return place.with_name(f".{place.name}.prune-tui-part")


def finished_in(path: Path) -> int:
    """How many files of an unfinished folder are finished; 0 where there is none."""
    return len(_read(place_of(path)).get("finished", {}))


class UnfinishedFolder:
    """The folder, and what of it is finished.

    Args:
        folder: It is there.
        identity: What its files are of.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        self.folder = folder
        known = _read(folder)
        self._state: dict[str, Any] = {"identity": dict(identity), "finished": {}}
        if known.get("identity") == self._state["identity"]:
            self._state["finished"] = known["finished"]
        else:
            for found in folder.iterdir():
                shutil.rmtree(found) if found.is_dir() else found.unlink()
        self._write()

    @property
    def any_finished(self) -> bool:
        """Whether there is a finished file."""
        return bool(self._state["finished"])

    def size_of(self, name: str) -> int:
        """Bytes of a finished file; 0 where it is not finished."""
        with contextlib.suppress(OSError):
            size = (self.folder / name).stat().st_size
            return size if size == self._state["finished"].get(name) else 0
        return 0

    def finish(self, name: str) -> None:
        """A file is whole: have it on the disk, and then say so."""
        with (self.folder / name).open("rb+") as file:
            os.fsync(file.fileno())
            self._state["finished"][name] = os.fstat(file.fileno()).st_size
        self._write()

    def _write(self) -> None:
        beside = self.folder / f"{_STATE}.new"
        beside.write_text(json.dumps(self._state))
        beside.replace(self.folder / _STATE)


@contextlib.contextmanager
def unfinished_folder(path: Path, identity: Mapping[str, str], *, keeps: bool) -> Iterator[UnfinishedFolder]:
    """Yield a folder to write to; when the block ends well it gets its name.

    Args:
        path: Where it is to be: nothing is there, or an empty folder.
        identity: What its files are of.
        keeps: Keep finished files when the block fails.

    Raises:
        StepError: Another process writes it.
        OSError: It cannot be written.
    """
    place, folder = Path(os.path.realpath(path)), place_of(path)
    if not keeps:
        folder = folder.with_name(f".prune-tui-{secrets.token_hex(4)}.part")
    folder.mkdir(exist_ok=True)
    with _alone(folder, path):
        found = UnfinishedFolder(folder, identity)
        try:
            yield found
        except BaseException:
            if not keeps or not found.any_finished:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        (folder / _STATE).unlink()
        _settle(folder)
        folder.rename(place)  # over an empty folder, too; never over another
        settle_folder(place.parent)


def _settle(folder: Path) -> None:
    """Have all that lies in it on the disk."""
    for found in folder.rglob("*"):
        if found.is_dir():
            settle_folder(found)
        else:
            with found.open("rb+") as file:
                os.fsync(file.fileno())


@contextlib.contextmanager
def _alone(folder: Path, path: Path) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StepError(f"another prune-tui is writing {path}; wait for it, or end it") from error
        yield
    finally:
        os.close(opened)


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _STATE).read_bytes())
        if isinstance(found, dict) and isinstance(found.get("finished"), dict):
            return found
    except (OSError, ValueError):
        pass
    return {}
