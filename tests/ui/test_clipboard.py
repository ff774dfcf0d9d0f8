"""What is sent to have a text copied: straight to a terminal, and through tmux or screen."""

import base64
import re

import pytest

from prune_tui.ui.clipboard import MOST, TooLongError, between, sequence


def test_straight_to_a_terminal():
    assert sequence("conv1.weight") == "\x1b]52;c;Y29udjEud2VpZ2h0\a"
    assert base64.b64decode(sequence("Grüße 界")[7:-1]).decode() == "Grüße 界"


def test_tmux_may_take_it_or_hand_it_through():
    plain = sequence("conv1")
    taken, through = sequence("conv1", "tmux").split("\x1bPtmux;")
    assert taken == plain
    assert through.endswith("\x1b\\")
    assert through.removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b") == plain


def test_screen_hands_it_through_in_pieces():
    sent = sequence("x" * 5000, "screen")
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sent, re.DOTALL)
    assert "".join(pieces) == sequence("x" * 5000)
    assert max(len(f"\x1bP{piece}\x1b\\") for piece in pieces) == 768
    assert len("".join(pieces)) + 4 * len(pieces) == len(sent)


def test_what_is_too_long_is_refused():
    assert len(sequence("x" * MOST)) == 100_000
    with pytest.raises(TooLongError, match="74,995 bytes are more than a terminal takes at a time, 74,994"):
        sequence("x" * (MOST + 1))
    with pytest.raises(TooLongError):
        sequence("界" * (MOST // 3 + 1))


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, ""),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, "tmux"),
        ({"TERM": "screen.xterm-256color", "STY": "123.pts-0.host"}, "screen"),
        ({"TERM": "tmux-256color"}, "tmux"),
        ({"TERM": "screen-256color"}, "tmux"),
    ],
)
def test_who_stands_in_between(environ, found):
    assert between(environ) == found
