"""Writing what a session leaves behind to a file, and saying how to use it."""

from __future__ import annotations

import shlex
from pathlib import Path

from prune_tui.engine.exports.model_place import TORCH
from prune_tui.engine.session import Session
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.protocol import Export, Open
from prune_tui.source_names import settled
from prune_tui.step_settings import StepError
from prune_tui.views import Exported
from prune_tui.whole_file import write_text


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
        return Exported(wanted.path, size, f"python {file} pruned.pt", session.state)
    source = shlex.quote(_short(settled(origin.source), wanted.folder))
    output = "pruned.pt" if session.checkpoint is None else _like(session.checkpoint)
    command = f"prune-tui apply {file} {source}{_options(origin, wanted.folder)} -o {output}"
    return Exported(wanted.path, size, command, session.state)


def _options(origin: Open, folder: str) -> str:
    """How the source was opened, as options of a command."""
    plugins = [_short(str(Path(one).resolve()), folder) for one in origin.plugins]
    weights = [_short(settled(origin.weights), folder)] if origin.weights else []
    given = {"arg": origin.arguments, "plugin": plugins, "weights": weights, "allow": origin.allow}
    options = [(name, value) for name, values in given.items() for value in values]
    options += [("key", origin.key)] if origin.key else []
    options += [("device", origin.device)] if origin.device != "auto" else []
    told = "".join(f" --{name} {shlex.quote(value)}" for name, value in options)
    return f"{told} --trust" if origin.trust else told


def _like(checkpoint: Checkpoint) -> str:
    """A name for a copy of the same kind."""
    if checkpoint.shards or checkpoint.path.is_dir():
        return "pruned"
    return "pruned.pt" if checkpoint.path.suffix in TORCH else "pruned.safetensors"


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
