import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import bits
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.session import Session
from prune_tui.step_settings import StepError
from prune_tui.steps import Identity
from prune_tui.tensor_requests import Painted, Toggle
from tests.engine.fingerprints import fingerprint


def session(mask=None):
    model = nn.Sequential(nn.Linear(4, 3))
    if mask is not None:
        prune.custom_from_mask(model[0], "weight", mask)
    return Session(model)


def painted(session, *indices, tensor="0.weight"):
    mask = Painted(tensor, tuple(map(Toggle, indices)))
    session.drafts.refuse_masked(mask)
    return session.foresee(session.drafts.meant(mask))


def gone(previewed):
    return (~bits.unpack(previewed.step.mask)).nonzero().tolist()


def test_painted_entries_go_and_the_step_carries_the_mask():
    opened = session()
    before = fingerprint(opened.model)
    previewed = painted(opened, (0, 1), (2, 3))
    assert fingerprint(opened.model) == before
    assert gone(previewed) == [[0, 1], [2, 3]]
    (effect,) = previewed.effects
    assert (effect.target, effect.took, effect.left, effect.elements) == ("0.weight", 2, 12, 12)
    opened.do(previewed.step)
    reference = nn.Sequential(nn.Linear(4, 3))
    prune.custom_from_mask(reference[0], "weight", bits.unpack(previewed.step.mask))
    assert torch.equal(opened.model[0].weight_mask, reference[0].weight_mask)


def test_minus_one_is_a_whole_axis():
    assert gone(painted(session(), (1, -1))) == [[1, 0], [1, 1], [1, 2], [1, 3]]
    assert gone(painted(session(), (-1, 2))) == [[0, 2], [1, 2], [2, 2]]
    assert gone(painted(session(), (-1,), tensor="0.bias")) == [[0], [1], [2]]


def test_an_entry_named_twice_stays():
    assert gone(painted(session(), (1, -1), (1, 2), (0, 0), (0, 0))) == [[1, 0], [1, 1], [1, 3]]


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 3)), max_size=8))
def test_toggles_are_counted(indices):
    times = torch.zeros(3, 4, dtype=torch.int64)
    for row in range(3):
        for column in range(4):
            times[row, column] = sum(one in {-1, row} and two in {-1, column} for one, two in indices)
    expected = (times % 2 == 1).nonzero().tolist()
    if expected:
        assert gone(painted(session(), *indices)) == expected
    else:
        with pytest.raises(StepError, match=r"nothing is drafted on 0\.weight"):
            painted(session(), *indices)


def test_what_is_masked_stays_so_and_a_row_takes_the_rest_of_it():
    mask = torch.ones(3, 4)
    mask[0, :3] = 0
    mask[1] = 0
    opened = session(mask)
    (effect,) = painted(opened, (0, -1)).effects
    assert (effect.took, effect.left) == (1, 5)
    for index, written in {(0, 1): r"\[0, 1\]", (1, -1): r"\[1, :\]"}.items():
        with pytest.raises(StepError, match=rf"0.weight{written} is masked already.* u undoes"):
            painted(opened, (2, 2), index)


@pytest.mark.parametrize(
    ("indices", "said"),
    [
        ([(3, 0)], r"3 is no index of axis 0 \(out\), which has 0 to 2"),
        ([(0, -2)], r"-2 is no index of axis 1 \(in\)"),
        ([(0,)], r"0.weight has out × in: 2 axes, and \[0\] names 1"),
        ([(0, 0, 0)], r"\[0, 0, 0\] names 3"),
        ([], "nothing is drafted on 0.weight: no entry is marked"),
        ([(0, 0), (0, 0)], "marked twice, and stays"),
    ],
)
def test_what_cannot_be_is_refused(indices, said):
    opened = session()
    before = fingerprint(opened.model)
    with pytest.raises(StepError, match=said):
        painted(opened, *indices)
    assert fingerprint(opened.model) == before


def test_a_tensor_that_cannot_be_pruned_is_refused():
    opened = Session(nn.BatchNorm1d(2))
    with pytest.raises(StepError, match="running_mean is a buffer"):
        painted(opened, (0,), tensor="running_mean")
    with pytest.raises(StepError, match="no module 'x'"):
        painted(opened, (0,), tensor="x.weight")


def test_it_can_be_stopped():
    with pytest.raises(Cancelled):
        session().drafts.meant(Painted("0.weight", (Toggle((0, 0)), Toggle((0, 1)))), iter([False, True]).__next__)


def test_a_step_is_meant_as_it_is():
    step = Identity(targets=("0.weight",))
    assert session().drafts.meant(step) is step


def test_the_last_mask_is_made_once_and_another_or_of_another_shape_anew():
    opened = session()
    first, other = (Painted("0.weight", (Toggle(index),)) for index in ((0, 1), (0, 2)))
    step = opened.drafts.meant(first)
    assert opened.drafts.meant(Painted("0.weight", (Toggle((0, 1)),))) is step
    assert opened.drafts.meant(other) != step
    opened.model[0] = nn.Linear(5, 3)
    assert opened.drafts.meant(other).mask.shape == (3, 5)


def test_a_scalar_has_one_entry():
    model = nn.Module()
    model.gain = nn.Parameter(torch.tensor(2.0))
    previewed = painted(Session(model), (), tensor="gain")
    assert previewed.effects[0].took == 1
