"""`prune-tui diff`: what differs between two models, whatever they are saved in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prune_tui.commands import comparison_text, progress_line
from prune_tui.commands.answering import Worked, answered
from prune_tui.commands.printing import in_unicode, tell
from prune_tui.commands.source_options import AS_IT_IS, SourceOptions, is_code
from prune_tui.commands.terminal_size import width
from prune_tui.exit_codes import DONE, FAILED, FOUND
from prune_tui.source_names import is_path
from prune_tui.step_settings import StepError

if TYPE_CHECKING:
    from prune_tui.comparison_views import Comparison
    from prune_tui.engine.sources.loaded import Loaded
    from prune_tui.protocol import Open


def diff(
    a: str,
    b: str,
    /,
    *,
    exact: bool = False,
    json: bool = False,
    key_b: str | None = None,
    options: SourceOptions = AS_IT_IS,
    debug: bool = False,
) -> int:
    """Say what differs between two models: structure, values and masks apart.

    What is compared is what a model computes with, original times mask: a pruned model is the same as itself with
    the pruning removed or in the compact form. NaN equals NaN, and -0.0 equals 0.0.

    Exit code: 0 when both are the same, 1 when they differ, 2 when they or some tensors could not be compared.

    Args:
        a: demo, a checkpoint's file or folder, file.py:Symbol or package.module:Symbol.
        b: Another one.
        exact: Other masks, other values under masks and other bits are a difference, too.
        json: Print one JSON object instead of text.
        key_b: Which part of B's dictionary to open, where it is another than A's.
        options: How both are opened.
        debug: Show tracebacks.
    """

    def work() -> Worked:
        found = _compared(a, b, options, options.key if key_b is None else key_b)
        same = found.exactly_same if exact else found.same_structure and found.same_values
        code = FAILED if found.not_compared else DONE if same else FOUND
        return code, report(a, b, found, same=same) if json else comparison_text.written(a, b, found, width())

    return answered(work, {"a": in_unicode(a), "b": in_unicode(b)}, json=json, debug=debug)


def _compared(a: str, b: str, options: SourceOptions, key_b: str) -> Comparison:
    for said, name, takes in (
        (options.arg, "--arg", is_code),
        (options.weights, "--weights", is_code),
        (options.key or key_b, "--key", is_path),
    ):
        if said and not (takes(a) or takes(b)):
            kind = "a class or function" if takes is is_code else "a checkpoint"
            raise StepError(f"{name} is for {kind}, and neither {a} nor {b} is one")
    wanted = options.of_one_of(a, options.key), options.of_one_of(b, key_b)
    from prune_tui.engine.comparison import compare

    ours, theirs = _opened("A", wanted[0]), _opened("B", wanted[1])
    with progress_line.shown("comparing") as progress:
        return compare(ours, theirs, progress.tell)


def _opened(side: str, wanted: Open) -> Loaded:
    from prune_tui.engine import sources

    loaded = sources.load(wanted)
    for note in loaded.notes:
        tell(f"! {side}: {note}")
    return loaded


def report(a: str, b: str, found: Comparison, *, same: bool) -> dict[str, Any]:
    """A comparison as JSON has it."""
    return {
        "a": {"source": a, **_fields(found.a)},
        "b": {"source": b, **_fields(found.b)},
        "same": same and not found.not_compared,
        "same_structure": found.same_structure,
        "same_values": found.same_values,
        "exactly_same": found.exactly_same,
        "only_a": found.only_a,
        "only_b": found.only_b,
        "shapes": found.shapes,
        "dtypes": found.dtypes,
        "identical": found.identical,
        "tensors": found.tensors,
        "not_compared": found.not_compared,
    }


def _fields(side: Any) -> dict[str, Any]:
    return {name: getattr(side, name) for name in side.__struct_fields__}
