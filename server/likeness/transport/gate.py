"""Gate: who may ask this server at all: hosts, origins, and how often."""

import ipaddress
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from likeness.errors import DeniedError, LimitError
from likeness.stage.config import ServerConfig, is_loopback
from likeness.stage.rate_limit import PeerLimits

REQUESTS: Final = (100.0, 400.0)
"""Requests a second of one address, and saved up."""
SIGNALS: Final = (10.0, 64.0)
"""New connections a second of one address, and saved up: 60 people behind one router may enter at once."""


class Gate:
    """Checks each request before a handler sees it; every check raises a LikenessError in words."""

    def __init__(self, config: ServerConfig, clock: Callable[[], float]) -> None:
        self._loopback = config.loopback
        self._origins = {origin.rstrip("/").lower() for origin in config.allowed_origins}
        if config.public_url:
            self._origins.add(_origin(config.public_url))
        self._hosts = {urlsplit(origin).hostname or "" for origin in self._origins}
        self._requests = PeerLimits(*REQUESTS, clock)
        self._signals = PeerLimits(*SIGNALS, clock)

    def check(self, request: web.Request) -> None:
        """Every request: rate, and, on loopback, the name by which it was asked for."""
        if not self._requests.take(peer_of(request)):
            raise LimitError("Too many requests from this address. Wait a second and try again.")
        name = _host_name(request.host)
        # A page elsewhere can point its own name at 127.0.0.1 and ask as if it were us (DNS rebinding).
        if self._loopback and not is_loopback(name) and name not in self._hosts:
            raise DeniedError(
                f"This server answers to localhost, not to {name[:80]!r}. Open it as http://localhost, or "
                "add the address to [server] public_url or [security] allowed_origins."
            )

    def check_origin(self, request: web.Request) -> None:
        """Whatever opens a session or changes something: same origin, or one that was allowed."""
        if not self._signals.take(peer_of(request)):
            raise LimitError("Too many connections from this address. Wait a few seconds and try again.")
        origin = request.headers.get("Origin", "").lower()
        # Only browsers send an origin, and they always do where another page could ask in a person's name.
        if not origin or origin in self._origins:
            return
        if urlsplit(origin).netloc == request.host.lower():
            return
        raise DeniedError(
            f"A page of {origin[:120]!r} may not connect to this server. If it should, add that origin to "
            "[security] allowed_origins."
        )


def peer_of(request: web.Request) -> str:
    """The address a request comes from, an IPv6 one as its /64 network."""
    remote = request.remote or "unknown"
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    if address.version == 6 and not address.is_loopback:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
