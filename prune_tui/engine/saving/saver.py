"""Saving a session's model: what could go wrong is found before the first byte, and the result appears whole."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from prune_tui.engine import memory
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.exports import model_place, recipe
from prune_tui.engine.exports.model_place import SAFETENSORS, is_folder
from prune_tui.engine.saved_metadata import PREFIX, RECIPE, TOOK
from prune_tui.engine.saving import folder_writer, forms, safetensors_writer, torch_writer
from prune_tui.engine.saving.forms import Formed, Piece
from prune_tui.engine.saving.unchanged import Unchanged, check_source
from prune_tui.engine.saving.unfinished_folder import UnfinishedFolder, finished_in, place_of, unfinished_folder
from prune_tui.engine.sources import method_histories
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.files import FORMS, Form
from prune_tui.step_settings import StepError
from prune_tui.whole_file import ExistsError, written_whole

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

OURS = "prune_tui."
"""What names in the metadata begin with that are ours."""
FORM = f"{OURS}form"
LEFT_OUT = "prune_tui.left_out"
_LONGEST = 10_000_000
"""Characters about the steps in a header; safetensors' own readers take a header of 100 MB at most."""
_SPARE = 2**20
"""Bytes for headers and an index."""


class OverSourceError(ExistsError):
    """It would be written over what the model was opened from, and nobody said twice that it may."""


def save(
    session: Session,
    path: Path,
    form: Form = "pruned",
    *,
    overwrite: bool = False,
    over_source: bool = False,
    resumes: bool = False,
    tell: Callable[[int, int], None] = lambda *_: None,
    stop: Stop = never,
) -> int:
    """Write a session's model to a file or a folder, whole or not at all.

    Args:
        session: Of the model.
        path: `.safetensors`; `.pt`, `.pth` or `.bin` for what `torch.load(..., weights_only=True)` reads, with
            nothing that it does not; without such an end a new folder of safetensors files, in as many as the
            source has.
        form: `pruned`, `removed` or `compact`, as `forms.formed` says.
        overwrite: It may replace a file.
        over_source: Also that which the model was opened from.
        resumes: A folder's finished files are kept when it is ended, for the next who saves the same.
        tell: Called with the bytes written so far, and with all there are.
        stop: Asked while it is written.

    Returns:
        Its size in bytes.

    Raises:
        OverSourceError: It is what the model was opened from.
        ExistsError: There is a file already.
        StepError: It cannot be written, or was changed meanwhile; nothing is half written.
        Cancelled: `stop` said so; likewise.
    """
    checkpoint = session.checkpoint
    check(path, form, checkpoint, overwrite=overwrite, over_source=over_source)
    check_source(checkpoint)
    with session.lock:  # most edits that come later make new tensors: these stay what they are
        held, state = forms.Held(session.model), session.state
        unchanged = Unchanged(held.tensors, checkpoint, session.lock)
        methods = {} if form == "removed" else method_histories.told(method_histories.described(session.model))
        told = {**_told(session), **methods, **_about(form, checkpoint)}
        identity = _identity(session, told) if resumes else None
    formed = unchanged.guarding(_named(forms.of_held(held, form), checkpoint))

    def written(done: int, whole: int) -> None:
        if checkpoint is not None:
            checkpoint.forget()
            memory.give_back()
        tell(done, whole)

    size = _write(
        path,
        formed,
        told,
        checkpoint,
        overwrite=overwrite,
        tell=written,
        stop=stop,
        identity=identity,
        finish=unchanged.check,
    )
    session.stored = state
    return size


