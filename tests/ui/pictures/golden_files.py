"""Pictures as text that a person can read and compare: the characters, and under each line its styles.

`python -m tests.ui.pictures.golden_files` writes all golden files anew; look at the difference before it is
committed. A style is told by a letter, which the end of the file explains.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

from rich.cells import cell_len

FOLDER = Path(__file__).parent / "golden"
_LETTERS = string.ascii_letters + string.digits + string.punctuation


def written(lines):
    """Lines of segments as a golden file."""
    letters: dict[str, str] = {}
    told = []
    for line in lines:
        styles = ""
        for text, style, _ in line:
            name = str(style or "")
            letter = letters.setdefault(name, "." if not name else _letter(len(letters)))
            styles += letter * cell_len(text)
        told += ["".join(segment.text for segment in line) + "|", styles]
    return "\n".join([*told, "", *(f"{letter} {name or 'plain'}" for name, letter in letters.items()), ""])


def _letter(number: int) -> str:
    """Past the letters, further characters; a picture of a hundred colours is meant to be small."""
    letters = _LETTERS.replace(".", "").replace("|", "")
    return letters[number] if number < len(letters) else chr(0x100 + number)


def main() -> int:
    from tests.ui.pictures.test_heatmap import golden_pictures

    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, lines in golden_pictures():
        (FOLDER / f"{name}.txt").write_text(written(lines), encoding="utf-8")
    print(f"{len(list(FOLDER.iterdir()))} files in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
