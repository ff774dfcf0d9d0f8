"""What the doctor's pane says, line by line. Pure: from findings to lines of text at a width."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from rich.cells import set_cell_size
from rich.text import Text

from prune_tui import steps
from prune_tui.ui.tree_line import printable
from prune_tui.views import SEVERITIES, Finding, Findings

_GLYPHS = {"error": "✗", "warning": "!", "note": "·"}
_STYLES = {"error": "bold", "warning": "bold", "note": ""}
_WIDEST_NAME = 15
_NARROW = 60


class Line(NamedTuple):
    """One line of the pane.

    Attributes:
        text: What stands there.
        finding: Index of the finding it belongs to.
    """

    text: Text
    finding: int


def counts_text(found: Findings) -> str:
    """`2 errors · 1 warning · 3 notes`; empty when there is nothing."""
    told = []
    for severity in SEVERITIES:
        count = sum(one.severity == severity for one in found.findings)
        told += [f"{count:,} {severity}{'' if count == 1 else 's'}"] if count else []
    return " · ".join(told)


def looked_at(found: Findings) -> str:
    """`29 checks on 10 tensors`."""
    return f"{found.checks} checks on {found.tensors:,} tensor{'' if found.tensors == 1 else 's'}"


def finding_lines(found: Findings, selected: int, width: int) -> list[Line]:
    """A line for each finding, and below the selected one what it means, what to do and what `r` would change.

    Args:
        found: What the engine told.
        selected: Index of the finding at the cursor.
        width: Cells, without the one for the cursor.
    """
    lines = []
    for index, finding in enumerate(found.findings):
        lines.append(Line(_headline(finding, width), index))
        if index == selected:
            lines += [Line(text, index) for text in _explained(finding, width)]
    return lines


def _headline(finding: Finding, width: int) -> Text:
    severity = "" if width < _NARROW else f"{finding.severity:<8}"
    text = Text(f"{_GLYPHS[finding.severity]} {severity}", style=_STYLES[finding.severity])
    text.append(set_cell_size(finding.check, _WIDEST_NAME) + " ", style="not bold")
    text.append(printable(finding.where))
    return text


def _explained(finding: Finding, width: int) -> list[Text]:
    lines = _wrapped(finding.means, width, "", "")
    lines += _wrapped(finding.do, width, "→ ", "")
    if finding.repair is not None:
        name = steps.method_of(finding.repair).name
        lines += _wrapped(f"{name}: {finding.change}", width, "r ", "bold")
    return lines


def _wrapped(sentence: str, width: int, lead: str, style: str) -> list[Text]:
    """A sentence under its headline, wrapped; a long name breaks where it must."""
    rows = textwrap.wrap(
        printable(sentence), max(width - 4, 10), initial_indent=lead, subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
    )  # fmt: skip
    return [Text(f"   {row}", style=style or "dim") for row in rows]
