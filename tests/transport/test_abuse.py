"""Random bytes, floods and slow readers harm nobody but themselves."""

import asyncio
import contextlib
import gc
import json
import random
import socket
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from likeness.stage.session import Session
from tests.transport.clients import RtcClient, SocketClient, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def bystander(url: str) -> AsyncIterator[SocketClient]:
    """Somebody else on the same server, who must notice nothing."""
    client = await SocketClient(url).connect(character="curie")
    await until(lambda: len(client.heads) > 5)
    yield client
    client.heads.clear()
    await client.say("I noticed nothing.")
    await until(lambda: "FINISHED" in client.phases())
    assert len(client.heads) > 5
    assert client.of_kind("notice") == []
    await client.close()


def noise(rng: random.Random, most: int = 300) -> bytes:
    """Random bytes, half of them with a kind that exists."""
    data = rng.randbytes(rng.randrange(most))
    return bytes([rng.choice([1, 2, 5, 6, 7, 8, 9, 10])]) + data if rng.random() < 0.5 else data


def noise_text(rng: random.Random) -> str:
    """Random text, half of it nearly a message."""
    if rng.random() < 0.5:
        return "".join(chr(rng.randrange(1, 0xD7FF)) for _ in range(rng.randrange(60)))
    bodies = ["say", "stop", "hello", "motion", "audio", "override", "listener", "microphone", "ping", "x"]
    values: list[Any] = [None, -1, 1e308, "x", [], {}, {"text": "x" * 9000}, {"text": "<speak>"}, {"x": 1e30}]
    text = json.dumps({rng.choice(bodies): rng.choice(values)})
    at = rng.randrange(len(text))
    return text if rng.random() < 0.5 else text[:at] + chr(rng.randrange(1, 256)) + text[at + 1 :]


async def test_random_bytes_on_the_socket(url: str, bystander: SocketClient):
    rng = random.Random(1)
    client = await SocketClient(url).connect(character="plain", wantVoice=True)
    for n in range(2000):
        await client.ws.send_bytes(noise(rng))
        if n % 3 == 0:
            await client.ws.send_str(noise_text(rng))
        if n % 100 == 0:
            await asyncio.sleep(0.02)
    client.heads.clear()
    await until(lambda: len(client.heads) > 10)
    assert client.of_kind("notice")
    await client.close()


async def test_a_hundred_thousand_random_datagrams_in_one_session(url: str, bystander: SocketClient):
    """Straight into the session, where every transport's datagrams end up."""
    rng = random.Random(5)
    client = await SocketClient(url).connect(character="plain")
    session = next(o for o in gc.get_objects() if isinstance(o, Session) and o.id == client.session)
    tracemalloc.start()
    try:
        for n in range(100_000):
            session.handle_datagram(noise(rng, 100))
            if n % 250 == 0:
                await asyncio.sleep(0)
            if n == 20_000:
                before = tracemalloc.get_traced_memory()[0]
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert session.rejected > 50_000
    assert after - before < 4 << 20
    client.heads.clear()
    await until(lambda: len(client.heads) > 10)
    await client.close()


async def test_random_bytes_on_the_data_channels(url: str, bystander: SocketClient):
    rng = random.Random(2)
    client = await RtcClient(url).connect(character="plain")
    for n in range(1200):
        client.motion.send(noise(rng))
        if n % 3 == 0:
            client.control.send(noise_text(rng))
        if n % 200 == 0:
            client.motion.send(noise_text(rng))
            client.control.send(noise(rng))
        await asyncio.sleep(0.02 if n % 50 == 0 else 0)
    client.heads.clear()
    await until(lambda: len(client.heads) > 10)
    await client.close()


