"""What every request is; the requests themselves stand in `prune_tui.protocol` and `prune_tui.files`."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True, tag=True):
    """Something the UI asks for. Answers come in any order; each names the id of its request."""
