"""A recipe: written, read, and done again on a fresh copy of the model."""

import re
import warnings

import hypothesis.strategies as st
import pytest
import torch
import yaml
from hypothesis import given
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine import checksums
from prune_tui.engine.exports import recipe_reader
from prune_tui.engine.exports.yaml_fields import scalar
from prune_tui.engine.methods import custom_methods, plugins
from prune_tui.protocol import Open
from prune_tui.step_settings import StepError
from prune_tui.steps import METHODS, settings_of
from tests.engine.exports.sessions import MODELS, NAMES, made, net, session_of_every_method
from tests.engine.fingerprints import fingerprint
from tests.engine.test_session_property import edits, with_mask

DIGEST = "0" * 64


def test_a_recipe_says_what_was_done_and_how_to_do_it_again():
    session = Session(net(), seed=7)
    session.apply("l1_unstructured", ["0.weight", "3.weight"], amount=0.3)
    session.apply("random_structured", "?.weight", amount=1, dim=1)
    text = session.recipe(Open("my.py:Net", arguments=("width=6",)))
    assert text.startswith("# A recipe of prune-tui")
    assert "prune-tui apply RECIPE SOURCE -o pruned.pt" in text
    content = yaml.safe_load(text)
    first, second = content.pop("steps")
    sums = [first.pop("checksum"), second.pop("checksum"), content.pop("checksum")]
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in sums)
    assert sums[2] == checksums.of_model(session.model)
    assert content == {
        "version": 1,
        "model": {
            "source": "my.py:Net",
            "arguments": ["width=6"],
            "name": "Sequential",
            "fingerprint": Session(net()).fingerprint,
        },
        "seed": 7,
    }
    assert first == {"method": "l1_unstructured", "targets": ["0.weight", "3.weight"], "amount": 0.3}
    assert second == {
        "method": "random_structured",
        "targets": "?.weight",
        "resolved": ["0.weight", "3.weight", "5.weight"],
        "amount": 1,
        "dim": 1,
        "seed": session.history[1].seed,
    }


def test_every_method_comes_back_from_a_recipe():
    session = session_of_every_method()
    done = {entry.method for entry in session.history}
    of_files = {"importance_scores"}  # below
    assert done == {method.name for method in METHODS if not method.repair} - of_files
    again = Session(net())
    entries = again.replay(session.recipe())
    assert entries == session.history
    assert checksums.of_model(again.model) == checksums.of_model(session.model)
    assert again.model.state_dict().keys() == session.model.state_dict().keys()
    for name, tensor in session.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name
    assert again.recipe().replace("seed: 0", "seed: 11", 1) == session.recipe()


