"""Who reads too slowly is cut, and reads why when they return; nobody else notices."""

import asyncio

import aiohttp
import numpy as np
import pytest

from tests.transport.clients import Recording, RtcClient, SocketClient, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def cut(url: str, transport: str) -> float:
    """How many connections have been cut for slowness."""
    name = f'likeness_connections_ended_total{{transport="{transport}",why="slow"}}'
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


async def test_a_webrtc_reader_that_takes_nothing_in_is_cut_and_told_why(url: str) -> None:
    """Its sound still comes, so it is alive; but nothing that it is sent is ever acknowledged."""
    other = await SocketClient(url).connect(character="curie")
    silence = Recording(np.zeros(960, np.int16))
    client = await RtcClient(url, microphone=silence).connect(room=other.welcome["room"], character="plain")
    await until(lambda: len(client.heads) > 5, 60)
    token, sctp = client.welcome["resume"], client.pc.sctp
    assert sctp is not None

    async def ignore(data: bytes) -> None:
        del data

    sctp._handle_data = ignore  # pyright: ignore[reportPrivateUsage]
    async with asyncio.timeout(120):
        while not await cut(url, "webrtc"):
            await asyncio.sleep(0.2)
    count = len(other.heads)
    await until(lambda: len(other.heads) > count + 30, 60)
    assert not other.of_kind("notice"), "the other one in the room was never held up"
    again = await RtcClient(url).connect(resume=token)
    await until(lambda: len(again.heads) > 5, 60)
    await until(lambda: "slow" in [notice.get("code") for notice in again.of_kind("notice")], 60)
    await again.close()
    await client.close()
    await other.close()
