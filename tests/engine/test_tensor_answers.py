"""What the UI is told of single tensors: asked as the server asks, and sent as the server sends it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import protocol, tensor_requests
from prune_tui.engine import tensor_answers
from prune_tui.engine.cancelling import never
from prune_tui.engine.session import Session
from prune_tui.engine.tensor_answers import ANSWERS, LONG_ANSWERS
from prune_tui.protocol import Answer
from prune_tui.tensor_requests import Block
from prune_tui.view_rows import VIEWS, View


@pytest.fixture
def session() -> Session:
    """A model of three like layers, of one of them two channels of six gone."""
    session = Session(nn.Sequential(*(nn.Linear(4, 6) for _ in range(3))))
    session.apply("ln_structured", "1.weight", amount=2, n=2, dim=0)
    return session


def ask(session: Session, request: protocol.Request):
    """The answer, there and back over the wire."""
    body = ANSWERS[type(request)](session, request, never)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(Answer(1, 1, body)), type=Answer).body


def test_channels(session: Session) -> None:
    told = ask(session, tensor_requests.GetChannels("1.weight", "effective", 0))
    assert sum(memoryview(told.kept).cast("f")) == 4
    assert told.entries == 4
    assert ask(session, tensor_requests.GetChannels("1.weight", "orig", 2)).note


def test_structure(session: Session) -> None:
    told = ask(session, tensor_requests.GetStructure("1.weight"))
    assert [axis.dead for axis in told.axes] == [2, 0]
    assert told.kept == 16


@pytest.mark.parametrize(
    ("walking", "request_"),
    [
        ("structure.grouping", tensor_requests.GetStructure("1.weight")),
        ("stack.siblings", tensor_requests.GetStack("1.weight", "effective", 3, 4)),
    ],
)
def test_no_step_changes_the_model_while_it_is_walked_through(
    session: Session, walking: str, request_: protocol.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = walking.split(".")
    walk = getattr(getattr(tensor_answers, module), name)
    taken = []

    def watched(*arguments: object) -> object:
        with ThreadPoolExecutor(1) as other:
            taken.append(other.submit(session.lock.acquire, blocking=False).result())
        return walk(*arguments)

    monkeypatch.setattr(getattr(tensor_answers, module), name, watched)
    ask(session, request_)
    assert taken == [False]


def test_stack(session: Session) -> None:
    told = ask(session, tensor_requests.GetStack("1.weight", "effective", 3, 4))
    assert told.pattern == "*.weight"
    assert [member.kept for member in told.members] == [24, 16, 24]
    assert told.members[1].oddness == float("inf")
    assert len(told.members[1].picture.kept) == 12
    assert ask(session, tensor_requests.GetStack("1.bias", "mask", 3, 4)).members[2].rms == 1


def every_question(tensor: str, view: View) -> list[protocol.Request]:
    """What may be asked of a tensor of 3×4."""
    block = Block((), (0, 3), (0, 4))
    return [
        tensor_requests.GetTile(tensor, view, 0, 1, (block,)),
        tensor_requests.GetHeatmap(tensor, view, 0, 1, block, 2, 2),
        tensor_requests.GetHeatmap(tensor, view, 0, 1, block, 2, 2, pool="mean"),
        tensor_requests.GetEntry(tensor, (0, 0)),
        tensor_requests.GetChannels(tensor, view, 0),
        tensor_requests.GetStructure(tensor),
        tensor_requests.Locate(tensor, view, "extreme", None),
        tensor_requests.Locate(tensor, view, "masked", None),
        tensor_requests.GetStatistics(tensor, view),
    ]


def answered(session: Session, request: protocol.Request):
    """The answer, whatever the request."""
    if type(request) in LONG_ANSWERS:
        return LONG_ANSWERS[type(request)](session, request, never, lambda _: None)
    return ask(session, request)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("mask", "note"),
    [
        (torch.ones(3, 3), "its mask is 3×3: it does not fit 3×4; ! tells more"),
        (torch.ones(1, 4), "its mask is 1×4: it does not fit 3×4; ! tells more"),
        (torch.ones(3, 4, device="meta"), "its mask is on meta, its values are on cpu; ! tells more"),
        (
            torch.ones(3, 4).to_sparse(),
            "its mask cannot be read: layout sparse_coo: only dense tensors are shown",
        ),
    ],
    ids=["too narrow", "too low", "meta", "sparse"],
)
def test_a_mask_that_does_not_fit_is_told_of_and_laid_over_nothing(view: View, mask: Tensor, note: str) -> None:
    model = nn.Sequential(prune.identity(nn.Linear(4, 3), "weight"))
    model[0]._buffers["weight_mask"] = mask
    session = Session(model)
    for request in every_question("0.weight", view):
        assert answered(session, request).note == note, request


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_a_tensor_that_is_the_negative_of_its_memory_answers_as_its_copy(view: View, dtype: torch.dtype) -> None:
    values = torch.randn(3, 4, dtype=dtype).conj().imag
    assert values.is_neg()
    held = (values, values.clone().resolve_neg())
    sessions = [Session(nn.ParameterList([nn.Parameter(one)])) for one in held]
    for request in every_question("0", view):
        own, plain = (answered(session, request) for session in sessions)
        assert own == plain, request


@pytest.fixture
def mesh() -> Iterator[object]:
    """A device mesh of this process alone."""
    if not dist.is_available():
        pytest.skip("this torch has no torch.distributed")
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def test_a_dtensor_says_why_it_is_not_shown_and_no_process_is_asked(mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.distributed.tensor import DTensor, Shard, distribute_tensor

    model = nn.Sequential(nn.Linear(4, 3, bias=False))
    model[0].weight = nn.Parameter(distribute_tensor(torch.randn(3, 4), mesh, [Shard(0)]))
    # Whatever is computed with a DTensor may wait for the other processes.
    monkeypatch.setattr(DTensor, "__torch_dispatch__", None)
    session = Session(model)
    for request in every_question("0.weight", "effective"):
        assert answered(session, request).note.startswith("DTensor: "), request
    assert answered(session, tensor_requests.GetNorms()).norms == (0, 0)
    assert answered(session, tensor_requests.GetBroken()).tensors == ()
