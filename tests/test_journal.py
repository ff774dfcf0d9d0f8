"""The journal's file: whole records only, one writer, nothing lost to damage."""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import stat
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prune_tui import journal
from prune_tui.journal import Amended, Did, Header, InUseError, JournalError, Plugged, Redid, Undid
from prune_tui.journal_writer import Writer
from prune_tui.protocol import Open
from prune_tui.source_names import settled
from prune_tui.step_settings import Bits
from prune_tui.steps import CustomFromMask, CustomMethod, L1Unstructured, LnStructured, RandomUnstructured, same

HEADER = Header(source="demo", model="LeNet", fingerprint="f", torch="2.13.0", started="2026-11-22T20:00:00+00:00")


def did(amount: float) -> Did:
    return Did(L1Unstructured(targets=("fc1.weight",), amount=amount), f"checksum of {amount}")


def amounts(path: Path) -> tuple[list[float], int]:
    kept = journal.read(path)
    return [one.step.amount for one in kept.steps], kept.done


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "one.journal"


def written(path: Path, *events: journal.Event) -> Path:
    writer = Writer.begin(path, HEADER)
    for event in events:
        writer.append(event)
    writer.close()
    return path


def test_what_was_written_stands(path: Path) -> None:
    written(path, did(0.1), did(1), did(1.0), Undid(), Undid(), Redid())

    kept = journal.read(path)
    assert kept.header == HEADER
    assert kept.done == 2
    assert [repr(one.step.amount) for one in kept.steps] == ["0.1", "1", "1.0"]
    assert kept.name == "one"
    assert not kept.damage


def test_a_new_step_after_undo_forgets_what_was_undone(path: Path) -> None:
    assert amounts(written(path, did(0.1), did(0.2), Undid(), did(0.3))) == ([0.1, 0.3], 2)


def test_amending_replaces_the_last_step(path: Path) -> None:
    amended = Amended(L1Unstructured(targets=("fc1.weight",), amount=0.5), "other")

    assert amounts(written(path, did(0.1), did(0.2), amended)) == ([0.1, 0.5], 2)


def test_steps_come_back_with_their_seeds_and_masks(path: Path) -> None:
    steps = [
        RandomUnstructured(targets=("a", "b"), amount=0.5, seed=2**63 - 1),
        CustomFromMask(targets=("c",), file="mask.pt", mask=Bits((3, 3), b"\x00\xff")),
    ]
    written(path, *(Did(step, "") for step in steps))

    assert all(same(one.step, step) for one, step in zip(journal.read(path).steps, steps, strict=True))


SCALARS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5), st.booleans(), st.none())


@given(
    st.one_of(
        st.builds(
            LnStructured,
            targets=st.just(("a",)),
            amount=st.integers(0, 2**63 - 1) | st.floats(0, 1),
            n=st.integers(-3, 3) | st.floats() | st.sampled_from(["fro", "nuc"]),
        ),
        st.builds(
            RandomUnstructured, targets=st.just(("a.b", "c")), amount=st.just(1), seed=st.integers(0, 2**63 - 1)
        ),
        st.builds(
            CustomMethod,
            targets=st.just(("a",)),
            name=st.just("foo_bar"),
            settings=st.dictionaries(st.text(max_size=5), SCALARS, max_size=3),
        ),
    )
)
def test_every_setting_comes_back_bit_by_bit(tmp_path_factory: pytest.TempPathFactory, step) -> None:
    path = written(tmp_path_factory.mktemp("any") / "a.journal", Did(step, "x"), did(0.1))

    kept = journal.read(path)
    assert kept.done == 2
    assert same(kept.steps[0].step, step)


def test_an_infinite_norm_and_all_after_it_come_back(path: Path) -> None:
    written(path, Did(LnStructured(targets=("a",), amount=1, n=float("inf")), ""), did(0.1))

    kept = journal.read(path)
    assert (kept.done, kept.damage) == (2, "")
    assert kept.steps[0].step.n == float("inf")


