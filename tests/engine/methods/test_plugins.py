"""Pruning methods that are not ours; the tutorial's own is compared with plain torch bit by bit."""

import random
import re
import textwrap
from typing import Literal

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

import prune_tui
from prune_tui import Session, step_settings, steps
from prune_tui.demo.lenet import LeNet
from prune_tui.engine.methods import custom_methods, plugins, signatures
from prune_tui.engine.selection import product
from prune_tui.engine.sources import SourceError
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import bits, exact, fingerprint, like_torch


class FooBarPruningMethod(prune.BasePruningMethod):
    """Prune every other entry in a tensor"""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


def foobar_unstructured(module, name):
    FooBarPruningMethod.apply(module, name)
    return module


class Sampled(prune.BasePruningMethod):
    """Prune at random, by three generators."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, share: float = 0.5):
        self.share = share

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask[torch.rand(t.shape) < self.share] = 0
        mask.view(-1)[random.randrange(t.numel())] = 0
        mask.view(-1)[np.random.randint(t.numel())] = 0
        return mask


@pytest.fixture(autouse=True)
def _nobody_elses_methods(monkeypatch):
    monkeypatch.setattr(steps, "_PLUGGED_IN", {})
    monkeypatch.setattr(custom_methods, "CLASSES", {})
    monkeypatch.setattr(plugins, "CLASSES", custom_methods.CLASSES)


def lenet():
    torch.manual_seed(7)
    return LeNet()


def written(tmp_path, code, name="my_methods.py"):
    """A plugin's file; line 1 is the import."""
    file = tmp_path / name
    file.write_text("from torch.nn.utils.prune import BasePruningMethod\n" + textwrap.dedent(code).lstrip("\n"))
    return str(file)


METHOD = """
class Halved(BasePruningMethod):
    PRUNING_TYPE = "unstructured"
    def compute_mask(self, t, default_mask):
        {body}
"""


# As torch would


def test_the_tutorials_method_alone():
    prune_tui.add_method(FooBarPruningMethod)
    session, twin = Session(lenet()), lenet()
    entry = session.apply("foo_bar", "fc3.bias")
    foobar_unstructured(twin.fc3, "bias")
    like_torch(session.model, twin)
    assert (entry.method, entry.settings, entry.took) == ("foo_bar", {}, {"fc3.bias": 5})
    (hook,) = session.model.fc3._forward_pre_hooks.values()
    assert type(hook) is FooBarPruningMethod


def test_the_tutorials_method_in_a_container():
    prune_tui.add_method(FooBarPruningMethod)
    session, twin = Session(lenet()), lenet()
    before = fingerprint(session.model)
    for path in ("conv1.weight", "fc3.bias"):
        module, name = path.split(".")
        session.apply("l1_unstructured", path, amount=3)
        prune.l1_unstructured(getattr(twin, module), name, amount=3)
        for _ in range(2):
            session.apply("foo_bar", path)
            foobar_unstructured(getattr(twin, module), name)
        session.apply("ln_structured" if "conv" in path else "identity", path, **ln(path))
        if "conv" in path:
            prune.ln_structured(twin.conv1, "weight", amount=1, n=2, dim=0)
        else:
            prune.identity(twin.fc3, "bias")
    like_torch(session.model, twin)
    for _ in range(8):
        session.undo()
    assert fingerprint(session.model) == before


def ln(path):
    return {"amount": 1, "n": 2, "dim": 0} if "conv" in path else {}


def test_what_it_draws_is_seeded_by_the_step_and_leaves_every_generator_alone():
    prune_tui.add_method(Sampled)
    session = Session(lenet())
    states = random.getstate(), np.random.get_state()[1].tobytes()
    told = session.preview("sampled", ["fc1.weight", "fc2.weight"])
    entry = session.apply("sampled", ["fc1.weight", "fc2.weight"])
    assert entry.took == {effect.target: effect.took for effect in told.effects}
    again = Session(lenet())
    again.apply("sampled", entry.targets, seed=entry.seed)
    assert bits(again.model.fc2.weight_mask) == bits(session.model.fc2.weight_mask)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == states


