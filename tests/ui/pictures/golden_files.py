"""Golden pictures: text that a person can read and compare, and under each line its styles.

`RENEW_GOLDEN=1 pytest tests/ui/pictures` writes them anew; `git diff` shows what has changed: look at it. A style
is told by a letter, which the end of the file explains.
"""

from __future__ import annotations

import os
import string
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment

from prune_tui.ui.pictures.look import Look

FOLDER = Path(__file__).parent / "golden"
LOOKS = {
    "truecolor": Look("truecolor"),
    "256": Look("256"),
    "16": Look("16"),
    "none-ascii": Look("none", ascii=True),
}
_LETTERS = (string.ascii_letters + string.digits + string.punctuation).replace(".", "").replace("|", "")


def written(lines: Sequence[Sequence[Segment]]) -> str:
    """Lines of segments as a golden file."""
    letters: dict[str, str] = {}
    told = []
    for line in lines:
        styles = ""
        for text, style, _ in line:
            name = str(style or "")
            letter = letters.setdefault(name, "." if name in {"", "none"} else _letter(len(letters)))
            styles += letter * cell_len(text)
        told += ["".join(segment.text for segment in line) + "|", styles]
    return "\n".join([*told, "", *(f"{letter} {name or 'plain'}" for name, letter in letters.items()), ""])


def _letter(number: int) -> str:
    """Past the letters, further characters; a picture of a hundred colours is meant to be small."""
    return _LETTERS[number] if number < len(_LETTERS) else chr(0x100 + number)


def check(name: str, lines: Sequence[Sequence[Segment]]) -> None:
    """Compare a picture with its golden file."""
    file, text = FOLDER / f"{name}.txt", written(lines)
    if os.environ.get("RENEW_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{file} differs; see golden_files.py"