def test_what_would_not_come_back_is_refused_before_it_is_acknowledged(path: Path) -> None:
    writer = Writer.begin(path, HEADER)
    writer.append(did(0.1))
    strange = Did(L1Unstructured(targets=("a",), amount=[1]), "")

    with pytest.raises(JournalError, match="cannot be written to the journal"):
        writer.append(strange)
    writer.append(did(0.2))
    assert amounts(path) == ([0.1, 0.2], 2)


def test_a_record_of_a_later_prune_tui_is_no_damage(path: Path) -> None:
    written(path, did(0.1))
    body = base64.b64encode(msgspec.msgpack.encode({"type": "did", "step": {"method": "of_tomorrow"}}))
    with path.open("ab") as file:
        file.write(b"%08x %s\n" % (zlib.crc32(body), body))
    before = path.read_bytes()

    for reading in (journal.read, Writer.go_on):
        with pytest.raises(JournalError, match=r"line 3 of .* was written by another version of prune-tui"):
            reading(path)
    assert path.read_bytes() == before


def test_changes_that_belong_together_are_one_record(path: Path) -> None:
    writer = Writer.begin(path, HEADER)
    writer.append(did(0.1), did(0.2), Undid())

    assert amounts(path) == ([0.1, 0.2], 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert amounts(path) == ([], 0)


def test_methods_that_were_plugged_in_later_belong_to_the_session(path: Path) -> None:
    written(path, did(0.1), Plugged(("/a.py",)), Plugged(("/b.py", "/a.py")))

    kept = journal.read(path)
    assert kept.header.plugins == ("/a.py", "/b.py")
    request = Open.going_on(kept, "/journals", ("/c.py",))
    assert request.plugins == ("/a.py", "/b.py", "/c.py")
    assert (request.source, request.resume, request.journals) == ("demo", "one.journal", "/journals")


def test_a_session_in_which_all_is_undone_hides_no_other(tmp_path: Path) -> None:
    for number, events in enumerate([(did(0.1),), (did(0.2), Undid())]):
        path = written(tmp_path / f"{number}.journal", *events)
        os.utime(path, (number, number))

    assert journal.latest(tmp_path).name == "0"
    journal.delete(tmp_path / "0.journal")
    assert journal.latest(tmp_path).name == "1"


def test_a_journal_that_was_deleted_meanwhile_is_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, did(0.1))
    lock = fcntl.flock

    def deleted_first(file: int, how: int) -> None:
        monkeypatch.undo()
        path.unlink()
        path.write_text("another one")
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", deleted_first)
    with pytest.raises(JournalError, match="was replaced by another one"):
        Writer.go_on(path)


def test_only_its_user_can_read_it(path: Path) -> None:
    written(path, did(0.1))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@given(st.data())