def test_an_amended_step_keeps_its_seed_and_other_settings(tmp_path):
    class Scaled(prune.BasePruningMethod):
        """Prune the first entries."""

        PRUNING_TYPE = "unstructured"

        def __init__(self, amount, scale=2):
            self.amount, self.scale = amount, scale

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[: self.amount * self.scale] = 0
            return mask

    prune_tui.add_method(Scaled)
    session = Session(lenet())
    session.apply("scaled", "conv1.weight", amount=2, scale=3)
    assert session.amend(4).effects[0].took == 12
    assert session.history[-1].settings == {"amount": 4, "scale": 3}
    assert session.recorded()[session.model.conv1._forward_pre_hooks.popitem()[1]].settings == "amount=4, scale=3"
    with pytest.raises(StepError, match=r"amount is 1\.5"):
        session.apply("scaled", "conv1.weight", amount=1.5)
    with pytest.raises(StepError, match="scaled needs amount: A parameter of Scaled"):
        session.apply("scaled", "conv1.weight")


# From files


def test_a_file_adds_its_methods(tmp_path):
    file = written(
        tmp_path,
        """
        class Halved(BasePruningMethod):
            '''Prune the first half

            Args:
                share: How much of it
            '''
            PRUNING_TYPE = "unstructured"
            def __init__(self, share: float = 0.5): self.share = share
            def compute_mask(self, t, default_mask):
                mask = default_mask.clone()
                mask.view(-1)[: int(t.numel() * self.share)] = 0
                return mask
        class _Base(BasePruningMethod):
            def compute_mask(self, t, default_mask): return default_mask
        """,
    )
    added = plugins.load([file])
    (method,) = added.methods
    assert (method.name, method.sentence, method.where) == ("halved", "Prune the first half.", "my_methods.py:2")
    assert [(setting.name, setting.kind, setting.default) for setting in method.settings] == [
        ("share", "float", 0.5),
        ("seed", "seed", None),
    ]
    assert method.settings[0].sentence == "How much of it."
    assert Session(lenet()).apply("halved", "conv1.weight", share=1).took == {"conv1.weight": 54}


