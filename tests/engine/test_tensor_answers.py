"""What the UI is told of single tensors: asked as the server asks, and sent as the server sends it."""

from __future__ import annotations

import msgspec
import pytest
from torch import nn

from prune_tui import protocol
from prune_tui.engine.cancelling import never
from prune_tui.engine.session import Session
from prune_tui.engine.tensor_answers import ANSWERS
from prune_tui.protocol import Answer


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
    told = ask(session, protocol.GetChannels("1.weight", "effective", 0))
    assert sum(memoryview(told.kept).cast("f")) == 4
    assert told.entries == 4
    assert ask(session, protocol.GetChannels("1.weight", "orig", 2)).note


def test_structure(session: Session) -> None:
    told = ask(session, protocol.GetStructure("1.weight"))
    assert [axis.dead for axis in told.axes] == [2, 0]
    assert told.kept == 16


def test_stack(session: Session) -> None:
    told = ask(session, protocol.GetStack("1.weight", "effective", 3, 4))
    assert told.pattern == "*.weight"
    assert [member.kept for member in told.members] == [24, 16, 24]
    assert told.members[1].oddness == float("inf")
    assert len(told.members[1].picture.kept) == 12
    assert ask(session, protocol.GetStack("1.bias", "mask", 3, 4)).members[2].rms == 1
