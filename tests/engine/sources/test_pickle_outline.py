"""What a pickle describes is written down, and nothing is done."""

from __future__ import annotations

import contextlib
import io
import pickle
import pickletools
import random
import struct
import tracemalloc
from collections import OrderedDict, defaultdict
from typing import Any

import pytest

from prune_tui.engine.sources import SourceError, pickle_machine, pickle_outline
from prune_tui.engine.sources.pickle_outline import Outline, read
from prune_tui.engine.sources.pickled_objects import Entries, Global, Made


def outline(data: bytes) -> Outline:
    return read(io.BytesIO(data), "a.pkl")


class _Runs:
    def __init__(self, *what: Any) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        return self.what[0], self.what[1:]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_themselves(protocol: int) -> None:
    plain = {
        "a": [1, -1, 300, 70_000, 2**40, 2**100, 0.5, None, True, False],
        "b": ("x", ("ü", ()), (1,), (1, 2), (1, 2, 3, 4)),
        "text" * 100: {"inner": {}},
    }
    assert outline(pickle.dumps(plain, protocol)).value == plain


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_dictionaries_of_any_kind(protocol: int) -> None:
    ordered = OrderedDict(b=1, a=2)
    ordered._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]  # as torch does
    found = outline(pickle.dumps([ordered, defaultdict(int, c=3)], protocol)).value
    assert found == [{"b": 1, "a": 2}, {"c": 3}]
    assert isinstance(found[0], Entries)
    assert list(found[0]) == ["b", "a"]
    assert found[0].attributes == {"_metadata": {"": {"version": 1}}}


def test_nothing_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    found = outline(pickle.dumps({"x": _Runs(print, "it ran"), "y": _Runs(eval, "1/0")}))
    assert capsys.readouterr().out == ""
    assert [str(name) for name in found.names] == ["builtins.print", "builtins.eval"]
    assert isinstance(found.value["x"], Made)
    assert found.value["x"].arguments == ("it ran",)


def test_nothing_is_imported() -> None:
    assert outline(b"cno_such_module\nThing\n)R.").names == (Global("no_such_module", "Thing"),)


def test_a_name_hidden_on_the_stack_is_found() -> None:
    data = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R."
    assert outline(data).names == (Global("os", "system"),)


def test_cycles() -> None:
    ring: list[Any] = []
    ring.append({"ring": ring})
    found = outline(pickle.dumps(ring)).value
    assert found[0]["ring"] is found


def test_a_hundred_thousand_tuples_in_each_other_as_a_key() -> None:
    data = b"}" + b")" + b"\x85" * 100_000 + b"K\x01s."
    (key,) = outline(data).value
    assert isinstance(key, Made)


def test_what_has_no_name_is_called_nothing() -> None:
    made = outline(b")" + b"\x85" * 100_000 + b")R.").value
    assert isinstance(made, Made)
    assert made.of is None


def test_numbers_longer_than_any_models_are_unknown() -> None:
    found = outline(pickle.dumps([2**128, -(2**63), 1 << 20_000])).value
    assert found[:2] == [2**128, -(2**63)]
    assert isinstance(found[2], Made)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"N",
        b"\x80\x02",
        b"h\x00.",
        b"t.",
        b"R.",
        b"NR.",
        b"}u.",
        b"](K\x01e",
        b"(K\x01u.",
        b"}(K\x01u.",
        b"\x82\x01.",
        b"\x97.",
        b"o.",
        b"(o.",
        b"N\x85\x85\x87.",
        b"\x00\x01garbage",
        b"I" + b"9" * 10_000 + b"\n.",
        b"\x8b\xff\xff\xff\xff.",
        b"X\xff\xff\xff\xffshort",
        b"X\x01\x00\x00\x00\xff.",
        b"\x8d" + struct.pack("<Q", 2**62) + b"x",
        b"\x8e" + struct.pack("<Q", 2**63) + b"x",
        b"cnot\xff\xfe\nutf\n.",
        b"K\x01K\x02\x93.",
    ],
)
def test_damaged(data: bytes) -> None:
    with pytest.raises(
        SourceError, match=r"a\.pkl is damaged at its byte [\d,]+: .+\. Was it copied to the end\?"
    ):
        outline(data)


@pytest.mark.parametrize("length", range(1, 60))
def test_cut_off_anywhere(length: int) -> None:
    data = pickle.dumps({"a": [1, 2.5, ("x", b"bytes")], "b": OrderedDict(c=None)})
    assert len(data) > 60
    with pytest.raises(SourceError, match="damaged"):
        outline(data[:length])


