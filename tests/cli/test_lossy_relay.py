"""The bad network of `likeness simulate` loses what it is told to lose, and else nothing."""

import asyncio
import random

import pytest

from likeness.cli.lossy_relay import LossyRelay


class Echo(asyncio.DatagramProtocol):
    """A server that answers each datagram with itself."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.transport.sendto(data, addr)  # type: ignore[attr-defined]


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(data)


async def send(relay: LossyRelay, count: int) -> list[bytes]:
    """What comes back of `count` datagrams."""
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    port = await relay.start()
    await relay.connect(server.get_extra_info("sockname")[1])
    transport, client = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", port))
    for k in range(count):
        transport.sendto(k.to_bytes(2, "big"))
        await asyncio.sleep(0.001)
    for _ in range(200):  # until nothing is under way any more
        before = relay.forwarded
        await asyncio.sleep(0.1)
        if relay.forwarded == before:
            break
    for each in (server, transport):
        each.close()
    relay.close()
    return client.heard


@pytest.mark.asyncio
async def test_without_loss_everything_comes_back() -> None:
    heard = await send(LossyRelay(0.0, 0.0, random.Random(1)), 100)
    assert sorted(heard) == [k.to_bytes(2, "big") for k in range(100)]


@pytest.mark.asyncio
async def test_loss_and_jitter_lose_and_mix_up() -> None:
    relay = LossyRelay(0.2, 0.02, random.Random(1))
    heard = await send(relay, 300)
    assert 120 < len(heard) < 260, "both ways lose a fifth"
    assert heard != sorted(heard)
    assert relay.lost > 60


@pytest.mark.asyncio
async def test_while_it_is_down_nothing_passes() -> None:
    relay = LossyRelay(0.0, 0.0, random.Random(1))
    relay.down = True
    assert await send(relay, 20) == []
