"""Golden pictures: text and styles of each line, in files that a person can read and compare.

`RENEW_GOLDEN=1 pytest tests/ui/pictures` writes them anew; `git diff` shows what has changed: look at it.
"""

from __future__ import annotations

import os
from pathlib import Path

from rich.segment import Segment

from prune_tui.ui.pictures.look import Look

FOLDER = Path(__file__).parent / "golden"
LOOKS = {
    "truecolor": Look("truecolor"),
    "256": Look("256"),
    "16": Look("16"),
    "none-ascii": Look("none", ascii=True),
}


def written(lines: list[list[Segment]]) -> str:
    """Each line as text between bars, and under all of them where which style begins."""
    texts = ["|" + "".join(segment.text for segment in line) + "|\n" for line in lines]
    styles = []
    for number, line in enumerate(lines):
        column = 0
        for segment in line:
            if segment.style:
                styles.append(f"{number}:{column}+{len(segment.text)} {segment.style}\n")
            column += len(segment.text)
    return "".join([*texts, "styles\n", *styles])


def check(name: str, lines: list[list[Segment]]) -> None:
    """Compare a picture with its golden file."""
    file, text = FOLDER / f"{name}.txt", written(lines)
    if os.environ.get("RENEW_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text(), f"{file} says otherwise; see tests/ui/pictures/golden_files.py"
