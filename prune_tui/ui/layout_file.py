"""The file that keeps the last layout from one start to the next: `layout.json` beside the kept sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from prune_tui.step_settings import StepError
from prune_tui.ui.layout import Layout, Pane
from prune_tui.whole_file import written_whole

VERSION = 1
_LONGEST = 100_000

_Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class _Written(msgspec.Struct, omit_defaults=True):
    """What stands in the file; `Layout` says what it means."""

    version: int
    tree: _Share | None = None
    module: _Share | None = None
    hidden: tuple[Pane, ...] = ()
    picture: str = "values"
    column: str = "params"


class _Version(msgspec.Struct):
    version: int


def place() -> Path:
    """Where the file is: `~/.local/state/prune-tui/layout.json` on Linux."""
    import platformdirs  # noqa: PLC0415 - only who keeps a layout needs it

    return platformdirs.user_state_path("prune-tui", appauthor=False) / "layout.json"


class LayoutFile:
    """The layout as it was left, and as it is now.

    Whatever is wrong with the file, the app starts as it is designed.

    Args:
        path: The file, there or not.

    Attributes:
        layout: As it is now.
        first: There is no such file, and no key was pressed: prune-tui has not been here before.
        problem: What is wrong with the file; empty where nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layout = Layout()
        self.first = False
        self.problem = ""
        try:
            text = _text(path)
            self.layout = _layout(text)
        except (FileNotFoundError, NotADirectoryError):
            self.first = True
        except (OSError, ValueError, RecursionError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            self.problem = f"the layout of the last time cannot be had: {path}: {why}; this is the designed one"
        # What is damaged is written anew, so that it is told once.
        self._kept = None if self.first or self.problem else self.layout

    def keep(self) -> str:
        """Write what there is now, if the file says something else.

        Returns:
            Why that is not possible; empty where it was.
        """
        layout = self.layout
        if layout == (Layout() if self.first else self._kept):
            return ""
        written = _Written(VERSION, *layout)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with written_whole(self.path, overwrite=True) as beside:
                beside.write_bytes(msgspec.json.encode(written) + b"\n")
        except OSError as error:
            return f"the layout is not kept: {self.path.parent}: {error.strerror or error}"
        except StepError as error:
            return f"the layout is not kept: {error}"
        self._kept = layout
        return ""


def _text(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > _LONGEST:
        raise ValueError(f"it has more than {_LONGEST:,} bytes")
    return path.read_bytes()


def _layout(text: bytes) -> Layout:
    """What the file says.

    Raises:
        ValueError: It says nothing that can be understood.
    """
    version = msgspec.json.decode(text, type=_Version).version
    if version != VERSION:
        raise ValueError(f"it is of version {version}, this prune-tui reads version {VERSION}")
    said = msgspec.json.decode(text, type=_Written)
    hidden = tuple(dict.fromkeys(said.hidden))
    if {"tree", "module", "tensor"} <= set(hidden):
        raise ValueError("it hides all panes")
    return Layout(said.tree, said.module, hidden, said.picture, said.column)
