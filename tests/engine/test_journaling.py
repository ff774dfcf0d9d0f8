"""No step that was acknowledged is ever lost: the engine is killed at every write of its journal."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from prune_tui import journal
from prune_tui.engine import checksums, fingerprints
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.journaling import ChangedError, Journaling, check_unchanged, replay
from prune_tui.engine.record import DoubtfulError
from prune_tui.engine.session import Session
from prune_tui.journal import Did, Header, JournalError, Undid
from prune_tui.journal_writer import Writer
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import structure


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))


def journaled(path: Path, model: nn.Module | None = None) -> Session:
    session = Session(net() if model is None else model, seed=7)
    header = Header(source="net", fingerprint=fingerprints.of_model(session.model), started="then")
    session.recorder = Journaling(path, lambda: header).record
    return session


EDITS = [
    lambda session: session.apply("random_unstructured", ["0.weight", "0.bias"], amount=0.4),
    lambda session: session.apply("l1_unstructured", "0.weight", amount=3),
    lambda session: session.undo(),
    lambda session: session.redo(),
    lambda session: session.amend(5),
    lambda session: session.apply("custom_from_mask", "2.bias", mask=torch.tensor([1, 0, 1, 0])),
    lambda session: session.undo(),
    lambda session: session.apply("ln_structured", "2.weight", amount=0.5, n=2, dim=0),
    lambda session: session.apply("remove", "0.weight"),
    lambda session: session.undo(),
]
"""Every kind of record, and what takes its place."""


def resumed(
    path: Path, *, anyway: bool = False, model: nn.Module | None = None
) -> tuple[Session, tuple[str, ...]]:
    session = Session(net() if model is None else model, seed=7)
    journaling, kept = Journaling.go_on(path)
    try:
        notes = replay(session, kept, anyway=anyway, tell=lambda _: None, stop=never)
    except ChangedError:
        journaling.close()
        raise
    session.recorder = journaling.record
    return session, notes


def state(session: Session) -> tuple[object, ...]:
    log = [(entry.step, entry.undone) for entry in session.log()]
    return checksums.of_model(session.model), list(session.model.state_dict()), log


@pytest.mark.parametrize("count", range(1, len(EDITS) + 1))
def test_whatever_was_done_is_done_again(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.journal"
    session = journaled(path)
    for edit in EDITS[:count]:
        edit(session)
    session.recorder.__self__.close()

    again, notes = resumed(path)
    assert state(again) == state(session)
    assert not notes
    session.recorder = None
    for edit in EDITS[count:]:  # and it goes on as if nothing had happened
        edit(again)
        edit(session)
    assert state(again) == state(session)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.engine.test_journaling import EDITS, journaled

folder, moment = Path(sys.argv[1]), sys.argv[2]
write, sync = os.pwrite, os.fsync

def work(fatal):
    writes = 0

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def pwrite(file, data, offset):
        nonlocal writes
        writes += 1
        if writes == fatal and moment == "before the write":
            die()
        if writes == fatal and moment == "half written":
            write(file, data[: len(data) // 2], offset)
            die()
        return write(file, data, offset)

    def fsync(file):
        if writes == fatal and moment == "before the sync":
            die()
        sync(file)
        if writes == fatal and moment == "before the answer":
            die()

    os.pwrite, os.fsync = pwrite, fsync
    session = journaled(folder / f"{fatal}.journal")
    for number, edit in enumerate(EDITS, start=1):
        edit(session)
        (folder / f"{fatal}.acknowledged").write_text(str(number))

for fatal in range(1, len(EDITS) + 2):  # a process for each: importing torch takes longer than the rest
    child = os.fork()
    if not child:
        work(fatal)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
"""