BAD_FILES = {
    "raises": ("1 / 0", "my_methods.py:2): ZeroDivisionError: division by zero"),
    "leaves": ("raise SystemExit(3)", "(my_methods.py:2): SystemExit: 3"),
    "is no Python": ("def (", "(my_methods.py:2): SyntaxError"),
    "holds nothing": ("x = 1", "my_methods.py holds no pruning method"),
    "has no compute_mask": (
        "class Foo(BasePruningMethod): PRUNING_TYPE = 'global'",
        "holds no pruning method: a subclass of torch.nn.utils.prune.BasePruningMethod with a compute_mask"
        " (Foo has no compute_mask)",
    ),
    "has no type": (
        "class Foo(BasePruningMethod):\n    def compute_mask(self, t, default_mask): return default_mask",
        "Foo (my_methods.py:2) has no PRUNING_TYPE; torch wants one of unstructured, structured, global",
    ),
    "is called as ours": (
        "class Identity(BasePruningMethod):\n    PRUNING_TYPE = 'global'\n"
        "    def compute_mask(self, t, default_mask): return default_mask",
        "Identity (my_methods.py:2): identity is the name of a method of prune-tui; choose another one",
    ),
    "asks for what no form can": (
        "class Foo(BasePruningMethod):\n    PRUNING_TYPE = 'global'\n"
        "    def __init__(self, scores: list): pass\n"
        "    def compute_mask(self, t, default_mask): return default_mask",
        "its parameter scores: list is none; give it a default",
    ),
    "asks for what we ask": (
        "class Foo(BasePruningMethod):\n    PRUNING_TYPE = 'global'\n"
        "    def __init__(self, targets: int): pass\n"
        "    def compute_mask(self, t, default_mask): return default_mask",
        "its parameter targets cannot be given by name; rename it",
    ),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_cannot_be_used_says_why(tmp_path, what):
    code, message = BAD_FILES[what]
    with pytest.raises(SourceError, match=re.escape(message)):
        plugins.load([written(tmp_path, code)])


def test_two_methods_of_one_name(tmp_path):
    body = METHOD.format(body="return default_mask")
    files = [written(tmp_path, body, "one.py"), written(tmp_path, body, "other.py")]
    with pytest.raises(SourceError, match=r"two methods are called halved, one.py:2 and other.py:2; rename one"):
        plugins.load(files)


class EntryPoint:
    """As importlib.metadata has them."""

    name, value = "third", "a_package:Foo"

    def __init__(self, loaded):
        self._loaded = loaded

    def load(self):
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def test_packages_add_methods_by_entry_points(monkeypatch):
    monkeypatch.setattr(
        plugins.importlib.metadata, "entry_points", lambda group: [EntryPoint(FooBarPruningMethod)]
    )
    added = plugins.load([])
    assert [method.name for method in added.methods] == ["third"]
    assert Session(lenet()).apply("third", "fc3.bias").took == {"fc3.bias": 5}


def test_a_broken_package_is_a_note_and_keeps_nobody_from_work(monkeypatch):
    broken = [EntryPoint(ImportError("no such thing")), EntryPoint(int)]
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: broken)
    added = plugins.load([])
    assert added.methods == ()
    assert "plugin third = a_package:Foo" in added.notes[0]
    assert "ImportError: no such thing" in added.notes[0]
    assert "is not a subclass of torch.nn.utils.prune.BasePruningMethod" in added.notes[1]


# What a plugin may do wrong

