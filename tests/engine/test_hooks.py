import functools
import inspect

import numpy
import pytest
import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from torch.nn.utils import prune

from prune_tui.engine.hooks import hook_name, hooks_of, settings_text

HERE = "test_hooks.py"


def never(*_args, **_kwargs):
    raise AssertionError("looking at a hook called it")


class Probe:
    def __call__(self, *_args, **_kwargs):
        never()

    def __repr__(self):
        never()

    def method(self, *_args):
        never()


def line_of(thing):
    return f"{HERE}:{inspect.getsourcelines(thing)[1]}"


def test_every_kind_of_hook_has_a_row():
    module = nn.Linear(2, 2)
    handles = {
        "forward_pre": module.register_forward_pre_hook(never, with_kwargs=True),
        "forward": module.register_forward_hook(never, with_kwargs=True, always_call=True),
        "backward_pre": module.register_full_backward_pre_hook(never),
        "backward": module.register_full_backward_hook(never),
        "state_dict_pre": module.register_state_dict_pre_hook(never),
        "state_dict": module.register_state_dict_post_hook(never),
        "load_state_dict_pre": module.register_load_state_dict_pre_hook(never),
        "load_state_dict_post": module.register_load_state_dict_post_hook(never),
        "tensor_grad": module.weight.register_hook(never),
        "tensor_post_accumulate_grad": module.weight.register_post_accumulate_grad_hook(never),
    }
    rows = hooks_of(module)
    assert [(row.kind, row.id) for row in rows] == [(kind, handle.id) for kind, handle in handles.items()]
    assert {row.name for row in rows} == {"never"}
    assert {row.where for row in rows} == {line_of(never)}
    assert [row.tensor for row in rows] == [""] * 8 + ["weight", "weight"]
    assert [row.flags for row in rows[:4]] == [("with_kwargs",), ("with_kwargs", "always_call"), (), ("full",)]


def test_a_backward_hook_of_the_old_kind_is_told_apart():
    module = nn.Linear(2, 2)
    module.register_backward_hook(never)
    assert hooks_of(module)[0].flags == ("non-full",)


def test_rows_keep_torchs_order():
    module = nn.Linear(2, 2)
    last = module.register_forward_pre_hook(never)
    prune.identity(module, "weight")
    first = module.register_forward_pre_hook(never, prepend=True)
    assert [(row.name, row.tensor) for row in hooks_of(module)] == [
        ("never", ""),
        ("never", ""),
        ("Identity", "weight"),
    ]
    assert [row.id for row in hooks_of(module)][:2] == [first.id, last.id]


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@decorated
def dressed(*_args):
    never()


def looped(*_args):
    never()


looped.__wrapped__ = looped


@pytest.mark.parametrize(
    ("hook", "name", "where"),
    [
        (lambda *_: never(), "<lambda>", None),
        (functools.partial(never, 1), "partial(never)", line_of(never)),
        (functools.partial(functools.partial(Probe(), 1)), "partial(Probe)", line_of(Probe)),
        (Probe(), "Probe", line_of(Probe)),
        (Probe().method, "Probe.method", line_of(Probe.method)),
        (Probe, "Probe", line_of(Probe)),
        (dressed, "dressed", line_of(dressed)),
        (looped, "looped", None),
        (print, "print", "builtins"),
        ([].append, "list.append", "builtins"),
        (nn.ReLU(), "ReLU", None),
        (type("Made", (), {"__call__": never, "__module__": "made.up"})(), "Made", "made.up"),
    ],
)
def test_a_hook_may_be_any_callable(hook, name, where):
    module = nn.Identity()
    module.register_forward_pre_hook(hook)
    (row,) = hooks_of(module)
    assert row.name == name
    assert row.where == where or (where is None and row.where)


def test_hooks_inside_functions_go_by_their_own_name():
    def inner(*_args):
        never()

    assert hook_name(inner) == "inner"


def test_pruning_hooks_tell_tensor_and_settings():
    module = nn.Conv2d(1, 6, 3)
    prune.ln_structured(module, "weight", amount=0.5, n=2, dim=0)
    prune.l1_unstructured(module, "bias", amount=3)
    assert [(row.name, row.tensor, row.settings) for row in hooks_of(module)] == [
        ("LnStructured", "weight", "amount=0.5, n=2, dim=0"),
        ("L1Unstructured", "bias", "amount=3"),
    ]
    prune.random_unstructured(module, "weight", amount=0.3)
    assert hooks_of(module)[-1].settings == "2 methods"


def test_an_empty_container_has_no_tensor():
    module = nn.Identity()
    module.register_forward_pre_hook(prune.PruningContainer())
    (row,) = hooks_of(module)
    assert (row.name, row.tensor, row.settings) == ("PruningContainer", "", "0 methods")


class Silent:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (prune.Identity(), ""),
        (prune.RandomUnstructured(0.3), "amount=0.3"),
        (prune.RandomUnstructured(numpy.float64(0.3)), "amount=0.3"),
        (prune.LnStructured(2, float("inf"), -1), "amount=2, n=inf, dim=-1"),
        (prune.CustomFromMask(torch.ones(6, 1, 3, 3)), "mask=6×1×3×3"),
        (prune.CustomFromMask(torch.ones(())), "mask=scalar"),
        (prune.CustomFromMask("file.pt"), "mask='file.pt'"),
        (prune.CustomFromMask(Silent()), "mask=<Silent>"),
    ],
)
def test_settings_are_written_as_in_a_call(method, told):
    assert settings_text(method) == told


def test_modules_with_uninitialised_or_missing_parameters_have_no_trouble():
    assert hooks_of(nn.Linear(2, 2, bias=False)) == ()
    assert {row.kind for row in hooks_of(nn.LazyLinear(2))} >= {"forward_pre", "load_state_dict_pre"}


def test_torchs_hooks_on_every_module_come_after_its_own_of_the_kind():
    def own(*_): ...

    def everywhere(*_): ...

    module = nn.Linear(2, 2)
    handles = [
        module.register_forward_hook(own),
        register_module_forward_pre_hook(everywhere),
        register_module_forward_hook(everywhere, always_call=True),
        register_module_full_backward_pre_hook(everywhere),
        register_module_full_backward_hook(everywhere),
    ]
    try:
        told = [(row.kind, row.name, row.flags) for row in hooks_of(module)]
    finally:
        for handle in handles:
            handle.remove()
    assert told == [
        ("forward_pre", "everywhere", ("global",)),
        ("forward", "own", ()),
        ("forward", "everywhere", ("global", "always_call")),
        ("backward_pre", "everywhere", ("global",)),
        ("backward", "everywhere", ("global", "full")),
    ]
    assert hooks_of(nn.Identity()) == ()
