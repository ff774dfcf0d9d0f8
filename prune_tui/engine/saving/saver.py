"""Saving a session's model: what could go wrong is found before the first byte, and the result appears whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.exports import recipe
from prune_tui.engine.exports.whole_file import ExistsError, check_place, settle_folder, written_whole
from prune_tui.engine.past import RECIPE, TOOK
from prune_tui.engine.saving import folder_writer, forms, safetensors_writer, torch_writer
from prune_tui.engine.saving.forms import Formed, Piece
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.files import Form
from prune_tui.step_settings import StepError

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

TORCH = (".pt", ".pth", ".bin")
SAFETENSORS = ".safetensors"
OURS = "prune_tui."
FORM = f"{OURS}form"
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
    tell: Callable[[int, int], None] = lambda *_: None,
    stop: Stop = never,
) -> int:
    """Write a session's model to a file or a folder, whole or not at all.

    Args:
        session: Of the model.
        path: `.safetensors`; `.pt`, `.pth` or `.bin` for what `torch.load(..., weights_only=True)` reads; without
            such an end a new folder of safetensors files, in as many as the source has.
        form: `pruned`, `removed` or `compact`, as `forms.formed` says.
        overwrite: It may replace a file.
        over_source: Also that which the model was opened from.
        tell: Called with the bytes written so far, and with all there are.
        stop: Asked while it is written.

    Returns:
        Its size in bytes.

    Raises:
        OverSourceError: It is what the model was opened from.
        ExistsError: There is a file already.
        StepError: It cannot be written; nothing is half written.
        Cancelled: `stop` said so; likewise.
    """
    checkpoint = session.checkpoint
    _check(path, form, checkpoint, overwrite=overwrite, over_source=over_source)
    with session.lock:  # edits that come while it is written make new tensors: these stay what they are
        formed = _named(forms.formed(session.model, form), checkpoint)
        told = {**_told(session), FORM: form}
    whole = formed.bytes
    _check_space(path, whole)
    texts = {**formed.metadata, **told}
    if _is_folder(path):
        with _new_folder(path) as folder:
            shards = {} if checkpoint is None else checkpoint.shards
            folder_writer.write(
                folder, _tensors(path, formed), texts, shards, tell=lambda n: tell(n, whole), stop=stop
            )
            if checkpoint is not None and checkpoint.path.is_dir():
                folder_writer.copy_companions(checkpoint.path, folder)
        return sum(file.stat().st_size for file in path.iterdir())
    with written_whole(path, overwrite=overwrite) as beside, _explained(path):
        if path.suffix == SAFETENSORS:
            safetensors_writer.write(beside, _tensors(path, formed), texts, lambda n: tell(n, whole), stop)
        else:
            torch_writer.write(beside, formed, told)
        return beside.stat().st_size


def _check(path: Path, form: Form, checkpoint: Checkpoint | None, *, overwrite: bool, over_source: bool) -> None:
    if _is_folder(path):
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise StepError(f"{path} exists and is no empty folder; name a new one, or a .safetensors or .pt file")
        if not path.parent.is_dir():
            raise StepError(f"there is no folder {path.parent}; make it first")
        return
    if form == "compact" and path.suffix in TORCH:
        raise StepError(f"{path}: the compact form is written to .safetensors files and folders only")
    check_place(path, overwrite=overwrite)
    is_source = checkpoint is not None and any(_same(path, file) for file in checkpoint.paths)
    if is_source and not over_source:
        raise OverSourceError(f"{path} is what the model was opened from")


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix not in {*TORCH, SAFETENSORS}


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

    def named(name: str) -> str:
        return checkpoint.prefix + _renamed(name, checkpoint.renamed)

    return dataclasses.replace(
        formed,
        pieces=tuple(
            dataclasses.replace(one, name=named(one.name), source=_renamed(one.source, checkpoint.renamed))
            for one in (*formed.pieces, *unplaced)
        ),
        aliases={named(name): named(known) for name, known in formed.aliases.items()},
        compacted={named(name): shape for name, shape in formed.compacted.items()},
    )


def _renamed(name: str, renamed: Mapping[str, str]) -> str:
    """A name as the files have it, also with what pruning and saving put behind it."""
    for end in ("", *forms.ENDS):
        base = name.removesuffix(end) if end else name
        if base in renamed and base + end == name:
            return renamed[base] + end
    return name


def _tensors(path: Path, formed: Formed) -> tuple[Piece, ...]:
    """The tensors, where there is nothing else."""
    for name, other in formed.others.items():
        raise StepError(
            f"{name} is of type {type(other).__name__}; safetensors holds tensors only: save {path.stem}.pt"
        )
    return formed.pieces


def _told(session: Session) -> Mapping[str, str]:
    """What the file says of the steps; nothing where none was done."""
    past, edits = session.past, session.edits()
    if not past.recipe and not edits:
        return _of_source(session.checkpoint)
    took = [*past.took, *({one.target: one.took for one in edit.effects} for edit in edits)]
    return {
        **_of_source(session.checkpoint),
        RECIPE: recipe.written(session),
        TOOK: json.dumps(took),
        "prune_tui.torch": str(torch.__version__),
    }


def _of_source(checkpoint: Checkpoint | None) -> dict[str, str]:
    """What the source said of itself, but for what the form and the steps say anew, and for names of tensors."""
    told = {} if checkpoint is None else checkpoint.metadata
    known = set() if checkpoint is None else {checkpoint.prefix + name for name in checkpoint.tensors}
    return {
        name: text
        for name, text in told.items()
        if name not in {"format", "total_size", *known} and not name.startswith(OURS)
    }


@contextlib.contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """Yield a folder to write to; when the block ends well it gets its name, with all its files on the disk."""
    place = Path(os.path.realpath(path))
    beside = place.with_name(f".prune-tui-{secrets.token_hex(4)}.part")
    try:
        beside.mkdir()
        with _explained(path):
            yield beside
        for file in beside.iterdir():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
        beside.rename(place)  # over an empty folder, too; never over another
        settle_folder(place.parent)
    except OSError as error:
        why = error.strerror or str(error)
        raise StepError(f"{path} cannot be written: {why}; nothing of it was written") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What torch's own writer raises, in a sentence."""
    try:
        yield
    except RuntimeError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StepError(f"{path} cannot be written: {reason}; it is as it was before") from error