BAD_BODIES = {
    "raises": ("1 / 0", "conv1.weight: Halved refuses (my_methods.py:5): ZeroDivisionError: division by zero"),
    "leaves": ("raise SystemExit", "Halved refuses (my_methods.py:5): SystemExit"),
    "returns None": ("return None", "Halved (my_methods.py:2) made a NoneType; a mask is a tensor"),
    "has another shape": ("return default_mask[:1]", "made a mask of 1×1×3×3; the tensor is 6×1×3×3"),
    "is not binary": ("return default_mask * 0.5", "made a mask of other values than 0 and 1"),
    "writes what it is given": ("t.zero_(); default_mask.zero_(); 1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_method_that_fails_changes_nothing(tmp_path, what):
    body, message = BAD_BODIES[what]
    plugins.load([written(tmp_path, METHOD.format(body=body))])
    session = Session(lenet())
    session.apply("l1_unstructured", "fc1.weight", amount=0.5)
    before = exact(session.model)
    for targets in (["conv1.weight"], ["fc1.weight", "conv1.weight"]):
        for do in (session.preview, session.apply):
            with pytest.raises(StepError) as raised:
                do("halved", targets)
            assert message in str(raised.value) or len(targets) == 2
            assert exact(session.model) == before


def test_a_constructor_that_raises(tmp_path):
    plugins.load(
        [
            written(
                tmp_path,
                """
                class Foo(BasePruningMethod):
                    PRUNING_TYPE = "global"
                    def __init__(self, share: float = 0.5):
                        raise ValueError(f"no {share}")
                    def compute_mask(self, t, default_mask): return default_mask
                """,
            )
        ]
    )
    with pytest.raises(StepError, match=r"Foo refuses \(my_methods.py:5\): ValueError: no 0.25"):
        Session(lenet()).apply("foo", "conv1.weight", share=0.25)


def test_masked_entries_stay_masked(tmp_path):
    body = METHOD.format(body="return default_mask * 0 + 1").replace("unstructured", "global")
    plugins.load([written(tmp_path, body)])
    session = Session(lenet())
    session.apply("l1_unstructured", "conv1.weight", amount=4)
    with pytest.raises(StepError, match="would bring 4 masked entries back; start its mask from default_mask"):
        session.apply("halved", "conv1.weight")


def test_writing_into_the_values_does_not_reach_the_model(tmp_path):
    plugins.load([written(tmp_path, METHOD.format(body="t.zero_(); return default_mask.clone()"))])
    session, weight = Session(lenet()), lenet().conv1.weight
    session.apply("halved", "conv1.weight")
    assert torch.equal(session.model.conv1.weight, weight)


def test_a_step_of_a_plugin_that_is_not_loaded():
    step = steps.CustomMethod(targets=("conv1.weight",), name="gone")
    assert steps.describe(step) == "gone()"
    with pytest.raises(StepError, match="there is no method 'gone'; the methods are identity"):
        Session(lenet()).do(step)


# Forms


class Asking(FooBarPruningMethod):
    """Ask."""

    def __init__(
        self,
        amount,
        dim=0,
        n: float = 1,
        *,
        flag: bool = False,
        word: str = "a",
        either: "int | float" = 2,
        anything=None,
        untyped,
        kind: Literal["x", "y"] = "y",
        unknown: list = (),
    ):
        pass


def test_a_form_is_made_from_the_signature():
    settings, required = signatures.settings_of(Asking, "here.py:1")
    assert {setting.name: (setting.kind, setting.default, setting.optional) for setting in settings} == {
        "amount": ("amount", 0.3, False),
        "dim": ("dim", 0, False),
        "n": ("norm", 1, False),
        "flag": ("flag", False, False),
        "word": ("text", "a", False),
        "either": ("number", 2, False),
        "anything": ("any", None, True),
        "untyped": ("any", None, False),
        "kind": ("choice", "y", False),
        "seed": ("seed", None, False),
    }
    assert required == ("amount", "untyped")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FooBarPruningMethod", "foo_bar"),
        ("L1Unstructured", "l1_unstructured"),
        ("SNIPPruning", "snip"),
        ("Method", "method"),
        ("WandaPruner", "wanda"),
    ],
)
def test_names(name, expected):
    assert plugins._name(type(name, (), {})) == expected


# What is a plugin's own


class Seeded(FooBarPruningMethod):
    """Prune at random, by a generator of its own."""

    def __init__(self, amount: float = 0.5, seed: int = 0):
        self.amount, self.seed = amount, seed

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        order = torch.randperm(t.numel(), generator=torch.Generator().manual_seed(self.seed))
        mask.view(-1)[order[: round(self.amount * t.numel())]] = 0
        return mask


def test_a_seed_of_its_own_is_a_setting_like_others():
    name = prune_tui.add_method(Seeded)
    session = Session(lenet())
    entry = session.apply(name, "fc1.weight", amount=0.5, seed=5)
    assert entry.settings == {"amount": 0.5, "seed": 5}
    assert entry.seed not in (None, 5)  # what torch's generators are seeded with
    mask = bits(session.model.fc1.weight_mask)
    (hook,) = session.model.fc1._forward_pre_hooks.values()
    assert hook.seed == 5
    session.amend(0.25)
    session.amend(0.5)
    assert bits(session.model.fc1.weight_mask) == mask
    assert session.history[-1] == entry
    text = session.recipe()
    assert f"    seed: 5\n    step_seed: {entry.seed}\n" in text
    again = Session(lenet())
    assert again.replay(text, strict=True) == session.history
    with pytest.raises(StepError, match=r"recipe:\d+: steps\[0\].step_seed is -1; it must lie between"):
        Session(lenet()).replay(text.replace(f"step_seed: {entry.seed}", "step_seed: -1"))


