"""`to 80%`: as many as are needed, of each target or of all together."""

import math

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session, totals
from prune_tui.demo.lenet import LeNet
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import fingerprint

WEIGHTS = ["conv1.weight", "conv2.weight", "fc1.weight", "fc2.weight", "fc3.weight"]


def lenet():
    torch.manual_seed(7)
    return LeNet()


def masked(model, path):
    mask = model.get_buffer(f"{path}_mask")
    return int((mask == 0).sum()), mask.numel()


@pytest.mark.parametrize("method", ["l1_unstructured", "random_unstructured"])
def test_each_tensor_reaches_the_total(method):
    session, twin = Session(lenet()), lenet()
    session.apply("random_unstructured", "conv1.weight", amount=0.3)
    entry = session.apply(method, WEIGHTS, amount="to 80%")
    for path in WEIGHTS:
        gone, elements = masked(session.model, path)
        assert gone == math.ceil(elements * 4 / 5)
    assert entry.took["conv1.weight"] == 44 - 16
    assert entry.settings == {"amount": "to 80%"}
    if method == "l1_unstructured":
        prune.l1_unstructured(twin.fc1, "weight", amount=38400)
        assert torch.equal(twin.fc1.weight_mask, session.model.fc1.weight_mask)


@pytest.mark.parametrize("method", ["global_unstructured", "lamp", "erdos_renyi_kernel"])
def test_all_together_reach_the_total(method):
    session = Session(lenet())
    session.apply("l1_unstructured", ["fc1.weight"], amount=0.5)
    session.apply(method, WEIGHTS, amount="to 70%")
    counts = [masked(session.model, path) for path in WEIGHTS]
    assert sum(gone for gone, _ in counts) == math.ceil(0.7 * sum(elements for _, elements in counts))


@pytest.mark.parametrize("method", ["ln_structured", "random_structured"])
def test_the_fewest_channels_that_reach_it_go(method):
    session = Session(lenet())
    session.apply("l1_unstructured", "fc1.weight", amount=0.3)
    settings = {"n": 2} if method == "ln_structured" else {"seed": 5}
    before = torch.get_rng_state()
    told = session.preview(method, "fc1.weight", amount="to 60%", dim=0, **settings)
    entry = session.apply(method, "fc1.weight", amount="to 60%", dim=0, **settings)
    assert torch.equal(before, torch.get_rng_state())
    assert told.effects[0].took == entry.took["fc1.weight"]
    gone, elements = masked(session.model, "fc1.weight")
    assert gone >= 0.6 * elements
    channels = told.effects[0].units_took
    session.undo()
    fewer = session.preview(method, "fc1.weight", amount=channels - 1, dim=0, **settings).effects[0]
    assert fewer.elements - fewer.left + fewer.took < 0.6 * elements
    session.apply(method, "fc1.weight", amount=channels, dim=0, **settings)
    assert masked(session.model, "fc1.weight") == (gone, elements)


def test_channels_of_all_targets_reach_it_together():
    session = Session(lenet())
    session.apply("global_structured", WEIGHTS, amount="to 50%")
    counts = [masked(session.model, path) for path in WEIGHTS]
    assert sum(gone for gone, _ in counts) >= 0.5 * sum(elements for _, elements in counts)


def test_what_is_there_already_loses_nothing_and_is_told():
    session = Session(lenet())
    session.apply("l1_unstructured", "conv1.weight", amount=0.9)
    told = session.preview("l1_unstructured", ["conv1.weight", "fc3.weight"], amount="to 80%")
    assert [effect.took for effect in told.effects] == [0, 672]
    assert "conv1.weight is at 90.7% already; to 80% takes nothing more of it" in told.notes


def test_an_amended_total_and_exact_undo():
    session = Session(lenet())
    before = fingerprint(session.model)
    session.apply("l1_unstructured", "conv1.weight", amount="to 50%")
    assert session.amend("to 75%").effects[0].took == 41
    assert session.history[-1].settings == {"amount": "to 75%"}
    session.undo()
    assert fingerprint(session.model) == before


def test_a_cubic_schedule_ends_where_it_should():
    session = Session(lenet())
    for amount in totals.cubic(0.8, 4):
        session.apply("global_unstructured", WEIGHTS, amount=amount)
    by_step = Session(lenet())
    for step in range(1, 5):
        by_step.apply("global_unstructured", WEIGHTS, amount=f"to 80% {step}/4")
    took = [sum(entry.took.values()) for entry in session.history]
    assert took == [sum(entry.took.values()) for entry in by_step.history]
    assert sum(took) == math.ceil(0.8 * 59838)
    assert took == sorted(took, reverse=True)


