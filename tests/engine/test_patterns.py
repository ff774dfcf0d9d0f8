"""Targets written as patterns."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from prune_tui import Session
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import Tied, exact


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 2)
        self.conv2 = nn.Conv2d(2, 2, 2)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)) for _ in range(3)])


def targets(session, pattern, method="l1_unstructured", **settings):
    """What a pattern stands for, and what is noted."""
    settings = settings or ({} if method in {"identity", "remove"} else {"amount": 1})
    previewed = session.preview(method, pattern, **settings)
    return [effect.target for effect in previewed.effects], previewed.notes


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("conv?.bias", ["conv1.bias", "conv2.bias"]),
        ("conv[2-9].*", ["conv2.weight", "conv2.bias"]),
        ("conv[!1].weight", ["conv2.weight"]),
        ("blocks.*.0.weight", ["blocks.0.0.weight", "blocks.1.0.weight", "blocks.2.0.weight"]),
        ("*1.weight", ["conv1.weight", "blocks.0.1.weight", "blocks.1.1.weight", "blocks.2.1.weight"]),
        (["conv2.weight", "conv*.weight"], ["conv2.weight", "conv1.weight"]),
        (["conv1.bias", "conv1.bias*"], ["conv1.bias"]),
    ],
)
def test_a_pattern_stands_for_names_in_the_order_of_the_model(pattern, names):
    session = Session(Net())
    assert targets(session, pattern)[0] == names
    written = (pattern,) if isinstance(pattern, str) else tuple(pattern)
    step = session.preview("l1_unstructured", pattern, amount=1).step
    assert (step.targets, step.written) == (tuple(names), written)
    entry = session.apply("l1_unstructured", pattern, amount=1)
    assert entry.targets == tuple(names)
    assert entry.settings == {"amount": 1}


def test_plain_names_are_not_patterns():
    step = Session(Net()).preview("identity", ["conv1.weight", "conv1.weight"]).step
    assert (step.targets, step.written) == (("conv1.weight", "conv1.weight"), ())


def test_a_tensor_of_that_very_name_wins():
    model = nn.Module()
    model.register_module("w*", nn.Linear(2, 2))
    model.register_module("w2", nn.Linear(2, 2))
    session = Session(model)
    assert targets(session, "w*.weight")[0] == ["w*.weight"]
    assert targets(session, "w?.weight")[0] == ["w*.weight", "w2.weight"]
    assert targets(session, "w[*].weight")[0] == ["w*.weight"]


def test_a_pruned_tensor_goes_by_its_own_name():
    session = Session(Net())
    session.apply("l1_unstructured", "conv1.weight", amount=0.5)
    assert targets(session, "conv1.*")[0] == ["conv1.bias", "conv1.weight"]
    with pytest.raises(StepError, match=r"no tensor matches '\*_orig'"):
        session.preview("identity", "*_orig")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("conv?.wieght", r"no tensor matches 'conv\?.wieght'; the nearest are conv2.weight and conv1.weight"),
        ("*.Weight", r"no tensor matches '\*.Weight'"),
        ("[", r"no tensor matches '\['; there are conv1.weight, conv1.bias and 14 more"),
        (["conv1.bias", "zzz*"], r"no tensor matches 'zzz\*'"),
    ],
)
def test_a_pattern_that_stands_for_nothing_is_an_error(pattern, message):
    session = Session(Net())
    before = exact(session.model)
    with pytest.raises(StepError, match=message):
        session.apply("l1_unstructured", pattern, amount=1)
    assert exact(session.model) == before


def test_a_model_without_parameters():
    with pytest.raises(StepError, match=r"no tensor matches '\*'; this model has no parameters"):
        Session(nn.Sequential(nn.ReLU())).preview("identity", "*")


def test_what_cannot_be_pruned_is_left_out_and_told():
    model = nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(2), nn.Linear(2, 2, device="meta"), nn.Linear(2, 2))
    parametrizations.weight_norm(model[3])
    names, notes = targets(Session(model), "*.weight")
    assert names == ["0.weight"]
    assert notes[0] == (
        "left out: 1.weight, 2.weight and 1 more; "
        "1.weight is not initialised; run one forward pass, which gives it its shape, then open it"
    )
    with pytest.raises(
        StepError, match=r"'2.w.*' matches nothing that identity can be done on: 2.weight is on the meta"
    ):
        Session(model).preview("identity", "2.w*")
    assert targets(Session(model), "3.*") == (
        ["3.bias"],
        (
            "left out: 3.weight is computed by a parametrization; torch cannot prune it. Remove the"
            " parametrization first (torch.nn.utils.parametrize.remove_parametrizations)",
        ),
    )


def test_half_pruned_tensors_are_left_out():
    model = Net()
    prune.l1_unstructured(model.conv1, "weight", amount=1)
    with pytest.raises(ValueError, match="amount"):
        prune.l1_unstructured(model.conv1, "weight", amount=1.5)
    names, notes = targets(Session(model), "conv?.weight*")
    assert names == ["conv2.weight"]
    assert "conv1.weight_orig is half pruned" in notes[0]


def test_methods_of_channels_leave_out_what_has_none():
    names, notes = targets(Session(Net()), "conv1.*", "ln_structured")
    assert names == ["conv1.weight"]
    assert notes[0] == "left out: conv1.bias is 1-D and has no channels"


def test_remove_takes_what_is_pruned():
    session = Session(Net())
    session.apply("l1_unstructured", ["conv1.weight", "conv2.weight"], amount=1)
    names, notes = targets(session, "conv*", "remove")
    assert names == ["conv1.weight", "conv2.weight"]
    assert notes[0] == "left out: conv1.bias and conv2.bias; conv1.bias is not pruned"
    session.apply("remove", "*")
    with pytest.raises(StepError, match=r"matches nothing that remove can be done on: conv1.weight is not pruned"):
        session.apply("remove", "conv1.weig*")


def test_shared_tensors_are_taken_once():
    assert targets(Session(Tied()), "*.weight") == (
        ["embedding.weight"],
        (
            "head.weight is the same tensor as embedding.weight: taken once, as embedding.weight",
            "embedding.weight is tied to head.weight, which stays unmasked until remove",
        ),
    )
    shared = nn.Linear(2, 2)
    assert targets(Session(nn.Sequential(shared, shared)), "*.weight")[0] == ["0.weight"]


def test_undo_redo_and_amend_stay_with_what_the_pattern_stood_for():
    session = Session(Net())
    session.apply("l1_unstructured", "conv*.weight", amount=1)
    step = session.log()[0].step
    session.model.conv3 = nn.Conv2d(1, 1, 1)
    session.undo()
    session.redo()
    amended = session.amend(2).step
    assert (
        (amended.targets, amended.written)
        == (step.targets, step.written)
        == (
            ("conv1.weight", "conv2.weight"),
            ("conv*.weight",),
        )
    )
    assert session.apply("l1_unstructured", "conv*.weight", amount=1).targets[-1] == "conv3.weight"


def test_masks_are_those_of_the_plain_names():
    models = [Net() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    for model, names in zip(
        models, ("blocks.*.weight", [f"blocks.{b}.{m}.weight" for b in "012" for m in "01"]), strict=True
    ):
        Session(model, seed=4).apply("random_unstructured", names, amount=0.5)
    for one, other in zip(*(model.state_dict().values() for model in models), strict=True):
        assert torch.equal(one, other)
