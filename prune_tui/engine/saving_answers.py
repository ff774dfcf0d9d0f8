"""What the UI asks of saving, and what it is told."""

from __future__ import annotations

from pathlib import Path

from prune_tui.engine import saving
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.named import class_name
from prune_tui.engine.saving import forms
from prune_tui.engine.saving.loading import how_to_load
from prune_tui.engine.session import Session
from prune_tui.engine.telling import Tell
from prune_tui.files import FORMS, Form, FormSize, Save, Saved, Sizes
from prune_tui.protocol import Open
from prune_tui.source_names import is_path


def sizes(session: Session, origin: Open) -> Sizes:
    """How large the model is in each form, and a name for it.

    Args:
        session: Of the model.
        origin: What it was opened from.
    """
    with session.lock:
        held = forms.Held(session.model)
    found = {form: forms.of_held(held, form).bytes for form in FORMS}  # nobody waits for the masks
    checkpoint = session.checkpoint
    read = 0 if checkpoint is None else sum(file.size for file in checkpoint.files)
    return Sizes(
        tuple(FormSize(form, size, _free_name(session, origin, form)) for form, size in found.items()), read
    )


def saved(session: Session, request: Save, stop: Stop, tell: Tell) -> Saved:
    """Write the model.

    Raises:
        StepError: It cannot be written.
        Cancelled: `stop` said so.
    """
    path = Path(request.path)

    def told(written: int, whole: int) -> None:
        tell(f"{written / whole:.0%} of {whole:,} bytes written")

    size = saving.save(
        session,
        path,
        request.form,
        overwrite=request.overwrite,
        over_source=request.over_source,
        tell=told,
        stop=stop,
    )
    how = how_to_load(path, request.form, is_folder=path.is_dir())
    return Saved(request.path, size, how, session.stored)  # one model is saved at a time


def _free_name(session: Session, origin: Open, form: Form) -> str:
    """`model-pruned.safetensors`, or `model-pruned` for a folder, and with a number where that is taken."""
    checkpoint = session.checkpoint
    suffix = ".safetensors" if checkpoint is None or not checkpoint.path.is_dir() else ""
    named = Path(origin.source).resolve() if is_path(origin.source) else Path(class_name(session.model).lower())
    stem = named.name if not suffix else named.name.partition(".")[0]
    names = (f"{stem}-{form}{number}{suffix}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
    return next((name for name in names if not Path(name).exists()), f"{stem}-{form}{suffix}")
