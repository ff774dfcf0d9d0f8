"""Everything here needs textual-serve."""

from __future__ import annotations

import pytest

pytest.importorskip("textual_serve", reason="textual-serve is not installed")
