"""Writing what a session leaves behind to a file, and saying how to use it."""

from __future__ import annotations

import shlex
from pathlib import Path

from prune_tui.engine.exports.whole_file import write_text
from prune_tui.engine.session import Session
from prune_tui.protocol import Export, Open
from prune_tui.step_settings import StepError
from prune_tui.views import Exported


def export(session: Session, origin: Open, wanted: Export) -> Exported:
    """Write a recipe or a script.

    Args:
        session: Of the steps.
        origin: What its model was opened from.
        wanted: Which of them, and where to.

    Raises:
        ExistsError: There is a file already, and it may not be replaced.
        StepError: There is no step, or the file cannot be written; nothing is half written.
    """
    if not session.edits():
        raise StepError("no step is done yet: there is nothing to export")
    path = Path(wanted.path)
    text = session.recipe(origin) if wanted.kind == "recipe" else session.script(origin)
    size = write_text(path, text, overwrite=wanted.overwrite)
    file = shlex.quote(_short(path))
    if wanted.kind == "script":
        return Exported(wanted.path, size, f"python {file} pruned.pt")
    given = [*(("arg", one) for one in origin.arguments), *(("plugin", one) for one in origin.plugins)]
    arguments = "".join(f" --{option} {shlex.quote(value)}" for option, value in given)
    device = "" if origin.device == "auto" else f" --device {shlex.quote(origin.device)}"
    source = shlex.quote(origin.source)
    return Exported(wanted.path, size, f"prune-tui apply {file} {source}{arguments}{device} -o pruned.pt")


def _short(path: Path) -> str:
    """A path as one would type it in the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):  # the working folder is gone, or elsewhere
        return str(path)
