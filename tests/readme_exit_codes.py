"""The README's table of exit codes: `python -m tests.readme_exit_codes` writes it."""

from __future__ import annotations

from pathlib import Path

from prune_tui import exit_codes

README = Path(__file__).parent.parent / "README.md"
BEGIN = "by `python -m tests.readme_exit_codes`, checked by a test -->\n"
END = "<!-- end of exit codes -->"


def table() -> str:
    """Markdown: a row for each code."""
    rows = [f"| {row.code} | {exit_codes.meaning(row)} |" for row in exit_codes.TABLE]
    return "\n".join(["| exit code | |", "|---|---|", *rows]) + "\n"


def written() -> str:
    """The table that stands in the README."""
    text = README.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


if __name__ == "__main__":
    README.write_text(README.read_text().replace(BEGIN + written() + END, BEGIN + table() + END))