@pytest.mark.parametrize("method", ["global_unstructured", "l1_unstructured"])
def test_a_cubic_schedule_begins_at_what_is_masked_already(method):
    by_step, by_total = Session(lenet()), Session(lenet())
    for session in (by_step, by_total):
        session.apply(method, WEIGHTS, amount=0.5)
    for step, amount in enumerate(totals.cubic(0.8, 3, start=0.5), start=1):
        took = by_step.apply(method, WEIGHTS, amount=f"to 80% {step}/3").took
        other = by_total.apply(method, WEIGHTS, amount=amount).took
        assert sum(took.values()) == pytest.approx(sum(other.values()), abs=2 * len(WEIGHTS))
        assert sum(took.values()) > 0
    sparse = by_step.history
    assert sum(sum(entry.took.values()) for entry in sparse) == pytest.approx(0.8 * 59838, abs=len(WEIGHTS))


def test_it_is_told_where_a_schedule_begins():
    session = Session(lenet())
    assert session.preview("l1_unstructured", WEIGHTS, amount="to 80% 1/4").notes == ()
    session.apply("l1_unstructured", "fc1.weight", amount=0.5)
    (note,) = session.preview("l1_unstructured", "fc1.weight", amount="to 80% 1/4").notes
    assert note == "fc1.weight is at 50.0% now: step 1 of 4 goes on from there, to 67.3%"
    (note,) = session.preview("l1_unstructured", WEIGHTS, amount="to 80% 1/4").notes
    assert note == "of each tensor, step 1 of 4 goes on from what is masked now"
    (note,) = session.preview("global_unstructured", WEIGHTS, amount="to 80% 1/4").notes
    assert note == "40.1% is masked now: step 1 of 4 goes on from there, to 63.2%"


def test_a_floor_still_holds():
    with pytest.raises(StepError, match=r"a floor of 0\.3 lets"):
        Session(lenet()).apply("lamp", WEIGHTS, amount="to 80%", floor=0.3)


def test_nothing_of_nothing():
    session = Session(nn.Linear(0, 3))
    assert session.apply("l1_unstructured", "weight", amount="to 80%").took == {"weight": 0}


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("to 120%", "amount is 'to 120%'; a total lies between 0% and 100%; write 80% or 0.8"),
        ("to 80% 6/5", "amount is 'to 80% 6/5'; a schedule of 5 steps has no step 6"),
        ("80%", "amount is '80%'; it must be a number, or a total such as 'to 80%'"),
    ],
)
def test_totals_that_cannot_be(amount, message):
    with pytest.raises(StepError) as raised:
        Session(lenet()).apply("l1_unstructured", "conv1.weight", amount=amount)
    assert str(raised.value) == message


def test_a_session_with_totals_can_be_replayed_and_written_as_a_script(tmp_path):
    session = Session(lenet())
    session.apply("l1_unstructured", WEIGHTS, amount="to 50%")
    session.apply("ln_structured", "fc1.weight", amount="to 60%")
    assert "amount: to 50%" in session.recipe()
    again = Session(lenet())
    again.replay(session.recipe())
    for path in WEIGHTS:
        assert torch.equal(again.model.get_buffer(f"{path}_mask"), session.model.get_buffer(f"{path}_mask"))


def test_a_floor_is_no_obstacle_to_a_total_that_it_allows():
    session = Session(nn.Sequential(nn.Linear(8, 100)))
    (effect,) = session.preview("global_structured", "0.weight", amount="to 60%", floor=0.3).effects
    assert effect.units_took == 60
    with pytest.raises(StepError) as refused:
        session.preview("global_structured", "0.weight", amount="to 71%", floor=0.3)
    assert str(refused.value) == (
        "0.weight: amount to 71% takes 568 entries more; a floor of 0.3 lets 70 channels go, of 560 entries."
        " Lower one of them"
    )


@pytest.mark.parametrize("method", ["ln_structured", "global_structured"])
def test_a_total_of_channels_along_no_axis(method):
    model = nn.Module()
    model.scalar, model.weight = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.ones(8, 8))
    for target, dim, message in (
        ("weight", 7, "weight is 8×8; it has no axis 7, choose 0 to 1"),
        ("scalar", 0, "scalar is 0-D; channels need two axes or more. Prune entries instead"),
    ):
        with pytest.raises(StepError, match=message):
            Session(model).preview(method, target, amount="to 50%", dim=dim)
