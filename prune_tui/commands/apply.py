"""`prune-tui apply`: do the steps of a recipe to a model and save it, without a screen."""

from __future__ import annotations

import dataclasses
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from cyclopts import Parameter

from prune_tui.commands import progress_line, seeds, standard_output
from prune_tui.commands.apply_progress import Progress
from prune_tui.commands.ending import Ended, ended_by_signals, identity_of
from prune_tui.commands.printing import in_unicode, tell
from prune_tui.exit_codes import FAILED, INTERRUPTED
from prune_tui.files import Form
from prune_tui.protocol import Open
from prune_tui.source_names import settled
from prune_tui.step_settings import StepError

if TYPE_CHECKING:
    from prune_tui.engine.exports.recipe import Recipe
    from prune_tui.engine.exports.replaying import Replayed
    from prune_tui.engine.session import Session


def apply(
    recipe: str,
    source: str,
    /,
    *,
    output: Annotated[str | None, Parameter(name=("--output", "-o"))] = None,
    form: Form = "pruned",
    force: bool = False,
    over_source: bool = False,
    strict: bool = False,
    dry_run: bool = False,
    json: bool = False,
    arg: tuple[str, ...] = (),
    plugin: tuple[str, ...] = (),
    device: str = "auto",
    seed: int | None = None,
    weights: str = "",
    key: str = "",
    allow: tuple[str, ...] = (),
    trust: bool = False,
    debug: bool = False,
) -> int:
    """Do the steps of a recipe to a model and save it, without a screen.

    Args:
        recipe: A recipe's file, as `e` in the app and `Session.recipe()` write it.
        source: A checkpoint's file or folder, demo, file.py:Symbol or package.module:Symbol, as for prune-tui
            itself.
        output: Where the model goes: a .safetensors, .pt, .pth or .bin file, or a new folder of safetensors files
            in as many as the source has. It appears when it is whole.
        form: pruned as torch has it, with weight_orig and weight_mask; removed, with the zeros in place and the
            names of the unpruned model; compact, with the kept values and one bit an entry.
        force: Replace a file of that name.
        over_source: With --force, replace also the very file that the model is opened from.
        strict: The masks must be those the recipe records, on other weights, too.
        dry_run: Do all steps to the model in memory and write nothing.
        json: Print a report as one JSON object.
        arg: name=value for the class or function; may be given several times.
        plugin: A Python file with pruning methods of your own, which the recipe uses; may be given several times.
        device: auto, cpu, cuda, cuda:0, mps.
        seed: Seeds the construction of the model, and random steps without a seed; the recipe's where not given.
        weights: A checkpoint to load into the model that the class or function makes.
        key: Which part of a trainer's dictionary to open, as model_state_dict.
        allow: A class or function that a checkpoint's pickle may use; may be given several times.
        trust: Let a checkpoint's pickle run whatever code it brings.
        debug: Show tracebacks.
    """
    answer = standard_output.take()
    report: dict[str, Any] = {"recipe": in_unicode(recipe), "source": in_unicode(source)}
    request = Open(
        source, arg, device, unwrap=True, plugins=plugin, weights=weights, key=key, allow=allow, trust=trust
    )
    where = None if output is None else Path(output)
    place = None if dry_run else where
    before = identity_of(place)
    code = 0
    try:
        with ended_by_signals():
            over = _Over(force, over_source)
            _check_named(output)
            _check(where, form, seed, over, dry_run=dry_run)
            session, wanted = _opened(report, Path(recipe), request, seed)
            _check_source(session, place, form, over)
            progress = Progress(report["steps"], wanted)
            _begin(report, session, wanted, place)
            _replay(report, session, wanted, progress, strict=strict)
            _finish(report, session, place, form, over)
    except KeyboardInterrupt as error:
        code = error.code if isinstance(error, Ended) else INTERRUPTED
        stands = identity_of(place) not in {None, before}  # in one move, of another file that was there, too
        _refuse(report, f"interrupted; {place if stands else 'nothing'} was written{_kept(place, stands)}")
    except Exception as error:  # noqa: BLE001 - the end of the command: whatever it is, it is told
        code = FAILED
        if debug:
            tell(traceback.format_exc().rstrip())
        told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        _refuse(report, told)
    if json:
        try:
            answer.write(msgspec.json.format(msgspec.json.encode(report)))
        except OSError as error:
            written = "" if "error" in report else f"; {place or 'nothing'} was written"
            tell(f"prune-tui: the report cannot be printed to standard output: {error.strerror}{written}")
            return code or FAILED
    return code


def _check_named(output: str | None) -> None:
    from prune_tui.engine.exports import model_place

    if output is not None:
        model_place.named(output)


def _kept(place: Path | None, stands: bool) -> str:
    """What an interrupted run has left for the next one."""
    from prune_tui.engine.saving.unfinished_folder import finished_in

    files = 0 if place is None or stands else finished_in(place)
    if not files:
        return ""
    return f"; {files} finished {'file is' if files == 1 else 'files are'} kept: the same command goes on"


class _Over(NamedTuple):
    """What the model may be written over.

    Attributes:
        force: A file of that name.
        source: The very file that it was opened from.
    """

    force: bool
    source: bool


def _refuse(report: dict[str, Any], told: str) -> None:
    report["error"] = in_unicode(told)
    tell(f"prune-tui: {told}")