def test_a_parameter_called_mask():
    class Masked(FooBarPruningMethod):
        """Mask."""

        def __init__(self, mask: str = "even"):
            self.mask = mask

    name = prune_tui.add_method(Masked)
    assert Session(lenet()).apply(name, "fc3.bias").took == {"fc3.bias": 5}


def test_what_an_earlier_mask_scales_by_is_no_fault_of_it():
    prune_tui.add_method(FooBarPruningMethod)
    model, twin = lenet(), lenet()
    for one in (model, twin):
        prune.custom_from_mask(one.fc3, "bias", torch.tensor([0.5, 0.5, 1, 1, 1, 1, 1, 1, 1, 0]))
    Session(model).apply("foo_bar", "fc3.bias")
    foobar_unstructured(twin.fc3, "bias")
    assert bits(model.fc3.bias_mask) == bits(twin.fc3.bias_mask)


class Taylor(prune.BasePruningMethod):
    """Prune where value times gradient is small."""

    def __init__(self, dim: int = 0):
        self.dim = dim

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask[(t * t.grad).abs() < (t * t.grad).abs().mean()] = 0
        t.grad.zero_()
        return mask


@pytest.mark.parametrize("kind", ["unstructured", "structured", "global"])
def test_the_gradient_is_there_to_be_ranked_by(kind):
    name = prune_tui.add_method(type("Taylor", (Taylor,), {"PRUNING_TYPE": kind, "__init__": Taylor.__init__}))
    model = lenet()
    weight = model.fc3.weight
    weight.grad = torch.rand(weight.shape)
    gradient = weight.grad.clone()
    session = Session(model)
    session.apply(name, "fc3.weight")
    size = (weight * gradient).abs()
    expected = size >= size.mean()
    assert torch.equal(model.fc3.weight_mask.bool(), expected)
    session.apply(name, "fc3.weight")
    left = size * expected
    # torch has a method rank what is left, the channels that have something left, or everything.
    ranked = {"unstructured": size[expected], "structured": left[left.sum(1) > 0], "global": left}[kind]
    assert torch.equal(model.fc3.weight_mask.bool(), left >= ranked.mean())
    assert torch.equal(weight.grad, gradient)


def test_what_it_sets_for_all_of_torch_is_set_back(tmp_path):
    body = (
        "import torch; torch.set_default_dtype(torch.float64); torch.set_num_threads(1);"
        " torch.use_deterministic_algorithms(True); torch.set_flush_denormal(True); torch.set_grad_enabled(False);"
    )
    before = globals_of_torch()
    for end in ("1 / 0", "return default_mask.clone()"):
        plugins.load([written(tmp_path, METHOD.format(body=f"{body} {end}"))])
        session = Session(lenet())
        try:
            session.preview("halved", "conv1.weight")
            assert end.startswith("return")
        except StepError:
            assert end == "1 / 0"
        assert globals_of_torch() == before


def globals_of_torch():
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        product.flushes(),
    )


def test_none_stays_what_may_be_none():
    class Perhaps(FooBarPruningMethod):
        """Perhaps."""

        def __init__(self, how: Literal["a", "b"] | None = None, on: bool | None = None):
            self.how, self.on = how, on

    settings, _ = signatures.settings_of(Perhaps, "here.py:1")
    told = [(setting.name, setting.kind, setting.default, setting.optional) for setting in settings[:2]]
    assert told == [("how", "choice", None, True), ("on", "flag", None, True)]
    assert [step_settings.read(setting, "") for setting in settings[:2]] == [None, None]


def test_a_mask_of_another_shape_is_refused_in_a_container_too(tmp_path):
    plugins.load([written(tmp_path, METHOD.format(body="return default_mask[0]"))])
    session = Session(lenet())
    session.apply("l1_unstructured", "conv1.weight", amount=4)
    before = fingerprint(session.model)
    with pytest.raises(StepError, match="Halved made a mask of a scalar; what is left is 50"):
        session.apply("halved", "conv1.weight")
    assert fingerprint(session.model) == before
