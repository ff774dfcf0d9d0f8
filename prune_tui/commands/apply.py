"""`prune-tui apply`: do the steps of a recipe to a model and save it, without a screen."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from prune_tui import steps
from prune_tui.commands import seeds, standard_output
from prune_tui.commands.ending import Ended, ended_by_signals, identity_of
from prune_tui.commands.printing import in_unicode, tell
from prune_tui.protocol import Open
from prune_tui.source_names import settled
from prune_tui.step_settings import StepError

if TYPE_CHECKING:
    from prune_tui.engine.exports.recipe import Recipe
    from prune_tui.engine.exports.replaying import Replayed, StepDone
    from prune_tui.engine.session import Session

FAILED = 2
INTERRUPTED = 130
KINDS = (".pt", ".pth", ".safetensors")


def apply(
    recipe: str,
    source: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    force: bool = False,
    remove: bool = False,
    strict: bool = False,
    dry_run: bool = False,
    json: bool = False,
    arg: tuple[str, ...] = (),
    plugin: tuple[str, ...] = (),
    device: str = "auto",
    seed: int | None = None,
    debug: bool = False,
) -> int:
    """Do the steps of a recipe to a model and save its state_dict, without a screen.

    Args:
        recipe: A recipe's file, as `e` in the app and `Session.recipe()` write it.
        source: demo, file.py:Symbol or package.module:Symbol, as for prune-tui itself.
        output: Where the state_dict goes: a .pt, .pth or .safetensors file. It appears when it is whole.
        force: Replace a file of that name.
        remove: Make the pruning permanent: the names are those of the unpruned model, the zeros its own.
        strict: The masks must be those the recipe records, on other weights, too.
        dry_run: Do all steps to the model in memory and write nothing.
        json: Print a report as one JSON object.
        arg: name=value for the class or function; may be given several times.
        plugin: A Python file with pruning methods of your own, which the recipe uses; may be given several times.
        device: auto, cpu, cuda, cuda:0, mps.
        seed: Seeds the construction of the model, and random steps without a seed; the recipe's where not given.
        debug: Show tracebacks.
    """
    answer = standard_output.take()
    report: dict[str, Any] = {"recipe": in_unicode(recipe), "source": in_unicode(source)}
    request = Open(source, arg, device, unwrap=True, plugins=plugin)
    place = None if dry_run else output
    before = identity_of(place)
    code = 0
    try:
        with ended_by_signals():
            _check(output, seed, force=force, dry_run=dry_run)
            session = _pruned(report, Path(recipe), request, seed, strict=strict)
            _finish(report, session, place, remove=remove, force=force)
    except KeyboardInterrupt as error:
        code = error.code if isinstance(error, Ended) else INTERRUPTED
        stands = identity_of(place) not in {None, before}  # in one move, of another file that was there, too
        _refuse(report, f"interrupted; {place if stands else 'nothing'} was written")
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


def _refuse(report: dict[str, Any], told: str) -> None:
    report["error"] = in_unicode(told)
    tell(f"prune-tui: {told}")


def _check(output: Path | None, seed: int | None, *, force: bool, dry_run: bool) -> None:
    """Refuse what could not be done in the end, before torch is imported."""
    from prune_tui.engine.exports.whole_file import ExistsError, check_place

    if seed is not None:
        seeds.checked(seed)
    if output is None and not dry_run:
        raise StepError("where should the pruned model go? Add -o pruned.pt, or --dry-run to write nothing")
    if output is None:
        return
    if output.suffix not in KINDS:
        raise StepError(f"-o {output}: the name must end in {', '.join(KINDS)}")
    try:
        check_place(output, overwrite=force)
    except ExistsError as error:
        raise StepError(f"{error}; --force replaces it") from error


def _pruned(report: dict[str, Any], file: Path, request: Open, seed: int | None, *, strict: bool) -> Session:
    """A session on the source with the recipe's steps done; the report says how that went."""
    from prune_tui.engine.evaluation.measurement import Measurement
    from prune_tui.engine.exports import recipe_reader, replaying
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
    report["steps"] = []
    # Before the steps: where one cannot be done, this may say why.
    report["notes"] = [*opened.notes, *_of_another_source(recipe, source=request.source, session=session)]
    for note in report["notes"]:
        tell(f"! {note}")
    if seed is not None:
        recipe = dataclasses.replace(recipe, seed=seed)
    progress = _Progress(report["steps"], recipe)
    with progress.shown():
        replayed = replaying.replay(session, recipe, strict=strict, tell=progress.done)
    _report_whole(report, session, replayed)
    return session


