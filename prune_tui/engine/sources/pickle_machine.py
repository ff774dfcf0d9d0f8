"""The instructions of a pickle, followed on paper: what would be called is written down, and nothing is called.

Python's own unpickler in C, though it can be kept from importing anything, is not safe here: told to use tuples in
each other as a key, it hashes them until the stack overflows, and told to remember something under the number
four billion, it takes the memory. `pickletools` is safe and takes two microseconds an instruction, of which a
tensor has thirty to forty. So the instructions that torch writes are followed here one by one, from a table by
their byte; of all others `pickletools` reads the arguments.
"""

from __future__ import annotations

import _compat_pickle  # Python's own table of what Python 2 called otherwise; torch uses it, too
import io
import pickletools
import struct
from collections.abc import Callable, Mapping
from typing import Any

from prune_tui.engine.sources.pickled_objects import Entries, Global, Made, Persistent, bounded, key, made

STOP = ord(".")
_MOST_COPIED = 5_000_000
"""Pairs that dictionaries are made of, all together."""
_LARGEST_PLACE = 2**32
"""Numbers that something is remembered by: of larger ones many can be made to collide."""
_LONGEST_NAME = 500
"""Characters of a module's name, or a class's."""


class CutOffError(ValueError):
    """The bytes end within the pickle."""

    def __init__(self) -> None:
        super().__init__("it ends in the midst of an instruction")


