"""The Python API: a model being pruned, by the names of methods and of parameters."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from prune_tui import steps
from prune_tui.engine import bits, saving
from prune_tui.engine.doctor import examine
from prune_tui.engine.edited_model import EditedModel
from prune_tui.engine.exports import recipe as recipes
from prune_tui.engine.exports import recipe_reader, replaying
from prune_tui.engine.exports import script as scripts
from prune_tui.engine.exports.model_place import named
from prune_tui.engine.mask_files import check_mask
from prune_tui.engine.openable import Openable
from prune_tui.engine.past import NO_PAST, Past
from prune_tui.engine.record import (
    HistoryEntry,
    public,
)
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.files import Form
from prune_tui.protocol import Open
from prune_tui.views import Finding, Previewed


class Session(EditedModel, Openable):
    """A model being pruned.

    Every edit is all or nothing: after an exception the model's keys, parameter order, hooks, Parameter identity
    and values are as they were. Masks are equal to those of direct `torch.nn.utils.prune` calls.

    Args:
        model: Edited in place. Its hooks, names and buffers stay torch's own; it runs and saves without us.
        seed: Every random step draws its own seed from this one, by its place in the history.
        past: What was done to the model before, as its checkpoint tells.
        checkpoint: What its weights were read from; None where its code made them.

    Attributes:
        origin: How it was opened; None where a model was given.
        notes: What a person should know of how it was opened.

    Raises:
        WrappedModelError: `model` is a DataParallel or compiled wrapper; its `inner` can be opened.
        StepError: `model` is not a module that torch can prune.

    Example:
        >>> session = Session(model)
        >>> session.apply("l1_unstructured", "conv1.weight", amount=0.3)
        >>> session.undo()
    """

    def __init__(
        self, model: nn.Module, seed: int = 0, *, past: Past = NO_PAST, checkpoint: Checkpoint | None = None
    ) -> None:
        super().__init__(model, seed, past=past, checkpoint=checkpoint)
        self.origin: Open | None = None
        self.notes: tuple[str, ...] = ()

    def apply(self, method: str, targets: str | Iterable[str], **settings: Any) -> HistoryEntry:
        """Prune.

        Args:
            method: A name of the catalogue: `identity`, `random_unstructured`, `l1_unstructured`,
                `random_structured`, `ln_structured`, `global_unstructured`, `custom_from_mask`, `remove`.
            targets: Dotted names of parameters, `"conv1.weight"`, or patterns, `"*.weight"` (`engine.patterns`).
            **settings: As in torch.nn.utils.prune: `amount`, `dim`, `n`, `pruning_method`; `file=` or `mask=`
                (a tensor of zeros and ones) for custom_from_mask; `seed` for the random methods.

        Returns:
            What was done.

        Raises:
            StepError: It cannot be done; nothing has changed.
        """
        with self._editing:
            self._plans.forget()  # `parameter.data.add_()` leaves no trace by which a plan could be known as stale
            return public(self.do(self._step(method, targets, settings)))

    def preview(self, method: str, targets: str | Iterable[str], **settings: Any) -> Previewed:
        """What `apply` with the same arguments would do, without doing it.

        Raises:
            StepError: It cannot be done.
        """
        self._plans.forget()
        return self.foresee(self._step(method, targets, settings))

    def undo(self) -> HistoryEntry:
        """Take back the last step, exactly.

        Raises:
            StepError: There is none, or the model was changed outside the session since.
        """
        return public(self.step_back())

    def redo(self) -> HistoryEntry:
        """Do the last undone step again, exactly.

        Raises:
            StepError: There is none, or the model was changed outside the session since.
        """
        return public(self.step_forward())

    def check(self) -> tuple[Finding, ...]:
        """What the doctor finds wrong or surprising in the model, errors first; looking changes nothing.

        A finding whose `repair` is not None is mended by `apply(steps.method_of(repair).name, repair.targets)`.
        """
        return examine(self.model, lock=self.lock).findings

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        """The steps that are done, oldest first."""
        return tuple(public(entry) for entry in self.log() if not entry.undone)

    def recipe(self, origin: Open | None = None) -> str:
        """The steps that are done as YAML, for `replay` and `prune-tui apply`; what was opened is told in it."""
        with self._editing:
            return recipes.written(self, origin or self.origin)

    def script(self, origin: Open | None = None) -> str:
        """The steps that are done as a Python file that needs torch alone and ends with the same masks.

        Where a model was given and not opened, `load_model` in the file is left to be filled in.
        """
        with self._editing:
            return scripts.written(self, origin or self.origin)

    def save(
        self, path: str | Path, form: Form = "pruned", *, overwrite: bool = False, over_source: bool = False
    ) -> int:
        """Write the model's tensors for torch.load, safetensors or transformers, whole or not at all.

        Args:
            path: A `.safetensors`, `.pt`, `.pth` or `.bin` file; any other name is that of a new folder.
            form: `pruned` as torch has it, with `weight_orig` and `weight_mask`: opened again, all is back.
                `removed` with the zeros in place and the names of the unpruned model. `compact` with the kept
                values and one bit an entry.
            overwrite: It may replace a file.
            over_source: Also that which the model was opened from.

        Returns:
            Its size in bytes.

        Raises:
            StepError: It cannot be written; nothing is half written.
        """
        return saving.save(self, named(path), form, overwrite=overwrite, over_source=over_source)

    def replay(self, recipe: str | Path, *, strict: bool = False) -> tuple[HistoryEntry, ...]:
        """Do the steps of a recipe, all of them or none. Warns of what differs from when it was made.

        Args:
            recipe: A file's path, or the text itself.
            strict: The masks must be those the recipe records, on other weights than it was made of, too.

        Raises:
            StepError: It cannot be read, or a step cannot be done or gave other masks; names file, line and step.
        """
        with self._editing:
            self._plans.forget()
            done = replaying.replay(self, recipe_reader.read(recipe), strict=strict)
        for note in done.notes:
            warnings.warn(note, stacklevel=2)
        return tuple(public(step.entry) for step in done.steps)

    def _step(self, method: str, targets: str | Iterable[str], settings: Mapping[str, Any]) -> steps.Step:
        given = dict(settings)
        if isinstance(given.get("mask"), Tensor):
            check_mask(given["mask"], "mask")
            given["mask"] = bits.pack(bits.alive(given["mask"]))
        return steps.build(method, targets, given)
