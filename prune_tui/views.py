"""All that the engine may tell, answers and events: plain numbers and strings of one revision, never a tensor."""

from __future__ import annotations

from typing import Literal

import msgspec

from prune_tui.steps import AnyStep, Plugin
from prune_tui.view_rows import HookRow, ModuleRow, Parametrization, TensorHistory, TensorRow

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

FailureKind = Literal[
    "refused", "wrapped", "changed", "in use", "exists", "source", "doubtful", "blocked",
    "cancelled", "superseded", "bug",
]  # fmt: skip

# What a cell of a tile is, one code a cell.
ALIVE, MASKED, NEWLY_MASKED, WOULD_GO = range(4)


class Body(msgspec.Struct, frozen=True, tag=True):
    """Something the engine tells."""


class Summary(msgspec.Struct, frozen=True):
    """The model in one line.

    Attributes:
        name: Class name of the model.
        device: Devices of its tensors, joined.
        parameters: Scalar parameters, shared tensors counted once.
        masked: How many of them a mask takes.
        steps: Steps done.
        undone: Steps that redo would do again.
        readonly: Edits are refused.
        seed: The session's seed.
        notes: What a person should know about this model, such as that it has no parameters.
        metric: Name of what can be measured; empty when nothing can.
        state: Numbers of the steps that are done, oldest first. No other step of the session ever has such a
            number, an amended one neither: equal states are equal models.
    """

    name: str
    device: str
    parameters: int
    masked: int
    steps: int
    undone: int
    readonly: bool
    seed: int
    notes: tuple[str, ...] = ()
    metric: str = ""
    state: tuple[int, ...] = ()


class Opened(Body, frozen=True):
    """The model is there.

    Attributes:
        summary: The model in one line.
        rows: Its outline.
        journal: File name of the session's journal, made with the first step; empty where none is kept.
        methods: What plugins have added to the catalogue.
    """

    summary: Summary
    rows: tuple[ModuleRow, ...]
    journal: str = ""
    methods: tuple[Plugin, ...] = ()


class EarlyOutline(Body, frozen=True):
    """An event: a checkpoint's module tree, told before torch is imported; `Opened` takes its place.

    Attributes:
        rows: The outline as the checkpoint's headers tell it, without what only values tell.
        names_only: The modules may turn out to be others than the names in the files make up.
    """

    rows: tuple[ModuleRow, ...]
    names_only: bool = False


class ModuleView(Body, frozen=True):
    """What one module holds.

    Attributes:
        path: Dotted name; empty for the model itself.
        title: `Conv2d(1, 6, kernel_size=(3, 3))`.
        where: `file.py:12` of its class.
        training: Whether it is in training mode.
        parameters: Own named_parameters, in torch's order.
        buffers: Own named_buffers, in torch's order.
        computed: The attributes that pruning leaves behind.
        hooks: Every hook, forward_pre first, each kind in torch's order.
        parametrizations: Of its tensors.
        histories: One for each pruned tensor.
    """

    path: str
    title: str
    where: str
    training: bool
    parameters: tuple[TensorRow, ...]
    buffers: tuple[TensorRow, ...]
    computed: tuple[TensorRow, ...]
    hooks: tuple[HookRow, ...]
    parametrizations: tuple[Parametrization, ...]
    histories: tuple[TensorHistory, ...]


class TileBlock(msgspec.Struct, frozen=True):
    """The values of one block, row by row.

    Attributes:
        values: float64; a complex entry shows its magnitude, a bool 0 or 1.
        states: One of ALIVE, MASKED, NEWLY_MASKED, WOULD_GO for each value.
        origs: The values before masking, where one is masked and the view is `effective`; else empty.
    """

    values: tuple[float, ...]
    states: bytes
    origs: tuple[float, ...] = ()


class Tile(Body, frozen=True):
    """The blocks of a `GetTile`, in its order; or a note why there are no values."""

    blocks: tuple[TileBlock, ...]
    note: str = ""


