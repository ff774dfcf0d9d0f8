"""What a pickle describes, without doing what it says.

A pickle is a program that may call anything. This reads its instructions with the standard library's own
disassembler and writes down what would be called with what; nothing is imported, called or given an attribute.
So a file can be looked into before anybody trusts it, and tensors are placed in its memory only after their sizes
are checked. It is also quicker than the unpickler of `torch.load(weights_only=True)`.
"""

from __future__ import annotations

import _compat_pickle  # Python's own table of what Python 2 called otherwise; torch uses it, too
import itertools
import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any, NamedTuple

from prune_tui.engine.sources.loaded import SourceError

MOST_INSTRUCTIONS = 5_000_000
"""A tensor takes thirty, so that 150,000 fit; each may take a hundred bytes of memory here."""
_LONGEST_NUMBER = 256
"""Bits of a whole number, more than any random generator's state has: to write longer ones out takes for ever."""
_LARGEST_KEY = 2**31
"""Whole numbers as keys: larger ones can be made to collide, so that a small file takes for ever."""


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


class Outline(NamedTuple):
    """A pickle's content.

    Attributes:
        value: Plain values, lists, tuples and `Entries`, with `Made`, `Global` and `Persistent` for the rest.
        names: The classes and functions it names, in order.
        outside: What it says is kept outside of it, in order.
    """

    value: Any
    names: tuple[Global, ...]
    outside: tuple[Persistent, ...]


def read(stream: IO[bytes], what: str) -> Outline:
    """Read one pickle.

    Args:
        stream: Stands behind it afterwards.
        what: How to call it in an error: `data.pkl in net.pt`.

    Raises:
        SourceError: It is damaged, or too large to be a model's.
    """
    machine = _Machine()
    name, at = "", 0
    try:
        for instruction, argument, position in itertools.islice(pickletools.genops(stream), MOST_INSTRUCTIONS):
            name, at = instruction.name, position or 0
            if name in _PUSHED:
                machine.push(_bounded(argument))
            elif name in _STORED:
                machine.memory[len(machine.memory) if argument is None else argument] = machine.stack[-1]
            else:
                _FOLLOWED[name](machine, argument)
        if name != "STOP":
            raise SourceError(f"{what} has more than {MOST_INSTRUCTIONS:,} instructions; no model's has so many")
        return Outline(machine.stack.pop(), tuple(machine.names), tuple(machine.outside))
    except SourceError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "an instruction finds nothing to work on"
        raise SourceError(
            f"{what} is damaged at its byte {at:,}: {why[:200]}. Was it copied to the end?"
        ) from error


