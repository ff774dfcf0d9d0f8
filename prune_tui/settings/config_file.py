"""The file of a person's settings: where it is, what it says, and in which line.

TOML: settings at the top, keys by what they do under `[keys]`.

Example:
    theme = "light"

    [keys]
    "app.quit" = "Q"
    "steps.undo" = ["u", "ctrl+u"]
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from prune_tui.settings.table import BY_NAME, SETTINGS, Value, nearest

VARIABLE = "PRUNE_TUI_CONFIG"
"""Names another file than the usual one."""
_KEYS = "keys"
_LONGEST = 1_000_000
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'|#[^\n]*|[][{}]|\n''', re.DOTALL
)
"""What tells where a statement ends, in a text that is TOML: strings, comments, brackets, ends of lines."""
_DEEPER = {"[": 1, "{": 1, "]": -1, "}": -1}


class ConfigError(Exception):
    """What a person has settled cannot be so.

    Attributes:
        problems: A line each: where, what is wrong, and what could be meant.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Said(NamedTuple):
    """A value of the file.

    Attributes:
        value: As TOML has it.
        where: `/home/ada/.config/prune-tui/config.toml:3`.
    """

    value: Any
    where: str


class OwnKeys(NamedTuple):
    """Keys that a person has given to something.

    Attributes:
        keys: As they wrote them; none takes its keys away.
        where: `config.toml:7`, with its folder.
    """

    keys: tuple[str, ...]
    where: str


class Config(NamedTuple):
    """What the file says, all of it sound.

    Attributes:
        path: The file, there or not.
        values: The settings in it, by name, each with its place.
        keys: What is said under `[keys]`, by what the keys do.
    """

    path: Path
    values: Mapping[str, tuple[Value, str]] = {}
    keys: Mapping[str, OwnKeys] = {}


def place(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is, or would be: `~/.config/prune-tui/config.toml` on Linux.

    Raises:
        ConfigError: The variable names the home of nobody.
    """
    named = environ.get(VARIABLE)
    if named:
        try:
            return Path(named).expanduser()
        except RuntimeError as error:
            raise ConfigError(f"{VARIABLE}={named!r}: there is no such home folder") from error
    import platformdirs  # noqa: PLC0415 - as much time as all else here

    return platformdirs.user_config_path("prune-tui", appauthor=False) / "config.toml"


def read(path: Path) -> Config:
    """What a file says; nothing where there is none.

    Raises:
        ConfigError: It cannot be read, or something in it is wrong; all that is wrong is told.
    """
    config, problems = examined(path)
    if problems:
        raise ConfigError(*problems)
    return config


def examined(path: Path) -> tuple[Config, list[str]]:
    """What is sound in a file, and what is wrong in it.

    Raises:
        ConfigError: It cannot be read.
    """
    text = _text(path)
    if text is None:
        return Config(path), []
    try:
        found = tomllib.loads(text)
        lines = _Lines(path, text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(_damage(path, text, error)) from error
    problems: list[str] = []
    values: dict[str, tuple[Value, str]] = {}
    own: dict[str, OwnKeys] = {}
    for name, value in found.items():
        if name == _KEYS:
            own, wrong = _own_keys(value, lines)
            problems += wrong
            continue
        setting, where = BY_NAME.get(name), lines.of(name)
        if setting is None:
            problems.append(f"{where}: there is no setting {_quoted(name)}{_meant(name)}")
            continue
        taken = setting.taken(value)
        if taken is None:
            meant = nearest(value, setting.choices) if isinstance(value, str) else ""
            problems.append(f"{where}: {name} is {_shown(value)}; it must be {setting.values}{meant}")
        else:
            values[name] = (taken, where)
    return Config(path, values, own), problems


def _text(path: Path) -> str | None:
    try:
        content = _content(path)
        if len(content) > _LONGEST:
            raise ConfigError(f"{path} has more than {_LONGEST} bytes: this is no file of settings")
        return io.TextIOWrapper(io.BytesIO(content), "utf-8-sig").read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8; save the file so") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _content(path: Path) -> bytes:
    """What a file holds, at most one byte more than it may: a device may have no end, a pipe no other end.

    Raises:
        ConfigError: One would have to wait for what it holds.
        OSError: It cannot be read.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        is_pipe = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
        content: bytes | None = None if is_pipe else file.read(_LONGEST + 1)
    if content is None:
        raise ConfigError(f"{path} is a pipe or a terminal; settings are read from a file")
    return content


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _damage(path: Path, text: str, error: Exception) -> str:
    """TOML's own message names line and column at its end, or the end of the document."""
    if isinstance(error, RecursionError):
        return f"{path}: it is nested too deeply"
    message, _, end = str(error).rpartition(" (at ")
    numbers = [part for part in end.replace(",", " ").replace(")", " ").split() if part.isdecimal()]
    line = int(numbers[0]) if numbers else text.rstrip("\n").count("\n") + 1
    return f"{path}:{line}: this is not TOML: {message or error}"


def _own_keys(table: object, lines: _Lines) -> tuple[dict[str, OwnKeys], list[str]]:
    """What stands under `[keys]`, and what is wrong with it."""
    if not isinstance(table, dict):
        return {}, [f'{lines.of(_KEYS)}: keys is {_shown(table)}; write a table: [keys], then "app.quit" = "Q"']
    own, problems = {}, []
    for path, value in _leaves(table):
        where, name = lines.of(_KEYS, *path), ".".join(path)
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list) and all(isinstance(key, str) for key in given):
            own[name] = OwnKeys(tuple(given), where)
        else:
            problems.append(
                f'{where}: {name} is {_shown(value)}; it must be a key or a list of them: ["u", "f10"]'
            )
    return own, problems


