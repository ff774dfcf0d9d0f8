"""`prune-tui convert`: copy a model into another kind of file or another form of pruning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_tui.commands import progress_line
from prune_tui.commands.answering import Worked, answered
from prune_tui.commands.ending import Ended, ended_by_signals, identity_of
from prune_tui.commands.printing import in_unicode, printable, tell
from prune_tui.commands.source_options import AS_IT_IS, SourceOptions
from prune_tui.exit_codes import INTERRUPTED
from prune_tui.files import Form
from prune_tui.step_settings import StepError
from prune_tui.ui.numbers import percent

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

_TOLD_ANEW = ("format", "total_size")
"""Metadata that every file of the copy has of its own."""


def convert(
    source: str,
    output: str,
    /,
    *,
    form: Form = "pruned",
    force: bool = False,
    over_source: bool = False,
    json: bool = False,
    options: SourceOptions = AS_IT_IS,
    debug: bool = False,
) -> int:
    """Copy a model into another kind of file, or another form of its pruning.

    Exit code: 0 when it was written, 2 when not, 130 when it was interrupted. It appears whole or not at all.

    Args:
        source: demo, a checkpoint's file or folder, file.py:Symbol or package.module:Symbol.
        output: A .safetensors, .pt, .pth or .bin file; a name without such an end is that of a new folder of
            safetensors files, in as many as the source has.
        form: pruned keeps originals and masks as torch has them; removed has the zeros in place and the names of
            the unpruned model; compact has the kept values and one bit an entry.
        force: Replace a file of that name.
        over_source: With --force, replace the very file that is read.
        json: Print one JSON object instead of text.
        options: How the source is opened.
        debug: Show tracebacks.
    """
    about = {"source": in_unicode(source), "output": in_unicode(output)}

    def work() -> Worked:
        place = _named(output)
        before = identity_of(place)
        try:
            with ended_by_signals():
                report = _converted(source, place, form, options, force=force, over_source=over_source)
        except KeyboardInterrupt as error:
            code = error.code if isinstance(error, Ended) else INTERRUPTED
            stands = identity_of(place) not in {None, before}
            told = f"interrupted; {output if stands else 'nothing'} was written"
            tell(f"prune-tui: {told}")
            return code, {**about, "error": told} if json else None
        return 0, {**about, **report} if json else written(source, place, report)

    return answered(work, about, json=json, debug=debug)


def _converted(
    source: str, output: Path, form: Form, options: SourceOptions, *, force: bool, over_source: bool
) -> dict[str, Any]:
    """Write it; returns what the report tells beside the names."""
    if over_source and not force:
        raise StepError("--over-source goes with --force: both say that the file that is read may be replaced")
    _check_place(output, form, force=force)
    wanted = options.of(source)  # what is refused there need not wait for torch
    from prune_tui.engine import outline, saving
    from prune_tui.engine.evaluation.measurement import Measurement
    from prune_tui.engine.opening import open_session
    from prune_tui.engine.saving.saver import OverSourceError
    from prune_tui.whole_file import ExistsError

    opened = open_session(wanted, Measurement(lambda _: None), lambda _: None, lambda: False)
    session = opened.session
    before, whole = _size(session), outline.outline(session.model)[0]
    notes = [*opened.notes, *_left_behind(session, output)]
    for note in notes:
        tell(f"! {note}")
    try:
        with progress_line.shown("writing") as progress:
            size = saving.save(session, output, form, overwrite=force, over_source=over_source, tell=progress.tell)
    except OverSourceError as error:
        raise StepError(f"{error}; --force --over-source replaces it") from error
    except ExistsError as error:
        raise StepError(f"{error}; --force replaces it") from error
    return {
        "form": form,
        "parameters": whole.parameters,
        "masked": whole.masked,
        "bytes_before": before,
        "bytes": size,
        "notes": notes,
    }


def _named(output: str) -> Path:
    from prune_tui.engine.exports import model_place

    return model_place.named(output)


def _check_place(output: Path, form: Form, *, force: bool) -> None:
    """Refuse where nothing could be written, before torch is imported."""
    from prune_tui.engine.exports import model_place
    from prune_tui.whole_file import ExistsError

    try:
        model_place.check(output, form, overwrite=force)
    except ExistsError as error:
        raise StepError(f"{error}; --force replaces it") from error


def _size(session: Session) -> int:
    """Bytes of the files it was read from; of the model in memory where its code made it."""
    from prune_tui.engine import outline

    checkpoint = session.checkpoint
    if checkpoint is None:
        return outline.outline(session.model)[0].bytes
    if not checkpoint.files and checkpoint.path.is_file():
        return checkpoint.path.stat().st_size
    return sum(file.size for file in checkpoint.files)


def _left_behind(session: Session, output: Path) -> list[str]:
    """What of the source is not in the copy."""
    from prune_tui.engine.exports.model_place import is_folder

    checkpoint = session.checkpoint
    if checkpoint is None:
        return []
    names = checkpoint.tensors
    metadata = [
        name
        for name in checkpoint.metadata
        if not name.startswith("prune_tui.") and name not in {*_TOLD_ANEW, *names}
    ]
    is_file = not is_folder(output)
    kept_out = {
        "what is no tensor": checkpoint.left_out,
        "metadata": metadata,
        "the configuration and what else is in the folder": ["config.json"]
        if is_file and checkpoint.config
        else [],
    }
    return [f"{what} is not copied: {', '.join(held)}" for what, held in kept_out.items() if held]


def written(source: str, output: Path, report: dict[str, Any]) -> str:
    """What was written, before and after."""
    before, after, masked = report["bytes_before"], report["bytes"], report["masked"]
    lines = [
        f"wrote {output} in the form {report['form']}",
        f"before  {before:>15,} bytes  {source}",
        f"after   {after:>15,} bytes  {percent(after, before) if after < before else f'{after / before:.2f}×'}"
        if before
        else f"after   {after:>15,} bytes",
    ]
    if not masked:
        lines.append("Nothing is pruned here: every form has the same tensors.")
    elif report["form"] == "removed":
        lines.append("Zeros alone make a file no smaller: --form compact does.")
    return "\n".join(map(printable, lines))
