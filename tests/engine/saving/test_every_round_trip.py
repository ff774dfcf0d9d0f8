"""Every kind of source, in every form and kind of file: what is saved comes back, and plain torch reads it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from prune_tui import Session
from prune_tui.engine.saving.compact_reading import TEXT
from prune_tui.files import FORMS, Form
from prune_tui.step_settings import StepError
from tests.engine.saving.every_source import BATCH, KINDS, code_file, state, trained
from tests.engine.saving.test_round_trip import histories
from tests.engine.saving.test_round_trip import state as effective_and_masks

OUTPUTS = ["out.safetensors", "out.pt", "out"]
WRITTEN = [(form, output) for form in FORMS for output in OUTPUTS if (form, output) != ("compact", "out.pt")]

Opener = Callable[[str], Session]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Opener:
    """Opens a kind of source, of which each is written once."""

    @functools.cache
    def written(kind: str) -> tuple[str, Path]:
        folder = tmp_path_factory.mktemp(kind)
        return KINDS[kind].write(folder), folder

    def opened(kind: str) -> Session:
        source, folder = written(kind)
        how = dict(KINDS[kind].how)
        if "weights" in how:
            how["weights"] = folder / how["weights"]
        return Session.open(source, seed=3, **how)

    return opened


def pruned(session: Session) -> Session:
    """By every way that leaves other tensors: once, through a container, by channels, over several."""
    session.apply("l1_unstructured", "conv.weight", amount=0.4)
    session.apply("ln_structured", "head.0.weight", amount=1, n=2, dim=0)
    session.apply("random_unstructured", ["head.0.weight", "head.0.bias"], amount=0.3)
    session.apply("global_unstructured", ["conv.weight", "head.1.weight"], amount=3)
    return session


@functools.cache
def wanted() -> Session:
    """The same steps on the model that its code has made."""
    return pruned(Session(trained(), seed=3))


def forward(model: nn.Module) -> Tensor:
    with torch.no_grad():
        found: Tensor = model.eval()(BATCH)
    return found


def same_bits(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(
        one.detach().reshape(-1).view(torch.uint8), other.detach().reshape(-1).view(torch.uint8)
    )


@pytest.mark.parametrize(("form", "output"), WRITTEN)
@pytest.mark.parametrize("kind", [kind for kind, one in KINDS.items() if one.prunable])
def test_it_comes_back(kind: str, form: Form, output: str, sources: Opener, tmp_path: Path) -> None:
    session = pruned(sources(kind))
    session.save(tmp_path / output, form)

    back = Session.open(tmp_path / output)
    if form == "removed":
        for name, tensor in back.model.state_dict().items():
            values, _ = effective_and_masks(wanted().model).get(name, (state()[name], None))
            assert same_bits(tensor, values)
        assert not histories(back)
    else:
        found, expected = effective_and_masks(back.model), effective_and_masks(wanted().model)
        assert found.keys() == expected.keys()
        for name, (values, mask) in expected.items():
            assert same_bits(found[name][0], values) or (form == "compact" and torch.equal(found[name][0], values))
            assert (mask is None) == (found[name][1] is None)
            assert mask is None or torch.equal(found[name][1], mask)
        assert histories(back) == histories(wanted())
    assert [dict(one) for one in back.past.took] == [dict(entry.took) for entry in wanted().history]

    loaded = Session.open(f"{code_file(tmp_path)}:Net", weights=tmp_path / output)
    assert torch.equal(forward(loaded.model), forward(wanted().model))
    if KINDS[kind].runs:
        assert torch.equal(forward(session.model), forward(wanted().model))

    check_as_promised(tmp_path / output, form, KINDS[kind].prefix)


def check_as_promised(path: Path, form: Form, prefix: str) -> None:
    """What plain torch and safetensors find there, by the names of the source."""
    stored = {name: tensor for file in files_of(path) for name, tensor in tensors_in(file).items()}
    assert all(name.startswith(prefix) for name in stored)
    own = {name.removeprefix(prefix): tensor for name, tensor in stored.items()}
    if path.is_dir() and len(files_of(path)) > 1:
        places = json.loads((path / "model.safetensors.index.json").read_text())["weight_map"]
        assert set(places) == set(stored)
    if form == "removed":
        assert own.keys() == state().keys()
        model = trained()
        model.load_state_dict(own)
        assert torch.equal(forward(model), forward(wanted().model))
    elif form == "pruned":
        expected = wanted().model.state_dict()
        assert own.keys() == expected.keys()
        assert all(same_bits(own[name], tensor) for name, tensor in expected.items())
    else:
        lines: dict[str, Callable[..., dict[str, Tensor]]] = {}
        exec(TEXT, lines)
        read = lines["read_compact"](*map(str, files_of(path)))
        model = trained()
        model.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in read.items()})
        assert torch.equal(forward(model), forward(wanted().model))


def files_of(path: Path) -> list[Path]:
    return sorted(path.glob("*.safetensors")) if path.is_dir() else [path]


def tensors_in(file: Path) -> dict[str, Tensor]:
    return torch.load(file, weights_only=True) if file.suffix == ".pt" else load_file(file)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", [kind for kind, one in KINDS.items() if not one.prunable])
def test_what_can_only_be_looked_at_is_copied_as_it_is(
    kind: str, output: str, sources: Opener, tmp_path: Path
) -> None:
    session = sources(kind)
    with pytest.raises(StepError, match="prune-tui convert"):
        session.apply("l1_unstructured", "conv.weight", amount=0.4)
    session.save(tmp_path / output)
    session = pruned(Session.open(tmp_path / output, seed=3))
    assert torch.equal(session.model.get_submodule("conv").weight_mask, wanted().model.conv.weight_mask)
    check_as_promised_unpruned(tmp_path / output)


def check_as_promised_unpruned(path: Path) -> None:
    own = {name: tensor for file in files_of(path) for name, tensor in tensors_in(file).items()}
    model = trained()
    model.load_state_dict(own)
    assert torch.equal(forward(model), forward(trained()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_compact_torch_file_is_refused(kind: str, sources: Opener, tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"the compact form is written to \.safetensors files and folders only"):
        sources(kind).save(tmp_path / "out.pt", "compact")
    assert not (tmp_path / "out.pt").exists()


OUTER = """
from net_of_code import Net
from torch import nn