def _leaves(table: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """`app.quit = "Q"` without quotation marks is a table of a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*before, name))
        else:
            yield (*before, name), value


class _Lines:
    """Where in a file something stands. TOML readers do not tell; but each statement is TOML by itself.

    Args:
        path: The file.
        text: What it holds, which is TOML.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._numbers: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, statement in _statements(text):
            named = list(_named(tomllib.loads(statement)))
            is_heading = statement.startswith("[")
            for names in named:
                self._numbers.setdefault(names if is_heading else (*table, *names), number)
            if is_heading:
                table = named[-1]

    def of(self, *names: str) -> str:
        """`config.toml:3`, the line in which a value ends, with the folder of the file."""
        number = self._numbers.get(names)
        return str(self._path) if number is None else f"{self._path}:{number}"


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement, a heading or a value, and the line in which it ends."""
    begins, number, depth = 0, 1, 0
    for token in _TOKEN.finditer(f"{text}\n"):
        depth += _DEEPER.get(token[0], 0)
        if token[0] == "\n" and not depth:
            statement = text[begins : token.end()].lstrip()
            if statement and not statement.startswith("#"):
                yield number, statement
            begins = token.end()
        number += token[0].count("\n")


def _named(table: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """What a statement gives a value, and the tables that it is in, each before what is in it."""
    for name, value in table.items():
        yield (*before, name)
        if isinstance(value, dict):
            yield from _named(value, (*before, name))


def _meant(name: str) -> str:
    return nearest(name, (*BY_NAME, _KEYS))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else f"{value!r:.60}"


def _quoted(text: str) -> str:
    """In quotation marks, with what is no printable character escaped."""
    return f'"{repr(text)[1:-1]:.60}"'


def commented() -> str:
    """A file in which every setting stands as a comment, with what it is without a word."""
    told = [
        f"# {one.sentence}\n# {one.name} = {_shown(one.default)}"
        + (
            f"    # or {', '.join(_shown(other) for other in one.choices if other != one.default)}"
            if one.choices
            else ""
        )
        for one in SETTINGS
    ]
    keys = '# Other keys; `prune-tui config keys` lists what there is.\n[keys]\n# "app.quit" = "Q"\n'
    return "# prune-tui's settings. A line without the # in front counts.\n\n" + "\n\n".join((*told, keys))
