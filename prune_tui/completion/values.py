"""What an option or a place of a command may be, looked up when a shell asks."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from prune_tui import journal
from prune_tui.completion.stored_names import module_names
from prune_tui.settings.table import BY_NAME
from prune_tui.source_names import DEMO, SUFFIXES

Values = Iterable[tuple[str, str]]
"""Each with what it is, or with nothing."""
_CODE = (".py",)
_RECIPES = (".yaml", ".yml")
_DEVICES = ("auto", "cpu", "cuda", "cuda:0", "mps")
_MOST_TOLD = 20
"""Sessions that are read to tell what they are of; those last worked on come first."""


def of(option: str, begun: str, given: Mapping[str, str]) -> Values:
    """What a parameter may be.

    Args:
        option: Its name.
        begun: What stands of it.
        given: The values before it.
    """
    offered = _VALUES.get(option)
    return () if offered is None else offered(begun, given)


def _sources(begun: str, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "resume" in given:
        yield from _sessions(begun, given)
    file, colon, _ = begun.rpartition(":")
    if colon and file.endswith(_CODE):
        yield from ((f"{file}:{symbol}", "") for symbol in _symbols(file))
        return
    yield DEMO, "the LeNet of the pruning tutorial"
    yield from _files(begun, (*SUFFIXES, *_CODE), ":")


def _symbols(file: str) -> list[str]:
    """Classes, functions and variables at the top of a Python file, which is not run."""
    try:
        body = ast.parse(Path(file).expanduser().read_bytes()).body
    except (OSError, ValueError, SyntaxError, RuntimeError):  # of nobody's home, or nested too deeply
        return []
    names = [one.name for one in body if isinstance(one, (ast.ClassDef, ast.FunctionDef))]
    targets = [target for one in body if isinstance(one, ast.Assign) for target in one.targets]
    names += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def _files(begun: str, suffixes: tuple[str, ...], after_code: str = "") -> Iterator[tuple[str, str]]:
    """Folders, each with a slash, and the files with one of these suffixes; all files where there are none.

    Args:
        begun: The path so far.
        suffixes: Of the files that are meant.
        after_code: What a Python file is followed by.
    """
    head, slash, start = begun.rpartition("/")
    try:
        entries = sorted(os.scandir(Path(f"{head}{slash}" or ".").expanduser()), key=lambda entry: entry.name)
    except (OSError, ValueError, RuntimeError):
        return
    entries = [
        entry
        for entry in entries
        if entry.name.startswith(start) and (start or not entry.name.startswith((".", "__pycache__")))
    ]
    folders = [entry.name for entry in entries if _is_folder(entry)]
    files = [entry.name for entry in entries if entry.name not in folders]
    meant = [name for name in files if name.endswith(suffixes)] or files
    yield from ((f"{head}{slash}{name}/", "") for name in folders)
    for name in meant:
        yield f"{head}{slash}{name}{after_code if name.endswith(_CODE) else ''}", ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _files_of(*suffixes: str) -> Callable[[str, Mapping[str, str]], Values]:
    return lambda begun, _: _files(begun, suffixes)


def _modules(_: str, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, "") for name in module_names(given.get("source", DEMO)))


def _sessions(_: str, __: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for place, path in enumerate(journal.listing(journal.folder())):
        yield path.stem, _told(path) if place < _MOST_TOLD else ""


def _told(path: Path) -> str:
    try:
        kept = journal.read(path)
    except journal.JournalError:  # `prune-tui sessions` tells of it
        return ""
    return f"{kept.done} step{'' if kept.done == 1 else 's'} on {kept.header.source}"


_VALUES: Mapping[str, Callable[[str, Mapping[str, str]], Values]] = {
    "source": _sources,
    "a": _sources,
    "b": _sources,
    "recipe": _files_of(*_RECIPES),
    "output": _files_of(*SUFFIXES),
    "weights": _files_of(*SUFFIXES),
    "plugin": _files_of(*_CODE),
    "module": _modules,
    "delete": _sessions,
    "theme": lambda *_: ((theme, "") for theme in BY_NAME["theme"].choices),
    "device": lambda *_: ((device, "") for device in _DEVICES),
}
"""By the name of the parameter, whatever command it is of; the others have choices of their own, or any text."""
