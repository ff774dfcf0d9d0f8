"""Everything the UI may ask the engine for, and how questions and answers are put.

What the engine may tell stands in `prune_tui.views`; how both travel stands in `prune_tui.frames`. Each answer
carries the model's revision at the moment it was made, so that the UI can drop what is stale.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from prune_tui.files import FileBody, FileRequest, GetSizes, GetSource, Save
from prune_tui.journal import Kept
from prune_tui.request import Request as Request  # noqa: PLC0414 - whoever has the requests has their class
from prune_tui.steps import AnyStep
from prune_tui.tensor_views import (
    BrokenTensors,
    Channels,
    Drafted,
    Entry,
    Heatmap,
    Located,
    Norms,
    Pool,
    Stack,
    Structure,
)
from prune_tui.view_rows import View
from prune_tui.views import AnyBody

Lane = Literal["edit", "look", "count", "survey", "find", "preview", "check", "save"]


class Open(Request, frozen=True):
    """Load a model; the first request. Answered with `Opened`.

    Attributes:
        source: `demo`, `file.py:Symbol`, `package.module:Symbol`, or a file or folder with a checkpoint.
        arguments: `name=value` texts for a class or factory.
        device: `auto`, `cpu`, `cuda`, `cuda:0`, `mps`...
        seed: Seeds the construction of the model and is the session's seed.
        readonly: Refuse every edit.
        unwrap: Open what is inside a DataParallel or compiled wrapper.
        journals: Folder where the session is journaled; empty keeps no journal.
        resume: File name, there, of a session to go on with; empty begins a new one.
        anyway: Go on with it though the model has changed since: what cannot be done is left out.
        plugins: Files whose pruning methods are added to the catalogue.
        key: Which part of a trainer's dictionary is opened; empty leaves that to the reader.
        allow: Names of classes and functions that a checkpoint's pickle may use.
        trust: A checkpoint's pickle may run whatever code it brings.
        weights: A checkpoint to load into the model that the source's code makes; empty loads none.
    """

    source: str = "demo"
    arguments: tuple[str, ...] = ()
    device: str = "auto"
    seed: int = 0
    readonly: bool = False
    unwrap: bool = False
    journals: str = ""
    resume: str = ""
    anyway: bool = False
    plugins: tuple[str, ...] = ()
    key: str = ""
    allow: tuple[str, ...] = ()
    trust: bool = False
    weights: str = ""

    @classmethod
    def going_on(cls, kept: Kept, journals: str, plugins: tuple[str, ...] = ()) -> Open:
        """What opens the model of a session as it was opened then, to go on with its steps.

        Args:
            kept: What its journal holds.
            journals: Folder of the journals.
            plugins: Files with further pruning methods.
        """
        header = kept.header
        return cls(
            header.source,
            header.arguments,
            header.device,
            header.seed,
            unwrap=header.unwrap,
            plugins=tuple(dict.fromkeys((*header.plugins, *plugins))),
            key=header.key,
            allow=header.allow,
            trust=header.trust,
            weights=header.weights,
            journals=journals,
            resume=kept.path.name,
        )


class GetModule(Request, frozen=True):
    """What one module holds. Answered with `ModuleView`."""

    path: str


class Toggle(msgspec.Struct, frozen=True):
    """Entries of a draft mask that go, or stay after all.

    Attributes:
        index: One number for each axis; -1 for all of it: `(3, -1)` is row 3.
    """

    index: tuple[int, ...]


class Painted(msgspec.Struct, frozen=True, tag_field="method", tag="painted"):
    """A mask as it was painted, of which the engine makes a `CustomFromMask`.

    The mask itself, a bit for each entry, is twelve megabytes for a tensor of a hundred million, and would travel
    with each stroke and with each tile that is looked at meanwhile.

    Attributes:
        tensor: Dotted name.
        toggles: In the order they were made: an entry named twice stays.
    """

    tensor: str
    toggles: tuple[Toggle, ...]


Intended = AnyStep | Painted
"""What a person is about to do: a step, or what a painted mask comes to."""


class Block(msgspec.Struct, frozen=True):
    """A rectangle of one facet: fixed leading indices, a range of rows and of columns.

    Attributes:
        facet: One index for each axis that is neither row nor column, in the order of the axes.
        rows: First row and one past the last.
        columns: First column and one past the last.
    """

    facet: tuple[int, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]


class GetTile(Request, frozen=True):
    """The visible part of a tensor. Answered with `Tile`.

    Attributes:
        tensor: Dotted name.
        view: Which values: the effective ones, those before masking, the mask, or effective minus original.
        row_axis: The axis that runs down; -1 when the tensor has fewer than two axes.
        column_axis: The axis that runs across; -1 for a scalar.
        blocks: What is visible.
        preview: Mark the entries this would mask.
    """

    tensor: str
    view: View
    row_axis: int
    column_axis: int
    blocks: tuple[Block, ...]
    preview: Intended | None = None


class GetStatistics(Request, frozen=True):
    """Count, range, moments, quantiles and histogram of a tensor. Answered with `Statistics`.

    Attributes:
        tensor: Dotted name.
        view: Which values.
        sampled: Of a sample only, within ten milliseconds; what is small is told exactly all the same.
    """

    tensor: str
    view: View
    sampled: bool = False


class GetHeatmap(Request, frozen=True):
    """A rectangle of a tensor, pooled to the cells there are. Answered with `Heatmap`.

    Attributes:
        tensor: Dotted name.
        view: Which values.
        row_axis: The axis that runs down; -1 when the tensor has fewer than two axes.
        column_axis: The axis that runs across; -1 for a scalar.
        block: The rectangle.
        height: Cells there are, down.
        width: Cells there are, across.
        pool: What becomes of the entries of a cell.
        preview: Mark the entries this would mask.
    """

    tensor: str
    view: View
    row_axis: int
    column_axis: int
    block: Block
    height: int
    width: int
    pool: Pool = "extreme"
    preview: Intended | None = None


class GetChannels(Request, frozen=True):
    """Each index of an axis in a row. Answered with `Channels`."""

    tensor: str
    view: View
    dim: int


class GetStructure(Request, frozen=True):
    """What the mask of a tensor would allow. Answered with `Structure`."""

    tensor: str


class GetStack(Request, frozen=True):
    """The same tensor of all repeated layers, pooled to so many cells each. Answered with `Stack`."""

    tensor: str
    view: View
    height: int
    width: int


class GetEntry(Request, frozen=True):
    """One entry in all its layers. Answered with `Entry`."""

    tensor: str
    index: tuple[int, ...]


class Locate(Request, frozen=True):
    """The next entry of a kind, round the end to the beginning. Answered with `Located`.

    Attributes:
        tensor: Dotted name.
        view: Which values.
        kind: What is looked for; `extreme` are the hundred of greatest magnitude, `not_finite` NaN and Inf.
        after: The entry to go on from, which is not found itself unless it is the only one; None before the first.
        forward: In the order of the indices, `extreme` from the greatest magnitude down; or against it.
    """

    tensor: str
    view: View
    kind: Literal["nan", "inf", "not_finite", "extreme", "masked"]
    after: tuple[int, ...] | None
    forward: bool = True


class GetBroken(Request, frozen=True):
    """Look for tensors with NaN or Inf, or of one value only. Answered with `BrokenTensors`."""


class GetNorms(Request, frozen=True):
    """The L2 norm of every module. Answered with `Norms`."""


class Draft(Request, frozen=True):
    """What a painted mask comes to. Changes nothing. Answered with `Drafted`."""

    painted: Painted


class Preview(Request, frozen=True):
    """What a step would do. Changes nothing. Answered with `Previewed`."""

    step: AnyStep


class Apply(Request, frozen=True):
    """Do a step. Answered with `Edited`."""

    step: Intended


class Amend(Request, frozen=True):
    """Replace the last step's amount. Answered with `Edited`."""

    amount: int | float | str