def _write(
    path: Path,
    formed: Formed,
    told: Mapping[str, str],
    checkpoint: Checkpoint | None,
    *,
    overwrite: bool,
    tell: Callable[[int, int], None],
    stop: Stop,
    identity: Mapping[str, str] | None,
    finish: Callable[[], None],
) -> int:
    """Write what was formed to a place that was checked.

    Args:
        path: The place.
        formed: The tensors.
        told: Texts for the metadata, beside those that are needed to read it.
        checkpoint: What the model was opened from.
        overwrite: It may replace a file.
        tell: Called with the bytes written so far, and with all there are.
        stop: Asked while it is written.
        identity: What a folder's files are of: finished ones are kept when the writing is ended, and taken by the
            next who comes with the same. None keeps nothing.
        finish: Called when all is written, before it appears.

    Returns:
        Its size in bytes.
    """
    whole = formed.bytes
    texts = {**formed.metadata, **told}
    if is_folder(path):
        shards = {} if checkpoint is None else checkpoint.shards
        with _folder(path, identity) as folder:
            spread = folder_writer.spread(_tensors(path, formed), shards)
            finished = sum(folder.size_of(name) for name in spread)
            _check_space(path, whole - finished + folder_writer.size(_companions(checkpoint)))
            folder_writer.write(folder, spread, texts, tell=lambda n: tell(n, whole), stop=stop)
            if checkpoint is not None and checkpoint.path.is_dir():
                folder_writer.copy_companions(checkpoint.path, folder.folder)
            finish()
        return folder_writer.size(file for file in path.rglob("*") if file.is_file())
    _check_space(path, whole)
    with written_whole(path, overwrite=overwrite) as beside:
        with _explained(path):
            if path.suffix == SAFETENSORS:
                safetensors_writer.write(beside, _tensors(path, formed), texts, lambda n: tell(n, whole), stop)
            else:
                torch_writer.write(beside, formed, told)
            finish()
        return beside.stat().st_size


def check(
    path: Path, form: str, checkpoint: Checkpoint | None, *, overwrite: bool, over_source: bool = False
) -> None:
    """Refuse what could not be written, or should not, as `save` does.

    Args:
        path: Where to.
        form: Of the model.
        checkpoint: What the model was opened from.
        overwrite: It may replace a file.
        over_source: Also that which the model was opened from.

    Raises:
        OverSourceError: It is what the model was opened from.
        ExistsError: There is a file already.
        StepError: It cannot be written.
    """
    if form not in FORMS:
        raise StepError(f"there is no form {form!r}; a model is saved as {', '.join(FORMS)}")
    model_place.check(path, form, overwrite=overwrite)
    is_source = checkpoint is not None and any(_same(path, file) for file in checkpoint.paths)
    if is_source and not over_source:
        raise OverSourceError(f"{path} is what the model was opened from")


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


def _companions(checkpoint: Checkpoint | None) -> list[Path]:
    if checkpoint is None or not checkpoint.path.is_dir():
        return []
    try:
        return folder_writer.companions(checkpoint.path)
    except OSError as error:
        raise StepError(
            f"{checkpoint.path} cannot be read: {error.strerror or error}; nothing was written"
        ) from error