def _check(output: Path | None, form: Form, seed: int | None, over: _Over, *, dry_run: bool) -> None:
    """Refuse what could not be done in the end, before torch is imported."""
    from prune_tui.engine.exports import model_place
    from prune_tui.whole_file import ExistsError

    if seed is not None:
        seeds.checked(seed)
    if over.source and not over.force:
        raise StepError("--over-source goes with --force: both say that the file that is read may be replaced")
    if output is None and not dry_run:
        raise StepError(
            "where should the pruned model go? Add -o pruned.safetensors, or --dry-run to write nothing"
        )
    if output is None:
        return
    try:
        model_place.check(output, form, overwrite=over.force)
    except ExistsError as error:
        raise StepError(f"{error}; --force replaces it") from error


def _opened(report: dict[str, Any], file: Path, request: Open, seed: int | None) -> tuple[Session, Recipe]:
    """A session on the source, and what is to be done to it; the report says what there is to know of that."""
    from prune_tui.engine.evaluation.measurement import Measurement
    from prune_tui.engine.exports import recipe_reader
    from prune_tui.engine.methods import plugins
    from prune_tui.engine.opening import open_session

    plugins.load(request.plugins)  # a recipe that uses their methods cannot be read without
    recipe = recipe_reader.read(file)
    chosen = seed if seed is not None else recipe.seed or 0
    request = msgspec.structs.replace(request, seed=chosen, plugins=())
    opened = open_session(request, Measurement(lambda _: None), lambda _: None, lambda: False)
    session = opened.session
    report["model"] = {"name": type(session.model).__name__, "fingerprint": session.fingerprint}
    report["seed"] = chosen
    # Before the steps: where one cannot be done, this may say why.
    report["notes"] = [*opened.notes, *_of_another_source(recipe, source=request.source, session=session)]
    for note in report["notes"]:
        tell(f"! {note}")
    report["steps"] = []
    return session, recipe if seed is None else dataclasses.replace(recipe, seed=seed)


def _check_source(session: Session, output: Path | None, form: Form, over: _Over) -> None:
    """Refuse to write over what the model was opened from, before any step is done."""
    from prune_tui.engine import saving

    if output is None:
        return
    try:
        saving.check(output, form, session.checkpoint, overwrite=over.force, over_source=over.source)
    except saving.OverSourceError as error:
        raise StepError(f"{error}; --force --over-source replaces it") from error


def _begin(report: dict[str, Any], session: Session, recipe: Recipe, output: Path | None) -> None:
    """Have the session hold one tensor at a time, where its steps can be done so, or say why it cannot."""
    from prune_tui.engine import tensor_by_tensor

    why_not = tensor_by_tensor.why_not(session, recipe, output)
    report["streamed"] = not why_not
    if not why_not:
        tensor_by_tensor.begin(session)
    elif session.checkpoint is not None and session.checkpoint.files:
        size = sum(file.size for file in session.checkpoint.files)
        told = f"not done tensor by tensor: {why_not}. What is pruned is held in memory, up to {3 * size:,} bytes"
        report["notes"].append(told)
        tell(f"! {told}")


def _replay(
    report: dict[str, Any],
    session: Session,
    recipe: Recipe,
    progress: Progress,
    *,
    strict: bool,
) -> None:
    """Do the recipe's steps; the report says how that went."""
    from prune_tui.engine.exports import replaying

    session.progress = progress.within
    with progress.shown():
        replayed = replaying.replay(session, recipe, strict=strict, tell=progress.done)
    _report_whole(report, session, replayed)


def _of_another_source(recipe: Recipe, *, source: str, session: Session) -> list[str]:
    """That the recipe was made of another source; nothing where the weights are the same."""
    same = recipe.fingerprint == session.fingerprint or settled(recipe.source) == settled(source)
    told = in_unicode(f"the recipe was made of {recipe.source}, not of {source}")
    return [] if same or not recipe.source else [told]


def _report_whole(report: dict[str, Any], session: Session, replayed: Replayed) -> None:
    from prune_tui.engine import outline

    whole = outline.outline(session.model)[0]
    parameters, masked = whole.parameters, whole.masked
    report["model"]["same_as_recipe"] = replayed.same_model
    report |= {
        "checksum": replayed.checksum,
        "as_recorded": replayed.as_recorded,
        "parameters": parameters,
        "masked": masked,
        "sparsity": masked / parameters if parameters else 0.0,
        "notes": [*report["notes"], *replayed.notes],
    }
    for note in replayed.notes:
        tell(f"! {note}")


def _finish(report: dict[str, Any], session: Session, output: Path | None, form: Form, over: _Over) -> None:
    """Save the model where it is to be saved, and say so."""
    from prune_tui.engine import saving

    size = None
    if output is not None:
        with progress_line.shown("writing") as line:
            size = saving.save(
                session,
                output,
                form,
                overwrite=over.force,
                over_source=over.source,
                resumes=report["streamed"],
                tell=line.tell,
            )
    report |= {"form": form, "output": None if output is None else in_unicode(str(output)), "bytes": size}
    tell(f"{report['sparsity']:.1%} of {report['parameters']:,} parameters masked\nchecksum {report['checksum']}")
    if output is None:
        return
    tell(f"wrote {output}, {size:,} bytes")
    if form == "compact":
        tell(f"without prune-tui it is read by\n\n{saving.COMPACT_READING}")