async def test_random_bodies_for_signalling(url: str, bystander: SocketClient):
    rng = random.Random(3)
    client = RtcClient(url)
    await client.pc.setLocalDescription(await client.pc.createOffer())
    good = json.dumps({"hello": {}, "type": "offer", "sdp": client.pc.localDescription.sdp})
    await client.close()
    statuses: set[int] = set()
    async with aiohttp.ClientSession() as http:
        for n in range(160):
            if n % 2:
                body = noise(rng)
            else:
                at = rng.randrange(len(good))
                changed = (
                    good[:at]
                    + rng.choice(["", "a", "\\", "{", "0", "\\r\\n"])
                    + good[at + rng.randrange(30) :]
                )
                # A changed offer without a person in it opens no session if it still works.
                body = changed.replace('"hello": {}', '"hello": {"character": "nobody"}').encode()
            async with http.post(f"{url}/api/rtc", data=body) as answer:
                statuses.add(answer.status)
                assert "text" in (await answer.json())["error"]
            if answer.status == 429:
                await asyncio.sleep(0.3)
    assert statuses <= {400, 404, 429}


async def test_random_bytes_instead_of_http(url: str, bystander: SocketClient):
    rng = random.Random(4)
    host, port = url.removeprefix("http://").split(":")
    for _ in range(150):
        reader, writer = await asyncio.open_connection(host, int(port))
        with contextlib.suppress(ConnectionError):
            head = b"GET /api/ws HTTP/1.1\r\nHost: localhost\r\n" if rng.random() < 0.5 else b""
            writer.write(head + rng.randbytes(rng.randrange(1, 2000)))
            writer.write_eof()
            async with asyncio.timeout(30):
                await reader.read(1000)
        writer.close()


async def test_a_socket_without_a_hello_is_told_what_is_missing(url: str):
    async with aiohttp.ClientSession() as http:
        for first in ('{"say": {"text": "hi"}}', "nonsense", '{"hello": {"scene": "moon"}}', "[" * 60_000):
            async with http.ws_connect(f"{url}/api/ws") as ws:
                await ws.send_str(first)
                told = json.loads((await ws.receive(5)).data)
                assert told["notice"]["fatal"] is True
                assert len(told["notice"]["text"]) > 15
                assert (await ws.receive(5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_megabyte_of_text_is_refused_in_words_and_the_stay_goes_on(url: str):
    client = await SocketClient(url).connect(character="plain")
    await client.say("a" * 1_000_000)
    await until(lambda: client.of_kind("notice"))
    assert "at most" in client.of_kind("notice")[0]["text"]
    await client.say("Short.", 2)
    await until(lambda: "FINISHED" in client.phases())
    await client.close()


async def test_another_page_may_not_open_a_socket(url: str):
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{url}/api/ws", origin="http://evil.example")
        assert refused.value.status == 403


async def test_a_channel_that_nobody_agreed_on_ends_the_connection(url: str, bystander: SocketClient):
    client = await RtcClient(url).connect(character="plain")
    client.pc.createDataChannel("extra")
    await until(lambda: client.control.readyState == "closed" or client.pc.connectionState == "closed")
    await client.close()


async def test_a_slow_reader_gets_the_newest_frames_and_is_cut_in_the_end(url: str, bystander: SocketClient):
    """A socket that is never read: what waits for it is bounded, and it ends with a reason."""
    client = await SocketClient(url).connect(character="plain", wantVoice=True, voiceCodec="PCM16")
    session = client.session
    token = client.welcome["resume"]
    assert client._task is not None
    client._task.cancel()
    transport = client.ws._response.connection.transport
    transport.pause_reading()
    raw: socket.socket = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = await ended(url)
    async with asyncio.timeout(90):
        while await ended(url) == before:
            await asyncio.sleep(0.2)
    again = await SocketClient(url).connect(resume=token)
    assert again.session == session
    await until(lambda: len(again.heads) > 5)
    await again.close()
    await client.close()


async def test_many_short_visits_leave_nothing_behind(url: str, bystander: SocketClient):
    async def visit() -> None:
        client = await RtcClient(url).connect(character="plain")
        await until(lambda: len(client.heads) > 2)
        await client.close()

    await visit()
    await asyncio.sleep(1)
    before = peers()
    for _ in range(8):
        await visit()
    await until(lambda: peers() <= before)


def peers() -> int:
    from likeness.transport.webrtc import RtcPeer

    gc.collect()
    return sum(isinstance(thing, RtcPeer) for thing in gc.get_objects())


async def ended(url: str) -> float:
    name = 'likeness_connections_ended_total{transport="websocket",why="slow"}'
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)