class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.{name} = Net()

    def forward(self, batch):
        return self.{name}(batch)
"""


@pytest.mark.parametrize(("form", "output"), WRITTEN)
@pytest.mark.parametrize("name", ["module", "model"])
def test_a_module_that_is_called_as_a_wrappers(name: str, form: Form, output: str, tmp_path: Path) -> None:
    """Without its code nobody can tell; what is saved fits the code all the same, and tells it of the steps."""
    code_file(tmp_path)
    (tmp_path / f"outer_{name}.py").write_text(OUTER.format(name=name))
    torch.save({f"{name}.{one}": tensor for one, tensor in state().items()}, tmp_path / "outer.pt")
    session = Session.open(tmp_path / "outer.pt", seed=3)
    prefix = "" if name == "module" else "model."
    session.apply("l1_unstructured", f"{prefix}conv.weight", amount=0.4)
    session.apply("random_unstructured", f"{prefix}head.*.weight", amount=0.3)
    session.save(tmp_path / output, form)
    again = Session.open(f"{tmp_path}/outer_{name}.py:Outer", weights=tmp_path / output, seed=3)
    expected = Session(trained(), seed=3)
    expected.apply("l1_unstructured", "conv.weight", amount=0.4)
    expected.apply("random_unstructured", "head.*.weight", amount=0.3)
    assert torch.equal(forward(again.model), forward(expected.model))
    assert list(again.past.took) == [
        {f"{name}.{target}": count for target, count in entry.took.items()} for entry in expected.history
    ]
    if form != "removed":
        assert histories(again) == {f"{name}.{one}": own for one, own in histories(expected).items()}
    again.apply("l1_unstructured", f"{name}.head.1.weight", amount=1)
    again.save(tmp_path / f"more-{output}", form)
    check_names(tmp_path / f"more-{output}", name)
    back = Session.open(f"{tmp_path}/outer_{name}.py:Outer", weights=tmp_path / f"more-{output}")
    assert len(back.past.took) == 3
    assert torch.equal(forward(back.model), forward(again.model))


def check_names(path: Path, prefix: str) -> None:
    names = [name for file in files_of(path) for name in tensors_in(file)]
    assert all(name.startswith(f"{prefix}.") for name in names)
    assert not any(name.startswith(f"{prefix}.{prefix}") for name in names)


@pytest.mark.parametrize(("form", "output"), WRITTEN)
def test_of_a_wrapper_into_the_code_without_it(form: Form, output: str, sources: Opener, tmp_path: Path) -> None:
    pruned(sources("wrapped")).save(tmp_path / output, form)
    loaded = Session.open(f"{code_file(tmp_path)}:Net", weights=tmp_path / output)
    assert [dict(one) for one in loaded.past.took] == [dict(entry.took) for entry in wanted().history]
    if form != "removed":
        assert histories(loaded) == histories(wanted())


TOKENS = torch.tensor([[1, 5, 9, 3], [2, 2, 7, 0]])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as transformers writes it, of a model with two names of one tensor."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("bert")
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertForMaskedLM(config).save_pretrained(folder)
    return folder


def logits(model: nn.Module) -> Tensor:
    with torch.no_grad():
        found: Tensor = model.eval()(TOKENS)[0]
    return found


@pytest.mark.models
@pytest.mark.parametrize(("form", "output"), WRITTEN)
def test_a_folder_of_transformers_comes_back(form: Form, output: str, bert: Path, tmp_path: Path) -> None:
    import transformers

    session = Session.open(bert, seed=3)
    assert isinstance(session.model, transformers.BertForMaskedLM)
    session.apply("l1_unstructured", "*.query.weight", amount=0.4)
    session.apply("random_unstructured", ["bert.encoder.layer.0.attention.self.query.weight"], amount=0.3)
    session.apply("ln_structured", "bert.encoder.layer.0.output.dense.weight", amount=2, n=2, dim=0)
    expected = logits(session.model)
    session.save(tmp_path / output, form)

    if output == "out":
        back = Session.open(tmp_path / output)
        assert isinstance(back.model, transformers.BertForMaskedLM)
        assert torch.equal(logits(back.model), expected)
        assert [dict(one) for one in back.past.took] == [dict(entry.took) for entry in session.history]
        if form != "removed":
            assert histories(back) == histories(session)
            found, wanted_ = effective_and_masks(back.model), effective_and_masks(session.model)
            assert all(mask is None or torch.equal(found[name][1], mask) for name, (_, mask) in wanted_.items())
        else:
            plain = transformers.BertForMaskedLM.from_pretrained(tmp_path / output)
            assert torch.equal(logits(plain), expected)
        return
    own = {name for file in bert.glob("*.safetensors") for name in load_file(file)}
    stored = {name for file in files_of(tmp_path / output) for name in tensors_in(file)}
    ends = {"removed": ("",), "pruned": ("_orig", "_mask", ""), "compact": (".kept", ".mask", "")}[form]
    assert {next(one for one in (name.removesuffix(end) for end in ends) if one in own) for name in stored} == own
    back = Session.open(tmp_path / output)
    assert [dict(one) for one in back.past.took] == [dict(entry.took) for entry in session.history]