class EveryNth(prune.BasePruningMethod):
    """Prune every n-th entry."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, n: int = 2, word: str = "x", share: float | None = None, flag: bool = True):
        self.n = n

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[:: self.n] = 0
        return mask


@pytest.fixture
def every_nth(monkeypatch):
    """The name of a method that a plugin has added."""
    monkeypatch.setattr(steps, "_PLUGGED_IN", {})
    monkeypatch.setattr(custom_methods, "CLASSES", {})
    monkeypatch.setattr(plugins, "CLASSES", custom_methods.CLASSES)
    return plugins.add_method(EveryNth)


def test_a_plugins_method_comes_back(every_nth, monkeypatch):
    session = Session(net())
    session.apply(every_nth, "*.weight", n=3, word="1.0", share=None, flag=False)
    text = session.recipe(Open("net.py:Net", plugins=("mine.py",)))
    assert "  plugins: [mine.py]\n" in text
    assert "word: '1.0'\n    share: null\n    flag: false\n" in text
    again = Session(net())
    assert again.replay(text) == session.history
    assert checksums.of_model(again.model) == checksums.of_model(session.model)
    monkeypatch.setattr(steps, "_PLUGGED_IN", {})
    with pytest.raises(StepError, match=r"recipe:\d+: steps\[0\].method is 'every_nth': there is no method"):
        Session(net()).replay(text)


def half_pruned():
    """What is left when a hook was lost, and another tensor that is stale."""
    model = net()
    for name in ("0", "3"):
        prune.l1_unstructured(model[int(name)], "weight", amount=0.5)
    model[0]._forward_pre_hooks.clear()
    with torch.no_grad():
        model[3].weight_orig.mul_(2)
    return model


def test_repairs_come_back():
    session = Session(half_pruned())
    session.apply("reattach", "0.weight")
    session.apply("refresh", "3.weight")
    session.apply("l1_unstructured", "?.weight", amount=0.5)
    again = Session(half_pruned())
    assert again.replay(session.recipe(), strict=True) == session.history
    assert 'reattach(model[0], "weight")' in session.script()


@pytest.mark.parametrize("targets", ["0.weight", "?.weight"])
def test_what_scores_came_to_goes_with_the_recipe(tmp_path, targets):
    file = tmp_path / "scores.pt"
    model = net()
    torch.save({path: torch.rand(value.shape) for path, value in model.named_parameters()}, file)
    session = Session(model)
    session.apply("importance_scores", targets, amount=0.5, file=str(file))
    text = session.recipe()
    file.unlink()
    again = Session(net())
    assert again.replay(text, strict=True) == session.history
    assert checksums.of_model(again.model) == checksums.of_model(session.model)
    with pytest.raises(StepError, match=r"recipe:\d+: steps\[0\]: .*scores\.pt"):
        Session(net()).replay(text.replace("amount: 0.5", "amount: 0.25"))


def test_steps_that_were_undone_are_not_in_it():
    session = Session(net())
    session.apply("l1_unstructured", "0.weight", amount=0.3)
    session.undo()
    assert recipe_reader.read(session.recipe()).steps == ()
    assert Session(net()).replay(session.recipe()) == ()


@given(st.data())
def test_any_session_comes_back_from_its_recipe(data):
    name = data.draw(st.sampled_from(list(MODELS)))
    session = Session(made(name), seed=data.draw(st.integers(0, 2**63 - 1)))
    for _ in range(data.draw(st.integers(1, 5))):
        method, targets, settings = data.draw(edits(NAMES[name]))
        try:
            session.apply(method, targets, **with_mask(session.model, targets, settings))
        except StepError:
            continue
    text = session.recipe()
    again = Session(made(name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(map(str, again.replay(text))) == list(map(str, session.history))  # 1 is not 1.0
    assert checksums.of_model(again.model) == checksums.of_model(session.model)
    for theirs, ours in zip(again.model.state_dict().values(), session.model.state_dict().values(), strict=True):
        assert torch.equal(theirs.nan_to_num(), ours.nan_to_num())


def test_a_mask_from_a_file_goes_with_the_recipe(tmp_path):
    file = tmp_path / "mask.pt"
    torch.save({"0.bias": torch.tensor([1, 1, 0, 1, 0, 1]), "1.bias": torch.zeros(6)}, file)
    session = Session(net())
    session.apply("custom_from_mask", ["0.bias", "1.bias"], file=str(file))
    text = session.recipe()
    file.unlink()
    again = Session(net())
    assert again.replay(text)[0].settings == {"file": str(file)}
    assert checksums.of_model(again.model) == checksums.of_model(session.model)


def test_large_masks_are_written_in_lines_and_small_ones_squeezed_where_that_is_shorter():
    model = torch.nn.Linear(200, 100)
    session = Session(model)
    session.apply("custom_from_mask", "weight", mask=torch.rand(100, 200) > 0.5)
    session.apply("custom_from_mask", "weight", mask=torch.zeros(100, 200))
    text = session.recipe()
    assert max(map(len, text.splitlines())) < 120
    first, second = recipe_reader.read(text).steps
    assert "bits: |\n" in text
    assert "zlib: eN" in text
    assert first.step.mask.shape == second.step.mask.shape == (100, 200)
    assert second.step.mask.data == bytes(2500)


@pytest.mark.parametrize(
    "text", ["1", "1.0", "0x1", "1e-3", "nan", "inf", "-.inf", "no", "null", "~", "", "true",
             "a b", "*.w", "é", "\u202e",
             "010", "a: b", "- a", "#", "1_0", "'", '"', "a\nb", "\0", "😀", "=", "<<", "12:30:45", "2001-1-1"],
    ids=ascii,
)  # fmt: skip
def test_odd_names_come_back_as_they_were(text):
    model = torch.nn.Module()
    name = text.replace(".", "_") or "_"
    model.register_module(name, torch.nn.Linear(2, 2))
    session = Session(model)
    session.apply("identity", f"{name}.weight")
    assert recipe_reader.read(session.recipe()).steps[0].step.targets == (f"{name}.weight",)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-3", -3), ("010", 10), ("1.0", 1.0), (".5", 0.5), ("1.", 1.0), ("1e-3", 1e-3), ("1.5E+2", 150.0),
     (".inf", float("inf")), ("-inf", float("-inf")), ("no", "no"), ("yes", "yes"), ("true", True), ("~", None),
     ("1_000", "1_000"), ("0x10", "0x10"), ("12:30", "12:30"), ("9" * 65, "9" * 65), ("fro", "fro")],
)  # fmt: skip
def test_scalars_are_read_as_people_mean_them(text, value):
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


# ---------------------------------------------------------------- by hand


def by_hand(lines_of_steps, **fields):
    lines = [f"{name}: {value}" for name, value in {"version": 1, **fields}.items()]
    return "\n".join([*lines, "steps:", *lines_of_steps]) + "\n"


def test_a_recipe_written_by_hand_needs_little(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "version: 1  # the only one there is\n"
        "steps:\n"
        "# first the small ones\n"
        "- {method: l1_unstructured, targets: '?.weight', amount: 1e-1}\n"
        "- method: ln_structured\n"
        "  targets:\n"
        "  - 0.weight\n"
        "  amount: 1\n"
        "  n: -inf\n"
    )
    session = Session(net())
    done = session.replay(file)
    assert [entry.method for entry in done] == ["l1_unstructured", "ln_structured"]
    assert done[0].targets == ("0.weight", "1.weight", "3.weight", "5.weight")
    assert done[1].settings == {"amount": 1, "n": float("-inf"), "dim": 0}
    assert session.replay(str(file))[0].targets == done[0].targets


def test_random_steps_without_a_seed_draw_it_from_the_recipes_by_their_place():
    text = by_hand(["- {method: random_unstructured, targets: 0.weight, amount: 0.5}"] * 2, seed=5)
    session = Session(net(), seed=5)
    drawn = [session.apply("random_unstructured", "0.weight", amount=0.5) for _ in range(2)]
    again = Session(net(), seed=8)
    again.apply("identity", "0.bias")
    assert [entry.seed for entry in again.replay(text)] == [entry.seed for entry in drawn]
    without = by_hand(["- {method: random_unstructured, targets: 0.weight, amount: 0.5}"])
    assert Session(net(), seed=5).replay(without) == tuple(drawn[:1])


PLACED = [
    ("amount: 1.5", "prune.yaml:6: steps[1].amount is 1.5; a fraction lies between 0.0 and 1.0, a count is"),
    ("amount: -1", "prune.yaml:6: steps[1].amount is -1; a count cannot be negative"),
    ("amount: many", "prune.yaml:6: steps[1].amount is 'many'; it must be a number"),
    ("amount: true", "prune.yaml:6: steps[1].amount is True; it must be a number"),
    ("amount:", "prune.yaml:6: steps[1].amount is None; it must be a number"),
    ("amount: [1]", "prune.yaml:6: steps[1].amount is [1]; it must be a number"),
    ("amount: .nan", "prune.yaml:6: steps[1].amount is nan; a fraction lies between"),
    ("amuont: 1", "prune.yaml:6: steps[1].amuont is not known (did you mean 'amount'?); here may"),
    ("dim: 0.5", "prune.yaml:6: steps[1].dim is 0.5; it must be a whole number"),
    ("n: two", "prune.yaml:6: steps[1].n is 'two'; it must be a number, inf, -inf, fro or nuc"),
    ("amount: 1\n    checksum: abc",
     "prune.yaml:7: steps[1].checksum is 'abc'; it must be 64 hexadecimal digits, or left out"),
    ("dim: 0", "prune.yaml:4: steps[1]: ln_structured needs amount"),
    ("targets: a", "prune.yaml:6: steps[1].targets is given twice, in line 5 before"),
    ("amount: 1\n    resolved: []", "prune.yaml:7: steps[1].resolved is an empty list; name at least one tensor"),
    ("amount: 1\n    resolved: {a: b}", "prune.yaml:7: steps[1].resolved is a mapping; it must be text"),
    ("? [a]\n    : b", "prune.yaml:6: steps[1] has a list or a mapping as a key; a key is a word"),
    ("amount: &a 1", "prune.yaml:6: anchors (&) and aliases (*) are not read"),
    ("amount: *a", "prune.yaml:6: anchors (&) and aliases (*) are not read"),
    ("amount: !!python/object/apply:os.getcwd []", "prune.yaml:6: tags (!) are not read"),
    ("amount: [", "prune.yaml:7: expected the node content"),
    ("amount: 1: 2", "prune.yaml:6: mapping values are not allowed here"),
    ("amount: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]", "prune.yaml:6: this is nested too deep"),
    ("\tamount: 1", "prune.yaml:6: found character '\\t' that cannot start any token"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), PLACED, ids=[line for line, _ in PLACED])
def test_what_is_wrong_is_told_with_file_line_and_field(tmp_path, monkeypatch, line, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prune.yaml").write_text(
        "version: 1\nsteps:\n  - {method: identity, targets: 0.bias}\n"
        f"  - method: ln_structured\n    targets: 0.weight\n    {line}\n"
    )
    session = Session(net())
    before = fingerprint(session.model)
    with pytest.raises(StepError) as refused:
        session.replay("prune.yaml")
    assert str(refused.value).startswith(message)
    assert fingerprint(session.model) == before


WHOLE = [
    ("", "r.yaml:1: it is empty"),
    ("# only a comment\n", "r.yaml:1: it is empty"),
    ("hello\n", "r.yaml:1: is 'hello'; it must be a mapping, lines of `name: value`"),
    ("- version: 1\n", "r.yaml:1: is a list; it must be a mapping"),
    ("steps: []\n", "r.yaml:1: has no version; write `version: 1` first"),
    ("steps: []\nversion: 2\n", "r.yaml:2: version is 2; this prune-tui reads version 1; a newer"),
    ("version: 1.0\n", "r.yaml:1: version is 1.0; this prune-tui reads version 1"),
    ("version: true\n", "r.yaml:1: version is True; this prune-tui reads version 1"),
    ("version: 1\n", "r.yaml:1: has no steps; write `steps:`"),
    ("version: 1\nsteps:\n", "r.yaml:2: steps is empty; it must be a list"),
    ("version: 1\nstep: []\n", "r.yaml:2: step is not known (did you mean 'steps'?)"),
    ("version: 1\nsteps: [identity]\n", "r.yaml:2: steps[0] is 'identity'; it must be a mapping"),
    ("version: 1\nsteps: [{targets: a}]\n", "r.yaml:2: steps[0] has no method; the methods are identity"),
    ("version: 1\nsteps: [{method: l1_unstructred}]\n",
     "r.yaml:2: steps[0].method is 'l1_unstructred': there is no method 'l1_unstructred' (did you mean"),
    ("version: 1\nsteps: [{method: identity}]\n", "r.yaml:2: steps[0] has no targets; write a dotted name"),
    ("version: 1\nsteps: [{method: identity, targets: a, amount: 1}]\n",
     "r.yaml:2: steps[0].amount is not known; here may stand method, targets, resolved, checksum"),
    ("version: 1\nseed: -1\nsteps: []\n", "r.yaml:2: seed is -1; it must lie between 0 and 2**63 - 1"),
    ("version: 1\nseed: 9223372036854775808\nsteps: []\n", "r.yaml:2: seed is 9223372036854775808; it must"),
    ("version: 1\nmodel: {nme: x}\nsteps: []\n", "r.yaml:2: model.nme is not known (did you mean 'name'?)"),
    ("version: 1\nsteps: []\n---\nversion: 1\n", "r.yaml:3: but found another document"),
    ("version: 1\nname: \"\\UFFFFFFFF\"\n", "r.yaml: this is not YAML: "),
    ("version: 1\n\nname: \0\n", "r.yaml:3: a character 0x0 is not allowed in YAML"),
    ("version: 1\nsteps: " + "[" * 100_000 + "\n", "r.yaml:2: this is nested too deep"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WHOLE, ids=[message for _, message in WHOLE])
def test_what_is_wrong_with_the_whole(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(StepError) as refused:
        recipe_reader.read("r.yaml")
    assert str(refused.value).startswith(message)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(StepError, match=r"there is no file .*none\.yaml"):
        recipe_reader.read(tmp_path / "none.yaml")
    with pytest.raises(StepError, match="is a folder or a device; name a file"):
        recipe_reader.read(tmp_path)
    with pytest.raises(StepError, match="is a folder or a device; name a file"):
        recipe_reader.read("/dev/zero")
    with pytest.raises(StepError, match=r"there is no file|cannot be read"):
        recipe_reader.read("\0")
    (tmp_path / "latin.yaml").write_bytes(b"version: 1\n# caf\xe9\n")
    with pytest.raises(StepError, match=r"latin\.yaml:2: this is not UTF-8 text \(byte 0xe9\)"):
        recipe_reader.read(tmp_path / "latin.yaml")
    (tmp_path / "utf16.yaml").write_bytes("version: 1\n".encode("utf-16"))
    with pytest.raises(StepError, match=r"utf16\.yaml:1: this is not UTF-8 text"):
        recipe_reader.read(tmp_path / "utf16.yaml")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfversion: 1\r\nsteps: []\r\n")
    assert recipe_reader.read(tmp_path / "bom.yaml").steps == ()


MASKS = [
    ("{shape: [6], bits: tA==}", ""),
    ("{shape: [6], zlib: eJzbAgAAtQC1}", ""),
    ("[{shape: [6], bits: tA==}]", ""),
    ("tA==", "mask is 'tA=='; it must be a mapping"),
    ("{shape: [6]}", "mask must have a shape and the mask's bytes in base64, as zlib or as bits"),
    ("{shape: [6], bits: tA==, zlib: tA==}", "mask must have a shape and"),
    ("{shape: [9], bits: tA==}", "mask.bits does not hold the 2 bytes of a 9 mask"),
    ("{shape: [6], bits: '***'}", "mask.bits cannot be decoded: "),
    ("{shape: [6], zlib: AAAA}", "mask.zlib cannot be decoded: "),
    ("{shape: [-6], bits: tA==}", "mask.shape[0] is -6; it must be a whole number"),
    ("{shape: [6.0], bits: tA==}", "mask.shape[0] is 6.0; it must be a whole number"),
    ("{shape: [99999999999999], bits: tA==}", "mask.shape makes more entries than a mask in a recipe may have"),
    ("{shape: 6, bits: tA==}", "mask.shape is 6; it must be a list"),
]


@pytest.mark.parametrize(("mask", "message"), MASKS, ids=[mask for mask, _ in MASKS])
def test_masks_in_a_recipe(mask, message):
    text = by_hand([f"- {{method: custom_from_mask, targets: 0.bias, mask: {mask}}}"])
    if not message:
        session = Session(net())
        assert session.replay(text)[0].took["0.bias"] == 2
        return
    with pytest.raises(StepError) as refused:
        recipe_reader.read(text)
    assert str(refused.value).startswith(f"recipe:3: steps[0].{message}")


def test_a_little_zlib_does_not_become_gigabytes():
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(bytes(2**26))).decode()
    text = by_hand([f"- {{method: custom_from_mask, targets: 0.bias, mask: {{shape: [6], zlib: {bomb}}}}}"])
    with pytest.raises(StepError, match="zlib does not hold the 1 bytes of a 6 mask"):
        recipe_reader.read(text)


VALID = session_of_every_method().recipe()


PIECES = st.one_of(
    st.sampled_from(["\n", ": ", "- ", "[", "{", "'", '"', "&a ", "*a", "!!binary ", "|", ">", "%", "\t"]),
    st.sampled_from(["1.5", "-1", ".nan", "null", "9" * 30, "2024-01-01", "0.weight", "*", "[z-a]"]),
    st.text(max_size=5),
)


@given(st.lists(st.tuples(st.integers(0, len(VALID)), st.integers(0, 30), PIECES), min_size=1, max_size=4))
def test_a_mutilated_recipe_is_refused_with_its_file_or_done(cuts):
    text = VALID
    for begin, length, piece in cuts:
        text = text[:begin] + piece + text[begin + length :]
    session, said = Session(net()), ""
    before = fingerprint(session.model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session.replay(f"{text}\n")
    except StepError as error:
        said = str(error)
    if said:
        assert said.startswith("recipe:"), text
        assert fingerprint(session.model) == before
        assert session.history == ()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_their_file(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("bytes") / "r.yaml"
    file.write_bytes(data)
    with pytest.raises(StepError, match=re.escape(str(file))):
        recipe_reader.read(file)


def test_the_settings_that_are_written_are_those_that_are_told():
    session = session_of_every_method()
    for entry, wanted in zip(session.history, recipe_reader.read(session.recipe()).steps, strict=True):
        assert list(settings_of(wanted.step)) == list(entry.settings)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "version: 1\nsteps:\n  - {method: identity, targets: *.weight}\n",
            'A pattern stands in quotes: "*.weight"',
        ),
        (
            '"""The steps."""\nimport torch\nfrom torch import nn: x\n',
            "This is Python: a script is run by python itself",
        ),
        ("version: 1\nsteps:\n  - method: identity\n   targets: a\n", "Are the lines indented alike?"),
    ],
)
def test_what_is_no_yaml_is_told_with_a_hint(text, hint):
    with pytest.raises(StepError) as refused:
        recipe_reader.read(text)
    assert hint in str(refused.value)
