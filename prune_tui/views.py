"""Everything the engine may tell: answers to requests, and events.

Plain numbers and strings, never a tensor: a view of the model at one revision.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from prune_tui.steps import AnyStep, Plugin

View = Literal["effective", "orig", "mask", "change"]
VIEWS: tuple[View, ...] = ("effective", "orig", "mask", "change")
Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
HookKind = Literal[
    "forward_pre",
    "forward",
    "backward_pre",
    "backward",
    "state_dict_pre",
    "state_dict",
    "load_state_dict_pre",
    "load_state_dict_post",
    "tensor_grad",
    "tensor_post_accumulate_grad",
]

FailureKind = Literal["refused", "wrapped", "changed", "in use", "exists", "cancelled", "superseded", "bug"]

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


class ParameterRow(msgspec.Struct, frozen=True):
    """A parameter as the outline knows it: by the name people prune it by.

    Attributes:
        name: `weight`, also while torch calls the parameter `weight_orig`.
        shape: Its sizes; empty also for a parameter that is not initialised yet.
        masked: Entries its mask takes.
        pruned: A pruning hook is attached.
    """

    name: str
    shape: tuple[int, ...]
    masked: int
    pruned: bool


class ModuleRow(msgspec.Struct, frozen=True):
    """One line of the module tree.

    Attributes:
        path: Dotted name; empty for the model itself.
        type: Class name.
        parent: Index of the parent's row; -1 for the model itself.
        parameters: Scalar parameters here and below, shared tensors counted once.
        masked: How many of them a mask takes.
        tensors: Its own parameters.
        shared_with: Path of the first place of this very module; empty when this is the first.
        shared_tensors: Whether one of its own parameters also stands elsewhere.
    """

    path: str
    type: str
    parent: int
    parameters: int
    masked: int
    tensors: tuple[ParameterRow, ...]
    shared_with: str = ""
    shared_tensors: bool = False


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


class TensorRow(msgspec.Struct, frozen=True):
    """One tensor that a module holds.

    Attributes:
        kind: `parameter`, `buffer`, or `computed` for the attribute that pruning leaves behind.
        name: As torch names it in this module.
        tensor: The dotted name to ask tiles and statistics for.
        view: The view of that tensor which shows this row.
        shape: Its sizes.
        axes: A name for each axis: out, in, kh, kw...
        dtype: Without `torch.`.
        device: As torch writes it.
        requires_grad: Whether it collects gradients.
        bytes: Of its elements.
        persistent: Whether it is saved in the state_dict.
        kept: For masks and computed tensors, entries that the mask keeps; else -1.
        elements: How many entries it has.
        stale: The attribute is not `orig × mask` any more.
        shared_with: Other dotted names of the same tensor.
        note: Why there are no values, when there are none.
    """

    kind: Literal["parameter", "buffer", "computed"]
    name: str
    tensor: str
    view: View
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    dtype: str
    device: str
    requires_grad: bool
    bytes: int
    persistent: bool
    kept: int
    elements: int
    stale: bool = False
    shared_with: tuple[str, ...] = ()
    note: str = ""


class HookRow(msgspec.Struct, frozen=True):
    """One hook of a module or of its tensors.

    Attributes:
        kind: Which of torch's dictionaries holds it.
        id: Its key there.
        name: Class or function.
        where: `file.py:12` of its definition, or its module when there is no source.
        tensor: What a pruning hook prunes, or the tensor a tensor hook hangs on.
        settings: Of a pruning hook, as written in a call.
        flags: Such as `with_kwargs` and `always_call`; `global` where it is torch's hook on every module.
    """

    kind: HookKind
    id: int
    name: str
    where: str
    tensor: str = ""
    settings: str = ""
    flags: tuple[str, ...] = ()


class HistoryRow(msgspec.Struct, frozen=True):
    """One method in the container history of a tensor.

    Attributes:
        method: Class name, as torch has it.
        settings: What torch remembers, or our own richer record where there is one.
        took: Entries it masked; -1 where it was there before the session, since torch does not remember.
        step: Number of the session's step; 0 where it was there before.
    """

    method: str
    settings: str
    took: int
    step: int


class TensorHistory(msgspec.Struct, frozen=True):
    """The methods applied to one tensor, in container order."""

    tensor: str
    rows: tuple[HistoryRow, ...]


class Parametrization(msgspec.Struct, frozen=True):
    """A tensor computed by torch.nn.utils.parametrize.

    Attributes:
        tensor: Its name in the module.
        modules: Class names, in the order they are applied.
    """

    tensor: str
    modules: tuple[str, ...]


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


class Statistics(Body, frozen=True):
    """Of a whole tensor, exact.

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
        threshold: Greatest magnitude among the entries it masks; None when it masks none.
    """

    target: str
    took: int
    left: int
    elements: int
    units_took: int
    units_left: int
    units: str = "entries"
    threshold: float | None = None


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
    """

    path: str
    bytes: int
    command: str


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
            that `Open(anyway=True)` would, `exists` that `Export(overwrite=True)` would, `bug` is ours.
        details: A traceback, shown with --debug only.
    """

    message: str
    kind: FailureKind = "refused"
    details: str = ""


class Progress(Body, frozen=True):
    """An event: where a long request stands.

    Attributes:
        request: Its id.
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
)