def test_cut_off_anywhere_it_holds_every_whole_record(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    path = written(tmp_path_factory.mktemp("cut") / "a.journal", did(0.1), did(0.2), did(0.3))
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    cut = data.draw(st.integers(ends[0], len(whole)))
    path.write_bytes(whole[:cut])

    steps, done = amounts(path)
    assert done == sum(end <= cut for end in ends) - 1
    assert steps == [0.1, 0.2, 0.3][:done]
    writer, kept = Writer.go_on(path)
    writer.append(did(0.9))
    writer.close()
    assert amounts(path) == ([*steps, 0.9], done + 1)
    assert kept.done == done


@given(st.data())
def test_a_changed_byte_never_passes_for_a_record(tmp_path_factory: pytest.TempPathFactory, data) -> None:
    path = written(tmp_path_factory.mktemp("bad") / "a.journal", did(0.1), did(0.2), did(0.3))
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(whole.index(10) + 1, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)

    line = bytes(whole[:place]).count(b"\n")
    assert amounts(path)[0] == [0.1, 0.2, 0.3][: line - 1]


def test_damage_is_told_and_what_follows_is_kept_beside(path: Path) -> None:
    written(path, did(0.1), did(0.2), did(0.3))
    lines = path.read_bytes().splitlines(keepends=True)
    before = b"".join([*lines[:2], b"garbage\n", lines[3]])
    path.write_bytes(before)

    assert "is damaged at line 3; the lines before it can be gone on with" in journal.read(path).damage
    writer, _ = Writer.go_on(path)
    writer.close()
    (aside,) = path.parent.glob("*.damaged")
    assert aside.read_bytes() == before
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert not journal.read(path).damage


@pytest.mark.parametrize("text", [b"", b"\n", b"\x00" * 100, b"a text\nof another kind\n"])
def test_what_is_no_journal_says_so(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)

    with pytest.raises(JournalError, match="is not a journal of prune-tui"):
        journal.read(path)


def test_a_journal_of_a_later_version_says_so(path: Path) -> None:
    Writer.begin(path, Header(version=9, source="demo")).close()

    with pytest.raises(JournalError, match="is of version 9; this prune-tui reads version 1: update it"):
        journal.read(path)


def test_one_session_has_one_writer(path: Path) -> None:
    writer = Writer.begin(path, HEADER)
    writer.append(did(0.1))

    assert journal.in_use(path)
    assert journal.latest(path.parent) is None
    for take in (Writer.go_on, journal.delete):
        with pytest.raises(JournalError, match="session one is in use by another prune-tui; leave that first"):
            take(path)
    writer.close()
    assert journal.latest(path.parent).path == path
    journal.delete(path)
    assert not path.exists()


def test_a_full_disk_changes_nothing_and_the_next_record_fits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer.begin(path, HEADER)
    writer.append(did(0.1))
    write = os.pwrite

    def half(file: int, data: bytes, offset: int) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data[: len(data) // 2], offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", half)
        with pytest.raises(JournalError, match="cannot be written: No space left on device"):
            writer.append(did(0.2))
    assert amounts(path) == ([0.1], 1)
    writer.append(did(0.3))
    assert amounts(path) == ([0.1, 0.3], 2)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalError, match=r"file/one\.journal cannot be written"):
        Writer.begin(tmp_path / "file" / "one.journal", HEADER)


def test_the_last_session_on_a_source_is_found(tmp_path: Path) -> None:
    for number, (source, arguments) in enumerate([("demo", ()), ("a.b:C", ("x=1",)), ("a.b:C", ("x=2",))]):
        path = tmp_path / f"{number}.journal"
        writer = Writer.begin(path, Header(source=source, arguments=arguments))
        writer.append(did(0.1))
        writer.close()
        os.utime(path, (number, number))
    Writer.begin(tmp_path / "empty.journal", HEADER).close()
    (tmp_path / "other.journal").write_text("no journal")

    assert journal.latest(tmp_path).name == "2"
    assert journal.latest(tmp_path, "demo").name == "0"
    assert journal.latest(tmp_path, "a.b:C", ("x=1",)).name == "1"
    assert journal.latest(tmp_path, "other:C") is None
    assert journal.named(tmp_path, "1").name == "1"
    assert journal.named(tmp_path, "demo").name == "0"
    assert journal.latest(tmp_path / "nowhere") is None


def test_a_file_is_known_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert settled("net.py:Net") == f"{tmp_path}/net.py:Net"
    assert settled("demo") == "demo"
    assert settled("package.module:Net") == "package.module:Net"


def test_names_of_one_second_differ(tmp_path: Path) -> None:
    assert len({journal.new_path(tmp_path) for _ in range(100)}) > 90


def test_the_only_session_on_a_source_may_be_in_use(tmp_path: Path) -> None:
    writer = Writer.begin(tmp_path / "a.journal", HEADER)
    writer.append(did(0.1))

    with pytest.raises(InUseError, match="session a is in use by another prune-tui"):
        journal.named(tmp_path, "demo")
    assert journal.named(tmp_path, "other.py:Net") is None
    writer.close()
    assert journal.named(tmp_path, "demo").name == "a"
