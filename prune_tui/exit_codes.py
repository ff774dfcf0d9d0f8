"""The exit codes, the same for every command: its help, the man page and the README tell this table."""

from __future__ import annotations

from typing import NamedTuple

DONE, FOUND, FAILED = range(3)
INTERRUPTED = 130


def by_signal(number: int) -> int:
    """The code of a command that a signal has ended, as shells have it."""
    return 128 + number


class Meaning(NamedTuple):
    """What a code means.

    Attributes:
        code: As a person reads it.
        short: In a few words.
        means: For every command, in a sentence.
        where: What it is of those commands where that needs saying.
    """

    code: str
    short: str
    means: str
    where: tuple[tuple[str, str], ...] = ()


TABLE = (
    Meaning(
        str(DONE),
        "done",
        "It was done, and nothing is to be told of it.",
        (("diff", "both are the same"), ("check", "there are no errors and no warnings")),
    ),
    Meaning(
        str(FOUND),
        "done, and there is something to look at",
        "It was done, and there is something to look at.",
        (
            ("diff", "they differ"),
            ("check", "there are errors or warnings"),
            ("config", "something in the settings is wrong"),
            ("prune-tui", "the engine had died, and you left"),
        ),
    ),
    Meaning(
        str(FAILED),
        "could not be done",
        "It could not be done, or its answer not be printed; standard error says why.",
        (("diff", "something could not be compared"), ("apply, convert", "nothing was written, or it says what")),
    ),
    Meaning(
        "128+n",
        "ended by signal n",
        "Signal n ended it: 130 is ctrl+c, 143 SIGTERM, 129 a terminal that is gone.",
        (("apply, convert", "what is written stands whole or not at all"),),
    ),
)


def meaning(row: Meaning) -> str:
    """`It was done, and there is something to look at. diff: they differ; check: …`."""
    where = "; ".join(f"{command}: {what}" for command, what in row.where)
    return f"{row.means} {where}." if where else row.means


def in_a_line() -> str:
    """`Exit codes: 0 done; 1 …`."""
    return f"Exit codes: {'; '.join(f'{row.code} {row.short}' for row in TABLE)}."
