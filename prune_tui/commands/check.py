"""`prune-tui check`: what the doctor finds in a model, printed."""

from __future__ import annotations

import shutil
import textwrap
import traceback
from typing import TYPE_CHECKING

from prune_tui.commands import standard_output
from prune_tui.commands.printing import in_unicode, printable, tell
from prune_tui.commands.source_options import AS_IT_IS, SourceOptions
from prune_tui.exit_codes import DONE, FAILED, FOUND

if TYPE_CHECKING:
    from prune_tui.protocol import Open
    from prune_tui.steps import Step
    from prune_tui.views import Finding, Findings

_WIDEST = 100
_HEADINGS = {"error": "Errors", "warning": "Warnings", "note": "Notes"}


def check(
    source: str = "demo",
    /,
    *,
    json: bool = False,
    options: SourceOptions = AS_IT_IS,
    debug: bool = False,
) -> int:
    """Say what is wrong or surprising in a model; looking changes nothing.

    Exit code: 0 when there are no errors and no warnings (notes do not count), 1 when there are, 2 when the model
    could not be checked.

    Args:
        source: demo, a checkpoint's file or folder, file.py:Symbol or package.module:Symbol.
        json: Print one JSON object instead of text.
        options: How it is opened.
        debug: Show tracebacks.
    """
    answer = standard_output.take()
    try:
        found = _examined(options.of(source))
        text = as_json(source, found).encode() if json else as_text(source, found)
    except Exception as error:  # noqa: BLE001 - whatever it is, exit code 1 would say that the model has findings
        if debug:
            tell(traceback.format_exc().rstrip())
        tell(f"prune-tui: {_reason(error)}")
        return FAILED
    try:
        answer.write(text)
    except OSError as error:
        tell(f"prune-tui: the findings cannot be printed to standard output: {error.strerror}")
        return FAILED
    return FOUND if counts(found)["error"] or counts(found)["warning"] else DONE


def _examined(request: Open) -> Findings:
    from prune_tui.engine import sources
    from prune_tui.engine.doctor import examine

    return examine(sources.load(request).model)


def _reason(error: Exception) -> str:
    from prune_tui.step_settings import StepError

    refusal = type(error).__name__ == "SourceError" or isinstance(error, StepError)
    return str(error) if refusal else f"the model could not be checked: {type(error).__name__}: {error}"


def counts(found: Findings) -> dict[str, int]:
    """How many findings there are of each severity."""
    return {severity: sum(one.severity == severity for one in found.findings) for severity in _HEADINGS}


def summary(found: Findings) -> str:
    """`2 errors, 1 warning, 3 notes: 29 checks on 10 tensors`."""
    told = [f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts(found).items() if count]
    tensors = f"{found.tensors:,} tensor{'' if found.tensors == 1 else 's'}"
    return f"{', '.join(told) or 'nothing found'}: {found.checks} checks on {tensors}"


def as_text(source: str, found: Findings) -> str:
    """The findings under a heading for each severity, wrapped to the terminal's width."""
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    lines = []
    for severity, heading in _HEADINGS.items():
        own = [one for one in found.findings if one.severity == severity]
        if own:
            lines += [heading, *(line for one in own for line in _lines(one, width)), ""]
    lines += textwrap.wrap(f"{printable(source)}: {summary(found)}", width, break_on_hyphens=False)
    return "\n".join(lines)


def _lines(finding: Finding, width: int) -> list[str]:
    """One finding: where: what. What to do."""
    text = f"{finding.where}: {finding.means}. {finding.do[:1].upper()}{finding.do[1:]}."
    if finding.repair is not None:
        text += f" Repair: {_call(finding.repair)}"
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=f"  {finding.check}  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _call(step: Step) -> str:
    """The call that repairs it: `session.apply("reattach", "conv1.weight")`."""
    from prune_tui import steps

    targets = ", ".join(f'"{target}"' for target in step.targets)
    several = f"[{targets}]" if len(step.targets) > 1 else targets
    return f'session.apply("{steps.method_of(step).name}", {several})'


def as_json(source: str, found: Findings) -> str:
    """One object: `source`, `checks`, `tensors`, `counts` by severity, and `findings`.

    Each finding has `check`, `severity`, `module`, `tensor`, `means`, `do`, and `repair`: null, or a `method` with
    its `targets` and the `change` it would make.
    """
    import msgspec

    from prune_tui import steps

    findings = []
    for one in found.findings:
        repair = None
        if one.repair is not None:
            method = steps.method_of(one.repair).name
            repair = {"method": method, "targets": list(one.repair.targets), "change": one.change}
        fields = {name: getattr(one, name) for name in ("check", "severity", "module", "tensor", "means", "do")}
        findings.append({**fields, "repair": repair})
    made = {"checks": found.checks, "tensors": found.tensors, "counts": counts(found)}
    report = {"source": in_unicode(source), **made, "findings": findings}
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
