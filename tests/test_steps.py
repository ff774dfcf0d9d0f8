import fractions
from typing import get_args

import msgspec
import numpy
import pytest

from prune_tui import step_settings, steps
from prune_tui.step_settings import Bits, StepError
from prune_tui.steps import METHODS, AnyStep

SETTINGS = {setting.name: setting for method in METHODS for setting in method.settings}


def test_the_catalogue_and_the_union_name_the_same_steps():
    assert {method.step for method in METHODS} == set(get_args(AnyStep)) - {steps.CustomMethod}
    keys = [method.key for method in METHODS if method.key]  # a repair is done from the doctor's pane
    assert len(set(keys)) == len(keys)
    assert len({method.label for method in METHODS}) == len(METHODS)
    assert all(len(key) == 1 for key in keys)
    assert not any(method.key for method in METHODS if method.repair)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_says_what_it_does_and_asks_for_its_settings(method):
    assert method.sentence.endswith(".")
    assert all(setting.sentence.endswith(".") and setting.name for setting in method.settings)
    assert {setting.name for setting in method.settings} == set(method.step.__struct_fields__) - {
        "targets",
        "written",
    }
    assert ("seed" in SETTINGS and any(one.kind == "seed" for one in method.settings)) == method.draws
    assert (method.units == "nothing") == ("amount" not in method.step.__struct_fields__)
    for setting in method.settings:
        if setting.default is not None:
            assert step_settings.checked(setting, setting.default) == setting.default
            assert step_settings.read(setting, str(setting.default)) == setting.default


EXAMPLES = [
    ("identity", {}, "identity()"),
    ("random_unstructured", {"amount": 0.3, "seed": 5}, "random_unstructured(amount=0.3)"),
    ("l1_unstructured", {"amount": 3}, "l1_unstructured(amount=3)"),
    ("l1_unstructured", {"amount": 3, "ties": "torch"}, "l1_unstructured(amount=3)"),
    ("l1_unstructured", {"amount": 3, "ties": "index"}, "l1_unstructured(amount=3, ties=index)"),
    ("random_structured", {"amount": 1, "dim": -1}, "random_structured(amount=1, dim=-1)"),
    ("ln_structured", {"amount": 0.5, "n": float("inf")}, "ln_structured(amount=0.5, n=inf, dim=0)"),
    ("global_unstructured", {"amount": 1.0}, "global_unstructured(amount=1.0, pruning_method=L1Unstructured)"),
    ("custom_from_mask", {"file": "m.pt"}, "custom_from_mask(file=m.pt)"),
    ("custom_from_mask", {"mask": Bits((2, 3), b"\xff")}, "custom_from_mask(mask=<2×3 mask>)"),
    ("custom_from_mask", {"mask": (Bits((1,), b"\0"),)}, "custom_from_mask(mask=(<1 mask>,))"),
    ("semi_structured", {}, "semi_structured(pattern=2:4, dim=1)"),
    ("semi_structured", {"pattern": "4:8", "dim": 0}, "semi_structured(pattern=4:8, dim=0)"),
    ("global_structured", {"amount": 2}, "global_structured(amount=2, n=2, dim=0)"),
    ("lamp", {"amount": 0.5, "floor": 0.05}, "lamp(amount=0.5, floor=0.05)"),
    ("uniform_plus", {"amount": 0.5}, "uniform_plus(amount=0.5)"),
    ("erdos_renyi_kernel", {"amount": 0.5}, "erdos_renyi_kernel(amount=0.5)"),
    ("importance_scores", {"amount": 1, "file": "s.pt"}, "importance_scores(amount=1, file=s.pt, scope=tensor)"),
    ("remove", {}, "remove()"),
]


