"""The words before the cursor, and what the word at the cursor is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

_ESCAPED_IN_QUOTES = '"\\$`'


class Option(NamedTuple):
    """A parameter of a command.

    Attributes:
        name: Of the function's parameter.
        names: As they are typed; empty for one that is known by its place.
        about: What it is, in words.
        choices: The words it may be, where these are all.
        takes_value: It is followed by a value.
    """

    name: str
    names: tuple[str, ...]
    about: str
    choices: tuple[str, ...]
    takes_value: bool


class Slot(NamedTuple):
    """What the word at the cursor is for.

    Attributes:
        command: Whose; empty for prune-tui itself.
        options: All that the command has.
        begun: What stands of the word; of `--form=co` the value.
        prefix: What stands before that and stays, as `--form=`.
        option: Whose value it is; None where an option's name has begun, or nothing is expected.
        is_name: An option's name has begun.
        is_first: It may be a command's name.
        given: The values before it, by the name of the parameter, and "" for every flag.
    """

    command: str
    options: tuple[Option, ...]
    begun: str
    prefix: str
    option: Option | None
    is_name: bool
    is_first: bool
    given: dict[str, str]


def slot(table: Mapping[str, Sequence[Option]], words: Sequence[str]) -> Slot:
    """What the last word is for.

    Args:
        table: The parameters of each command, and under "" those of prune-tui itself.
        words: After the program's name; the last is the one at the cursor, and may be empty.
    """
    *before, begun = words or ("",)
    command = before[0] if before and before[0] in table else ""
    line = _Line(table[command])
    for word in before[1:] if command else before:
        line.take(word)
    prefix, option = "", line.awaited
    is_name = option is None and begun.startswith("-") and not line.only_places
    if is_name and "=" in begun:
        name, _, begun = begun.partition("=")
        is_name, prefix, option = False, f"{name}=", line.by_name.get(name)
    elif option is None and not is_name:
        option = line.places[0] if line.places else None
    return Slot(command, tuple(table[command]), begun, prefix, option, is_name, not before, line.given)


class _Line:
    """What the words so far have said.

    Attributes:
        by_name: The options.
        places: The parameters without a name that are still to come.
        given: The values, by the name of the parameter, and "" for every flag.
        awaited: The option whose value comes next.
        only_places: After `--` no word is an option.
    """

    def __init__(self, options: Sequence[Option]) -> None:
        self.by_name = {name: option for option in options for name in option.names}
        self.places = [option for option in options if not option.names]
        self.given: dict[str, str] = {}
        self.awaited: Option | None = None
        self.only_places = False

    def take(self, word: str) -> None:
        """Take one word into account."""
        name, equals, value = word.partition("=")
        if self.awaited is not None:
            self.given[self.awaited.name], self.awaited = word, None
        elif self.only_places or not word.startswith("-"):
            if self.places:
                self.given[self.places.pop(0).name] = word
        elif word == "--":
            self.only_places = True
        elif (known := self.by_name.get(name)) is not None:
            if known.takes_value and not equals:
                self.awaited = known
            else:
                self.given[known.name] = value


def of_line(line: str) -> tuple[list[str], str, str]:
    r"""The words of a line as a shell reads them, without expanding anything: `show my\ model.pt`.

    Returns:
        The words, the last of which may be empty; the last as it is typed; and the quote that is still open at the
        end, or "".
    """
    words, word, quote, escaped, begun, start = [], "", "", False, False, 0
    for place, char in enumerate(line):
        if escaped:
            if quote == '"' and char not in _ESCAPED_IN_QUOTES:
                word += "\\"
            word, escaped = word + char, False
        elif char == "\\" and quote != "'":
            escaped = begun = True
        elif quote:
            quote, word = ("", word) if char == quote else (quote, word + char)
        elif char in "'\"":
            quote, begun = char, True
        elif char in " \t\n":
            if begun:
                words.append(word)
            word, begun, start = "", False, place + 1
        else:
            word, begun = word + char, True
    return [*words, word], line[start:], quote
