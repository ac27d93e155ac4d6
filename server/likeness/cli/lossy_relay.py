"""LossyRelay: a bad network in this process, between a client's UDP datagrams and a server's."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

_HOST: Final = "127.0.0.1"


class LossyRelay:
    """Forwards datagrams both ways between one client and one port of the server; some it loses or delays.

    Args:
        loss: share of datagrams that is lost, 0..1. jitter: seconds that one is delayed at most, each by
            itself, so that they overtake each other. random: where chance comes from.
    """

    def __init__(self, loss: float, jitter: float, random: random.Random) -> None:
        self._loss, self._jitter, self._random = loss, jitter, random
        self._near: _Side | None = None
        self._far: _Side | None = None
        self._client: tuple[str, int] | None = None
        self._pending: set[asyncio.TimerHandle] = set()
        self.down = False
        """Nothing gets through: a stall, or a cable that was cut."""
        self.forwarded = 0
        self.lost = 0

    async def start(self) -> int:
        """Listen; returns the port for the client to send to."""
        loop = asyncio.get_running_loop()
        transport, self._near = await loop.create_datagram_endpoint(
            lambda: _Side(self._from_client), local_addr=(_HOST, 0)
        )
        port: int = transport.get_extra_info("sockname")[1]
        return port

    async def connect(self, port: int) -> None:
        """Forward to this port of the server."""
        loop = asyncio.get_running_loop()
        _, self._far = await loop.create_datagram_endpoint(
            lambda: _Side(self._from_server), remote_addr=(_HOST, port)
        )

    def close(self) -> None:
        """Forward no more."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
        for side in (self._near, self._far):
            if side is not None and side.transport is not None:
                side.transport.close()

    def _from_client(self, data: bytes, address: tuple[str, int]) -> None:
        self._client = address
        self._pass(self._far, data, None)

    def _from_server(self, data: bytes, address: tuple[str, int]) -> None:
        del address
        if self._client is not None:
            self._pass(self._near, data, self._client)

    def _pass(self, side: "_Side | None", data: bytes, address: tuple[str, int] | None) -> None:
        if side is None or self.down or self._random.random() < self._loss:
            self.lost += 1
            return

        def send() -> None:
            self._pending.discard(handle)
            if side.transport is not None and not side.transport.is_closing() and not self.down:
                side.transport.sendto(data, address)
                self.forwarded += 1

        handle = asyncio.get_running_loop().call_later(self._random.uniform(0, self._jitter), send)
        self._pending.add(handle)


class _Side(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._received = received
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, addr)

    def error_received(self, exc: Exception) -> None:
        del exc  # the server's port is closed: the connection is over, and the client will notice