class Machine:
    """The stack and the memory that a pickle's instructions work on.

    Args:
        data: The pickle, and perhaps what comes behind it.

    Attributes:
        data: The same with some bytes behind its end, so that numbers can be read before their end is checked.
        end: Bytes of it that are the pickle's.
        stack: What the instructions have pushed, above the last mark.
        memory: What they refer to again, by number.
        names: The classes and functions named, in order.
        outside: What is said to be kept outside, in order.
    """

    __slots__ = ("_below", "_copied", "_stream", "data", "end", "memory", "names", "outside", "stack")

    def __init__(self, data: bytes) -> None:
        self.data, self.end = data + _BEHIND, len(data)
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.names: dict[Global, None] = {}
        self.outside: list[Persistent] = []
        self._below: list[list[Any]] = []
        self._copied = 0
        self._stream: io.BytesIO | None = None

    def argument(self, at: int, read: Callable[[io.BytesIO], Any]) -> tuple[Any, int]:
        """What an instruction has as its argument, and where the next one is; read as `pickletools` does."""
        if self._stream is None:
            self._stream = io.BytesIO(self.data[: self.end])
        stream = self._stream
        stream.seek(at)
        try:
            return read(stream), stream.tell()
        except ValueError as error:
            if stream.tell() >= self.end:
                raise CutOffError from error
            raise

    # The instructions; pickletools describes them.

    def push(self, value: Any) -> None:
        """Any constant, number or text."""
        self.stack.append(value)

    def mark(self, _: None = None) -> None:
        """`MARK`."""
        self._below.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """What stands above the last mark, taken off together with it."""
        items = self.stack
        self.stack = self._below.pop()
        return items

    def pop(self, _: None) -> None:
        """`POP`: of nothing above a mark, the mark."""
        if self.stack:
            self.stack.pop()
        else:
            self.marked()

    def named(self, argument: str) -> None:
        """`GLOBAL`: module and name, a space between them."""
        module, _, name = argument.partition(" ")
        self.stack.append(self._global(module, name))

    def named_by_stack(self, _: None) -> None:
        """`STACK_GLOBAL`."""
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("what it calls a class has no name")
        self.stack.append(self._global(module, name))

    def called(self, _: None = None) -> None:
        """`REDUCE` and `NEWOBJ`."""
        arguments, of = self.stack.pop(), self.stack.pop()
        self._make(of, arguments)

    def called_with_keywords(self, _: None) -> None:
        """`NEWOBJ_EX`; the keywords are dropped."""
        self.stack.pop()
        self.called()

    def instance(self, argument: str) -> None:
        """`INST`."""
        arguments = tuple(self.marked())
        self.named(argument)
        self._make(self.stack.pop(), arguments)

    def object(self, _: None) -> None:
        """`OBJ`."""
        of, *arguments = self.marked()
        self._make(of, tuple(arguments))

    def _make(self, of: Any, arguments: Any) -> None:
        """What calling would make. A list of pairs may be given again and again: each time counts."""
        pairs = arguments[0] if isinstance(arguments, tuple) and arguments else ()
        self._copied += len(pairs) if isinstance(pairs, list) else 0
        if self._copied > _MOST_COPIED:
            raise ValueError(f"it copies more than {_MOST_COPIED:,} pairs; no model's has so many")
        self.stack.append(made(of, arguments))

    def built(self, _: None) -> None:
        """`BUILD`."""
        state, onto = self.stack.pop(), self.stack[-1]
        if isinstance(onto, Entries):
            onto.attributes = state
        elif isinstance(onto, Made):
            onto.state = state

    def kept_outside(self, id_: Any) -> None:
        """`PERSID` and `BINPERSID`."""
        self.outside.append(Persistent(id_))
        self.stack.append(self.outside[-1])

    def remembered(self, place: int) -> None:
        """`PUT` and its like."""
        if not 0 <= place < _LARGEST_PLACE:
            raise ValueError(f"it keeps something in place {place:.3g}; no model's has so many")
        self.memory[place] = self.stack[-1]

    def fetched(self, place: int) -> None:
        """`GET` and its like."""
        self.stack.append(self.memory[place])

    def nothing(self, _: Any) -> None:
        """What only tells how the pickle is written."""

    def extension(self, _: int) -> None:
        """`EXT1` and its like."""
        raise ValueError("it names a class by a number, which torch's do not")

    def buffer(self, _: None) -> None:
        """`NEXT_BUFFER` and its like."""
        raise ValueError("it wants memory from outside, which torch's do not")

    def tuple_of(self, count: int) -> None:
        """`TUPLE1`, `TUPLE2` and `TUPLE3`."""
        stack = self.stack
        if len(stack) < count:
            raise IndexError
        items = tuple(stack[-count:])
        del stack[-count:]
        stack.append(items)

    def extended(self, items: list[Any]) -> None:
        """`APPEND`, `APPENDS` and `ADDITEMS`."""
        onto = self.stack[-1]
        if isinstance(onto, list):
            onto.extend(items)

    def stored(self, items: list[Any]) -> None:
        """`SETITEM` and `SETITEMS`: keys and values in turns."""
        onto = self.stack[-1]
        into = onto if isinstance(onto, Entries) else onto.entries if isinstance(onto, Made) else {}
        for place, value in zip(items[::2], items[1::2], strict=True):
            into[key(place)] = value

    def dictionary(self, _: None) -> None:
        """`DICT`."""
        items = self.marked()
        self.stack.append(Entries())
        self.stored(items)

    def _global(self, module: str, name: str) -> Global:
        if max(len(module), len(name)) > _LONGEST_NAME:
            raise ValueError(f"it names a class by more than {_LONGEST_NAME:,} characters")
        module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
        found = Global(_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        self.names[found] = None
        return found


Instruction = Callable[[Machine, int], int]
"""Follows the instruction whose argument begins at a place, and returns the place of the next one."""


# ---------------------------------------------------------------- of all instructions: what they do


_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_FOLLOWED: Mapping[str, Callable[[Machine, Any], Any]] = {
    **dict.fromkeys(_PUSHED, lambda machine, value: machine.push(bounded(value))),
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
    "DICT": Machine.dictionary,
    "SETITEM": lambda machine, _: machine.stored([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.stored(machine.marked()),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "POP": Machine.pop,
    "MARK": Machine.mark,
    "POP_MARK": lambda machine, _: machine.marked(),
    "GLOBAL": Machine.named,
    "STACK_GLOBAL": Machine.named_by_stack,
    "REDUCE": Machine.called,
    "NEWOBJ": Machine.called,
    "NEWOBJ_EX": Machine.called_with_keywords,
    "INST": Machine.instance,
    "OBJ": Machine.object,
    "BUILD": Machine.built,
    "PUT": Machine.remembered,
    "BINPUT": Machine.remembered,
    "LONG_BINPUT": Machine.remembered,
    "MEMOIZE": lambda machine, _: machine.remembered(len(machine.memory)),
    "GET": Machine.fetched,
    "BINGET": Machine.fetched,
    "LONG_BINGET": Machine.fetched,
    "PROTO": Machine.nothing,
    "FRAME": Machine.nothing,
    "STOP": Machine.nothing,
    "EXT1": Machine.extension,
    "EXT2": Machine.extension,
    "EXT4": Machine.extension,
    "NEXT_BUFFER": Machine.buffer,
    "READONLY_BUFFER": Machine.buffer,
    "PERSID": Machine.kept_outside,
    "BINPERSID": lambda machine, _: machine.kept_outside(machine.stack.pop()),
}


def _in_general(opcode: pickletools.OpcodeInfo) -> Instruction:
    """Any instruction, its argument read by `pickletools`."""
    follow = _FOLLOWED[opcode.name]
    if opcode.arg is None:

        def without_argument(machine: Machine, at: int) -> int:
            follow(machine, None)
            return at

        return without_argument
    read: Callable[[io.BytesIO], Any] = opcode.arg.reader

    def with_argument(machine: Machine, at: int) -> int:
        argument, after = machine.argument(at, read)
        follow(machine, argument)
        return after

    return with_argument


def _unknown(machine: Machine, at: int) -> int:
    """Where the bytes end stands such a byte, too."""
    if at > machine.end:
        raise CutOffError
    raise ValueError(f"{machine.data[at - 1]:#04x} is no instruction")


# ---------------------------------------------------------------- of those that torch writes: argument and all


_BEHIND = b"\0" * 16
"""No instruction, and more bytes than any number has."""
_SIGNED, _UNSIGNED = struct.Struct("<i").unpack_from, struct.Struct("<I").unpack_from
_TEXT = ("utf-8", "surrogatepass")


def _remember(machine: Machine, at: int) -> int:
    machine.memory[machine.data[at]] = machine.stack[-1]
    return at + 1


def _remember_far(machine: Machine, at: int) -> int:
    machine.memory[_UNSIGNED(machine.data, at)[0]] = machine.stack[-1]
    return at + 4


def _fetch(machine: Machine, at: int) -> int:
    machine.stack.append(machine.memory[machine.data[at]])
    return at + 1


def _fetch_far(machine: Machine, at: int) -> int:
    machine.stack.append(machine.memory[_UNSIGNED(machine.data, at)[0]])
    return at + 4


def _push_byte(machine: Machine, at: int) -> int:
    machine.stack.append(machine.data[at])
    return at + 1


def _push_two_bytes(machine: Machine, at: int) -> int:
    machine.stack.append(machine.data[at] | machine.data[at + 1] << 8)
    return at + 2


def _push_signed(machine: Machine, at: int) -> int:
    machine.stack.append(_SIGNED(machine.data, at)[0])
    return at + 4


def _push_text(machine: Machine, at: int) -> int:
    start = at + 4
    after: int = start + _UNSIGNED(machine.data, at)[0]
    if after > machine.end:
        raise CutOffError
    machine.stack.append(str(machine.data[start:after], *_TEXT))
    return after


def _push_short_text(machine: Machine, at: int) -> int:
    after = at + 1 + machine.data[at]
    if after > machine.end:
        raise CutOffError
    machine.stack.append(str(machine.data[at + 1 : after], *_TEXT))
    return after


def _push_always(value: Any) -> Instruction:
    def push(machine: Machine, at: int) -> int:
        machine.stack.append(value)
        return at

    return push


def _mark(machine: Machine, at: int) -> int:
    machine.mark()
    return at


def _tuple(machine: Machine, at: int) -> int:
    items = tuple(machine.marked())
    machine.stack.append(items)
    return at


def _call(machine: Machine, at: int) -> int:
    machine.called()
    return at


_QUICKLY: Mapping[str, Instruction] = {
    "BINPUT": _remember,
    "LONG_BINPUT": _remember_far,
    "BINGET": _fetch,
    "LONG_BINGET": _fetch_far,
    "BININT1": _push_byte,
    "BININT2": _push_two_bytes,
    "BININT": _push_signed,
    "BINUNICODE": _push_text,
    "SHORT_BINUNICODE": _push_short_text,
    "MARK": _mark,
    "TUPLE": _tuple,
    "EMPTY_TUPLE": _push_always(()),
    "NEWFALSE": _push_always(False),
    "NEWTRUE": _push_always(True),
    "REDUCE": _call,
}


INSTRUCTIONS: tuple[Instruction, ...] = tuple(
    _unknown if opcode is None else _QUICKLY.get(opcode.name) or _in_general(opcode)
    for opcode in map({ord(one.code): one for one in pickletools.opcodes}.get, range(256))
)
"""By their byte."""