def test_a_claim_of_a_billion_takes_no_memory() -> None:
    bombs = [
        b"cbuiltins\nbytearray\nJ\x00\xca\x9a\x3b\x85R.",
        b"r\xff\xff\xff\xff.",
        b"N" + b"r\xff\xff\xff\xff" + b".",
        b"B\x00\xca\x9a\x3bshort.",
        b"]" + b"2" * 1000 + b".",
    ]
    tracemalloc.start()
    for bomb in bombs:
        with contextlib.suppress(SourceError):
            outline(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_more_instructions_than_any_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_outline, "MOST_INSTRUCTIONS", 1000)
    assert outline(b"]" * 999 + b".").value == []
    with pytest.raises(SourceError, match="more than 1,000 instructions; no model's has so many"):
        outline(b"]" * 1000 + b".")


def test_a_list_of_pairs_is_not_copied_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "_MOST_COPIED", 1000)
    pairs = b"(]q\x00(" + b"K\x01K\x02\x86" * 100 + b"e\x85q\x01"  # ([(1, 2), …],) in place 1
    ordered = b"ccollections\nOrderedDict\nq\x02"
    assert list(outline(b"(" + pairs + ordered + b"h\x02h\x01R" * 10 + b"l.").value[-1]) == [1]
    with pytest.raises(SourceError, match="it copies more than 1,000 pairs; no model's has so many"):
        outline(b"(" + pairs + ordered + b"h\x02h\x01R" * 11 + b"l.")


def test_places_that_can_be_made_to_collide() -> None:
    assert outline(b"K\x07p4294967295\n0g4294967295\n.").value == 7
    for place in (2**32, 2**61 - 1, -1):
        with pytest.raises(SourceError, match="it keeps something in place"):
            outline(b"K\x07p%d\n." % place)


def test_names_of_classes_that_take_for_ever_to_compare() -> None:
    with pytest.raises(SourceError, match="it names a class by more than 500 characters"):
        outline(b"ctorch\n" + b"A" * 501 + b"Tensor\n.")


def test_it_stands_behind_the_pickle_afterwards() -> None:
    stream = io.BytesIO(pickle.dumps("first") + pickle.dumps("second"))
    assert [read(stream, "x").value, read(stream, "x").value] == ["first", "second"]


def test_a_pickle_longer_than_what_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_outline, "_FIRST_READ", 16)
    first, second = pickle.dumps(["text" * 100, {"a": 1.5}]), pickle.dumps(["more" * 50])
    stream = io.BytesIO(b"before" + first + second + first[:-1])
    stream.seek(6)
    assert [read(stream, "x").value, read(stream, "x").value] == [["text" * 100, {"a": 1.5}], ["more" * 50]]
    with pytest.raises(SourceError, match="ends in the midst"):
        read(stream, "x")


def _described(value: Any, depth: int = 0) -> Any:
    """A value as something that can be compared, as deep as that is of use."""
    if depth == 8:
        return type(value).__name__
    if isinstance(value, Made):
        return (value.of, *(_described(one, depth + 1) for one in (value.arguments, value.state, value.entries)))
    if isinstance(value, dict):
        return [(_described(key, depth + 1), _described(one, depth + 1)) for key, one in value.items()]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(_described(one, depth + 1) for one in value)]
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else repr(value)


def _told(data: bytes) -> Any:
    try:
        found = pickle_outline.read_bytes(data, "a.pkl")
    except SourceError:
        return None
    return _described(found.value), found.names, _described(found.outside)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_is_followed_quickly_is_what_pickletools_reads(
    protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = OrderedDict({f"layer.{n}.weight": (n, -n, 300 * n, n << 20, (n, 2), True, None) for n in range(30)})
    whole, chance = pickle.dumps([state, _Runs(print, "x", 1)], protocol), random.Random(protocol)
    mutated = [whole]
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 9))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        mutated.append(bytes(data[: chance.choice((len(data), chance.randrange(len(data))))]))
    quickly = [_told(data) for data in mutated]
    known = {ord(one.code): pickle_machine._in_general(one) for one in pickletools.opcodes}
    general = tuple(known.get(byte, pickle_machine._unknown) for byte in range(256))
    monkeypatch.setattr(pickle_outline, "INSTRUCTIONS", general)
    assert quickly == [_told(data) for data in mutated]
    assert quickly[0] is not None
    assert None in quickly
