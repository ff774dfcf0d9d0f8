"""Random sequences of edits, good and bad, each compared with plain torch on a twin."""

import contextlib

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn

from prune_tui import Session
from prune_tui.step_settings import StepError
from prune_tui.steps import METHOD_BY_NAME
from tests.engine.fingerprints import Listed, Tied, by_torch, exact, fingerprint, like_torch


def transposed():
    linear = nn.Linear(4, 3)
    linear.weight = nn.Parameter(linear.weight.detach().t().contiguous().t())
    return linear


MODELS = {
    "Linear": lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 5, bias=False)),
    "Conv1d": lambda: nn.Sequential(nn.Conv1d(4, 6, 3, groups=2)),
    "Conv2d": lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)),
    "Conv3d": lambda: nn.Sequential(nn.Conv3d(1, 2, 2)),
    "ConvTranspose1d": lambda: nn.Sequential(nn.ConvTranspose1d(2, 3, 3)),
    "ConvTranspose2d": lambda: nn.Sequential(nn.ConvTranspose2d(2, 3, (1, 2))),
    "ConvTranspose3d": lambda: nn.Sequential(nn.ConvTranspose3d(2, 1, 2)),
    "Embedding": lambda: nn.Sequential(nn.Embedding(5, 3, padding_idx=0), nn.LayerNorm(3)),
    "LSTM": lambda: nn.Sequential(nn.LSTM(3, 2, bidirectional=True)),
    "GRU": lambda: nn.Sequential(nn.GRU(2, 3, num_layers=2)),
    "MultiheadAttention": lambda: nn.Sequential(nn.MultiheadAttention(4, 2)),
    "Tied": Tied,
    "Listed": Listed,
    "channels_last": lambda: nn.Sequential(nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)),
    "transposed": lambda: nn.Sequential(transposed()),
    "bfloat16": lambda: nn.Sequential(nn.Linear(6, 4)).bfloat16(),
    "empty": lambda: nn.Sequential(nn.Linear(0, 3), nn.Linear(1, 1)),
}


def made(name):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return MODELS[name]()


NAMES = {name: [path for path, _ in made(name).named_parameters()] for name in MODELS}
AMOUNTS = st.one_of(
    st.floats(0, 1),
    st.integers(0, 9),
    st.sampled_from([1.0, 0.5, -1, 1.5, float("nan"), float("inf"), True, 10**6]),
)
NORMS = st.sampled_from([1, 2, 0, -1, 0.5, 3, float("inf"), float("-inf"), "fro", "nuc"])
SETTINGS = {
    "amount": AMOUNTS,
    "dim": st.integers(-5, 4),
    "n": NORMS,
    "pruning_method": st.sampled_from(["L1Unstructured", "RandomUnstructured"]),
    "floor": st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.5, 1.0, -0.1]),
    "pattern": st.sampled_from(["1:2", "2:3", "2:4", "1:3", "3:2", "x"]),
}


@st.composite
def edits(draw, names):
    """A method, its targets and its settings; now and then they make no sense together."""
    method = draw(st.sampled_from([name for name, method in METHOD_BY_NAME.items() if not method.repair]))
    targets = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 11)) == 0:
        targets.append(draw(st.sampled_from(["nowhere.weight", "0.nothing", "1.running_mean"])))
    known = {setting.name for setting in METHOD_BY_NAME[method].settings}
    settings = {name: draw(strategy) for name, strategy in SETTINGS.items() if name in known}
    if method == "custom_from_mask":
        settings["mask"] = draw(st.integers(0, 2**16))  # a seed: the mask follows when the shape is known
    return method, targets, settings


def with_mask(model, targets, settings):
    """Settings with a mask of the first target's shape drawn from its seed."""
    if "mask" not in settings:
        return settings
    shape = (2, 2)
    with contextlib.suppress(AttributeError):
        path, _, name = targets[0].rpartition(".")
        shape = getattr(model.get_submodule(path), name).shape
    generator = torch.Generator().manual_seed(settings["mask"])
    return {**settings, "mask": torch.randint(0, 2, tuple(shape), generator=generator).float()}


def replayed(name, done):
    """A fresh model pruned by torch alone."""
    twin = made(name)
    with torch.random.fork_rng():
        for entry, settings in done:
            by_torch(twin, entry.method, list(entry.took), settings, entry.seed)
    return twin


def torch_would_raise(name, done, method, targets, settings):
    with torch.random.fork_rng():
        try:
            by_torch(replayed(name, done), method, targets, settings, seed=0)
        except Exception:  # noqa: BLE001 - torch has no exception of its own
            return True
    return False


@contextlib.contextmanager
def torch_may_refuse_strides(name):
    """torch's `view(-1)` fails on a first prune by entries of what is not contiguous: nothing to compare with."""
    try:
        yield
    except RuntimeError as error:
        if name not in {"channels_last", "transposed"} or "view size is not compatible" not in str(error):
            raise


@given(st.data())
def test_any_sequence_of_edits_is_torchs_or_nothing(data):
    name = data.draw(st.sampled_from(list(MODELS)))
    session = Session(made(name), seed=data.draw(st.integers(0, 3)))
    model, done, states, redoable = session.model, [], [fingerprint(session.model)], []
    for _ in range(data.draw(st.integers(1, 6))):
        action = data.draw(st.sampled_from(["apply"] * 5 + ["undo", "redo"]))
        if action == "undo" and done:
            session.undo()
            redoable.append((done.pop(), states.pop()))
        elif action == "redo" and redoable:
            session.redo()
            step, state = redoable.pop()
            done.append(step)
            states.append(state)
        elif action == "apply":
            method, targets, settings = data.draw(edits(NAMES[name]))
            settings = with_mask(model, targets, settings)
            before = exact(model)
            try:
                told = session.preview(method, targets, **settings)
                assert exact(model) == before, "a preview changed something"
                entry = session.apply(method, targets, **settings)
            except StepError as error:
                assert exact(model) == before, "a refusal changed something"
                # torch counts a tied tensor twice, so it has more of it left to prune than we have; a 1-D tensor
                # it prunes by channel the second time, as one channel; and True is one entry to it.
                refused_by_us_alone = name == "Tied" or "is 1-D" in str(error) or settings.get("amount") is True
                assert refused_by_us_alone or torch_would_raise(name, done, method, targets, settings)
                continue
            assert entry.took == {effect.target: effect.took for effect in told.effects}
            done.append((entry, settings))
            states.append(fingerprint(model))
            redoable.clear()
            with torch_may_refuse_strides(name):
                like_torch(model, replayed(name, done))
        assert fingerprint(model) == states[-1]
        assert [entry for entry, _ in done] == list(session.history)
    while done:
        session.undo()
        done.pop()
        states.pop()
        assert fingerprint(model) == states[-1]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_can_be_pruned_run_and_put_back(name):
    model = made(name)
    session, before = Session(model), fingerprint(model)
    session.apply("random_unstructured", NAMES[name], amount=0.5)
    session.apply("l1_unstructured", NAMES[name], amount=0.5)
    session.apply("remove", NAMES[name])
    for _ in range(3):
        session.undo()
    assert fingerprint(model) == before
