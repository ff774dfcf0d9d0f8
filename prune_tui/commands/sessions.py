"""`prune-tui sessions`: list the sessions that the journal keeps, and delete those nobody wants."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import Any

import msgspec

from prune_tui import journal
from prune_tui.commands import standard_output
from prune_tui.commands.printing import in_unicode, printable, tell
from prune_tui.exit_codes import DONE, FAILED

_DAY = 24 * 60 * 60


def sessions(*, delete: tuple[str, ...] = (), older_than: int | None = None, json: bool = False) -> int:
    """List the sessions whose steps are kept; prune-tui --resume NAME goes on with one.

    Args:
        delete: Delete the session of this name; may be given several times.
        older_than: Delete all that were last worked on more than this many days ago.
        json: Print one JSON object a session.
    """
    answer = standard_output.take()
    folder = journal.folder()
    try:
        for path in _unwanted(folder, delete, older_than):
            journal.delete(path)
            tell(f"deleted {path.stem}")
    except (journal.JournalError, OSError) as error:
        tell(f"prune-tui: {error}")
        return FAILED
    if delete or older_than is not None:
        return DONE
    try:
        found = [_row(path) for path in journal.listing(folder)]
    except journal.JournalError as error:
        tell(f"prune-tui: {error}")
        return FAILED
    if not found:
        if not json:
            tell(f"no session is kept in {folder}")
        return DONE
    try:
        answer.write(b"\n".join(map(msgspec.json.encode, found)) if json else "\n".join(map(_line, found)))
    except OSError as error:
        tell(f"prune-tui: the sessions cannot be printed to standard output: {error.strerror}")
        return FAILED
    return DONE


def _unwanted(folder: Path, names: tuple[str, ...], days: int | None) -> list[Path]:
    """The journals to delete.

    Raises:
        JournalError: There is none of a name, or there can be none that old.
        OSError: The folder cannot be read.
    """
    if days is not None and days < 0:
        raise journal.JournalError(f"--older-than {days}: it must be a number of days, 0 or more")
    known = {path.stem: path for path in journal.listing(folder)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise journal.JournalError(f"there is no session {unknown[0]!r}; prune-tui sessions lists them")
    old = [] if days is None else [path for path in known.values() if time.time() - _changed(path) > days * _DAY]
    return list(
        dict.fromkeys([*(known[name] for name in names), *(path for path in old if not journal.in_use(path))])
    )


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # gone meanwhile
        return time.time()


def _row(path: Path) -> dict[str, Any]:
    """What is told of one session; of one that cannot be read, why."""
    name, file = in_unicode(path.stem), in_unicode(str(path))
    row: dict[str, Any] = {"name": name, "file": file, "changed": _when(_changed(path))}
    try:
        kept = journal.read(path)
    except journal.JournalError as error:
        return {**row, "problem": in_unicode(str(error))}
    except Exception as error:  # noqa: BLE001 - the others are listed all the same
        return {**row, "problem": in_unicode(f"{path} cannot be read: {type(error).__name__}: {error}")}
    return {
        **row,
        "source": kept.header.source,
        "arguments": kept.header.arguments,
        "model": kept.header.model,
        "seed": kept.header.seed,
        "steps": kept.done,
        "undone": len(kept.steps) - kept.done,
        "in_use": journal.in_use(path),
        "problem": kept.damage,
    }


def _when(seconds: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(seconds).astimezone()
    except (OSError, OverflowError, ValueError):  # a disk may tell of years that no calendar has
        return f"{seconds:.0f} s"
    return moment.isoformat(sep=" ", timespec="minutes")


def _line(row: dict[str, Any]) -> str:
    return printable("  ".join(_parts(row)))


def _parts(row: dict[str, Any]) -> list[str]:
    if "source" not in row:
        return [row["name"], row["changed"][:16], row["problem"]]
    undone = f", {row['undone']} undone" if row["undone"] else ""
    arguments = f" {' '.join(row['arguments'])}" if row["arguments"] else ""
    told = [*(["in use"] if row["in_use"] else []), *([row["problem"]] if row["problem"] else [])]
    steps = f"{row['steps']} step{'' if row['steps'] == 1 else 's'}{undone}"
    return [row["name"], row["changed"][:16], steps, f"{row['model']} ({row['source']}{arguments})", *told]