def _of_another_source(recipe: Recipe, *, source: str, session: Session) -> list[str]:
    """That the recipe was made of another source; nothing where the weights are the same."""
    same = recipe.fingerprint == session.fingerprint or settled(recipe.source) == settled(source)
    told = in_unicode(f"the recipe was made of {recipe.source}, not of {source}")
    return [] if same or not recipe.source else [told]


def _report_whole(report: dict[str, Any], session: Session, replayed: Replayed) -> None:
    from prune_tui.engine import outline

    whole = outline.outline(session.model)[0]
    report["model"]["same_as_recipe"] = replayed.same_model
    report |= {
        "checksum": replayed.checksum,
        "as_recorded": replayed.as_recorded,
        "parameters": whole.parameters,
        "masked": whole.masked,
        "sparsity": whole.masked / whole.parameters if whole.parameters else 0.0,
        "notes": [*report["notes"], *replayed.notes],
    }
    for note in replayed.notes:
        tell(f"! {note}")


def _finish(report: dict[str, Any], session: Session, output: Path | None, *, remove: bool, force: bool) -> None:
    """Make the pruning permanent where that is wanted, save the model where it is to be saved, and say so."""
    from prune_tui.engine import pruned, walking
    from prune_tui.engine.exports import checkpoint

    if remove:
        names = [
            f"{path}.{name}" if path else name
            for path, module in walking.named_modules_of(session.model)
            for name in pruned.base_names(module)
            if pruned.is_pruned(module, name)
        ]
        if names:
            session.apply("remove", names)
    size = None if output is None else checkpoint.save(session.model, output, overwrite=force)
    report |= {"removed": remove, "output": None if output is None else in_unicode(str(output)), "bytes": size}
    tell(f"{report['sparsity']:.1%} of {report['parameters']:,} parameters masked\nchecksum {report['checksum']}")
    if output is not None:
        tell(f"wrote {output}, {size:,} bytes")


class _Progress:
    """A line on standard error for each step; on a terminal also one that says what is being done."""

    def __init__(self, rows: list[dict[str, Any]], recipe: Recipe) -> None:
        self._rows = rows
        self._recipe = recipe
        self._live = sys.stderr is not None and sys.stderr.isatty()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Say what is being done; nothing of that stays."""
        self._announce()
        try:
            yield
        finally:
            self._wipe()

    def done(self, step: StepDone) -> None:
        """A step was done."""
        entry, number = step.entry, len(self._rows)
        took, left = sum(one.took for one in entry.effects), sum(one.left for one in entry.effects)
        row = {
            "line": self._recipe.steps[number].line,
            "method": steps.method_of(entry.step).name,
            "targets": list(entry.step.targets),
            "written": list(entry.step.written),
            "settings": {name: _plain(value) for name, value in steps.settings_of(entry.step).items()},
            "seed": getattr(entry.step, "seed", None),
            "took": {one.target: one.took for one in entry.effects},
            "left": {one.target: one.left - one.took for one in entry.effects},
            "checksum": step.checksum,
            "as_recorded": step.as_recorded,
            "notes": [*([step.differs] if step.differs else []), *step.notes],
            "seconds": round(step.seconds, 6),
        }
        self._rows.append(row)
        self._wipe()
        names = entry.step.written or entry.step.targets
        on = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        result = "masks removed" if isinstance(entry.step, steps.Remove) else f"−{took:,} of {left:,}"
        what = f"{steps.describe(entry.step)} on {on}  {result}"
        other = ", other masks than recorded" if step.as_recorded is False else ""
        tell(f"{self._place(number)}  {what}{other}  {step.seconds:.2f} s")
        for note in step.notes:
            tell(f"    ! {note}")
        self._announce()

    def _place(self, number: int) -> str:
        return f"{number + 1}/{len(self._recipe.steps)}"

    def _announce(self) -> None:
        number = len(self._rows)
        if self._live and number < len(self._recipe.steps):
            what = steps.describe(self._recipe.steps[number].step)
            tell(f"{self._place(number)}  {what} …"[:79], end="")

    def _wipe(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)


def _plain(value: Any) -> Any:
    """A setting as JSON can have it: there are no infinities in it, and a mask is told by its shape."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
