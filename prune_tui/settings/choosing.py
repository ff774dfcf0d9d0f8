"""Putting together what the file, the environment and the command's options say: the later wins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from prune_tui.settings import config_file
from prune_tui.settings.config_file import Config, ConfigError, OwnKeys
from prune_tui.settings.table import BY_NAME, SETTINGS, Value, nearest

_PREFIX = "PRUNE_TUI_"
# The names that begin so and are no settings: where the file is, and how many examples our tests try.
_OTHERS = {config_file.VARIABLE, "PRUNE_TUI_MUTATIONS", "PRUNE_TUI_FUZZ"}
_DEFAULT = "without a word"


class Chosen(NamedTuple):
    """A setting as it stands.

    Attributes:
        value: What it is.
        by: Who said so: an option, a variable, a line of the file, or nobody.
    """

    value: Value
    by: str


class Settings(NamedTuple):
    """Every setting as it stands.

    Attributes:
        chosen: By name.
        keys: What a person's own keys do.
    """

    chosen: Mapping[str, Chosen]
    keys: Mapping[str, OwnKeys] = {}

    def yes(self, name: str) -> bool:
        """A setting that is yes or no."""
        return self.chosen[name].value is True

    def word(self, name: str) -> str:
        """A setting that is a word."""
        return str(self.chosen[name].value)


AS_EVER = Settings({setting.name: Chosen(setting.default, _DEFAULT) for setting in SETTINGS})
"""Nobody has said anything."""


def choose(config: Config, environ: Mapping[str, str], options: Mapping[str, Value | None]) -> Settings:
    """Put together what is said.

    Args:
        config: What the file says.
        environ: The environment.
        options: Of the command, by the name of the setting; None where it was not given.

    Raises:
        ConfigError: A variable or an option may not be what it is.
    """
    chosen = dict(AS_EVER.chosen)
    chosen |= {name: Chosen(value, where) for name, (value, where) in config.values.items()}
    problems = []
    for setting in SETTINGS:
        text = environ.get(setting.variable)
        if not text:
            continue
        value = setting.read(text)
        if value is None:
            problems.append(f"{setting.variable}={text!r}: it must be {setting.values}")
        else:
            chosen[setting.name] = Chosen(value, setting.variable)
    problems += _unknown(environ)
    for name, given in options.items():
        if given is not None and BY_NAME[name].taken(given) is None:
            problems.append(f"--{name} {given}: it must be {BY_NAME[name].values}")
        elif given is not None:
            chosen[name] = Chosen(given, f"--{name}")
    if problems:
        raise ConfigError(*problems)
    return Settings(chosen, config.keys)


def settle(
    options: Mapping[str, Value | None] = {},
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """What a person wants: read the file, then choose.

    Raises:
        ConfigError: The file or a variable is wrong.
    """
    return choose(config_file.read(config_file.place(environ)), environ, options)


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = [setting.variable for setting in SETTINGS]
    ours = sorted(name for name in environ if name.startswith(_PREFIX) and name not in {*known, *_OTHERS})
    return [f"{name}: there is no such setting{nearest(name, known)}" for name in ours]
