"""What can be done now: which facts each command needs, and which of them hold on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from prune_tui import steps
from prune_tui.ui import keys
from prune_tui.ui.widgets.stack_picture import StackPicture

if TYPE_CHECKING:
    from prune_tui.ui.screens.main import MainScreen

Fact = Literal[
    "opened", "editable", "no form", "done", "undone", "amount", "pruned", "filtered", "marked", "other marks",
    "parameter", "tensor", "to apply", "metric", "broken", "finding", "repair", "mark",
]  # fmt: skip

_NEEDS: dict[str, frozenset[Fact]] = {
    "method.": frozenset({"editable"}),
    "method.remove": frozenset({"editable", "pruned"}),
    "steps.undo": frozenset({"editable", "no form", "done"}),
    "steps.redo": frozenset({"editable", "no form", "undone"}),
    "steps.repeat": frozenset({"editable", "no form", "done"}),
    "steps.more": frozenset({"editable", "no form", "amount"}),
    "steps.less": frozenset({"editable", "no form", "amount"}),
    "session.": frozenset({"opened"}),
    "session.export": frozenset({"done"}),
    "marks.": frozenset({"opened"}),
    "marks.toggle": frozenset({"parameter"}),
    "marks.type": frozenset({"parameter"}),
    "marks.pattern": frozenset({"opened", "no form"}),
    "marks.list": frozenset({"opened", "no form"}),
    "marks.back": frozenset({"other marks"}),
    "marks.go": frozenset({"mark"}),
    "marks.clear": frozenset({"marked"}),
    "tensor.": frozenset({"tensor"}),
    "tensor.paint": frozenset({"tensor", "editable"}),
    "tensor.brush": frozenset({"tensor", "editable"}),
    "tensor.apply_draft": frozenset({"tensor", "to apply"}),
    "picture.": frozenset({"tensor"}),
    "tree.": frozenset({"opened"}),
    "tree.match": frozenset({"filtered"}),
    "broken.": frozenset({"broken"}),
    "metric.": frozenset({"metric"}),
    "app.doctor": frozenset({"opened", "no form"}),
    "findings.go": frozenset({"finding"}),
    "findings.repair": frozenset({"editable", "no form", "repair"}),
}
"""By the beginning of an id; the longest one that fits counts, and what fits none can always be done."""


def possible(key: keys.Key, facts: frozenset[Fact]) -> bool:
    """Whether a command can be done.

    Args:
        key: The command.
        facts: What holds now.
    """
    beginning = max((known for known in _NEEDS if key.id.startswith(known)), key=len, default="")
    return not beginning or _NEEDS[beginning] <= facts


def facts(main: MainScreen) -> frozenset[Fact]:
    """What holds on the screen now."""
    return frozenset((*_of_model(main), *_of_steps(main), *_at_cursor(main)))


def _of_model(main: MainScreen) -> Iterator[Fact]:
    summary = main.status.summary
    if summary is not None:
        yield "opened"
        if not summary.readonly:
            yield "editable"
        if summary.metric:
            yield "metric"
        if any(tensor.pruned for row in main.rows for tensor in row.tensors):
            yield "pruned"
    if main.broken:
        yield "broken"


def _of_steps(main: MainScreen) -> Iterator[Fact]:
    done = [entry.step for entry in main.entries if not entry.undone]
    if main.form is None:
        yield "no form"
    if done:
        yield "done"
        if "amount" in steps.settings_of(done[-1]):
            yield "amount"
    if len(done) < len(main.entries):
        yield "undone"


def _at_cursor(main: MainScreen) -> Iterator[Fact]:
    tree, pane = main.module_tree, main.tensor_pane
    if tree.filtered:
        yield "filtered"
    if main.marked:
        yield "marked"
    if main.other_marks:
        yield "other marks"
    if main.listing_marks and main.marks_pane.mark is not None:
        yield "mark"
    if tree.current is not None and tree.current.tensors:
        yield "parameter"
    if main.tensor is not None and not pane.nothing:
        yield "tensor"
        if pane.painting.draft.toggles or isinstance(pane.picture, StackPicture):
            yield "to apply"
    finding = main.findings_pane.finding if main.examining else None
    if finding is not None:
        yield "finding"
        if finding.repair is not None:
            yield "repair"