class Undo(Request, frozen=True):
    """Take back the last step. Answered with `Edited`."""


class Redo(Request, frozen=True):
    """Do the last undone step again. Answered with `Edited`.

    Attributes:
        anyway: Though it is in doubt; without it, such a step is answered `Failed(kind="doubtful")`.
    """

    anyway: bool = False


class GetHistory(Request, frozen=True):
    """The edit log. Answered with `History`."""


class Export(Request, frozen=True):
    """Write the steps that are done to a file, whole or not at all. Answered with `Exported`.

    Attributes:
        path: The file, from the root of the file system on.
        kind: A recipe for `prune-tui apply`, or a script for torch alone.
        overwrite: It may replace another file; without it, one that exists is answered `Failed(kind="exists")`.
        folder: Where the person is: what is told to be typed is meant for there.
    """

    path: str
    kind: Literal["recipe", "script"]
    overwrite: bool = False
    folder: str = ""


class GetFindings(Request, frozen=True):
    """Have the doctor look at the whole model. Changes nothing. Answered with `Findings`."""


class SetMetric(Request, frozen=True):
    """Switch the measuring after each step on or off. Answered with `Done`; `MetricMeasured` events follow."""

    measured: bool


class Cancel(Request, frozen=True):
    """Stop working on a request. Answered with `Done`.

    The request is answered with `Failed(kind="cancelled")` unless it has ended. An edit that has begun to change
    the model is carried to its end and answered as ever.

    Attributes:
        id: Of the request to stop.
    """

    id: int


AnyRequest = (
    Open
    | GetModule
    | GetTile
    | GetStatistics
    | GetHeatmap
    | GetChannels
    | GetStructure
    | GetStack
    | GetEntry
    | Locate
    | GetBroken
    | GetNorms
    | Draft
    | Preview
    | Apply
    | Amend
    | Undo
    | Redo
    | GetHistory
    | Export
    | GetFindings
    | SetMetric
    | FileRequest
    | Cancel
)

# Each lane is worked by one thread. In `edit` all requests are done in order; in the others a newer request
# of the same kind takes the place of the older.
LANES: dict[type[Request], Lane] = {
    Open: "edit",
    Apply: "edit",
    Amend: "edit",
    Undo: "edit",
    Redo: "edit",
    Export: "edit",
    SetMetric: "edit",
    GetModule: "look",
    GetTile: "look",
    GetHistory: "look",
    GetHeatmap: "look",
    GetEntry: "look",
    GetStatistics: "count",
    GetChannels: "survey",
    GetStructure: "survey",
    GetStack: "survey",
    Locate: "find",
    GetBroken: "check",
    GetNorms: "survey",
    Draft: "preview",
    GetFindings: "check",
    Preview: "preview",
    GetSizes: "look",
    GetSource: "look",
    Save: "save",
}


class Question(msgspec.Struct, frozen=True):
    """A request on the wire."""

    id: int
    request: AnyRequest


class Answer(msgspec.Struct, frozen=True):
    """An answer on the wire; id 0 marks an event that no request asked for.

    Attributes:
        id: Of the question.
        revision: Of the model when the answer was made: how often it has changed since it was opened.
        body: The answer.
    """

    id: int
    revision: int
    body: (
        AnyBody
        | Heatmap
        | Entry
        | Drafted
        | Channels
        | Structure
        | Stack
        | Located
        | BrokenTensors
        | Norms
        | FileBody
    )
