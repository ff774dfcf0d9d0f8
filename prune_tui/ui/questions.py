"""What is asked when a model cannot be opened as wanted, and what a session that can be gone on with holds."""

from __future__ import annotations

from typing import Any, NamedTuple

from prune_tui import journal, steps
from prune_tui.ui.numbers import counted


class Remedy(NamedTuple):
    """What can be done when a model cannot be opened as asked.

    Attributes:
        title: Of the question.
        answers: A word for each key.
        changes: For each word what to ask for then; a word that is not here gives up.
    """

    title: str
    answers: dict[str, str]
    changes: dict[str, dict[str, Any]]


REMEDIES: dict[str, Remedy] = {
    "wrapped": Remedy(
        "Open what is inside?",
        {"enter": "open it", "q": "quit", "escape": "quit"},
        {"open it": {"unwrap": True}},
    ),
    "changed": Remedy(
        "Not as it was then",
        {"enter": "open it without the steps", "a": "do them anyway", "q": "quit", "escape": "quit"},
        {"open it without the steps": {"resume": ""}, "do them anyway": {"anyway": True}},
    ),
    "in use": Remedy(
        "The session is in use",
        {"n": "begin anew", "q": "quit", "escape": "quit"},
        {"begin anew": {"resume": ""}},
    ),
}


def told(kept: journal.Kept) -> str:
    """What a session that can be gone on with holds."""
    header = kept.header
    last = kept.steps[max(kept.done, 1) - 1].step
    undone = len(kept.steps) - kept.done
    parts = [counted(kept.done, "step"), *([f"{undone} undone"] if undone else [])]
    since = header.started[:16].replace("T", " ")
    return (
        f"{' and '.join(parts)} on {header.model} ({header.source}) kept since {since}.\n"
        f"The last one: {steps.describe(last)} on {', '.join(last.targets[:3])}"
        f"{f' and {len(last.targets) - 3} more' if len(last.targets) > 3 else ''}."
    )
