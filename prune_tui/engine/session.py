"""One model and its edit history: apply, preview, undo, redo. The only place that changes a model."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod

from prune_tui import steps
from prune_tui.engine import bits, commit, hooks, methods, targets, undo
from prune_tui.engine.mask_files import check_mask
from prune_tui.steps import StepError
from prune_tui.views import Effect, HistoryRow, LogEntry, Previewed


class WrappedModelError(StepError):
    """The model stands inside a wrapper; prune what is inside.

    Attributes:
        inner: The model inside.
    """

    def __init__(self, message: str, inner: nn.Module) -> None:
        super().__init__(message)
        self.inner = inner


@dataclasses.dataclass(frozen=True)
class HistoryEntry:
    """One step of a session.

    Attributes:
        method: Its name in the catalogue, `l1_unstructured`.
        targets: Dotted names.
        settings: Its settings by name.
        seed: What a random step was seeded with; None for the others.
        took: For each target, how many entries it masked.
    """

    method: str
    targets: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int | None
    took: Mapping[str, int]


@dataclasses.dataclass
class _Edit:
    """One edit and what takes it back, or does it again once it is undone."""

    step: steps.AnyStep
    effects: tuple[Effect, ...]
    moment: undo.Moment
    expected: undo.Standing
    recorded: tuple[tuple[BasePruningMethod, HistoryRow], ...]


class Session:
    """A model being pruned.

    Every edit is all or nothing: after an exception the model's keys, parameter order, hooks, Parameter identity
    and values are as they were. Masks are equal to those of direct `torch.nn.utils.prune` calls.

    Args:
        model: Edited in place. Its hooks, names and buffers stay torch's own; it runs and saves without us.
        seed: Every random step draws its own seed from this one, by its place in the history.

    Raises:
        WrappedModelError: `model` is a DataParallel or compiled wrapper; its `inner` can be opened.
        StepError: `model` is not a module that torch can prune.

    Example:
        >>> session = Session(model)
        >>> session.apply("l1_unstructured", "conv1.weight", amount=0.3)
        >>> session.undo()
    """

    def __init__(self, model: nn.Module, seed: int = 0) -> None:
        check_model(model)
        self.model = model
        self.seed = seed
        self.revision = 0
        # Held while the model changes: whoever reads in another thread takes it for as long as one read lasts.
        self.lock = threading.RLock()
        self._edits: list[_Edit] = []
        self._done = 0
        # Held by whoever edits, longer than `lock`: what a step comes to is worked out while others still read.
        self._editing = threading.RLock()
        self._planned: tuple[int, steps.Step, methods.Plan] | None = None

    # ---------------------------------------------------------------- the public API

    def apply(self, method: str, targets: str | Iterable[str], **settings: Any) -> HistoryEntry:
        """Prune.

        Args:
            method: A name of the catalogue: `identity`, `random_unstructured`, `l1_unstructured`,
                `random_structured`, `ln_structured`, `global_unstructured`, `custom_from_mask`, `remove`.
            targets: Dotted names of parameters, `"conv1.weight"`.
            **settings: As in torch.nn.utils.prune: `amount`, `dim`, `n`, `pruning_method`; `file=` or `mask=`
                (a tensor of zeros and ones) for custom_from_mask; `seed` for the random methods.

        Returns:
            What was done.

        Raises:
            StepError: It cannot be done; nothing has changed.
        """
        with self._editing:
            self._planned = None  # `parameter.data.add_()` leaves no trace by which a plan could be known as stale
            return _public(self.do(self._step(method, targets, settings)))

    def preview(self, method: str, targets: str | Iterable[str], **settings: Any) -> Previewed:
        """What `apply` with the same arguments would do, without doing it.

        Raises:
            StepError: It cannot be done.
        """
        self._planned = None
        return self.foresee(self._step(method, targets, settings))

    def undo(self) -> HistoryEntry:
        """Take back the last step, exactly.

        Raises:
            StepError: There is none, or the model was changed outside the session since.
        """
        return _public(self.step_back())

    def redo(self) -> HistoryEntry:
        """Do the last undone step again, exactly.

        Raises:
            StepError: There is none, or the model was changed outside the session since.
        """
        return _public(self.step_forward())

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        """The steps that are done, oldest first."""
        return tuple(_public(entry) for entry in self.log() if not entry.undone)

    # ---------------------------------------------------------------- what the protocol speaks

    def foresee(self, step: steps.Step) -> Previewed:
        """What a step would do."""
        plan = self.plan(step)
        return Previewed(_any(plan.step), tuple(part.effect for part in plan.parts), plan.notes)

    def plan(self, step: steps.Step) -> methods.Plan:
        """The plan of a step. Any thread may ask; others read the model meanwhile.

        The last plan is kept as long as it holds, so that applying what was previewed costs nothing more.

        Raises:
            StepError: The step cannot be done, or an edit came in between.
        """
        with self.lock:  # not in the middle of an edit
            revision, seed, planned = self.revision, self._seed_of_next(), self._planned
        if planned is not None and planned[0] == revision:
            _, asked, plan = planned
            if any(steps.same(step, known) for known in (asked, plan.step)) and self._holds(plan):
                return plan
        try:
            plan = methods.plan(self.model, step, seed)
        finally:
            with self.lock:
                if self.revision != revision:
                    raise StepError("the model changed while the step was worked out; ask again")
        self._planned = (revision, step, plan)
        return plan

    def _holds(self, plan: methods.Plan) -> bool:
        """Whether the targets are still where the plan found them, with the values and masks it saw."""
        try:
            return all(
                targets.locate(self.model, part.target.path) == (part.target.module, part.target.name)
                and part.target.condition() == condition
                for part, condition in zip(plan.parts, plan.conditions, strict=True)
            )
        except StepError:  # a target is gone
            return False

    def do(self, step: steps.Step) -> LogEntry:
        """Carry a step out. Raises StepError, and changes nothing, when it cannot be done."""
        with self._editing:
            plan = self.plan(step)
            with self.lock:
                edit = _carried_out(self.model, plan, self._done + 1)
                self._edits[self._done :] = [edit]
                self._changed(self._done + 1)
            return self._entry(self._done - 1)

    def step_back(self) -> LogEntry:
        """Undo."""
        with self._editing:
            if not self._done:
                raise StepError("there is nothing to undo")
            return self._exchange(self._done - 1, self._done - 1)

    def step_forward(self) -> LogEntry:
        """Redo."""
        with self._editing:
            if self._done == len(self._edits):
                raise StepError("there is nothing to redo")
            return self._exchange(self._done, self._done + 1)

    def amend(self, amount: int | float) -> LogEntry:
        """Replace the last step by the same one with another amount, on the same targets with the same seed.

        Raises:
            StepError: There is no such step, or the amount cannot be done; the step stands as it was.
        """
        with self._editing, self.lock:  # nobody sees the model between the two
            if not self._done:
                raise StepError("there is no step to amend")
            amended = _amended(self._edits[self._done - 1].step, amount)
            self.step_back()
            try:
                return self.do(amended)
            except BaseException:
                self.step_forward()
                raise

    def log(self) -> tuple[LogEntry, ...]:
        """Every step, oldest first, those undone last."""
        return tuple(self._entry(index) for index in range(len(self._edits)))

    def counts(self) -> tuple[int, int]:
        """Steps done, and steps that redo would do again."""
        return self._done, len(self._edits) - self._done

    def recorded(self) -> Mapping[BasePruningMethod, HistoryRow]:
        """What the session knows about each method object that it put into a hook."""
        return {method: row for edit in tuple(self._edits) for method, row in edit.recorded}

    def newly_masked(self, path: str) -> Tensor | None:
        """The entries of a tensor that the last step masked.

        Returns:
            A bool tensor of its shape, or None when the last step did not touch it.
        """
        if not self._done:
            return None
        edit = self._edits[self._done - 1]
        if all(effect.target != path or not effect.took for effect in edit.effects):
            return None
        target = targets.Target(path, *targets.locate(self.model, path))
        now = target.mask
        if now is None:
            return None
        before = edit.moment.mask(target.module, target.name)
        gone = ~bits.alive(now)
        return gone if before is None else gone & before.to(gone.device)

    # ---------------------------------------------------------------- inside

    def _step(self, method: str, targets: str | Iterable[str], settings: Mapping[str, Any]) -> steps.Step:
        given = dict(settings)
        if isinstance(given.get("mask"), Tensor):
            check_mask(given["mask"], "mask")
            given["mask"] = bits.pack(bits.alive(given["mask"]))
        return steps.build(method, targets, given)

    def _seed_of_next(self) -> int:
        """The seed of the next step: by its place, so that a preview and the step itself draw the same."""
        return random.Random(f"{self.seed}:{self._done + 1}").randrange(2**31)

    def _exchange(self, index: int, done: int) -> LogEntry:
        edit = self._edits[index]
        with self.lock:
            with methods.refusals(f"step {index + 1}, {steps.describe(edit.step)}, cannot be taken up again"):
                replaced = edit.moment.exchange(edit.expected)
            edit.moment, edit.expected = replaced, replaced.standing()
            self._changed(done)
        return self._entry(index)

    def _changed(self, done: int) -> None:
        self._done = done
        self.revision += 1
        self._planned = None

    def _entry(self, index: int) -> LogEntry:
        edit = self._edits[index]
        return LogEntry(index + 1, edit.step, edit.effects, undone=index >= self._done)


def _carried_out(model: nn.Module, plan: methods.Plan, number: int) -> _Edit:
    """Do what a plan says, and keep what takes it back; after a failure everything is as before."""
    effects = tuple(part.effect for part in plan.parts)
    recorded = tuple(_recorded(plan, number))
    with methods.refusals(", ".join(plan.step.targets)):
        moment = undo.moment_before(model, plan.parts)
        commit.carry_out(plan)
    return _Edit(_any(plan.step), effects, moment, moment.standing(), recorded)


def _recorded(plan: methods.Plan, number: int) -> Iterator[tuple[BasePruningMethod, HistoryRow]]:
    """What torch forgets about each method of a plan: how many entries it took, and what a global step was."""
    own = steps.describe(plan.step) if steps.method_of(plan.step).many else ""
    for part in plan.parts:
        if part.method is not None:
            settings = own or hooks.settings_text(part.method)
            yield part.method, HistoryRow(type(part.method).__name__, settings, part.effect.took, number)


def _amended(step: steps.Step, amount: int | float) -> steps.Step:
    asked = [setting for setting in steps.method_of(step).settings if setting.name == "amount"]
    if not asked:
        raise StepError(f"{steps.method_of(step).name} has no amount to amend")
    return msgspec.structs.replace(step, amount=steps.checked(asked[0], amount))


def _any(step: steps.Step) -> steps.AnyStep:
    """Every struct of the catalogue is one of AnyStep; the type checker cannot see it."""
    return step  # type: ignore[return-value]


def _public(entry: LogEntry) -> HistoryEntry:
    step = entry.step
    return HistoryEntry(
        steps.method_of(step).name,
        step.targets,
        steps.settings_of(step),
        getattr(step, "seed", None),
        {effect.target: effect.took for effect in entry.effects},
    )


def check_model(model: object) -> None:
    """Refuse what cannot be pruned as a whole, and say what to do instead.

    Raises:
        WrappedModelError: A wrapper around the model.
        StepError: Not a module, or a ScriptModule.
    """
    if not isinstance(model, nn.Module):
        raise StepError(f"a {type(model).__name__} is not a torch.nn.Module")
    if isinstance(model, torch.jit.ScriptModule):
        raise StepError(
            "this is a ScriptModule; torch cannot add a parameter or a hook to compiled code."
            " Open the Python module it was scripted from"
        )
    for attribute in ("_orig_mod", "module"):
        inner = model._modules.get(attribute)
        wrapper = type(model).__name__
        if inner is not None and wrapper in {"OptimizedModule", "DataParallel", "DistributedDataParallel"}:
            raise WrappedModelError(
                f"this is a {wrapper} around a {type(inner).__name__}; prune the {type(inner).__name__} inside"
                f" (model.{attribute})",
                inner,
            )
