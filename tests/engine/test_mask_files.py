import os
import pickle

import msgspec
import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from prune_tui import Session, steps
from prune_tui.engine import bits
from prune_tui.engine.mask_files import read_mask
from prune_tui.step_settings import StepError

MASK = torch.tensor([[1.0, 0.0], [0.0, 1.0]])


def read(file, shape=(2, 2)):
    return read_mask(str(file), "fc.weight", torch.Size(shape))


def test_every_kind_of_file(tmp_path):
    torch.save(MASK, tmp_path / "m.pt")
    torch.save({"other": MASK * 0, "fc.weight": MASK}, tmp_path / "m.pth")
    numpy.save(tmp_path / "m.npy", MASK.bool().numpy())
    save_file({"fc.weight_mask": MASK, "x": MASK * 0}, tmp_path / "m.safetensors")
    for name in ("m.pt", "m.pth", "m.npy", "m.safetensors"):
        assert torch.equal(read(tmp_path / name).float(), MASK), name


def test_a_name_picks_one_of_several(tmp_path):
    save_file({"a": MASK, "b": 1 - MASK}, tmp_path / "m.safetensors")
    assert torch.equal(read(f"{tmp_path}/m.safetensors:b"), 1 - MASK)
    with pytest.raises(StepError, match=r"has no tensor 'bb' \(did you mean 'b'\?\)"):
        read(f"{tmp_path}/m.safetensors:bb")
    with pytest.raises(StepError, match=r"holds 2 tensors, none called fc\.weight or fc\.weight_mask; pick"):
        read(tmp_path / "m.safetensors")


def test_a_path_that_exists_is_never_split(tmp_path):
    torch.save(MASK, tmp_path / "a.pt:b.pt")
    assert torch.equal(read(tmp_path / "a.pt:b.pt"), MASK)


def test_the_only_tensor_of_a_file_needs_no_name(tmp_path):
    save_file({"whatever": MASK}, tmp_path / "m.safetensors")
    assert torch.equal(read(tmp_path / "m.safetensors"), MASK)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("nowhere.pt", "there is no file nowhere.pt"),
        ("nowhere.safetensors:a", "there is no file nowhere.safetensors"),
        (
            "mask.txt",
            "mask.txt is no file of tensors that is read here: those are .pt, .pth, .npy, .npz, .safetensors",
        ),
        ("", ". is no file of tensors"),
        ("~nobody-has-this-name/m.pt", "~nobody-has-this-name/m.pt cannot be opened"),
        ("x" * 5000 + ".pt", "x" * 5000 + ".pt cannot be opened"),
    ],
)
def test_no_such_file(file, message):
    with pytest.raises(StepError) as raised:
        read(file)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("kind", ["pt", "npy", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"junk" * 9, b"PK\x03\x04", b"\x80\x02}q\x00.", b"\xff" * 64])
def test_a_damaged_file(tmp_path, kind, content):
    file = tmp_path / f"m.{kind}"
    file.write_bytes(content)
    with pytest.raises(
        StepError, match=r"cannot read a tensor from .*: .|holds 0 tensors|other values|is a scalar"
    ):
        read(file)


def test_nothing_is_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    torch.save(Evil(), tmp_path / "zip.pt")
    numpy.save(tmp_path / "evil.npy", numpy.array([Evil()], dtype=object), allow_pickle=True)
    for name in ("evil.pt", "zip.pt", "evil.npy"):
        with pytest.raises(StepError, match="cannot read a tensor"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.ones(2, 3), r"the mask in .* is 2×3; fc\.weight is 2×2: they must be the same"),
        (torch.ones(()), r"the mask in .* is a scalar; fc\.weight is 2×2"),
        (torch.full((2, 2), 0.5), "holds other values than 0 and 1"),
        (torch.full((2, 2), torch.nan), "holds other values than 0 and 1"),
        (MASK.to_sparse(), "cannot be read: layout sparse_coo"),
        (MASK.to("meta"), "cannot be read: on the meta device"),
        ([1, 0], "holds a list; it must hold a tensor or a dict of tensors"),
        ({"a": 1}, "holds a dict"),
        ({}, "holds 0 tensors"),
    ],
)
def test_what_is_no_mask(tmp_path, content, message):
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(StepError, match=message):
        read(tmp_path / "m.pt")


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float16, torch.float8_e4m3fn])
def test_a_step_takes_its_mask_from_a_file_of_any_dtype(tmp_path, dtype):
    torch.save(MASK.to(dtype), tmp_path / "m.pt")
    model = nn.ModuleDict({"fc": nn.Linear(2, 2)})
    entry = Session(model).apply("custom_from_mask", "fc.weight", file=str(tmp_path / "m.pt"))
    assert entry.took == {"fc.weight": 2}
    assert entry.settings == {"file": str(tmp_path / "m.pt")}
    assert torch.equal(model["fc"].weight_mask, MASK)


def test_a_step_from_a_file_carries_the_very_mask(tmp_path):
    file = tmp_path / "m.pt"
    torch.save(MASK, file)
    session = Session(nn.ModuleDict({"fc": nn.Linear(2, 2)}))
    step = steps.CustomFromMask(targets=("fc.weight",), file=str(file))
    previewed = session.foresee(step).step
    assert (previewed.file, previewed.mask) == (str(file), bits.pack(MASK.bool()))
    assert steps.describe(previewed) == f"custom_from_mask(file={file})"
    file.unlink()
    session.do(previewed)
    fresh = Session(nn.ModuleDict({"fc": nn.Linear(2, 2)}))
    fresh.do(session.log()[0].step)
    assert torch.equal(fresh.model["fc"].weight_mask, MASK)


def test_a_file_with_a_mask_for_each_target(tmp_path):
    save_file({"a.weight": MASK, "b.weight_mask": 1 - MASK}, tmp_path / "m.safetensors")
    models = [nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)}) for _ in range(2)]
    session = Session(models[0])
    session.apply("custom_from_mask", ["a.weight", "b.weight"], file=str(tmp_path / "m.safetensors"))
    Session(models[1]).do(session.log()[0].step)
    for model in models:
        assert torch.equal(model["a"].weight_mask, MASK)
        assert torch.equal(model["b"].weight_mask, 1 - MASK)
    one_too_many = msgspec.structs.replace(session.log()[0].step, targets=("a.weight",))
    with pytest.raises(StepError, match="the step has 2 masks for 1 targets"):
        session.do(one_too_many)


def test_a_file_that_changed_between_preview_and_step_is_read_again(tmp_path):
    file = tmp_path / "m.pt"
    torch.save(MASK, file)
    session = Session(nn.ModuleDict({"fc": nn.Linear(2, 2)}))
    step = steps.CustomFromMask(targets=("fc.weight",), file=str(file))
    assert session.plan(step) is session.plan(step)
    torch.save(1 - MASK, file)
    os.utime(file, ns=(1, 1))
    session.do(step)
    assert torch.equal(session.model["fc"].weight_mask, 1 - MASK)
