"""The file of a person's settings: where it is, what it says, and in which line.

TOML: settings at the top, keys by what they do under `[keys]`.

Example:
    theme = "light"

    [keys]
    "app.quit" = "Q"
    "steps.undo" = ["u", "ctrl+u"]
"""

from __future__ import annotations

import os
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
    """Where the file is, or would be: `~/.config/prune-tui/config.toml` on Linux."""
    named = environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
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
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(_damage(path, text, error)) from error
    lines = _Lines(path, text)
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
        if path.stat().st_size > _LONGEST:
            raise ConfigError(f"{path} has more than {_LONGEST} bytes: this is no file of settings")
        return path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8; save the file so") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


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
    """Where in a file something stands. TOML readers do not tell; but the first so many lines are TOML, too."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._beginnings = tuple(_beginnings(text.splitlines(keepends=True)))

    def of(self, *names: str) -> str:
        """`config.toml:3`, the line in which a value ends, with the folder of the file."""
        for number, found in self._beginnings:
            inner: Any = found
            for name in names:
                inner = inner.get(name) if isinstance(inner, dict) else None
            if inner is not None:
                return f"{self._path}:{number}"
        return str(self._path)


def _beginnings(lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the first line says, the first two, and so on, as far as they end well."""
    for number in range(1, len(lines) + 1):
        try:
            yield number, tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:  # noqa: PERF203 - in the middle of a value of several lines
            continue


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
