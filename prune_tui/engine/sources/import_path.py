"""Where imports of a person's code are looked for."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def searched_first(folder: Path) -> Iterator[None]:
    """While the code runs, its imports of neighbouring files work as in `python file.py`.

    Afterwards the folder is searched last: what torch or the engine imports later must not be a profile.py in it.
    """
    name = str(folder)
    sys.path.insert(0, name)
    try:
        yield
    finally:
        if name in sys.path:
            sys.path.remove(name)
        if name not in sys.path:
            sys.path.append(name)
