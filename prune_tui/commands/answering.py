"""How a command ends: with its answer on standard output, or with one line that says why there is none."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from prune_tui.commands import standard_output
from prune_tui.commands.printing import in_unicode, tell
from prune_tui.exit_codes import FAILED

Worked = tuple[int, str | Mapping[str, Any] | None]
"""An exit code, and the answer: a text for people, what is printed as JSON, or nothing."""


def answered(work: Callable[[], Worked], about: Mapping[str, str], *, json: bool, debug: bool) -> int:
    """Do a command's work and print its answer; what else is printed meanwhile goes to standard error.

    Args:
        work: Returns exit code and answer.
        about: What the JSON of a failure tells beside its `error`.
        json: The answer is wanted as JSON, that of a failure too.
        debug: Show the traceback of a failure.

    Returns:
        The exit code; `FAILED` where the work raises or its answer cannot be printed.
    """
    place = standard_output.take()
    try:
        code, answer = work()
    except Exception as error:  # noqa: BLE001 - the end of the command: whatever it is, it is told
        if debug:
            tell(traceback.format_exc().rstrip())
        told = reason(error)
        tell(f"prune-tui: {told}")
        if not json:
            return FAILED
        code, answer = FAILED, {**about, "error": told}
    if answer is None:
        return code
    try:
        place.write(answer if isinstance(answer, str) else as_json(answer))
    except OSError as error:
        tell(f"prune-tui: the answer cannot be printed to standard output: {error.strerror}")
        return FAILED
    return code


def reason(error: Exception) -> str:
    """What to say of an exception: its own sentence where it was written for people."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def as_json(report: Mapping[str, Any]) -> bytes:
    """A report as JSON can have it: names in Unicode; what is no number is null."""
    return msgspec.json.format(msgspec.json.encode(_plain(report)), indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return in_unicode(value)
    if isinstance(value, msgspec.Struct):
        return _plain(msgspec.structs.asdict(value))
    if isinstance(value, Mapping):
        return {in_unicode(str(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value
