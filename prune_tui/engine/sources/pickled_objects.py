"""What a pickle describes and nobody makes here: classes by name, what would be called, what lies outside."""

from __future__ import annotations

from typing import Any, NamedTuple


class Global(NamedTuple):
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Entries(dict[Any, Any]):
    """A dictionary, or an `OrderedDict` with what was written onto it.

    Attributes:
        attributes: Such as the `_metadata` of a state_dict.
    """

    attributes: Any = None


class Made:
    """What the pickle would have called something for.

    Attributes:
        of: What would be called; None where it has no name. Tuples in each other, which a few hundred bytes can
            make so many of that to write them out takes for ever, never stand here.
        arguments: What with.
        state: What would be set on the result.
        entries: What would be stored in it by key.
    """

    __slots__ = ("arguments", "entries", "of", "state")

    def __init__(self, of: Global | None, arguments: Any = ()) -> None:
        self.of, self.arguments = of, arguments
        self.state: Any = None
        self.entries: dict[Any, Any] = {}


class Persistent(NamedTuple):
    """What the pickle says is kept outside of it: in torch's files a storage."""

    id: Any


DICTIONARIES = {
    Global("collections", "OrderedDict"),
    Global("collections", "defaultdict"),
    Global("builtins", "dict"),
}
"""What is a dictionary whatever else it does."""


def made(of: Any, arguments: Any) -> Any:
    """What calling would make: dictionaries are worth having as such, the rest is written down."""
    if not isinstance(of, Global):
        return Made(None, arguments)
    if of not in DICTIONARIES:
        return Made(of, arguments)
    entries = Entries()
    pairs = arguments[0] if isinstance(arguments, tuple) and arguments else ()
    for pair in pairs if isinstance(pairs, list) else ():  # as Python 2 wrote them
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            entries[key(pair[0])] = pair[1]
    return entries


_LONGEST_NUMBER = 256
"""Bits of a whole number, more than any random generator's state has: to write longer ones out takes for ever."""
_LARGEST_KEY = 2**31
"""Whole numbers as keys: larger ones can be made to collide, so that a small file takes for ever."""


def bounded(value: Any) -> Any:
    """A value as it is; a whole number that is too long to be one of a model's counts as an unknown object."""
    return Made(None) if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER else value


def key(value: Any) -> Any:
    """A key that can be hashed, quickly and to any depth; another counts as an unknown object."""
    if isinstance(value, (str, bytes)) or (isinstance(value, int) and abs(value) < _LARGEST_KEY):
        return value
    return Made(None, value)
