"""Copying over a line: a text as the sequence that asks the terminal to take it (OSC 52). Pure.

The terminal answers nothing, so that all anybody can say is that it was sent. A multiplexer may stand in between:
tmux takes the sequence itself where `set-clipboard` is on, and hands it through in a wrapping of its own where
`allow-passthrough` is on; screen only hands it through, in pieces of no more than 768 bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

MOST = 74_994
"""Bytes of a text: in base64 they and the sequence around them are the 100,000 that terminals take at most."""
_SCREENS = 768
_ESC = "\x1b"

Between = Literal["", "tmux", "screen"]


class TooLongError(ValueError):
    """A text has no room in the sequence."""


def between(environ: Mapping[str, str]) -> Between:
    """Which multiplexer stands between us and the terminal.

    Args:
        environ: Both name themselves to the programs in them. Over SSH those names are lost, but tmux also calls
            the terminal `tmux-…`; what is called `screen-…` there may be either, and is tmux far more often.
    """
    if environ.get("TMUX"):
        return "tmux"
    if environ.get("STY"):
        return "screen"
    return "tmux" if environ.get("TERM", "").startswith(("tmux", "screen")) else ""


def sequence(text: str, within: Between = "") -> str:
    """What to send to have a text copied.

    Raises:
        TooLongError: It has more than 74,994 bytes.
    """
    encoded = text.encode(errors="surrogateescape")
    if len(encoded) > MOST:
        raise TooLongError(
            f"{len(encoded):,} bytes are more than a terminal takes at a time, {MOST:,}; nothing was sent"
        )
    plain = f"{_ESC}]52;c;{base64.b64encode(encoded).decode()}\a"
    if within == "tmux":  # either it takes the first or it hands the second through; both copy the same
        return f"{plain}{_ESC}Ptmux;{plain.replace(_ESC, _ESC * 2)}{_ESC}\\"
    if within == "screen":
        room = _SCREENS - len(f"{_ESC}P{_ESC}\\")
        pieces = (plain[start : start + room] for start in range(0, len(plain), room))
        return "".join(f"{_ESC}P{piece}{_ESC}\\" for piece in pieces)
    return plain
