"""Whatever fails, at whatever point: the model is as it was, to the last bit."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import effects, undo
from prune_tui.engine.commit import all_or_nothing
from prune_tui.engine.selection import smallest
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import exact, fingerprint

TARGETS = ["0.weight", "0.bias", "1.weight_hh_l0", "1.bias_ih_l0", "2.weight"]


class FaultError(RuntimeError):
    """What is injected."""


class Bomb:
    """Stands for a function, counts its calls and raises at one of them, before or after its work."""

    def __init__(self, function, at, error, *, after):
        self.function, self.at, self.error, self.after = function, at, error, after
        self.calls = 0

    def __get__(self, instance, owner=None):
        return lambda *args, **kwargs: self.call(instance, *args, **kwargs)

    def call(self, instance, *args, **kwargs):
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise self.error
        own = () if instance is None else (instance,)
        result = self.function(*own, *args, **kwargs)
        if self.calls == self.at:
            raise self.error
        return result


PLACES = [
    (nn.Module, "register_parameter"),
    (nn.Module, "register_buffer"),
    (nn.Module, "__setattr__"),
    (nn.Module, "__delattr__"),
    (nn.Module, "register_forward_pre_hook"),
    (prune.BasePruningMethod, "apply_mask"),
    (prune.BasePruningMethod, "remove"),
    (prune.PruningContainer, "add_pruning_method"),
    (torch.Tensor, "clone"),
]


def seasoned():
    """Pruned before, trained, with a stranger's hooks, shared memory and a stale attribute."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.LSTM(2, 2), nn.Linear(3, 4))
    model[2].weight = nn.Parameter(model[0].weight.data.view(4, 3))  # the same memory
    prune.l1_unstructured(model[0], "weight", amount=2)
    model[0].register_forward_pre_hook(lambda *_: None)
    prune.ln_structured(model[0], "weight", amount=1, n=2, dim=0)
    prune.random_unstructured(model[1], "bias_ih_l0", amount=3)
    prune.identity(model[2], "weight")
    model[0].register_forward_pre_hook(prune.PruningContainer(), prepend=True)  # which torch stumbles over
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    with torch.no_grad():
        model[0].weight_orig.add_(1)
    model[2].eval()
    return model


def explode_everywhere(monkeypatch, begin, act, error, count):
    """Let every call of every place fail once, in a fresh model each time; returns how often something failed."""
    exploded = 0
    for owner, name in PLACES:
        for after in (False, True):
            for at in range(1, count + 1):
                session = begin()
                before, log = exact(session.model), session.log()
                with monkeypatch.context() as patch:
                    bomb = Bomb(getattr(owner, name), at, error, after=after)
                    patch.setattr(owner, name, bomb)
                    try:
                        act(session)
                    except BaseException as raised:  # noqa: BLE001 - judged below
                        caught = raised
                    else:
                        break  # fewer calls than that
                assert caught is error or isinstance(caught, StepError), repr(caught)
                assert exact(session.model) == before, (name, at, after)
                assert session.log() == log
                act(session)  # and nothing stands in the way of doing it after all
                exploded += 1
    return exploded


