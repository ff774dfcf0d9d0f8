import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine.targets import Seen, Target, locate, resolve
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import Tied


def model():
    return nn.ModuleDict(
        {"conv": nn.Conv2d(1, 2, 3), "norm": nn.BatchNorm1d(2, affine=False), "lstm": nn.LSTM(2, 2)}
    )


def test_dotted_names_lead_to_tensors():
    found = model()
    (target,), notes = resolve(found, ["conv.weight"])
    assert (target.path, target.module, target.name, notes) == ("conv.weight", found["conv"], "weight", [])
    assert target.parameter is found["conv"].weight
    assert target.mask is None
    assert resolve(nn.Linear(2, 2), ["weight"])[0][0].name == "weight"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("cnov.weight", "cnov.weight: ModuleDict has no module 'cnov' (did you mean 'conv'?)"),
        ("conv.inner.weight", "conv.inner.weight: conv has no module 'inner'"),
        ("conv..weight", "conv..weight: conv has no module ''"),
        (".weight", ".weight: ModuleDict has no module ''"),
        (
            "conv.wieght",
            "conv.wieght: this Conv2d has no parameter 'wieght' (did you mean 'weight'?); it has weight, bias",
        ),
        ("weight", "weight: this ModuleDict has no parameter 'weight'; it has no parameters of its own"),
        ("", ": this ModuleDict has no parameter ''; it has no parameters of its own"),
        ("norm.weight", "norm.weight is None: this BatchNorm1d was built without it"),
        ("norm.running_mean", "norm.running_mean is a buffer; only parameters can be pruned"),
    ],
)
def test_a_name_that_means_nothing(path, message):
    with pytest.raises(StepError) as raised:
        resolve(model(), [path])
    assert str(raised.value) == message


def sparse():
    module = nn.Module()
    module.weight = nn.Parameter(torch.eye(2).to_sparse())
    return module


def packed():
    module = nn.Module()
    module.weight = nn.Parameter(torch.empty(2, dtype=torch.bits8), requires_grad=False)
    return module


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.LazyLinear(2), "weight is not initialised; run one forward pass"),
        (nn.Linear(2, 2, device="meta"), "weight is on the meta device and has no values; load its weights first"),
        (sparse(), "weight has layout torch.sparse_coo; only dense tensors can be pruned"),
        (packed(), "weight cannot be pruned: torch cannot convert bits8 to float"),
    ],
)
def test_a_tensor_without_values_that_can_be_ranked(module, message):
    with pytest.raises(StepError) as raised:
        resolve(module, ["weight"])
    assert str(raised.value).startswith(message)


def test_a_scripted_part_of_a_model_is_told():
    scripted = nn.ModuleDict({"part": torch.jit.script(nn.Sequential(nn.Linear(2, 2))), "plain": nn.Linear(2, 2)})
    with pytest.raises(StepError, match=r"part\.0\.weight is inside a ScriptModule"):
        resolve(scripted, ["part.0.weight"])
    with pytest.raises(StepError, match="part has no module '1'"):
        resolve(scripted, ["part.1.weight"])
    assert len(resolve(scripted, ["plain.weight"])[0]) == 1


def test_a_lazy_neighbour_is_no_obstacle():
    assert len(resolve(nn.Sequential(nn.LazyLinear(2), nn.Linear(2, 2)), ["1.weight"])[0]) == 1


def test_values_are_the_original_times_the_mask_however_stale_the_attribute():
    module = nn.Linear(3, 1, bias=False)
    prune.custom_from_mask(module, "weight", torch.tensor([[1, 0, 1]]))
    module.weight_orig.data = torch.tensor([[1.0, 2.0, 3.0]])
    (target,), _ = resolve(module, ["weight"])
    values = Seen.of(target, target.mask).values
    assert values.tolist() == [[1, 0, 3]]
    assert not values.requires_grad


def test_a_hook_without_its_tensors_is_half_a_pruning():
    module = nn.Linear(2, 2)
    prune.identity(module, "weight")
    del module.weight, module._parameters["weight_orig"]
    module.weight = nn.Parameter(torch.ones(2, 2))
    with pytest.raises(StepError, match=r"weight is half pruned: .* it has only weight_mask, a pruning hook"):
        resolve(module, ["weight"])


def test_ties_are_told_with_the_state_of_the_other_side():
    model = Tied()
    assert resolve(model, ["head.weight"])[1] == [
        "head.weight is tied to embedding.weight, which stays unmasked until remove"
    ]
    prune.identity(model.embedding, "weight")
    assert resolve(model, ["head.weight"])[1] == [
        "head.weight is tied to embedding.weight, which has a mask of its own"
    ]
    assert resolve(model, ["head.bias"])[1] == []


def test_a_module_in_two_places_is_not_tied_to_itself():
    block = nn.Linear(2, 2)
    assert resolve(nn.ModuleList([block, block]), ["1.weight"])[1] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda module: torch.optim.SGD(module.parameters(), lr=1.0).step(),
        lambda module: module.load_state_dict(nn.Linear(2, 2).state_dict()),
        lambda module: module.double(),
        lambda module: prune.identity(module, "weight"),
        lambda module: setattr(module, "weight", nn.Parameter(torch.ones(2, 2))),
        lambda module: setattr(module.weight, "data", torch.ones(2, 2)),
    ],
)
def test_the_condition_of_a_target_tells_that_it_changed(change):
    module = nn.Linear(2, 2)
    module.weight.grad = torch.ones(2, 2)
    target = Target("weight", *locate(module, "weight"))
    before = target.condition()
    assert target.condition() == before
    change(module)
    assert target.condition() != before


def test_a_target_that_is_gone_says_so():
    module = nn.Linear(2, 2)
    (target,), _ = resolve(module, ["weight"])
    del module.weight
    with pytest.raises(StepError, match="weight is gone: the module no longer holds it"):
        _ = target.parameter