def _check_space(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed + _SPARE > free:
        raise StepError(
            f"{path} needs {needed:,} bytes and {free:,} are free there; nothing was written. Save elsewhere, or"
            " in the compact form"
        )


def _named(formed: Formed, checkpoint: Checkpoint | None) -> Formed:
    """With the names that the source has, and with those of its tensors that have no place in a tree."""
    if checkpoint is None:
        return formed
    unplaced = [forms.as_it_is(name, tensor, name) for name, tensor in checkpoint.unplaced.items()]

    def in_file(name: str) -> str:
        return checkpoint.prefix + _renamed(name, checkpoint.renamed)

    return dataclasses.replace(
        formed,
        pieces=tuple(
            dataclasses.replace(one, name=in_file(one.name), source=_renamed(one.source, checkpoint.renamed))
            for one in (*formed.pieces, *unplaced)
        ),
        aliases={in_file(name): in_file(known) for name, known in formed.aliases.items()},
        others={in_file(name): other for name, other in formed.others.items()},
        compacted={in_file(name): shape for name, shape in formed.compacted.items()},
        order=tuple(map(in_file, (*formed.order, *checkpoint.unplaced))),
        modules={f"{checkpoint.prefix}{path}".removesuffix("."): note for path, note in formed.modules.items()},
    )


def _renamed(name: str, renamed: Mapping[str, str]) -> str:
    """A name as the files have it, also with what pruning and saving put behind it."""
    for end in ("", *forms.ENDS):
        base = name.removesuffix(end) if end else name
        if base in renamed and base + end == name:
            return renamed[base] + end
    return name


def _tensors(path: Path, formed: Formed) -> tuple[Piece, ...]:
    """The tensors, where there is nothing else and safetensors can hold them."""
    instead = path.with_suffix(".pt").name
    for name, other in formed.others.items():
        raise StepError(f"{name} is a {type(other).__name__}; safetensors holds tensors only: save {instead}")
    for piece in formed.pieces:
        if piece.unplain:
            raise StepError(f"{piece.name} cannot be written to {path}: {piece.unplain}; save {instead}")
    return formed.pieces


def _about(form: Form, checkpoint: Checkpoint | None) -> dict[str, str]:
    """What the file says of how it holds the tensors."""
    prefix = "" if checkpoint is None else checkpoint.prefix
    return {FORM: form, **({PREFIX: prefix} if prefix else {})}


def _told(session: Session) -> Mapping[str, str]:
    """What the file says of its source and of the steps; nothing of those where none was done."""
    past, edits = session.past, session.edits()
    if not past.recipe and not edits:
        return _of_source(session.checkpoint)
    took = [*past.took, *({one.target: one.took for one in edit.effects} for edit in edits)]
    return {**_of_source(session.checkpoint), **_of_steps(recipe.written(session), took)}


def _of_source(checkpoint: Checkpoint | None) -> dict[str, str]:
    """What the source said of itself, but for what the form and the steps say anew, and for names of tensors."""
    told = {} if checkpoint is None else checkpoint.metadata
    known = set() if checkpoint is None else {checkpoint.prefix + name for name in checkpoint.tensors}
    return {
        name: text
        for name, text in told.items()
        if name not in {"format", "total_size", *known} and not name.startswith(OURS)
    }


def _of_steps(text: str, took: Sequence[Mapping[str, int]]) -> dict[str, str]:
    """What a file's metadata say of the steps that were done.

    Args:
        text: The recipe.
        took: For each step, by target, how many entries it masked.
    """
    found = {RECIPE: text, TOOK: json.dumps([*took]), "prune_tui.torch": str(torch.__version__)}
    size = sum(map(len, found.values()))
    if size > _LONGEST:  # of masks that it carries; readers refuse a long header
        return {LEFT_OUT: f"the steps take {size:,} characters, too many for a file's header; export a recipe"}
    return found


def _identity(session: Session, told: Mapping[str, str]) -> dict[str, str]:
    """What has to be the same for finished files to be taken: the recipe and all it came to, and the source."""
    sources = () if session.checkpoint is None else session.checkpoint.files
    files = [(str(file.path.resolve()), file.size, file.path.stat().st_mtime_ns) for file in sources]
    return {
        "recipe": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        "masks": session.whole_checksum(),
        "source": hashlib.sha256(json.dumps(files).encode()).hexdigest(),
    }


@contextlib.contextmanager
def _folder(path: Path, identity: Mapping[str, str] | None) -> Iterator[UnfinishedFolder]:
    """Yield a folder to write to; when the block ends well it gets its name, with all its files on the disk."""
    keeps = identity is not None
    try:
        alone = {"alone": secrets.token_hex(8)}
        with unfinished_folder(path, identity or alone, keeps=keeps) as folder, _explained(path):
            yield folder
    except OSError as error:
        why = error.strerror or str(error)
        raise StepError(f"{path} cannot be written: {why}; {_left(path)}") from error


def _left(path: Path) -> str:
    """What is there of a folder that could not be written."""
    files = finished_in(path)
    if not files:
        return "nothing of it was written"
    there = "1 file of it is finished" if files == 1 else f"{files} files of it are finished"
    return f"{there} and kept in {place_of(path)}: the same command goes on, or delete it"


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the writers raise, in a sentence; torch's and the standard library's have errors of many kinds."""
    try:
        yield
    except (OSError, StepError, Cancelled):
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StepError(f"{path} cannot be written: {reason}; it is as it was before") from error
