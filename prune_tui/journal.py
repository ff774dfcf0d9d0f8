"""The journal of a session: every step on disk before it is acknowledged, so that no end of a process loses it.

One file a session, one record a line: the CRC-32 of the rest in eight hexadecimal digits, a space, and the record
as msgpack in base64, since JSON has no infinity. A line that was cut off by the end of a process is no record;
everything before it is. `journal_writer` writes it, and holds a lock on the file, so that two engines never go on
with the same session.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import fcntl
import os
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from prune_tui.source_names import settled
from prune_tui.steps import AnyStep
from prune_tui.told_names import escaped

VERSION = 1
SUFFIX = ".journal"


class JournalError(Exception):
    """A journal that cannot be written, read or taken over; the text says why and what to do, on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(escaped(message))


class InUseError(JournalError):
    """Another engine is writing it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"session {path.stem} is in use by another prune-tui; leave that first")


class Header(msgspec.Struct, frozen=True, tag="session", kw_only=True):
    """What a session works on; the first record.

    Attributes:
        version: Of this format.
        source: As `settled` makes it.
        arguments: `name=value` texts for a class or factory.
        device: As asked for.
        seed: The session's.
        unwrap: What is inside a wrapper was opened.
        plugins: Files that added pruning methods.
        key: Which part of a trainer's dictionary was opened.
        allow: Names that a checkpoint's pickle was allowed to use.
        trust: A checkpoint's pickle was allowed to run code.
        weights: The checkpoint that was loaded into the model that code made.
        folder: The working folder; modules of packages are found from there.
        model: Class name.
        fingerprint: Of the model before the first step.
        torch: Version that made the masks.
        started: ISO 8601, with the offset from UTC.
    """

    version: int = VERSION
    source: str
    arguments: tuple[str, ...] = ()
    device: str = "auto"
    seed: int = 0
    unwrap: bool = False
    plugins: tuple[str, ...] = ()
    key: str = ""
    allow: tuple[str, ...] = ()
    trust: bool = False
    weights: str = ""
    folder: str = ""
    model: str = ""
    fingerprint: str = ""
    torch: str = ""
    started: str = ""


class Did(msgspec.Struct, frozen=True, tag="did"):
    """A step was done.

    Attributes:
        step: With its seed.
        checksum: Of its targets' masks after it; for `remove`, of the masks it took away.
    """

    step: AnyStep
    checksum: str


class Amended(msgspec.Struct, frozen=True, tag="amended"):
    """The last step was replaced by this one."""

    step: AnyStep
    checksum: str


class Undid(msgspec.Struct, frozen=True, tag="undid"):
    """The last step was taken back."""


class Redid(msgspec.Struct, frozen=True, tag="redid"):
    """The last undone step was done again."""


class Plugged(msgspec.Struct, frozen=True, tag="plugged"):
    """From here on steps may use the methods of these files, too."""

    plugins: tuple[str, ...]


Event = Did | Amended | Undid | Redid | Plugged


class Together(msgspec.Struct, frozen=True, tag="together"):
    """Changes of which all or none are kept."""

    events: tuple[Event, ...]


Record = Header | Did | Amended | Undid | Redid | Plugged | Together
_DECODER = msgspec.msgpack.Decoder(Record)


class Kept(NamedTuple):
    """What a journal holds.

    Attributes:
        path: The file.
        header: What it works on.
        steps: The steps that are done, then those that redo would do again.
        done: How many of them are done.
        good: Bytes of whole records.
        damage: Where whole records are followed by what is none though more follows; empty when nothing is wrong.
    """

    path: Path
    header: Header
    steps: tuple[Did, ...]
    done: int
    good: int
    damage: str = ""

    @property
    def name(self) -> str:
        """By which a person calls it."""
        return self.path.stem


def folder() -> Path:
    """Where the user's journals are: `~/.local/state/prune-tui/sessions` on Linux."""
    import platformdirs  # noqa: PLC0415 - only who keeps journals needs it

    return platformdirs.user_state_path("prune-tui", appauthor=False) / "sessions"


def new_path(folder: Path) -> Path:
    """A name for a new session's file, by the time and unlike all others. The file is made with its first step."""
    now = datetime.datetime.now().astimezone()
    return folder / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}{SUFFIX}"


