"""Making all checks and putting what they find into words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

import torch
from torch import nn

from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.doctor import repairs
from prune_tui.engine.doctor.examination import Examination
from prune_tui.engine.doctor.found import Check, Found
from prune_tui.engine.doctor.registry import CHECKS
from prune_tui.step_settings import StepError
from prune_tui.steps import AnyStep
from prune_tui.views import SEVERITIES, Finding, Findings

_MOST = 100
"""Findings of one check that are told one by one: nobody reads more, and each repair on offer is planned."""


def examine(
    model: nn.Module, stop: Stop = never, lock: contextlib.AbstractContextManager[object] | None = None
) -> Findings:
    """Look for everything that is wrong or surprising in a model. Changes nothing, calls nothing of it.

    Args:
        model: Any module.
        stop: Asked between pieces of about 2^18 entries.
        lock: Held while the tensors are taken hold of.

    Raises:
        Cancelled: `stop` said so.
    """
    with torch.inference_mode(False), torch.no_grad():
        seen = Examination(model, stop, lock)
        found = [finding for check in CHECKS for finding in _findings(check, seen, stop, lock)]
    order = {holder.path: index for index, holder in enumerate(seen.holders)}
    found.sort(key=lambda one: (SEVERITIES.index(one.severity), order.get(one.module, 0)))
    parameters = {id(one) for holder in seen.holders for one in holder.parameters.values() if one is not None}
    return Findings(tuple(found), len(CHECKS), len(parameters))


def _findings(
    check: Check, seen: Examination, stop: Stop, lock: contextlib.AbstractContextManager[object] | None
) -> Iterator[Finding]:
    seen.check_stop()
    try:
        found = list(check.find(seen))
    except (Cancelled, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a tensor's class may refuse anything; the others are still looked at
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        yield Finding(
            check.name,
            "warning",
            "",
            "",
            f"this check could not be made ({reason})",
            "look at this by hand, and report it as a bug of prune-tui",
        )
        return
    for one in found[:_MOST]:
        yield _in_words(check, one, seen.model, stop, lock)
    if len(found) > _MOST:
        more = f"{len(found) - _MOST:,} more places are like these"
        yield Finding(check.name, check.severity, "", "", more, "mend these first; the others are told then")


def _in_words(
    check: Check,
    found: Found,
    model: nn.Module,
    stop: Stop,
    lock: contextlib.AbstractContextManager[object] | None,
) -> Finding:
    words = {"tensor": found.tensor, "module": found.module or "the model", **found.words}
    step, change = None, ""
    if check.repair is not None:
        wanted = check.repair(targets=found.targets or (found.tensor,))
        # What is offered can be done: the plan is made, and says what it would change.
        with contextlib.suppress(StepError):
            plan = repairs.plan_any(model, wanted, 0, lock=lock, stop=stop)
            step, change = cast(AnyStep, wanted), "; ".join(plan.notes)
    return Finding(
        check.name,
        check.severity,
        found.module,
        found.tensor,
        check.means.format_map(words),
        check.do.format_map(words),
        step,
        change or ("" if step is None else "the mask goes; the values stay as the forward uses them"),
    )
