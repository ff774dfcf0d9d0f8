"""The answer to a shell: a line for each word that may stand at the cursor, a tab, and what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from prune_tui.completion import values
from prune_tui.completion.words import Option, of_line, slot

_SPECIAL = frozenset(" \t\n\\'\"`$&|;<>()[]{}*?!#~")
_HOME = re.compile(r"~[^/\\'\"]*/")
"""What a shell takes for a home where a word begins with it, neither quoted nor behind an option's =."""
_MOST = 5_000
"""Lines; more than a person can look through only make the shell slow."""
_ALONE = (("--once", "Print one screen of the model and exit"),)
_HELP = (("--help", "Show the options"), ("--version", "Show the version"))


def parameters() -> dict[str, list[Option]]:
    """The parameters of each command, and under "" those of prune-tui itself.

    From a file that is made of the commands (tests/shell_files.py): to ask their parser takes as long as a person
    waits for a completion.
    """
    text = Path(__file__).with_name("parameters.json").read_text("utf-8")
    return {command: [Option(*row) for row in rows] for command, rows in json.loads(text).items()}


def answer(commands: Mapping[str, str], words: Sequence[str]) -> list[tuple[str, str]]:
    """What may stand for the last of the words, and what each of these is, in a sentence.

    Args:
        commands: Names that stand first, and what they do.
        words: After the program's name; the last is the one at the cursor.
    """
    found = slot(parameters(), words)
    offered: list[tuple[str, str]] = []
    if found.is_first and not (found.is_name or found.prefix):
        offered += ((name, _first(about)) for name, about in commands.items())
    if found.is_name:
        offered += [(name, _first(option.about)) for option in found.options for name in option.names]
        offered += (*_HELP, *_ALONE) if found.is_first else _HELP
    elif found.option is not None and not (found.prefix and _HOME.match(found.begun)):
        offered += [(choice, "") for choice in found.option.choices]
        offered += values.of(found.option.name, found.begun, found.given)
    return [
        (f"{found.prefix}{value}", about)
        for value, about in dict(offered).items()
        if value.startswith(found.begun) and value.isprintable()
    ][:_MOST]


def _first(sentences: str) -> str:
    return sentences.partition("; ")[0].partition(". ")[0].removesuffix(".")


def for_words(commands: Mapping[str, str], words: Sequence[str]) -> str:
    """The answer for a shell that hands over the words, and writes one itself as it must be quoted.

    A ~ that the last one begins with is taken for a home: of one that is quoted a shell does not ask.
    """
    return "\n".join(f"{value}\t{about}" for value, about in answer(commands, words))


def for_line(commands: Mapping[str, str], line: str) -> str:
    """The answer for bash, which hands over the line up to the cursor and wants words as they are typed."""
    words, typed, quote = of_line(line)
    home = _HOME.match(typed)
    if home is None and _HOME.match(words[-1]):  # of a folder that is called ~ we do not tell
        return ""
    kept = len(home.group()) if home else 0
    found = answer(commands, words[1:])
    return "\n".join(value if quote else value[:kept] + _escaped(value[kept:]) for value, _ in found)


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in text)