def read(path: Path) -> Kept:
    """Everything a journal holds.

    Raises:
        JournalError: It cannot be read, or does not begin as a journal does.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from error
    records = list(_records(path, text))
    standing = _Standing(_header(path, records[0][1] if records else None))
    good = records[0][0]
    for end, record in records[1:]:
        if not standing.take(record):
            break
        good = end
    rest = text[good:]
    damage = ""
    if b"\n" in rest.rstrip(b"\n"):  # not merely the last line, cut off
        line = text[:good].count(b"\n") + 1
        damage = f"{path} is damaged at line {line}; the lines before it can be gone on with"
    done, undone = standing.done, standing.undone
    return Kept(path, standing.header, (*done, *reversed(undone)), len(done), good, damage)


def line(record: Record) -> bytes:
    """A record as it stands in the file.

    Raises:
        JournalError: It would not be the same when it is read.
    """
    packed = msgspec.msgpack.encode(record)
    try:
        lossless = msgspec.msgpack.encode(_DECODER.decode(packed)) == packed
    except (msgspec.DecodeError, RecursionError) as error:
        raise JournalError(f"what was done cannot be written to the journal: {error}") from error
    if not lossless:
        raise JournalError("what was done cannot be written to the journal: it would not be the same when read")
    body = base64.b64encode(packed)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _records(path: Path, text: bytes) -> Iterator[tuple[int, Record]]:
    """Whole records from the beginning, each with where it ends."""
    start = 0
    while (end := text.find(b"\n", start)) >= 0:
        digits, _, body = text[start:end].partition(b" ")
        if digits != b"%08x" % zlib.crc32(body):
            return
        try:
            record = _DECODER.decode(base64.b64decode(body, validate=True))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            # It was written as it stands, so it is no damage: nothing of it may be cut off.
            number = text.count(b"\n", 0, start) + 1
            raise JournalError(
                f"line {number} of {path} was written by another version of prune-tui: use that one, or delete it"
            ) from error
        yield end + 1, record
        start = end + 1


def _header(path: Path, first: Record | None) -> Header:
    if not isinstance(first, Header):
        raise JournalError(f"{path} is not a journal of prune-tui, or was cut off before its first step")
    if first.version != VERSION:
        raise JournalError(
            f"{path} is of version {first.version}; this prune-tui reads version {VERSION}: update it"
        )
    return first


class _Standing:
    """What the records so far come to.

    Attributes:
        header: With what was added to it since.
        done: The steps that are done.
        undone: Those undone, the one undone last at the end.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.done: list[Did] = []
        self.undone: list[Did] = []

    def take(self, record: Record) -> bool:
        """Take one record into account; False when it cannot follow what came before."""
        done, undone = self.done, self.undone
        match record:
            case Did():
                undone.clear()
                done.append(record)
            case Amended() if done:
                undone.clear()
                done[-1] = Did(record.step, record.checksum)
            case Undid() if done:
                undone.append(done.pop())
            case Redid() if undone:
                done.append(undone.pop())
            case Plugged():
                plugins = dict.fromkeys((*self.header.plugins, *record.plugins))
                self.header = msgspec.structs.replace(self.header, plugins=tuple(plugins))
            case Together():
                return all(map(self.take, record.events))
            case _:
                return False
        return True


def in_use(path: Path) -> bool:
    """Whether an engine is writing it now."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks, or a file that has gone
        return False
    return False


def listing(folder: Path) -> list[Path]:
    """The journals in a folder, the one written last first.

    Raises:
        JournalError: The folder cannot be read.
    """
    found = []
    try:
        for path in folder.iterdir():
            if path.suffix == SUFFIX:
                with contextlib.suppress(OSError):  # gone meanwhile
                    found.append((path.stat().st_mtime_ns, path))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise JournalError(
            f"the sessions that are kept in {folder} cannot be read: {error.strerror};"
            " make that folder yours, or name another by XDG_STATE_HOME"
        ) from error
    return [path for _, path in sorted(found, reverse=True)]


def why_not_kept(folder: Path) -> str:
    """Why no session can be kept in a folder, which need not be there yet; empty where one can. Writes nothing."""
    try:
        place = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    except OSError as error:
        return f"{folder} cannot be reached: {error.strerror}"
    if not place.is_dir():
        return f"{place} is no folder"
    mine = os.access(place, os.R_OK | os.W_OK | os.X_OK)
    return "" if mine else f"the folder {place} is not yours to read and to write to"


def latest(folder: Path, source: str | None = None, arguments: tuple[str, ...] | None = None) -> Kept | None:
    """The session that was worked on last, is not in use, and has steps; one where all are undone comes after.

    Args:
        folder: Of the journals.
        source: Only sessions on this source, as `settled` makes it.
        arguments: Only sessions that were opened with these.
    """
    undone = None
    for path in listing(folder):
        try:
            header = _header(path, _first(path))
            if source not in {None, header.source} or arguments not in {None, header.arguments} or in_use(path):
                continue
            kept = read(path)
        except JournalError:  # told by `prune-tui sessions`
            continue
        if kept.done:
            return kept
        undone = undone or (kept if kept.steps else None)
    return undone


def named(folder: Path, name: str) -> Kept | None:
    """The session of this name; else the one worked on last on the source of this name.

    Raises:
        JournalError: There is one of this name, but it cannot be read, or the only one on that source is in use.
    """
    path = folder / f"{name}{SUFFIX}"
    if Path(name).name == name and path.exists():
        return read(path)
    source = settled(name)
    kept = latest(folder, source)
    if kept is None:
        busy = next((path for path in listing(folder) if in_use(path) and _is_on(path, source)), None)
        if busy is not None:
            raise InUseError(busy)
    return kept


def _is_on(path: Path, source: str) -> bool:
    try:
        return _header(path, _first(path)).source == source
    except JournalError:
        return False


def _first(path: Path) -> Record | None:
    """The first record, without reading the rest."""
    try:
        with path.open("rb") as file:
            return next((record for _, record in _records(path, file.readline())), None)
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from error


def delete(path: Path) -> None:
    """Delete a journal.

    Raises:
        JournalError: It is in use, or cannot be deleted.
    """
    try:
        with path.open("rb") as file:
            # Held until the file is gone: nobody takes it up in between.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except BlockingIOError as error:
        raise InUseError(path) from error
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"{path} cannot be deleted: {error.strerror}") from error
