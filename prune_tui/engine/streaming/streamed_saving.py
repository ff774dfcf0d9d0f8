"""Writing a streamed session's model: file by file, and on from where an earlier run was ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from prune_tui.engine import saving
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.exports import recipe
from prune_tui.engine.saving import forms, saver
from prune_tui.engine.saving.unchanged import Unchanged, check_source
from prune_tui.engine.sources import method_histories
from prune_tui.engine.streaming.streamed_session import StreamedSession
from prune_tui.files import Form


def save(
    session: StreamedSession,
    path: Path,
    form: Form = "pruned",
    *,
    overwrite: bool = False,
    over_source: bool = False,
    tell: Callable[[int, int], None] = lambda *_: None,
    stop: Stop = never,
) -> int:
    """As `saving.save`; a folder's finished files are kept when it is ended, for the next run of the same.

    Returns:
        Its size in bytes.

    Raises:
        StepError: It cannot be written.
        Cancelled: `stop` said so.
    """
    checkpoint = session.checkpoint
    saving.check(path, form, checkpoint, overwrite=overwrite, over_source=over_source)
    check_source(checkpoint)
    # Nobody else holds the model; its files may still be written to while they are read.
    unchanged = Unchanged({}, checkpoint, contextlib.nullcontext())
    formed = unchanged.guarding(saver.named(forms.formed(session.model, form, session.masks()), checkpoint))
    told = {**_told(session, form), **saver.about(form, checkpoint)}

    def written(done: int, whole: int) -> None:
        session.forget()
        tell(done, whole)

    return saver.write(
        path,
        formed,
        told,
        checkpoint,
        overwrite=overwrite,
        tell=written,
        stop=stop,
        identity=_identity(session, told),
        finish=unchanged.check,
    )


def _told(session: StreamedSession, form: Form) -> dict[str, str]:
    of_source, past = saver.of_source(session.checkpoint), session.past
    methods = {} if form == "removed" else method_histories.told(session.methods())
    if not past.recipe and not session.done:
        return {**of_source, **methods}
    took = [*past.took, *({one.target: one.took for one in step.effects} for step in session.done)]
    text = recipe.written_streamed(session)
    return {**of_source, **saver.of_steps(text, took), **methods}


def _identity(session: StreamedSession, told: dict[str, str]) -> dict[str, str]:
    """What has to be the same for finished files to be taken: the recipe and all it came to, and the source."""
    files = [
        (str(file.path.resolve()), file.size, file.path.stat().st_mtime_ns) for file in session.checkpoint.files
    ]
    return {
        "recipe": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        "masks": session.whole_checksum(),
        "source": hashlib.sha256(json.dumps(files).encode()).hexdigest(),
    }