@pytest.mark.parametrize("error", [FaultError("out of luck"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_a_commit_of_several_targets_is_all_or_nothing(monkeypatch, error):
    def act(session):
        session.apply("random_unstructured", TARGETS, amount=1)

    assert explode_everywhere(monkeypatch, lambda: Session(seasoned()), act, error, 40) > 40


@pytest.mark.parametrize("error", [FaultError("out of luck"), KeyboardInterrupt()], ids=repr)
def test_a_remove_of_several_targets_is_all_or_nothing(monkeypatch, error):
    def act(session):
        session.apply("remove", ["0.weight", "1.bias_ih_l0", "2.weight"])

    assert explode_everywhere(monkeypatch, lambda: Session(seasoned()), act, error, 20) > 20


@pytest.mark.parametrize("error", [FaultError("out of luck"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("last", ["remove", "l1_unstructured"])
@pytest.mark.parametrize("way", ["undo", "redo"])
def test_undo_and_redo_are_all_or_nothing(monkeypatch, error, last, way):
    def begin():
        session = Session(seasoned())
        session.apply("l1_unstructured", TARGETS, amount=1)
        session.apply(last, TARGETS, **({} if last == "remove" else {"amount": 1}))
        if way == "redo":
            session.undo()
        return session

    assert explode_everywhere(monkeypatch, begin, lambda session: getattr(session, way)(), error, 20) > 5


def test_a_failed_amend_leaves_the_step_as_it_was(monkeypatch):
    session = Session(seasoned())
    session.apply("l1_unstructured", TARGETS, amount=1)
    before = fingerprint(session.model)
    with monkeypatch.context() as patch:
        patch.setattr(
            nn.Module, "register_buffer", Bomb(nn.Module.register_buffer, 3, FaultError("no"), after=True)
        )
        with pytest.raises(StepError, match="torch refuses with FaultError: no"):
            session.amend(2)
    assert fingerprint(session.model) == before
    assert [entry.settings for entry in session.history] == [{"amount": 1}]


def test_a_refusal_keeps_its_cause():
    class Stubborn(nn.Linear):
        def register_buffer(self, *_args, **_kwargs):
            raise LookupError("no buffers here")

    session = Session(nn.Sequential(Stubborn(2, 2)))
    before = exact(session.model)
    with pytest.raises(StepError, match=r"0\.weight: torch refuses with LookupError: no buffers here") as raised:
        session.apply("identity", "0.weight")
    assert isinstance(raised.value.__cause__, LookupError)
    assert exact(session.model) == before


def test_everything_is_put_back_in_place_and_in_order():
    module = nn.Linear(2, 2)
    module.tags, module.notes, module.cache = {"a"}, ["b"], {"c": 1, "d": 2}
    held = module._parameters, module.tags, module.notes, module.cache
    state = exact(module)
    with pytest.raises(FaultError), all_or_nothing([module, module]):  # noqa: PT012 - all of it is undone
        module.tags.add("x")
        module.notes.append("x")
        module.cache["c"] = module.cache.pop("c")
        module.weight.data = torch.zeros(2, 2)
        del module.bias
        module.bias = None
        module.other = 1
        module.eval()
        raise FaultError
    assert exact(module) == state
    assert held == ({"weight": module.weight, "bias": module.bias}, {"a"}, ["b"], {"c": 1, "d": 2})
    assert list(module.cache) == ["c", "d"]
    assert all(
        one is other for one, other in zip(held[1:], (module.tags, module.notes, module.cache), strict=True)
    )


@pytest.mark.parametrize("error", [FaultError("no"), KeyboardInterrupt(), MemoryError()], ids=repr)
@pytest.mark.parametrize("way", ["apply", "remove", "undo", "redo", "amend"])
def test_an_edit_that_fails_at_its_log_entry_is_none(monkeypatch, error, way):
    session = Session(seasoned())
    session.apply("l1_unstructured", TARGETS, amount=1)
    if way in {"undo", "redo"}:
        session.apply("remove", TARGETS)
    if way == "redo":
        session.undo()
    acts = {
        "apply": lambda: session.apply("random_unstructured", TARGETS, amount=1),
        "remove": lambda: session.apply("remove", TARGETS),
        "undo": session.undo,
        "redo": session.redo,
        "amend": lambda: session.amend(2),
    }
    before, log, revision = exact(session.model), session.log(), session.revision
    with monkeypatch.context() as patch:
        bomb = Bomb(undo.Moment.standing, 1, error, after=True)
        patch.setattr(undo.Moment, "standing", bomb)
        with pytest.raises(type(error)):
            acts[way]()
    assert bomb.calls == 1
    if way == "amend":  # its masks were taken off and put on again
        assert fingerprint(session.model) == before[0]
    else:
        assert exact(session.model) == before
    assert (session.log(), session.revision) == (log, revision)
    acts[way]()


def test_an_amend_that_is_refused_touches_nothing():
    session = Session(seasoned())
    session.apply("l1_unstructured", ["0.weight", "2.weight"], amount=1)
    before, moment = exact(session.model), session.moment
    for amount in (10**6, -1, 1.5):
        with pytest.raises(StepError):
            session.amend(amount)
    assert exact(session.model) == before
    assert session.moment == moment
    session.amend(2)
    assert session.revision == moment[0] + 1


@pytest.mark.parametrize("targets", [["0.weight"], ["0.weight", "1.weight_hh_l0", "2.weight"]])
def test_an_amend_is_what_undo_and_apply_would_do(targets):
    one, other = (Session(seasoned()) for _ in range(2))
    for session in (one, other):
        session.apply("random_unstructured", targets, amount=1)
        session.apply("random_unstructured", targets, amount=2, seed=4)
    entry = one.amend(3)
    other.undo()
    assert other.do(entry.step) == entry
    assert _masks(one) == _masks(other)
    for session in (one, other):
        session.undo()
    assert _masks(one) == _masks(other)


def _masks(session):
    return [(name, buffer.tolist(), buffer.stride()) for name, buffer in session.model.named_buffers()]


def test_a_bug_of_ours_is_not_told_as_torchs_refusal(monkeypatch):
    session = Session(seasoned())
    for owner, name in ((undo, "moment_before"), (smallest, "planned"), (effects, "warnings")):
        with monkeypatch.context() as patch:
            patch.setattr(
                owner, name, Bomb(getattr(owner, name), 1, FaultError("ours"), after=False).__get__(None)
            )
            with pytest.raises(FaultError):
                session.apply("l1_unstructured", TARGETS, amount=1)
