"""Every way to name a model in Python code, and what is said when it cannot be opened."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from prune_tui.engine.sources import SourceError, load
from prune_tui.engine.sources.python_object import FORMS
from prune_tui.protocol import Open

NET = """
from torch import nn

class Config:
    pass

class Net(nn.Module):
    def __init__(self, width, bias=True):
        super().__init__()
        self.layer = nn.Linear(4, width, bias=bias)

class Zoo:
    small = nn.Linear(2, 2)
    class Big(nn.Module):
        pass

def make(width=3):
    return Net(width)

def dictionary():
    return {"weight": 1}

def broken():
    layer = nn.Linear(4, 2)
    return layer(None)

ready = Net(2)
number = 7
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    """A file with every kind of symbol; the sources below are this path and a symbol."""
    return _written(tmp_path / "net.py", NET)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not (getattr(sys.modules[name], "__file__", "") or "").startswith(sys.prefix):
            del sys.modules[name]


def _written(path: Path, code: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    return str(path)


def _open(source: str, *arguments: str, device: str = "auto", seed: int = 0) -> nn.Module:
    return load(Open(source, arguments, device, seed)).model


def _refusal(source: str, *arguments: str, device: str = "auto") -> str:
    with pytest.raises(SourceError) as refused:
        _open(source, *arguments, device=device)
    message = str(refused.value)
    assert "\n" not in message
    assert len(message) < 700
    return message


# What opens


def test_a_class(net: str) -> None:
    assert _open(f"{net}:Net", "width=5").layer.out_features == 5


def test_a_factory(net: str) -> None:
    assert _open(f"{net}:make").layer.out_features == 3


def test_an_instance(net: str) -> None:
    assert _open(f"{net}:ready").layer.out_features == 2


def test_a_dotted_symbol(net: str) -> None:
    assert isinstance(_open(f"{net}:Zoo.small"), nn.Linear)


def test_an_instance_is_moved_to_a_device(net: str) -> None:
    assert next(_open(f"{net}:ready", device="cpu").parameters()).device == torch.device("cpu")


def test_a_package_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path / "zoo_of_mine" / "nets.py", NET)
    monkeypatch.chdir(tmp_path)
    assert _open("zoo_of_mine.nets:make").layer.out_features == 3


def test_an_installed_package() -> None:
    assert isinstance(_open("torch.nn:Linear", "in_features=2", "out_features=3"), nn.Linear)


def test_neighbouring_files_can_be_imported(tmp_path: Path) -> None:
    _written(tmp_path / "my_layers.py", "from torch import nn\nLayer = nn.Identity\n")
    source = _written(tmp_path / "uses.py", "from my_layers import Layer\nnet = Layer()\n")
    assert isinstance(_open(f"{source}:net"), nn.Identity)


def test_the_same_seed_builds_the_same_weights(net: str) -> None:
    first, again, other = (_open(f"{net}:make", seed=seed).layer.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_file_named_as_a_library_does_not_take_its_place(tmp_path: Path) -> None:
    source = _written(tmp_path / "torch.py", "import torch\nnet = torch.nn.Identity()\n")
    assert isinstance(_open(f"{source}:net"), nn.Identity)
    assert sys.modules["torch"] is torch


def test_what_is_imported_later_is_not_shadowed_by_the_folder(tmp_path: Path) -> None:
    _written(tmp_path / "net.py", NET)
    _open(f"{tmp_path / 'net.py'}:make")
    assert sys.path[0] != str(tmp_path)
    assert sys.path[-1] == str(tmp_path)


def test_a_model_on_the_meta_device(tmp_path: Path) -> None:
    source = _written(tmp_path / "meta.py", "from torch import nn\nnet = nn.Linear(2, 2, device='meta')\n")
    assert _open(f"{source}:net").weight.is_meta


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("-0.5", -0.5),
        ("True", True),
        ("None", None),
        ("[1, 2]", [1, 2]),
        ("'10'", "10"),
        ("relu", "relu"),
        ("a=b", "a=b"),
        ("", ""),
        ("{[]}", "{[]}"),
    ],
)
def test_values_of_arguments_are_literals_or_texts(tmp_path: Path, text: str, value: object) -> None:
    code = "from torch import nn\ndef make(x):\n    net = nn.Identity()\n    net.x = x\n    return net\n"
    source = _written(tmp_path / "takes.py", code)
    assert _open(f"{source}:make", f"x={text}").x == value


# What does not


def test_no_such_file(tmp_path: Path) -> None:
    assert f"there is no file {tmp_path}/none.py" in _refusal(f"{tmp_path}/none.py:Net")
    assert f"there is no file {tmp_path}/none.py" in _refusal(f"{tmp_path}/none.py")


def test_a_file_without_a_symbol_names_its_first_model(net: str) -> None:
    assert _refusal(net).endswith(f"add one: {net}:Net")
    assert _refusal(f"{net}:").endswith(f"add one: {net}:Net")


@pytest.mark.parametrize("source", ["", ":", "lenet", ":Net"])
def test_no_source_at_all(source: str) -> None:
    assert _refusal(source).endswith(FORMS)


