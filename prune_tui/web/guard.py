"""Who may open the page: the holder of the token, and no page of another site.

A browser sends what any page in it asks for, to 127.0.0.1 too. So a connection must come from our own page
(`Origin`), and on 127.0.0.1 by a name of this machine (`Host`): another name may have been made to lead here.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HEADERS = {
    "Referrer-Policy": "no-referrer",  # the address may have the token
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


class Guard:
    """Lets a request through, or answers why not.

    Args:
        host: Where the server listens.
        port: Of the server; it tells the cookies of two of them apart.
        token: What an address must have; empty where none is needed.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._only_here = is_loopback(host)
        self._token = token
        self.cookie = f"prune_tui_{port}"

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check a request, that for the websocket too, before anything is started for it."""
        refusal = self._refusal(request)
        if refusal:
            return web.Response(status=403, text=f"prune-tui: {refusal}\n", headers=_HEADERS)
        given = request.query.get("token")
        if self._token and given is not None:
            return self._remembered(request)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _refusal(self, request: web.Request) -> str:
        """Why a request is refused; empty when it is not."""
        if self._only_here and not is_loopback(_name(request.host)):
            return f"{request.host} is no name of this machine; open the address that prune-tui web has printed"
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            return f"a page of {origin} may not use it"
        if self._token and not self._is_known(request):
            return "the token is missing or wrong; open the whole address that prune-tui web has printed"
        return ""

    def _is_known(self, request: web.Request) -> bool:
        given = request.query.get("token", request.cookies.get(self.cookie, ""))
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())

    def _remembered(self, request: web.Request) -> web.StreamResponse:
        """Go to the same address without the token, which a cookie has from now on."""
        response = web.Response(status=302, headers={**_HEADERS, "Location": request.rel_url.path})
        response.set_cookie(self.cookie, self._token, httponly=True, samesite="Lax", path="/")
        return response


def _name(host: str) -> str:
    """The name in `name:port` or `[::1]:port`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
