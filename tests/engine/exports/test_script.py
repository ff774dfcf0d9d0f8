"""An exported script: run, it ends with the session's masks, bit by bit, and torch is all it needs."""

import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine import checksums
from prune_tui.protocol import Open
from prune_tui.step_settings import StepError
from tests.engine.exports.sessions import MODELS, NAMES, made, net, session_of_every_method
from tests.engine.fingerprints import Tied, bits, like_torch, masks
from tests.engine.test_session_property import edits, with_mask

NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width=4, head="plain"):
        super().__init__()
        self.body = torch.nn.Linear(6, width)
        self.head = torch.nn.Linear(width, 2)
"""


def run(text):
    """What a script defines; its main part is not run."""
    names = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), names)
    return names


def pruned_by(session, model):
    """A model pruned by the session's script, which proves its digest."""
    script = run(session.script())
    with torch.random.fork_rng():
        script["prune_model"](model)
    assert script["digest"](model) == script["DIGEST"] == checksums.of_model(session.model)
    return model


def same_masks(one, other):
    left, right = masks(one), masks(other)
    assert left.keys() == right.keys()
    for name, mask in left.items():
        assert bits(mask.to_dense())[0] == bits(right[name])[0], name
        assert torch.equal(mask.to(torch.float64).real, right[name].to(torch.float64).real), name


def test_every_method_of_torch_is_called_as_a_person_would():
    session = session_of_every_method()
    text = session.script()
    assert '    prune.l1_unstructured(model[0], "weight", amount=0.3)\n' in text
    assert "    # Step 4: l1_unstructured(amount=2) on '?.weight'\n" in text
    assert 'prune.ln_structured(module, name, amount=0.4, n=float("inf"), dim=0)' in text
    assert "pruning_method=prune.RandomUnstructured" in text
    assert f"torch.manual_seed({session.history[2].seed})" in text
    assert text.count("mask=mask_of(") == 14  # the custom mask, and what the methods gave that torch has not
    twin = pruned_by(session, net())
    same_masks(session.model, twin)
    assert [(name, bits(one)) for name, one in twin.state_dict().items()] == [
        (name, bits(one)) for name, one in session.model.state_dict().items()
    ]


def test_what_torch_has_is_left_as_torch_leaves_it():
    session = Session(net())
    session.apply("l1_unstructured", "*.weight", amount=0.3)
    session.apply("random_structured", "3.weight", amount=1, dim=1)
    session.apply("global_unstructured", "*.weight", amount=0.3)
    like_torch(session.model, pruned_by(session, net()))


@given(st.data())
def test_any_session_ends_with_the_same_masks_in_its_script(data):
    name = data.draw(st.sampled_from(list(MODELS)))
    session = Session(made(name), seed=data.draw(st.integers(0, 9)))
    for _ in range(data.draw(st.integers(1, 5))):
        method, targets, settings = data.draw(edits(NAMES[name]))
        try:
            session.apply(method, targets, **with_mask(session.model, targets, settings))
        except StepError:
            continue
    same_masks(session.model, pruned_by(session, made(name)))


def stale():
    """A model that comes pruned, and was trained since: its attribute is not `orig × mask`."""
    model = net()
    prune.l1_unstructured(model[0], "weight", amount=0.2)
    with torch.no_grad():
        model[0].weight_orig.mul_(torch.linspace(2, 0, 108).view(6, 2, 3, 3))
    return model


def test_a_stale_attribute_is_computed_anew():
    for method, targets in (("l1_unstructured", "0.weight"), ("global_unstructured", ["3.weight", "0.weight"])):
        session = Session(stale())
        session.apply(method, targets, amount=0.5)
        assert "    refresh(m" in session.script()
        same_masks(session.model, pruned_by(session, stale()))


def test_removing_one_side_of_a_tied_pair_makes_the_other_stale():
    def tied():
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return Tied()

    session = Session(tied())
    session.apply("l1_unstructured", "head.weight", amount=0.6)
    session.apply("random_unstructured", "embedding.weight", amount=0.2)
    session.apply("remove", "head.weight")
    session.apply("l1_unstructured", "embedding.weight", amount=0.5)
    assert 'refresh(model.embedding, "weight")' in session.script()
    same_masks(session.model, pruned_by(session, tied()))


def test_the_repair_of_a_stale_attribute_is_written_too():
    session = Session(stale())
    session.apply("refresh", "0.weight")
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    same_masks(session.model, pruned_by(session, stale()))


def test_fresh_tensors_are_not_refreshed():
    session = Session(net())
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    assert "refresh" not in session.script()


@pytest.mark.parametrize("name", ["channels_last", "transposed"])
def test_where_torch_refuses_strides_the_masks_are_carried(name):
    session = Session(made(name))
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.apply("global_unstructured", "0.weight", amount=0.5)
    text = session.script()
    assert text.count("mask=mask_of(") == 2  # not the second: torch ranks by index then
    same_masks(session.model, pruned_by(session, made(name)))


def test_shared_tensors_are_named_once():
    session = Session(Tied())
    session.apply("global_unstructured", ["embedding.weight", "head.weight"], amount=0.5)
    text = session.script()
    assert "(model.embedding, " in text
    assert "model.head" not in text