def test_a_file_that_is_no_code(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("nothing to see")
    assert f"{notes} is no checkpoint that prune-tui knows" in _refusal(str(notes))


def test_no_such_module() -> None:
    assert "there is no module 'not_there_at_all' in this Python" in _refusal("not_there_at_all.nets:Net")
    assert "there is no module 'torch.not_there'" in _refusal("torch.not_there:Net")
    assert "there is no module 'not a name'" in _refusal("not a name:Net")


def test_a_module_that_imports_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path / "needs_more.py", "\nimport not_there_at_all\n")
    monkeypatch.chdir(tmp_path)
    message = _refusal("needs_more:Net")
    assert "module needs_more could not be imported (needs_more.py:2): ModuleNotFoundError" in message
    assert f"prune-tui runs with {sys.executable}: install it there" in message


def test_no_such_attribute_names_the_nearest_and_the_models(net: str) -> None:
    message = _refusal(f"{net}:Nett")
    assert "has no 'Nett' (did you mean 'Net'?)" in message
    assert message.endswith("it has Net, make, dictionary, broken, ready")
    assert "has no 'big' (did you mean 'Big'?)" in _refusal(f"{net}:Zoo.big")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("\nclass Net(:\n", "(bad.py:2): SyntaxError: invalid syntax"),
        ("import sys\nsys.exit('no licence')\n", "(bad.py:2): SystemExit: no licence"),
        ("raise SystemExit\n", "(bad.py:1): SystemExit"),
        ("\n\n1 / 0\n", "(bad.py:3): ZeroDivisionError: division by zero"),
        ("x = b'\\xff'.decode()\n", "(bad.py:1): UnicodeDecodeError"),
        ("raise ValueError('first\\n\\nsecond')\n", "(bad.py:1): ValueError: first second"),
        ("import torch\ntorch.empty(2) @ torch.empty(3)\n", "(bad.py:2): RuntimeError"),
        ("class E(Exception):\n    __str__ = 1\nraise E\n", "(bad.py:3): bad.E: <exception str() failed>"),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path: Path, code: str, said: str) -> None:
    source = _written(tmp_path / "bad.py", code)
    assert f"{source} could not be imported {said}" in _refusal(f"{source}:Net")
    assert "bad" not in sys.modules


def test_a_file_that_asks_for_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    source = _written(tmp_path / "asks.py", "name = input('name? ')\n")
    assert _refusal(f"{source}:Net").endswith("the model's code cannot ask for input here")


def test_a_factory_that_raises(net: str) -> None:
    line = NET.splitlines().index("    return layer(None)") + 1
    message = _refusal(f"{net}:broken")
    assert f"{net}:broken raised while building the model (net.py:{line}): TypeError" in message


def test_a_factory_that_returns_no_module(net: str) -> None:
    assert _refusal(f"{net}:dictionary").endswith(
        "returned something of type dict; it must return a torch.nn.Module"
    )


def test_a_missing_argument_shows_the_signature(net: str) -> None:
    message = _refusal(f"{net}:Net")
    assert "missing a required argument: 'width'" in message
    assert message.endswith("Its signature is Net(width, bias=True); use --arg name=value")


def test_an_unknown_argument(net: str) -> None:
    assert "got an unexpected keyword argument 'depth'" in _refusal(f"{net}:make", "depth=3")


@pytest.mark.parametrize("argument", ["width", "=3", "2x=3", ""])
def test_an_argument_that_is_none(net: str, argument: str) -> None:
    assert "write it as name=value, such as --arg num_classes=10" in _refusal(f"{net}:make", argument)


def test_an_argument_given_twice(net: str) -> None:
    assert _refusal(f"{net}:make", "width=1", "width=2") == "--arg width is given twice"


def test_arguments_for_a_finished_model(net: str) -> None:
    assert "is a finished model; it takes no --arg" in _refusal(f"{net}:ready", "width=2")


def test_a_class_that_is_no_module(net: str) -> None:
    assert "net.py:Config is a class, but no torch.nn.Module" in _refusal(f"{net}:Config")


def test_a_symbol_that_is_no_model_at_all(net: str) -> None:
    assert "net.py:number is of type int; it must be a model" in _refusal(f"{net}:number")


def test_a_module_that_forgot_to_call_super(tmp_path: Path) -> None:
    code = "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        pass\n"
    source = _written(tmp_path / "half.py", code)
    assert "Net.__init__ must call super().__init__()" in _refusal(f"{source}:Net")


def test_a_meta_model_cannot_be_moved(tmp_path: Path) -> None:
    source = _written(tmp_path / "meta.py", "from torch import nn\nnet = nn.Linear(2, 2, device='meta')\n")
    assert _refusal(f"{source}:net", device="cpu").endswith("leave out --device cpu")


def test_the_traceback_travels_as_the_cause(net: str) -> None:
    with pytest.raises(SourceError) as refused:
        _open(f"{net}:broken")
    assert isinstance(refused.value.__cause__, TypeError)
