"""Writing what a session leaves behind to a file, and saying how to use it."""

from __future__ import annotations

import shlex
from pathlib import Path

from prune_tui.engine.exports.whole_file import write_text
from prune_tui.engine.session import Session
from prune_tui.protocol import Export, Open
from prune_tui.source_names import settled
from prune_tui.step_settings import StepError
from prune_tui.views import Exported


def export(session: Session, origin: Open, wanted: Export) -> Exported:
    """Write a recipe or a script.

    Args:
        session: Of the steps.
        origin: What its model was opened from, by names that hold in the engine's working folder.
        wanted: Which of them, where to, and where the person is, who types what is told.

    Raises:
        ExistsError: There is a file already, and it may not be replaced.
        StepError: There is no step, or the file cannot be written; nothing is half written.
    """
    if not session.edits():
        raise StepError("no step is done yet: there is nothing to export")
    text = session.recipe(origin) if wanted.kind == "recipe" else session.script(origin)
    size = write_text(Path(wanted.path), text, overwrite=wanted.overwrite)
    file = shlex.quote(_short(wanted.path, wanted.folder))
    if wanted.kind == "script":
        return Exported(wanted.path, size, f"python {file} pruned.pt")
    plugins = [_short(str(Path(one).resolve()), wanted.folder) for one in origin.plugins]
    given = [*(("arg", one) for one in origin.arguments), *(("plugin", one) for one in plugins)]
    arguments = "".join(f" --{option} {shlex.quote(value)}" for option, value in given)
    device = "" if origin.device == "auto" else f" --device {shlex.quote(origin.device)}"
    source = shlex.quote(_short(settled(origin.source), wanted.folder))
    return Exported(wanted.path, size, f"prune-tui apply {file} {source}{arguments}{device} -o pruned.pt")


def _short(path: str, folder: str) -> str:
    """An absolute path as one would type it in a folder; what is no path stays as it is.

    Args:
        path: A file's; `file.py:Symbol`, too.
        folder: Without it, or where the file is not below it, the path stays absolute.
    """
    if not folder or not Path(path).is_relative_to(folder):
        return path
    below = str(Path(path).relative_to(folder))
    return f"./{below}" if below.startswith("-") else below