class Keep(steps.Step, frozen=True, kw_only=True, tag="l1_unstructured"):
    """A step of torch's name with a setting that torch has not."""

    amount: float = 0.5
    floor: float = 0.0


def test_a_setting_that_torch_has_not_is_carried_as_masks(monkeypatch):
    session = Session(net())
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    (edit,) = session.edits()
    monkeypatch.setitem(steps.METHOD_OF_STEP, Keep, steps.METHOD_BY_NAME["l1_unstructured"])
    for floor, carried in ((0.0, 0), (0.1, 1)):
        object.__setattr__(edit, "step", Keep(targets=("0.weight",), floor=floor))
        text = session.script()
        assert text.count("mask=mask_of(") == carried
        model = net()
        run(text)["prune_model"](model)
        same_masks(session.model, model)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.float8_e5m2]
)
def test_other_dtypes(dtype):
    def model():
        linear = nn.Linear(5, 3)
        with torch.no_grad():
            values = torch.linspace(-1, 1, 15).view(3, 5)
            linear.weight = nn.Parameter(values.to(dtype), requires_grad=False)
        return linear

    session = Session(model())
    session.apply("identity", "weight")
    session.apply("custom_from_mask", "weight", mask=torch.arange(15).view(3, 5) % 2)
    same_masks(session.model, pruned_by(session, model()))


def test_odd_names_and_an_empty_session():
    model = nn.Module()
    names = [
        "class",
        "a b",
        "é",
        'q"',
        "\\",
        "l\nine",
        "ﬁ",
        "0",
        "__x",
        "named_modules_",
        "'''",
        '"""',
        "{}",
        "%s",
    ]
    for name in names:
        model.register_module(name, nn.Linear(2, 2))
    model.register_module("list", nn.ModuleList([nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2))]))
    model.register_parameter("own", nn.Parameter(torch.ones(3)))
    state = {key: value.clone() for key, value in model.state_dict().items()}
    session = Session(model)
    assert run(session.script())["prune_model"](model) is model
    everything = [f"{name}.weight" for name in names] + ["list.0.weight", "list.1.0.weight", "own"]
    session.apply("l1_unstructured", everything, amount=1)
    session.apply("custom_from_mask", everything[:-1], mask=torch.tensor([[1, 0], [1, 1]]))
    text = session.script()
    assert '(model.list[1][0], "weight")' in text
    assert '(model, "own")' in text
    for _ in range(2):
        session.undo()
    model.load_state_dict(state)
    script = run(text)
    script["prune_model"](model)
    assert script["digest"](model) == script["DIGEST"]


def test_without_a_source_the_reader_fills_in_how_to_load(tmp_path):
    (tmp_path / "script.py").write_text(session_of_every_method().script())
    ended = subprocess.run(
        [sys.executable, "-c", "import script; script.load_model()"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "write there how to load it" in ended.stderr


# A process in which neither numpy nor prune_tui can be imported.
ALONE = """
import importlib.abc, runpy, sys

class Nobody(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy" or name.startswith("prune_tui."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nobody())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not [name for name in sys.modules if name.partition(".")[0] in ("numpy", "prune_tui", "safetensors")]
"""


def alone(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script run in a process with torch alone."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=script.parent,
        timeout=100,
    )


def opened(origin):
    """A session as the engine opens a source."""
    from prune_tui.engine import sources

    with torch.random.fork_rng():
        loaded = sources.load(origin)
    return Session(loaded.model, origin.seed)


def test_the_demo_in_a_process_with_torch_alone(tmp_path):
    origin = Open("demo", device="cpu")
    session = opened(origin)
    session.apply("l1_unstructured", "*.weight", amount=0.3)
    session.apply("custom_from_mask", "fc3.bias", mask=torch.arange(10) % 2)
    script = tmp_path / "script.py"
    script.write_text(session.script(origin))
    ended = alone(script, "pruned.pt")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == checksums.of_model(session.model)
    saved = torch.load(tmp_path / "pruned.pt", weights_only=True)
    for name, tensor in session.model.state_dict().items():
        assert torch.equal(saved[name], tensor), name


@pytest.mark.parametrize("source", ["net.py:Net", "package.net:Net"])
def test_a_model_of_ones_own_is_loaded_as_it_was_opened(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    for file in ("net.py", "package/net.py", "package/__init__.py"):
        (tmp_path / file).write_text(NET)
    origin = Open(source, ("width=8", "head=it's"), "cpu", seed=5)
    session = opened(origin)
    session.apply("random_unstructured", "*.weight", amount=0.5)
    script = tmp_path / "script.py"
    script.write_text(session.script(origin))
    ended = alone(script)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == checksums.of_model(session.model)
    (tmp_path / "net.py").write_text(NET.replace("6, width", "7, width"))
    (tmp_path / "package/net.py").write_text(NET.replace("6, width", "7, width"))
    ended = alone(script)
    assert ended.returncode == 1
    assert f"these are not the masks of the session, {checksums.of_model(session.model)}" in ended.stderr


def test_a_tensor_that_remove_has_made_contiguous_was_pruned_scattered():
    session = Session(made("channels_last"))
    session.apply("random_unstructured", "0.weight", amount=1.0)
    session.apply("remove", "0.weight")
    model = made("channels_last")
    run(session.script())["prune_model"](model)
    assert torch.equal(model[0].weight, session.model[0].weight)
