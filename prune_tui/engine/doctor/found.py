"""What a check says when it finds something."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from prune_tui.engine.doctor.examination import Examination
from prune_tui.steps import Step
from prune_tui.views import Severity


@dataclasses.dataclass(frozen=True)
class Found:
    """One place where a check found something.

    Attributes:
        module: Dotted name of the module.
        tensor: Dotted name of the tensor; empty where it is about a module or the whole model.
        words: What stands in the braces of the check's sentences, beside `tensor` and `module`.
        targets: What the repair works on; the tensor where it is empty.
    """

    module: str
    tensor: str = ""
    words: Mapping[str, object] = dataclasses.field(default_factory=dict)
    targets: tuple[str, ...] = ()


Find = Callable[[Examination], Iterator[Found]]


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing the doctor looks for.

    Attributes:
        name: `stale`; unique.
        severity: Of its findings.
        about: What it finds, for the README.
        means: What a finding means, with `{words}`.
        do: What to do about it, likewise.
        find: Looks; changes nothing.
        repair: The step that mends it, where one is possible.
    """

    name: str
    severity: Severity
    about: str
    means: str
    do: str
    find: Find
    repair: type[Step] | None = None
