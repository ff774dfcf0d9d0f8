"""The README's table of keys, made from the registry: `python -m tests.readme_keys` writes it."""

from __future__ import annotations

from pathlib import Path

from prune_tui.steps import METHODS
from prune_tui.ui import keys
from prune_tui.ui.screens.more_methods import letters

README = Path(__file__).parent.parent / "README.md"
BEGIN = "by `python -m tests.readme_keys`, checked by a test -->\n"
END = "<!-- end of keys -->"


def table() -> str:
    """Markdown: a row for each key, under the place where it works, and for each method in the list of more."""
    lines = ["| key | |", "|---|---|"]
    for place, title in keys.PLACES.items():
        lines.append(f"| **{title}** | |")
        lines += [
            f"| {' '.join(f'`{keys.shown(key)}`' for key in row.keys)} | {row.sentence} |"
            for row in keys.OURS.of(place)
        ]
    more = [method for method in METHODS if not (method.key or method.repair)]
    for letter, method in zip(letters(method.name for method in more), more, strict=True):
        lines.append(f"| `9` `{letter}` | {keys.method_sentence(method)} |")
    return "\n".join(lines) + "\n"


def written() -> str:
    """The table that stands in the README."""
    text = README.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


if __name__ == "__main__":
    README.write_text(README.read_text().replace(written() + END, table() + END))