Quality = Literal["exact", "binned", "sampled"]
"""Whether figures are those of all entries; quantiles and counts of a histogram are told to within the width of a
bin of theirs, 0.4% of the value; or all is estimated from some entries."""

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Which quantiles are told."""


class Histogram(msgspec.Struct, frozen=True):
    """How many entries lie where, by the value they had before masking.

    Attributes:
        low: Where the first bin begins.
        high: Where the last one ends, itself inside.
        kept: Entries that the mask keeps, by bin; all bins are of one width.
        masked: Entries that it takes, by bin; empty where nothing is masked.
    """

    low: float
    high: float
    kept: tuple[int, ...]
    masked: tuple[int, ...] = ()


class Statistics(Body, frozen=True):
    """Of a whole tensor.

    Attributes:
        elements: Entries.
        masked: Entries that the mask takes, counted from the mask.
        zeros: Entries that are zero though the mask keeps them.
        nans: NaN entries, masked or not.
        infinities: Infinite entries.
        minimum: Of the finite values; None when there are none.
        maximum: Likewise.
        mean: Over all finite values, masked zeros included, as `tensor.mean()`.
        std: Unbiased, as `tensor.std()`; None for fewer than two values.
        rms: Root mean square of the finite values.
        quality: Of the counts, the range and the moments.
        quantiles: Of the finite values at `QUANTILES`; empty when there are none.
        histogram: Of the finite values, for the views `effective` and `orig` those before masking; None when there
            are none.
        spread: How quantiles and histogram were counted.
        note: Why there are none, or what they are of (`magnitudes` of a complex tensor).
    """

    elements: int
    masked: int
    zeros: int = 0
    nans: int = 0
    infinities: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    rms: float | None = None
    quality: Quality = "exact"
    quantiles: tuple[float, ...] = ()
    histogram: Histogram | None = None
    spread: Quality = "exact"
    note: str = ""


class Effect(msgspec.Struct, frozen=True):
    """What a step does to one tensor.

    Attributes:
        target: Dotted name.
        took: Entries it masks.
        left: Entries that were alive before it.
        elements: Entries in all.
        units_took: What `amount` comes to: entries, or channels.
        units_left: What `amount` is a fraction of.
        units: `entries` or `channels`.
        threshold: Greatest magnitude among the entries it masks, where it takes the smallest; else, and when it
            masks none, None.
        unsure: How many more or fewer `took` may be: entries equal to the threshold lie in several tensors, and
            which of them go torch decides when it is asked for the mask. Of all tensors together the sum is exact,
            and nothing is unsure any more once the step is done.
    """

    target: str
    took: int
    left: int
    elements: int
    units_took: int
    units_left: int
    units: str = "entries"
    threshold: float | None = None
    unsure: int = 0


class Previewed(Body, frozen=True):
    """What a step would do.

    Attributes:
        step: The step with its seed drawn: applying it does just this.
        effects: One for each target, in order.
        notes: What a person should know before doing it.
    """

    step: AnyStep
    effects: tuple[Effect, ...]
    notes: tuple[str, ...]


class LogEntry(msgspec.Struct, frozen=True):
    """One step of the session.

    Attributes:
        number: 1 for the first.
        step: With its seed.
        effects: One for each target.
        undone: It was taken back and can be redone.
    """

    number: int
    step: AnyStep
    effects: tuple[Effect, ...]
    undone: bool = False


class Edited(Body, frozen=True):
    """The model changed.

    Attributes:
        entry: The step that was done, undone or done again.
        action: Which of these.
        summary: The model now.
        rows: The rows of the outline that changed, with their indices.
    """

    entry: LogEntry
    action: Literal["applied", "amended", "undone", "redone"]
    summary: Summary
    rows: tuple[tuple[int, ModuleRow], ...]


class History(Body, frozen=True):
    """The edit log, oldest first, undone steps last."""

    entries: tuple[LogEntry, ...]


class Exported(Body, frozen=True):
    """A file was written.

    Attributes:
        path: As asked for.
        bytes: Its size.
        command: How to use it, for a shell.
        state: What it holds, as `Summary.state` tells it.
    """

    path: str
    bytes: int
    command: str
    state: tuple[int, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """Something in a model that is wrong, or would surprise whoever prunes, trains or saves it.

    Attributes:
        check: Name of the check that found it, `stale`.
        severity: `error` breaks the forward, the training or the next prune, `warning` may; `note` is to be known.
        module: Dotted name of the module; empty for the model itself.
        tensor: Dotted name of the tensor; empty where it is about a module or the whole model.
        means: What it means, in a sentence.
        do: What to do, in a sentence.
        repair: The step that mends it; None where there is none.
        change: What that step would change, in a sentence.
    """

    check: str
    severity: Severity
    module: str
    tensor: str
    means: str
    do: str
    repair: AnyStep | None = None
    change: str = ""

    @property
    def where(self) -> str:
        """The tensor, else the module, else `the model`."""
        return self.tensor or self.module or "the model"


class Findings(Body, frozen=True):
    """What is wrong or surprising in the model, errors first, each severity in the order of the model.

    Attributes:
        findings: All of them.
        checks: How many checks were made.
        tensors: On how many parameters.
    """

    findings: tuple[Finding, ...]
    checks: int
    tensors: int


class Done(Body, frozen=True):
    """It is done; there is nothing to tell."""


class Failed(Body, frozen=True):
    """The request was not done; nothing changed.

    Attributes:
        message: What was wrong, where, and what to do.
        kind: `refused` is the person's to mend, `wrapped` means that `Open(unwrap=True)` would do, `changed`
            that `Open(anyway=True)` would, `exists` that `overwrite=True` would, `source` that
            `Save(over_source=True)` would, `bug` is ours.
        details: A traceback, shown with --debug only.
    """

    message: str
    kind: FailureKind = "refused"
    details: str = ""


class Progress(Body, frozen=True):
    """An event: where a long request stands.

    Attributes:
        request: Its id; 0 for the opening of the model, which everybody waits for.
        text: What is being done.
    """

    request: int
    text: str


class MetricMeasured(Body, frozen=True):
    """An event: what the metric says of the model now.

    Attributes:
        name: `accuracy`.
        value: Now; None while it is being measured or switched off.
        start: Of the model as it was opened; None when it was not measured.
        state: `measuring`, `measured`, `off` or `failed`.
        message: Why it failed.
    """

    name: str
    value: float | None
    start: float | None
    state: Literal["measuring", "measured", "off", "failed"]
    message: str = ""


AnyBody = (
    Opened
    | ModuleView
    | Tile
    | Statistics
    | Previewed
    | Edited
    | History
    | Exported
    | Findings
    | Done
    | Failed
    | Progress
    | MetricMeasured
    | EarlyOutline
)