@pytest.mark.parametrize(("method", "settings", "text"), EXAMPLES, ids=[text for *_, text in EXAMPLES])
def test_steps_are_built_described_and_sent(method, settings, text):
    step = steps.build(method, "conv1.weight", settings)
    assert step.targets == ("conv1.weight",)
    assert steps.describe(step) == text
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(step), type=AnyStep) == step
    again = steps.build(method, step.targets, steps.settings_of(step))
    assert msgspec.structs.replace(again, **({"seed": 5} if "seed" in settings else {})) == step
    assert steps.method_of(step).name == method


def test_who_goes_among_equals_is_not_asked_in_a_form():
    for method in METHODS:
        fields = [setting.name for setting in method.settings if setting.asked]
        assert "ties" not in fields
        assert [setting.name for setting in method.settings][: len(fields)] == fields


def test_an_unknown_field_is_refused_on_the_wire():
    frame = msgspec.msgpack.encode({"method": "identity", "targets": ["a"], "amount": 1})
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(frame, type=AnyStep)


@pytest.mark.parametrize(
    ("method", "targets", "settings", "message"),
    [
        ("l1", "a", {}, "there is no method 'l1'; the methods are identity, random_unstructured"),
        ("l1_unstructred", "a", {}, "there is no method 'l1_unstructred' (did you mean 'l1_unstructured'?); the"),
        (None, "a", {}, "there is no method None"),
        (["x"], "a", {}, "there is no method ['x']"),
        ("identity", [], {}, "identity needs targets: a dotted name such as 'conv1.weight', or a list of them"),
        ("identity", None, {}, "identity needs targets"),
        ("identity", 3, {}, "identity needs targets"),
        ("identity", ["a", 3], {}, "identity needs targets"),
        ("identity", "a", {"amount": 1}, "identity has no setting 'amount'; it takes none"),
        (
            "ln_structured",
            "a",
            {"amuont": 1},
            "ln_structured has no setting 'amuont' (did you mean 'amount'?); it takes amount, n, dim",
        ),
        (
            "l1_unstructured",
            "a",
            {},
            "l1_unstructured needs amount: A fraction of what is left (0.3), a count (3)",
        ),
        ("custom_from_mask", "a", {}, "custom_from_mask needs either file or mask."),
    ],
)
def test_a_step_that_cannot_be_built_says_why(method, targets, settings, message):
    with pytest.raises(StepError) as raised:
        steps.build(method, targets, settings)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("amount", 0, 0),
        ("amount", 0.0, 0.0),
        ("amount", 1.0, 1.0),
        ("amount", numpy.float32(0.5), 0.5),
        ("amount", numpy.int64(3), 3),
        ("amount", fractions.Fraction(1, 4), 0.25),
        ("dim", numpy.int8(-2), -2),
        ("n", "fro", "fro"),
        ("n", float("-inf"), float("-inf")),
        ("n", 0, 0),
        ("seed", None, None),
        ("seed", 2**63 - 1, 2**63 - 1),
        ("pruning_method", "RandomUnstructured", "RandomUnstructured"),
        ("file", "a.pt", "a.pt"),
        ("pattern", "2:4", "2:4"),
        ("pattern", "02:04", "2:4"),
    ],
)
def test_values_become_plain_ones(name, value, expected):
    found = step_settings.checked(SETTINGS[name], value)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("amount", True, "amount is True; it must be a number"),
        ("amount", numpy.True_, "it must be a number"),
        ("amount", "3", "amount is '3'; it must be a number"),
        ("amount", None, "amount is None; it must be a number"),
        ("amount", 1 + 1j, "it must be a number"),
        ("amount", -1, "amount is -1; a count cannot be negative"),
        ("amount", -0.1, "amount is -0.1; a fraction lies between 0.0 and 1.0, a count is a whole number"),
        ("amount", 3.0, "amount is 3.0; a fraction lies between"),
        ("amount", float("nan"), "amount is nan; a fraction lies between"),
        ("amount", 2**63, f"amount is {2**63}; it must fit 64 bits"),
        ("dim", 0.0, "dim is 0.0; it must be a whole number"),
        ("dim", -(2**70), "it must fit 64 bits"),
        ("n", float("nan"), "n is nan; it must be a number, inf, -inf, fro or nuc"),
        ("n", "2", "n is '2'; it must be a number, inf, -inf, fro or nuc"),
        ("seed", -1, "seed is -1; it must lie between 0 and 2**63 - 1"),
        ("seed", 0.5, "seed is 0.5; it must be a whole number"),
        ("seed", 2**64, "it must fit 64 bits"),
        ("pruning_method", "L2", "pruning_method is 'L2'; it must be one of L1Unstructured, RandomUnstructured"),
        ("file", "", "file is empty: A .pt, .npy"),
        ("mask", [1, 0], "mask is [1, 0]; it must be a tensor of the target's shape"),
        ("pattern", "2", "pattern is '2'; it must be N:M, such as 2:4 or 4:8"),
        ("pattern", 2, "pattern is '2'; it must be N:M"),
        ("pattern", "-2:4", "it must be N:M"),
        ("pattern", "4:4", "pattern is '4:4'; of N:M, N must be at least 1 and less than M"),
        ("pattern", "0:4", "N must be at least 1"),
        ("pattern", "2:" + "9" * 30, "N must be at least 1 and less than M"),
    ],
)
def test_values_that_cannot_be(name, value, message):
    with pytest.raises(StepError) as raised:
        step_settings.checked(SETTINGS[name], value)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("amount", " 3 ", 3),
        ("amount", "0.3", 0.3),
        ("amount", "1", 1),
        ("amount", "1.0", 1.0),
        ("amount", "1e-2", 0.01),
        ("dim", "-1", -1),
        ("n", "inf", float("inf")),
        ("n", "-inf", float("-inf")),
        ("n", "2", 2),
        ("n", "fro", "fro"),
        ("n", "nuc", "nuc"),
        ("seed", "", None),
        ("seed", "7", 7),
        ("pruning_method", "L1Unstructured", "L1Unstructured"),
        ("file", "~/a b.npy", "~/a b.npy"),
        ("pattern", "4:8", "4:8"),
    ],
)
def test_what_a_person_types(name, text, expected):
    found = step_settings.read(SETTINGS[name], text)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amount", ""),
        ("amount", "half"),
        ("amount", "1.5"),
        ("amount", "inf"),
        ("amount", "9" * 5000),
        ("amount", "1e999"),
        ("dim", ""),
        ("dim", "1.0"),
        ("n", "nan"),
        ("n", "two"),
        ("seed", "x"),
        ("seed", "-3"),
        ("pruning_method", "L2"),
        ("file", "  "),
        ("mask", "1"),
        ("pattern", "2/4"),
    ],
)
def test_what_a_person_mistypes(name, text):
    with pytest.raises(StepError, match=f"^{name} is "):
        step_settings.read(SETTINGS[name], text)


def test_a_global_step_draws_only_when_it_ranks_at_random():
    settings = {"amount": 1, "pruning_method": "RandomUnstructured"}
    assert steps.draws(steps.build("global_unstructured", "a", settings))
    assert not steps.draws(steps.build("global_unstructured", "a", {"amount": 1}))


def test_a_step_done_afresh_forgets_the_mask_of_its_file():
    mask = Bits((2,), b"\xc0")
    scored = steps.ImportanceScores(targets=("a",), amount=1, file="s.pt", mask=mask)
    assert steps.afresh(scored, targets=("b",)) == steps.ImportanceScores(targets=("b",), amount=1, file="s.pt")
    assert steps.with_amount(scored, 2).mask is None
    assert steps.rebuilt(scored) == scored
    assert steps.describe(scored) == "importance_scores(amount=1, file=s.pt, scope=tensor)"
    given = steps.CustomFromMask(targets=("a",), mask=mask)
    assert steps.afresh(given, targets=("b",)).mask == mask
    pruned = steps.L1Unstructured(targets=("a",), amount=1)
    assert steps.afresh(pruned, targets=("b",)) == steps.L1Unstructured(targets=("b",), amount=1)
