"""`prune-tui web`: the app in a browser."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Annotated

from cyclopts import Parameter

from prune_tui import cli
from prune_tui.commands.printing import printable, tell
from prune_tui.exit_codes import DONE, FAILED

MISSING = "prune-tui web needs textual-serve, which is not installed: pip install 'prune-tui[web]'"
WARNING = (
    "! Whoever has this address can prune, save files and run code here as you, and the line is not encrypted."
    " Safer: leave out --host, and come through ssh -L {port}:127.0.0.1:{port}"
)
SHARED = "! Everybody with an account on this machine can open it; --token keeps them out"


def web(
    *source: Annotated[str, Parameter(allow_leading_hyphen=True)],
    host: str = "127.0.0.1",
    port: int = 8000,
    token: bool = False,
) -> int:
    """Show the app in a browser: each page that is opened is an app of its own, with its own engine.

    On another address than this machine's own it asks for a token, which stands in the address that is printed.
    ctrl+c ends it.

    Args:
        source: What to open, and options as prune-tui itself takes them: --readonly, --theme light.
        host: Where it listens; 0.0.0.0 is everywhere.
        port: On which port.
        token: Ask for a token on this machine's own address, too.
    """
    refusal = _refusal(list(source), port)
    if refusal:
        tell(f"prune-tui: {refusal}")
        return FAILED
    try:
        from prune_tui.web.guard import is_loopback
        from prune_tui.web.server import PruneServer, app_command
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"textual_serve", "aiohttp", "aiohttp_jinja2", "jinja2"}:
            raise
        tell(f"prune-tui: {MISSING}")
        return FAILED
    secret = secrets.token_urlsafe(24) if token or not is_loopback(host) else ""
    title = printable(f"prune-tui {' '.join(source)}".rstrip())
    os.environ["COLORTERM"] = "truecolor"  # the page has them, whatever the terminal here has
    try:
        _listening(host, port)
        tell(f"{title} is at {address(host, port, secret)}\nctrl+c ends it")
        if not is_loopback(host):
            tell(WARNING.format(port=port))
        elif not secret:
            tell(SHARED)
        PruneServer(app_command(source), host, port, title, secret).serve()
    except OSError as error:
        why = error.strerror or error
        tell(f"prune-tui: nothing can listen on {host}, port {port}: {why}; --port takes another")
        return FAILED
    return DONE


def address(host: str, port: int, token: str) -> str:
    """What to type into a browser."""
    name = socket.gethostname() if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/{f'?token={token}' if token else ''}"


def _listening(host: str, port: int) -> None:
    """See whether one can listen there, before it is said.

    Raises:
        OSError: No; the port is taken, or the address is none of this machine.
    """
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(place)


def _refusal(given: list[str], port: int) -> str:
    """Why the app would not start with these; empty when it would."""
    if not 0 < port < 1 << 16:
        return f"--port {port}: a port is a number from 1 to 65535"
    return cli.refusal(given)
