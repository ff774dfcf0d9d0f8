"""`prune-tui config`: where the settings are, what they come to, and whether they are sound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from prune_tui.commands import standard_output
from prune_tui.commands.printing import in_unicode, tell
from prune_tui.exit_codes import DONE, FAILED, FOUND
from prune_tui.settings import choosing, config_file
from prune_tui.settings.config_file import ConfigError
from prune_tui.settings.table import SETTINGS
from prune_tui.step_settings import StepError
from prune_tui.whole_file import write_text

_What = Literal["path", "show", "check", "keys", "create"]


def config(what: _What = "show", /, *, json: bool = False) -> int:
    """Show what is settled: path, show, check, keys or create.

    Args:
        what: path prints where the file is. show prints every setting, and who said so: the file, a PRUNE_TUI_
            variable, or nobody. check says what is wrong in them; the exit code is 0 when nothing is, and 1. keys
            prints everything a key can be chosen for. create makes the file, with every setting as a comment.
        json: Print show or keys as one JSON object.
    """
    answer = standard_output.take()
    try:
        place = config_file.place()
        if what == "create":
            return _create(place)
        text = str(place) if what == "path" else _shown(json=json) if what == "show" else ""
        if what in {"check", "keys"}:
            text = _keys(json=json) if what == "keys" else _sound(place)
    except ConfigError as error:
        tell("\n".join(error.problems))
        return FOUND
    try:
        answer.write(text)
    except OSError as error:
        tell(f"prune-tui: the settings cannot be printed to standard output: {error.strerror}")
        return FAILED
    return DONE


def _shown(*, json: bool) -> str:
    settled = choosing.settle()
    if json:
        import msgspec

        told = {name: {"value": one.value, "by": in_unicode(one.by)} for name, one in settled.chosen.items()}
        own = {name: {"keys": one.keys, "by": in_unicode(one.where)} for name, one in settled.keys.items()}
        return msgspec.json.format(msgspec.json.encode({"settings": told, "keys": own}), indent=2).decode()
    rows = [(name, _word(one.value), one.by) for name, one in settled.chosen.items()]
    rows += [(name, " ".join(one.keys) or "no key", one.where) for name, one in settled.keys.items()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {by}" for name, value, by in rows)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sound(place: Path) -> str:
    """That nothing is wrong.

    Raises:
        ConfigError: With all that is.
    """
    from prune_tui.ui.keys import Keymap

    config, problems = config_file.examined(place)
    for look in (lambda: choosing.choose(config, os.environ, {}), lambda: Keymap(config.keys)):
        try:
            look()
        except ConfigError as error:  # noqa: PERF203 - two
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    variables = [setting.variable for setting in SETTINGS if os.environ.get(setting.variable)]
    read = f"{place}: nothing is wrong" if place.exists() else f"there is no {place}: everything is as it comes"
    return "\n".join((read, *(f"{name}: nothing is wrong" for name in variables)))


def _keys(*, json: bool) -> str:
    """Everything that a key can be chosen for, with its keys now; where yours are wrong, with ours."""
    from prune_tui.ui.keys import CHOOSABLE, OURS, Keymap, shown

    keymap = OURS
    try:
        keymap = Keymap(choosing.settle().keys)
    except ConfigError as error:
        tell("\n".join(error.problems))
    rows = [row for row in keymap.table if row.place in CHOOSABLE]
    if json:
        import msgspec

        told = {row.id: {"keys": [*map(shown, row.keys)], "does": row.sentence} for row in rows}
        return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
    pressed = [" ".join(map(shown, row.keys)) or "no key" for row in rows]
    widths = max(len(row.id) for row in rows), max(map(len, pressed))
    lines = zip(rows, pressed, strict=True)
    return "\n".join(f"{row.id:<{widths[0]}}  {keys:<{widths[1]}}  {row.sentence}" for row, keys in lines)


def _create(place: Path) -> int:
    """Write the file whole or not at all, and never over another."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(place, config_file.commented(), overwrite=False)
    except StepError as error:
        tell(f"prune-tui: {error}; nothing was written")
        return FAILED
    except OSError as error:
        tell(f"prune-tui: the folder {place.parent} cannot be made: {error.strerror or error}")
        return FAILED
    tell(f"made {place}")
    return DONE
