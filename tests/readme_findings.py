"""The README's table of findings, made from the doctor's checks: `python -m tests.readme_findings` writes it."""

from __future__ import annotations

from pathlib import Path

from prune_tui import steps
from prune_tui.engine.doctor import CHECKS

README = Path(__file__).parent.parent / "README.md"
BEGIN = "by `python -m tests.readme_findings`, checked by a test -->\n"
END = "<!-- end of findings -->"


def table() -> str:
    """Markdown: a row for each check, errors first."""
    lines = ["| finding | | what it is | repair |", "|---|---|---|---|"]
    for check in CHECKS:
        repair = "" if check.repair is None else f"`{steps.METHOD_OF_STEP[check.repair].name}`"
        lines.append(f"| `{check.name}` | {check.severity} | {check.about} | {repair} |")
    return "\n".join(lines) + "\n"


def written() -> str:
    """The table that stands in the README."""
    text = README.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


if __name__ == "__main__":
    README.write_text(README.read_text().replace(written() + END, table() + END))