@pytest.mark.parametrize("moment", ["before the write", "half written", "before the sync", "before the answer"])
def test_killed_at_any_write_nothing_acknowledged_is_lost(tmp_path: Path, moment: str) -> None:
    """The first write is the header's."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), moment], check=True)

    for fatal in range(1, len(EDITS) + 2):
        told, path = tmp_path / f"{fatal}.acknowledged", tmp_path / f"{fatal}.journal"
        acknowledged = int(told.read_text()) if told.exists() else 0
        assert acknowledged == max(0, fatal - 2)
        if not acknowledged and not _has_header(path):
            continue  # nothing was acknowledged, nothing is there
        session, _ = resumed(path)
        # What was written whole but not answered may stand, too: it is the step that the person asked for.
        assert state(session) in [state(_after(acknowledged)), state(_after(acknowledged + 1))]
        if moment == "before the answer":
            assert state(session) == state(_after(acknowledged + (fatal > 1)))


def _has_header(path: Path) -> bool:
    try:
        return bool(journal.read(path).header)
    except JournalError:
        return False


def _after(count: int) -> Session:
    session = Session(net(), seed=7)
    for edit in EDITS[:count]:
        edit(session)
    return session


@pytest.mark.parametrize("edit", range(len(EDITS)))
def test_a_full_disk_refuses_the_edit_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: int
) -> None:
    session = journaled(tmp_path / "a.journal")
    for done in EDITS[:edit]:
        done(session)
    before = structure(session.model), state(session)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(StepError, match=r"No space left on device\. Nothing was changed.*--no-journal"):
            EDITS[edit](session)
    assert (structure(session.model), state(session)) == before
    EDITS[edit](session)  # there is room again
    session.recorder.__self__.close()
    assert state(resumed(tmp_path / "a.journal")[0]) == state(session)


def test_the_masks_are_proved_by_their_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    session = journaled(path)
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.apply("l1_unstructured", "2.weight", amount=0.5)
    session.recorder.__self__.close()
    trained = net()
    with torch.no_grad():
        trained[2].weight.mul_(torch.randn_like(trained[2].weight))
    before = structure(trained)

    with pytest.raises(ChangedError, match=r"has changed since then: its parameters have other"):
        check_unchanged(journal.read(path), fingerprints.of_model(trained))
    with pytest.raises(
        ChangedError, match=r"step 2 of session a, l1_unstructured\(amount=0\.5\), gives other masks than it gave"
    ):
        resumed(path, model=trained)
    assert structure(trained) == before
    session, notes = resumed(path, model=trained, anyway=True)
    assert notes == ("step 2, l1_unstructured(amount=0.5), gives other masks than it gave then",)
    assert session.counts() == (2, 0)


def test_another_torch_is_named_where_the_masks_differ(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    session = Session(net())
    session.recorder = Journaling(path, lambda: Header(source="net", torch="1.0")).record
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.recorder.__self__.close()

    with pytest.raises(ChangedError, match=r"other masks than it gave then \(with torch 1\.0; this is "):
        resumed(path, model=net(seed=1))


def test_a_step_that_cannot_be_done_again_is_left_out_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    session = journaled(path)
    session.apply("l1_unstructured", "2.weight", amount=1)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("l1_unstructured", "2.bias", amount=1)
    session.undo()
    session.recorder.__self__.close()
    smaller = net()[:1]

    with pytest.raises(ChangedError, match=r"step 1 of session a.*cannot be done: 2\.weight"):
        resumed(path, model=smaller)
    session, notes = resumed(path, model=smaller, anyway=True)
    assert [note[:6] for note in notes] == ["step 1", "step 3"]
    assert session.counts() == (1, 0)


def test_an_undone_step_that_cannot_be_done_any_more_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    session = journaled(path)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("l1_unstructured", "2.bias", amount=1)
    session.undo()
    session.recorder.__self__.close()

    session, notes = resumed(path, model=net()[:1])
    assert session.counts() == (1, 0)
    assert len(notes) == 1
    assert notes[0].startswith("step 2 was undone and cannot be redone any more: l1_unstructured(amount=1)")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (0, []),
        (
            1,
            [
                "step 3, undone too, follows it and was left out: l1_unstructured(amount=2);"
                " redo will not do it again"
            ],
        ),
        (
            3,
            [
                "steps 3 to 5, undone too, follow it and were left out: l1_unstructured(amount=2),"
                " l1_unstructured(amount=3) and 1 more; redo will not do them again"
            ],
        ),
    ],
)
def test_undone_steps_after_one_that_is_different_are_left_out_and_told(
    tmp_path: Path, more: int, told: list[str]
) -> None:
    path = tmp_path / "a.journal"
    session = journaled(path)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("l1_unstructured", "2.bias", amount=1)
    for amount in range(2, 2 + more):
        session.apply("l1_unstructured", "0.weight", amount=amount)
    for _ in range(1 + more):
        session.undo()
    session.recorder.__self__.close()

    session, notes = resumed(path, model=net()[:1])
    assert session.counts() == (1, 0)
    assert notes[0].startswith("step 2 was undone and cannot be redone any more")
    assert list(notes[1:]) == told


def undone_with_other_masks(path: Path) -> Session:
    """A session whose journal has other masks for its last step, which was undone, than it gives now."""
    session = journaled(path)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("l1_unstructured", "2.bias", amount=1)
    session.undo()
    session.recorder.__self__.close()
    kept = journal.read(path)
    path.unlink()
    first, second = kept.steps
    writer = Writer.begin(path, kept.header)
    writer.append(first)
    writer.append(Did(second.step, "0" * 64))
    writer.append(Undid())
    writer.close()
    return session


def test_an_undone_step_that_gives_other_masks_is_redone_only_anyway(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    session = undone_with_other_masks(path)
    again, (note,) = resumed(path)
    assert note == (
        "step 2 was undone and is redone only when that is asked for twice:"
        " l1_unstructured(amount=1), gives other masks than it gave then"
    )
    assert state(again) == state(session)
    before = structure(again.model)
    with pytest.raises(
        DoubtfulError,
        match=r"^step 2, l1_unstructured\(amount=1\), gives other masks than it gave then.*: now it takes 1 of 4"
        r" entries of 2\.bias \(checksum [0-9a-f]{12}… instead of 0{12}…\)$",
    ):
        again.step_forward()
    assert structure(again.model) == before
    again.step_forward(anyway=True)
    session.recorder = None
    session.redo()
    assert state(again) == state(session)
    again.undo()
    again.redo()  # it was asked for once: from now on it is a step like others
    again.recorder.__self__.close()

    last, notes = resumed(path)  # and its masks are those that the journal knows
    assert state(last) == state(session)
    assert not notes


def test_replaying_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    session = journaled(path)
    session.apply("l1_unstructured", ["0.weight", "2.weight"], amount=1)
    session.recorder.__self__.close()
    fresh = Session(net())

    with pytest.raises(Cancelled):
        replay(fresh, journal.read(path), anyway=False, tell=lambda _: None, stop=lambda: True)
    assert fresh.counts() == (0, 0)


def test_a_session_without_steps_leaves_no_file(tmp_path: Path) -> None:
    session = journaled(tmp_path / "a.journal")
    session.preview("l1_unstructured", "0.weight", amount=0.5)
    with pytest.raises(StepError):
        session.apply("l1_unstructured", "0.weight", amount=1000)

    assert not list(tmp_path.iterdir())
