"""Everything the UI may ask the engine for, and how questions and answers are put.

What the engine may tell stands in `prune_tui.views`; how both travel stands in `prune_tui.frames`. Each answer
carries the model's revision at the moment it was made, so that the UI can drop what is stale.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from prune_tui.files import FileBody, FileRequest, GetSizes, GetSource, Save
from prune_tui.journal import Kept
from prune_tui.memory_views import MemoryUsed
from prune_tui.request import Request as Request  # noqa: PLC0414 - whoever has the requests has their class
from prune_tui.steps import AnyStep
from prune_tui.tensor_requests import (
    Draft,
    GetBroken,
    GetChannels,
    GetEntry,
    GetHeatmap,
    GetNorms,
    GetStack,
    GetStatistics,
    GetStructure,
    GetTile,
    Intended,
    Locate,
)
from prune_tui.tensor_views import (
    BrokenTensors,
    Channels,
    Drafted,
    Entry,
    Heatmap,
    Located,
    Norms,
    Stack,
    Structure,
)
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
        | MemoryUsed
    )
