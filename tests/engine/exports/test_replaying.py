"""A recipe done again: all of its steps or none, and the very masks on the very weights."""

import warnings

import pytest
import torch

from prune_tui import Session
from prune_tui.engine import checksums
from prune_tui.step_settings import StepError
from tests.engine.exports.sessions import net, session_of_every_method
from tests.engine.exports.test_recipe import by_hand
from tests.engine.fingerprints import exact, fingerprint

TWO = ["- {method: l1_unstructured, targets: 0.weight, amount: 0.5}", "- {method: remove, targets: 0.weight}"]


def other_weights():
    model = net()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(-1.5).add_(0.01)
    return model


def test_one_refused_step_takes_all_of_them_back():
    text = by_hand([*TWO, "- {method: l1_unstructured, targets: 3.bias, amount: 60}"])
    session = Session(net())
    session.apply("identity", "3.weight")
    session.apply("random_unstructured", "0.weight", amount=0.5)
    session.undo()
    before = fingerprint(session.model)
    with pytest.raises(StepError) as refused:
        session.replay(text)
    assert str(refused.value) == "recipe:5: steps[2]: 3.bias has 4 entries; amount 60 asks for more"
    assert fingerprint(session.model) == before
    assert [entry.method for entry in session.history] == ["identity"]
    assert session.redo().method == "random_unstructured"  # what could be redone still can


def test_an_interrupt_takes_all_of_them_back(monkeypatch):
    session = Session(net())
    do, calls = session.do, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return do(*arguments)

    monkeypatch.setattr(session, "do", interrupted)
    before = fingerprint(session.model)
    with pytest.raises(KeyboardInterrupt):
        session.replay(by_hand(TWO))
    assert fingerprint(session.model) == before
    assert session.counts() == (0, 0)


def test_replayed_steps_are_undone_one_by_one():
    session = Session(net())
    before = fingerprint(session.model)
    session.replay(by_hand(TWO))
    assert session.undo().method == "remove"
    assert session.undo().method == "l1_unstructured"
    assert fingerprint(session.model) == before


def edited(text, place, checksum="e" * 64):
    """A recipe with another checksum in the line where that of step `place` stands."""
    lines = [number for number, line in enumerate(text.splitlines()) if "checksum: " in line]
    found = text.splitlines()
    begin = found[lines[place]].partition("checksum: ")[0]
    found[lines[place]] = f"{begin}checksum: {checksum}"
    return "\n".join(found) + "\n"


def test_on_the_same_weights_the_masks_must_be_the_recorded_ones():
    text = session_of_every_method().recipe()
    for place, told in [(1, "steps[1]"), (10, "steps[10]"), (-1, "recipe: in the end")]:
        session = Session(net())
        before = exact(session.model)
        with pytest.raises(StepError, match="the masks are not those the recipe records") as refused:
            session.replay(edited(text, place))
        assert told in str(refused.value)
        assert fingerprint(session.model) == before[0]


def test_on_other_weights_other_masks_are_told():
    text = session_of_every_method().recipe()
    session = Session(other_weights())
    with pytest.warns(UserWarning, match="recipe") as told:
        assert len(session.replay(text)) == 16
    notes = [str(warning.message) for warning in told]
    assert "these are not the weights the recipe was made of" in notes
    assert any(note.startswith("steps 2, ") and "other masks than the recipe records" in note for note in notes)


def test_another_class_is_told_instead():
    class Other(torch.nn.Sequential):
        """As the model of the recipe, by another name."""

    text = session_of_every_method().recipe()
    with pytest.warns(UserWarning, match="recipe") as told:
        Session(Other(*other_weights())).replay(text)
    notes = [str(warning.message) for warning in told]
    assert notes[0] == "the recipe was made of a model of class Sequential; this is one of class Other"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Session(Other(*net())).replay(text)  # the same weights, whatever they are called


def test_strictly_they_are_an_error():
    session = Session(other_weights())
    before = fingerprint(session.model)
    with pytest.raises(StepError, match=r"recipe:\d+: steps\[1\]: the masks are not those the recipe records"):
        session.replay(session_of_every_method().recipe(), strict=True)
    assert fingerprint(session.model) == before


def test_what_was_pruned_before_counts_as_another_model():
    session = Session(net())
    session.apply("l1_unstructured", "0.weight", amount=0.9)
    with pytest.warns(UserWarning, match="these are not the weights the recipe was made of"):
        session.replay(session_of_every_method().recipe())


def test_patterns_that_stand_for_other_tensors_are_told():
    small = Session(torch.nn.Sequential(torch.nn.Linear(3, 3)))
    small.apply("l1_unstructured", "*.weight", amount=0.3)
    text = small.recipe()
    assert "resolved: [0.weight]" in text
    with pytest.warns(UserWarning, match="recipe") as told:
        (entry,) = Session(net()).replay(text)
    assert entry.targets == ("0.weight", "1.weight", "3.weight", "5.weight")
    notes = [str(warning.message) for warning in told]
    pattern = "step 1: *.weight stands for other tensors than when the recipe was made"
    assert f"{pattern}: now also 1.weight, 3.weight and 1 more" in notes
    with pytest.warns(UserWarning, match="recipe") as told:
        Session(torch.nn.Sequential(torch.nn.Linear(3, 3))).replay(
            text.replace("[0.weight]", "[0.weight, 1.weight]")
        )
    assert f"{pattern}: not 1.weight" in [str(warning.message) for warning in told]


def test_a_plan_from_before_is_not_used_for_a_recipe():
    session, twin = Session(net()), Session(net())
    session.preview("l1_unstructured", "0.weight", amount=0.5)
    for model in (session.model, twin.model):
        model[0].weight.data.mul_(torch.linspace(0, 1, 108).view(6, 2, 3, 3))
    for one in (session, twin):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one.replay(by_hand(TWO[:1]))
    assert checksums.of_model(session.model) == checksums.of_model(twin.model)
