"""Repairs in an exported script: run by plain torch, they leave the very model that the session leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine import checksums
from prune_tui.step_settings import StepError
from tests.engine.doctor import ailing
from tests.engine.doctor.test_repairs import CASES, seeded, the_repair
from tests.engine.exports.test_script import run
from tests.engine.fingerprints import bits, history

Make = Callable[[], nn.Module]


def told(model: nn.Module) -> list[object]:
    """All that a script should leave as the session does: tensors, hooks and computed attributes, in order."""
    found: list[object] = []
    for path, module in model.named_modules():
        tensors = {**module._parameters, **module._buffers}
        computed = {name: one for name, one in vars(module).items() if isinstance(one, torch.Tensor)}
        for name, one in {**tensors, **computed}.items():
            lazy = one is None or isinstance(one, nn.UninitializedParameter)
            found.append((path, name, lazy or bits(one.detach())))
        for hook in module._forward_pre_hooks.values():
            pruning = isinstance(hook, prune.BasePruningMethod)
            found.append((path, history(hook) if pruning else type(hook).__name__))
    return found


def same_by_script(session: Session, twin: nn.Module) -> None:
    script = run(session.script())
    with torch.random.fork_rng():
        script["prune_model"](twin)
    assert script["digest"](twin) == script["DIGEST"] == checksums.of_model(session.model)
    assert told(twin) == told(session.model)


@CASES
def test_a_repair_is_plain_torch(name: str, make: Make) -> None:
    model, twin = seeded(make), seeded(make)
    session = Session(model)
    session.do(the_repair(model, name))
    same_by_script(session, twin)


@pytest.mark.parametrize("name", ["half-pruned", "poisoned", "scaled", "several-hooks", "stale"])
def test_a_session_goes_on_after_a_repair(name: str) -> None:
    make = ailing.MENDED[name][0]
    model, twin = seeded(make), seeded(make)
    session = Session(model)
    repair = the_repair(model, name)
    session.do(repair)
    session.apply("l1_unstructured", repair.targets, amount=2)
    session.apply("random_unstructured", repair.targets, amount=1)
    session.apply("remove", repair.targets)
    same_by_script(session, twin)


def test_the_functions_are_in_the_file_only_where_they_are_called() -> None:
    model = seeded(ailing.scaled)
    session = Session(model)
    assert "def binarise" not in session.script()
    session.do(the_repair(model, "scaled"))
    text = session.script()
    assert 'binarise(model, "weight")\n' in text
    assert "def refresh(module, name):" in text
    assert "def clean_masked" not in text


def test_what_torch_cannot_compare_is_refused_with_the_reason() -> None:
    model = nn.Linear(4, 2, bias=False)
    values = torch.tensor([[1.0, float("nan"), 1, 1], [1, 1, 1, 1]]).to(torch.float8_e5m2)
    model.weight = nn.Parameter(values, requires_grad=False)
    prune.custom_from_mask(model, "weight", torch.tensor([[1, 0, 1, 1], [1, 1, 1, 1]]))
    session = Session(model)
    session.apply("clean_masked", "weight")
    with pytest.raises(
        StepError, match=r"clean_masked on weight cannot be written as plain torch, which compares no"
    ):
        session.script()


def test_every_repair_has_its_function() -> None:
    from prune_tui.engine.exports.script_repairs import REPAIRS

    assert set(REPAIRS) == {method.name for method in steps.METHODS if method.repair}
