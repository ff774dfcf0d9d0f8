"""How an engine keeps the journal of its session, and takes one up again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from prune_tui import journal, steps
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.session import Session
from prune_tui.journal_writer import Writer
from prune_tui.step_settings import StepError

_SHORT = 12
"""Digits of a checksum that are enough to tell two apart in a sentence."""


class ChangedError(StepError):
    """The steps of a journal would not give the masks they gave: the model has changed, or what makes masks."""


class Journaling:
    """The journal of one session; its file is made with the first step.

    Args:
        path: The file.
        header: What the session works on; asked for with the first step.
    """

    def __init__(self, path: Path, header: Callable[[], journal.Header]) -> None:
        self.path = path
        self._header = header
        self._writer: Writer | None = None

    @classmethod
    def go_on(cls, path: Path) -> tuple[Journaling, journal.Kept]:
        """Take a journal over, and say what it holds.

        Raises:
            JournalError: It is in use, or cannot be read or written.
        """
        writer, kept = Writer.go_on(path)
        journaling = cls(path, lambda: kept.header)
        journaling._writer = writer
        return journaling, kept

    def record(self, *events: journal.Event) -> None:
        """Have changes on the disk, all or none, before they are acknowledged.

        Raises:
            StepError: It cannot be written.
        """
        try:
            if self._writer is None:
                self._writer = Writer.begin(self.path, self._header())
            self._writer.append(*events)
        except journal.JournalError as error:
            raise StepError(
                f"{error}. Nothing was changed, for it could be lost; mend that, or start with --no-journal"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.close()


def check_unchanged(kept: journal.Kept, fingerprint: str) -> None:
    """Refuse a model that is not the one the journal was made on.

    Raises:
        ChangedError: It is another one.
    """
    if kept.header.fingerprint != fingerprint:
        raise ChangedError(
            f"the model of session {kept.name} has changed since {kept.header.started}: its parameters have other"
            " names, shapes, dtypes or values, so the same steps may give other masks"
        )


def replay(
    session: Session, kept: journal.Kept, *, anyway: bool, tell: Callable[[str], None], stop: Stop
) -> tuple[str, ...]:
    """Do the steps of a journal again, and take back those that were undone, as far as they can still be done.

    Args:
        session: A fresh one, on the model as it was before the first step.
        kept: What the journal holds.
        anyway: Leave out what cannot be done, and take other masks than those there were.
        tell: Called with where it stands.
        stop: Asked within the steps.

    Returns:
        What a person should know: of undone steps those that follow one that is different now are left out.

    Raises:
        ChangedError: A step is refused, or gives other masks; everything is as before the first.
        Cancelled: `stop` said so; likewise.
    """
    notes: list[str] = []
    standing = 0
    try:
        for number, did in enumerate(kept.steps, start=1):
            tell(f"step {number} of {len(kept.steps)} again")
            before = session.counts()[0]
            difference = _again(session, did, stop)
            if difference and number > kept.done:
                could = session.counts()[0] > before
                if could:
                    session.doubt(f"step {before + 1}, {difference}{_other_torch(kept)}: {_masks(session, did)}")
                now = "is redone only when that is asked for twice" if could else "cannot be redone any more"
                notes.append(f"step {number} was undone and {now}: {difference}")
                notes += [_after_that(number, kept.steps[number:])] if kept.steps[number:] else []
                break
            if difference and not anyway:
                raise ChangedError(f"step {number} of session {kept.name}, {difference}{_other_torch(kept)}")
            if difference:
                notes.append(f"step {number}, {difference}")
            if number <= kept.done:
                standing = session.counts()[0]
        while session.counts()[0] > standing:
            session.step_back()
    except BaseException:
        while session.counts()[0]:
            session.step_back()
        raise
    return tuple(notes)


def _after_that(number: int, left_out: Sequence[journal.Did]) -> str:
    """That undone steps are gone from what redo would do, since one before them is different now."""
    calls = [steps.describe(did.step) for did in left_out]
    first, last = number + 1, number + len(calls)
    were = "follows it and was" if first == last else "follow it and were"
    called = f"step {first}" if first == last else f"steps {first} to {last}"
    more = f" and {len(calls) - 2} more" if len(calls) > 2 else ""
    them = "it" if first == last else "them"
    return f"{called}, undone too, {were} left out: {', '.join(calls[:2])}{more}; redo will not do {them} again"


def _other_torch(kept: journal.Kept) -> str:
    """That another torch made the masks, which may rank and draw otherwise; nothing where it was this one."""
    then, now = kept.header.torch, str(torch.__version__)
    return f" (with torch {then}; this is {now})" if then and then != now else ""


def _masks(session: Session, did: journal.Did) -> str:
    """What the last step took, and how its masks are known from those that the journal knows."""
    took = [f"{one.took:,} of {one.left:,} entries of {one.target}" for one in session.log()[-1].effects]
    more = f" and of {len(took) - 2} tensors more" if len(took) > 2 else ""
    checksums = f"{session.checksum()[:_SHORT]}… instead of {did.checksum[:_SHORT]}…"
    return f"now it takes {', '.join(took[:2])}{more} (checksum {checksums})"


def _again(session: Session, did: journal.Did, stop: Stop) -> str:
    """Do a step again; what is different now, or nothing."""
    what = steps.describe(did.step)
    try:
        session.do(did.step, stop)
    except StepError as error:
        return f"{what}, cannot be done: {error}"
    return "" if session.checksum() == did.checksum else f"{what}, gives other masks than it gave then"
