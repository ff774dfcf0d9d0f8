"""Arrays that the engine tells as bytes, as numbers again."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence


def floats(data: bytes) -> Sequence[float]:
    """Little-endian float32."""
    found = array("f", data)
    if sys.byteorder == "big":
        found.byteswap()
    return found
