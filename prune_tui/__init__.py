"""prune-tui opens a PyTorch model in a terminal, prunes it by key and takes anything back.

The public Python API is imported lazily, so that `import prune_tui` and the command's first screen never wait for
torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prune_tui.engine.methods.plugins import add_method
    from prune_tui.engine.session import Session
    from prune_tui.totals import cubic

__all__ = ["Session", "__version__", "add_method", "cubic"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "Session":
        from prune_tui.engine.session import Session  # noqa: PLC0415 - torch is imported on first use only

        return Session
    if name == "add_method":
        from prune_tui.engine.methods.plugins import add_method  # noqa: PLC0415 - as above

        return add_method
    if name == "cubic":
        from prune_tui.totals import cubic  # noqa: PLC0415 - the first screen needs none of it

        return cubic
    raise AttributeError(f"module 'prune_tui' has no attribute {name!r}")
