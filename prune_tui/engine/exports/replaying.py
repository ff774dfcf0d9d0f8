"""Doing the steps of a recipe: all of them, or none."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from prune_tui import steps
from prune_tui.engine import fingerprints, generators, targets
from prune_tui.engine.exports.recipe import Recipe, RecipeStep
from prune_tui.engine.named import class_name
from prune_tui.step_settings import StepError
from prune_tui.views import LogEntry

if TYPE_CHECKING:
    from prune_tui.engine.session import Session

_SHORT = 12
"""Digits of a checksum that are enough to tell two apart in a sentence."""


@dataclasses.dataclass(frozen=True)
class StepDone:
    """One step of a recipe, done.

    Attributes:
        entry: What was done.
        checksum: Of its masks.
        as_recorded: Whether the recipe records the same; None where it records none.
        notes: What a person should know of it, as in a preview.
        differs: What patterns stand for here and did not when the recipe was made, or the other way round; mostly
            empty.
        seconds: What it took.
    """

    entry: LogEntry
    checksum: str
    as_recorded: bool | None
    notes: tuple[str, ...]
    differs: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Replayed:
    """A recipe, done.

    Attributes:
        steps: One for each of the recipe's.
        checksum: Of all masks in the end.
        as_recorded: Whether the recipe records the same; None where it records none.
        same_model: Whether the model was the one the recipe was made of; None where the recipe does not say.
        notes: What differs from when the recipe was made.
    """

    steps: tuple[StepDone, ...]
    checksum: str
    as_recorded: bool | None
    same_model: bool | None
    notes: tuple[str, ...]


def replay(
    session: Session, recipe: Recipe, *, strict: bool = False, tell: Callable[[StepDone], None] = lambda _: None
) -> Replayed:
    """Do a recipe's steps.

    On the model the recipe was made of, which its fingerprint tells, each step must give the masks it gave then.
    On another one they may differ, which is told in a note.

    Args:
        session: Of the model; whatever it has done before stays.
        recipe: What to do.
        strict: The masks must be the recorded ones, whatever the model.
        tell: Called after each step.

    Raises:
        StepError: A step cannot be done, or gave other masks: the message names it, and none is done.
    """
    before = fingerprints.of_model(session.model)
    same_model = before == recipe.fingerprint if recipe.fingerprint else None
    must_match = strict or bool(same_model)
    done: list[StepDone] = []
    with session.all_or_none():
        for number, wanted in enumerate(recipe.steps, start=1):
            done.append(_done(session, wanted, _seeded(wanted.step, recipe.seed, number), must_match=must_match))
            tell(done[-1])
        checksum = session.whole_checksum()
        as_recorded = checksum == recipe.checksum if recipe.checksum else None
        if must_match and as_recorded is False:
            raise StepError(f"{recipe.file}: in the end {_other_masks(checksum, recipe.checksum)}")
    notes = (*_of_another(recipe, class_name(session.model), same_model), *_notes(done))
    return Replayed(tuple(done), checksum, as_recorded, same_model, notes)


def _seeded(step: steps.Step, seed: int | None, number: int) -> steps.Step:
    """A random step without a seed gets the one that a session of the recipe's seed would have drawn."""
    if seed is None or not steps.draws(step) or getattr(step, "seed", None) is not None:
        return step
    return msgspec.structs.replace(step, seed=generators.seed_of_step(seed, number))


def _done(session: Session, wanted: RecipeStep, step: steps.Step, *, must_match: bool) -> StepDone:
    began = time.perf_counter()
    try:
        entry, notes = session.do_and_tell(step)
    except StepError as error:
        raise StepError(f"{wanted.place}: {error}") from error
    checksum = session.checksum()
    as_recorded = checksum == wanted.checksum if wanted.checksum else None
    if must_match and as_recorded is False:
        raise StepError(f"{wanted.place}: {_other_masks(checksum, wanted.checksum)}")
    differs = _resolved_otherwise(wanted, entry)
    return StepDone(entry, checksum, as_recorded, notes, differs, time.perf_counter() - began)


def _other_masks(checksum: str, recorded: str) -> str:
    return (
        "the masks are not those the recipe records"
        f" (checksum {checksum[:_SHORT]}… instead of {recorded[:_SHORT]}…)."
        " Where the recipe was edited, delete the checksums from there on; else another torch or device"
        " may rank and draw differently"
    )


def _resolved_otherwise(wanted: RecipeStep, entry: LogEntry) -> str:
    """Where patterns stand for other tensors here than when the recipe was made, which."""
    now, then = entry.step.targets, wanted.resolved
    if not then or set(now) == set(then):
        return ""
    more, gone = [name for name in now if name not in then], [name for name in then if name not in now]
    told = [f"{word} {targets.listed(names)}" for word, names in (("now also", more), ("not", gone)) if names]
    pattern = ", ".join(wanted.step.targets)
    return f"{pattern} stands for other tensors than when the recipe was made: {', '.join(told)}"


def _of_another(recipe: Recipe, name: str, same_model: bool | None) -> list[str]:
    """That the recipe was made of another model, or of other weights; nothing where it was this one."""
    if not same_model and recipe.name not in {"", name}:
        return [f"the recipe was made of a model of class {recipe.name}; this is one of class {name}"]
    return ["these are not the weights the recipe was made of"] if same_model is False else []


def _notes(done: list[StepDone]) -> list[str]:
    other = [str(step.entry.number) for step in done if step.as_recorded is False]
    notes = [f"step {step.entry.number}: {step.differs}" for step in done if step.differs]
    if other:
        which = f"step {other[0]}" if len(other) == 1 else f"steps {', '.join(other)}"
        notes.append(f"{which} gave other masks than the recipe records")
    return notes
