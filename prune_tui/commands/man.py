"""`prune-tui man`: the man page, where no package manager has put it."""

from __future__ import annotations

from importlib import resources

from prune_tui.commands.answering import answered
from prune_tui.exit_codes import DONE


def man() -> int:
    """Print the man page: prune-tui man | man -l -."""
    page = resources.files("prune_tui.shell") / "prune-tui.1"
    return answered(lambda: (DONE, page.read_text("utf-8").rstrip("\n")), {}, json=False, debug=False)