class _Machine:
    """The stack and the memory that a pickle's instructions work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.names: dict[Global, None] = {}
        self.outside: list[Persistent] = []
        self._below: list[list[Any]] = []
        self.memory: dict[int, Any] = {}

    # Each of these is an instruction; pickletools describes them.

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self, _: None) -> None:
        self._below.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        items = self.stack
        self.stack = self._below.pop()
        return items

    def pop(self, _: None) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.marked()

    def named(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(self._global(module, name))

    def named_by_stack(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("what it calls a class has no name")
        self.stack.append(self._global(module, name))

    def called(self, _: None) -> None:
        arguments, of = self.stack.pop(), self.stack.pop()
        self.stack.append(_made(of, arguments))

    def called_with_keywords(self, _: None) -> None:
        self.stack.pop()
        self.called(None)

    def instance(self, argument: str) -> None:
        arguments = tuple(self.marked())
        self.named(argument)
        self.stack.append(_made(self.stack.pop(), arguments))

    def object(self, _: None) -> None:
        of, *arguments = self.marked()
        self.stack.append(_made(of, tuple(arguments)))

    def built(self, _: None) -> None:
        state, onto = self.stack.pop(), self.stack[-1]
        if isinstance(onto, Entries):
            onto.attributes = state
        elif isinstance(onto, Made):
            onto.state = state

    def kept_outside(self, id_: Any) -> None:
        self.outside.append(Persistent(id_))
        self.stack.append(self.outside[-1])

    def fetched(self, place: int) -> None:
        self.stack.append(self.memory[place])

    def nothing(self, _: Any) -> None:
        """What only tells how the pickle is written."""

    def extension(self, _: int) -> None:
        raise ValueError("it names a class by a number, which torch's do not")

    def buffer(self, _: None) -> None:
        raise ValueError("it wants memory from outside, which torch's do not")

    def tuple_of(self, count: int) -> None:
        items = tuple(self.stack[len(self.stack) - count :]) if len(self.stack) >= count else None
        if items is None:
            raise IndexError
        del self.stack[len(self.stack) - count :]
        self.stack.append(items)

    def extended(self, items: list[Any]) -> None:
        onto = self.stack[-1]
        if isinstance(onto, list):
            onto.extend(items)

    def stored(self, items: list[Any]) -> None:
        onto = self.stack[-1]
        into = onto if isinstance(onto, Entries) else onto.entries if isinstance(onto, Made) else {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            into[_key(key)] = value

    def dictionary(self, _: None) -> None:
        items = self.marked()
        self.stack.append(Entries())
        self.stored(items)

    def _global(self, module: str, name: str) -> Global:
        module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
        found = Global(_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        self.names[found] = None
        return found


def _made(of: Any, arguments: Any) -> Any:
    """What calling would make: dictionaries are worth having as such, the rest is written down."""
    if not isinstance(of, Global):
        return Made(None, arguments)
    if of not in DICTIONARIES:
        return Made(of, arguments)
    made = Entries()
    pairs = arguments[0] if isinstance(arguments, tuple) and arguments else ()
    for pair in pairs if isinstance(pairs, list) else ():  # as Python 2 wrote them
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            made[_key(pair[0])] = pair[1]
    return made


DICTIONARIES = {
    Global("collections", "OrderedDict"),
    Global("collections", "defaultdict"),
    Global("builtins", "dict"),
}
"""What is a dictionary whatever else it does."""


def _bounded(value: Any) -> Any:
    """A value as it is; a whole number that is too long to be one of a model's counts as an unknown object."""
    return Made(None) if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER else value


def _key(key: Any) -> Any:
    """A key that can be hashed, quickly and to any depth; another counts as an unknown object."""
    if isinstance(key, (str, bytes)) or (isinstance(key, int) and abs(key) < _LARGEST_KEY):
        return key
    return Made(None, key)


_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_STORED = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_FOLLOWED: Mapping[str, Callable[[_Machine, Any], Any]] = {
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_DICT": lambda machine, _: machine.push(Entries()),
    "EMPTY_SET": lambda machine, _: machine.push(Made(Global("builtins", "set"))),
    "FROZENSET": lambda machine, _: machine.push(Made(Global("builtins", "frozenset"), (machine.marked(),))),
    "ADDITEMS": lambda machine, _: machine.extended(machine.marked()),
    "APPEND": lambda machine, _: machine.extended([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.extended(machine.marked()),
    "LIST": lambda machine, _: machine.push(machine.marked()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "DICT": _Machine.dictionary,
    "SETITEM": lambda machine, _: machine.stored([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.stored(machine.marked()),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "POP": _Machine.pop,
    "MARK": _Machine.mark,
    "POP_MARK": lambda machine, _: machine.marked(),
    "GLOBAL": _Machine.named,
    "STACK_GLOBAL": _Machine.named_by_stack,
    "REDUCE": _Machine.called,
    "NEWOBJ": _Machine.called,
    "NEWOBJ_EX": _Machine.called_with_keywords,
    "INST": _Machine.instance,
    "OBJ": _Machine.object,
    "BUILD": _Machine.built,
    "GET": _Machine.fetched,
    "BINGET": _Machine.fetched,
    "LONG_BINGET": _Machine.fetched,
    "PROTO": _Machine.nothing,
    "FRAME": _Machine.nothing,
    "STOP": _Machine.nothing,
    "EXT1": _Machine.extension,
    "EXT2": _Machine.extension,
    "EXT4": _Machine.extension,
    "NEXT_BUFFER": _Machine.buffer,
    "READONLY_BUFFER": _Machine.buffer,
    "PERSID": _Machine.kept_outside,
    "BINPERSID": lambda machine, _: machine.kept_outside(machine.stack.pop()),
}
