"""Random bytes, floods and slow readers harm nobody but themselves."""

import asyncio
import contextlib
import gc
import json
import os
import random
import socket
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from likeness.errors import LikenessError
from likeness.stage.animate import Animator
from likeness.stage.engine_process import EngineProcess
from likeness.stage.session import Session
from likeness.stage.stage import Stage
from likeness.transport.client_text import read_hello, read_object
from likeness.transport.grpc_outlet import GrpcOutlet
from likeness.transport.grpc_server import _read, _reader
from likeness.transport.inlet import Inlet
from likeness.transport.ping import Pinger
from likeness.transport.rtc_offer import read_offer
from likeness.transport.server import Server
from likeness.v1.likeness_pb2 import AnimateRequest
from likeness.v1.room_pb2 import ClientMessage, Hello
from tests.transport.clients import RtcClient, SocketClient, until
from tests.transport.noise import changed, noise, noise_message, noise_text

pytestmark = pytest.mark.asyncio(loop_scope="module")

COSTLY = ("bye", "moderate", "consent")
"""Messages that write to the ledger or end a session: only a few of them are sent."""
MORE = int(os.environ.get("LIKENESS_FUZZ", "1"))
"""`make fuzz` multiplies the cases, and draws new ones."""
SEED = random.SystemRandom().randrange(1 << 30) if MORE > 1 else 0


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
        for n in range(100_000 * MORE):
            session.handle_datagram(noise(rng, 100))
            if n % 50 == 0:
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


@pytest.mark.filterwarnings("error::RuntimeWarning")
async def test_thousands_of_random_messages_in_grpc_sessions(server: Server, bystander: SocketClient):
    """As the service reads them: bytes, most of them nearly a message, through its parser to a session."""
    rng = random.Random(SEED + 6)
    parse = _reader(ClientMessage)
    cases, lives = 20_000 * MORE, 0
    before = 0
    while cases > 0:
        lives += 1
        session, outlet, writer = await entered(server.stage)

        async def wire(session: Session = session) -> AsyncIterator[Any]:
            nonlocal cases
            while cases > 0 and not session.closed:
                cases -= 1
                message = noise_message(rng, ClientMessage())
                if message.WhichOneof("body") in COSTLY and rng.random() < 0.97:
                    continue
                data = message.SerializeToString()
                match rng.randrange(4):
                    case 0:
                        data = noise(rng)
                    case 1:
                        data = changed(rng, data)
                if cases % 20 == 0:
                    await asyncio.sleep(0)
                yield parse(data)

        await _read(wire(), session, outlet)
        session.detach(outlet)
        await server.stage.end(session, "done")
        writer.cancel()
        before = before or resident()
    assert lives > 1, "some said goodbye or ended their room, and came again"
    assert resident() - before < 96 << 20


async def test_random_first_requests_start_no_animation(server: Server, bystander: SocketClient):
    rng = random.Random(SEED + 7)
    parse = _reader(AnimateRequest)
    animator = Animator(server.stage, EngineProcess(1))
    refused = 0
    for n in range(3000 * MORE):
        data = noise_message(rng, AnimateRequest()).SerializeToString()
        data = noise(rng) if n % 2 else changed(rng, data) if n % 4 else data

        async def wire(data: bytes = data) -> AsyncIterator[AnimateRequest]:
            request = parse(data).get()
            if request.HasField("start"):
                request.start.character = "nobody"  # whatever else it says: it asks for nobody we know
            yield request

        try:
            async for _ in animator.animate(wire(), "fuzz"):
                raise AssertionError("nonsense was performed")
        except LikenessError:
            refused += 1
    assert refused == 3000 * MORE


async def test_thousands_of_random_texts_and_datagrams_from_one_connection(
    server: Server, bystander: SocketClient
):
    """As the data channels and the WebSocket hand them on."""
    rng = random.Random(SEED + 8)
    session, outlet, writer = await entered(server.stage)
    clock = asyncio.get_running_loop().time
    inlet = Inlet(session, outlet, server.config.limits, Pinger(clock), clock)
    for n in range(12_000 * MORE):
        await inlet.text(noise_text(rng))
        inlet.binary(noise(rng))
        if n % 20 == 0:
            await asyncio.sleep(0)
        if session.closed:
            writer.cancel()
            session, outlet, writer = await entered(server.stage)
            inlet = Inlet(session, outlet, server.config.limits, Pinger(clock), clock)
    assert inlet.dropped > 1000
    await server.stage.end(session, "done")
    writer.cancel()


async def test_thousands_of_changed_offers_are_read_or_refused_in_words():
    rng = random.Random(SEED + 9)
    client = RtcClient("")
    await client.pc.setLocalDescription(await client.pc.createOffer())
    body = {"hello": {"character": "plain"}, "type": "offer", "sdp": client.pc.localDescription.sdp}
    await client.close()
    good = json.dumps(body).encode()
    refused = 0
    for n in range(8_000 * MORE):
        data = noise(rng) if n % 10 == 0 else changed(rng, good)
        try:
            value = read_object(data)
            read_hello(value.get("hello"))
            read_offer(value.get("type"), value.get("sdp"))
        except LikenessError:
            refused += 1
        if n % 200 == 0:
            await asyncio.sleep(0)
    assert refused > 2000 * MORE


async def entered(stage: Stage) -> tuple[Session, GrpcOutlet, asyncio.Task[None]]:
    """A session whose outlet is read by somebody who keeps nothing."""
    session, _ = await stage.hello(Hello(character="plain"), "fuzz")
    outlet = GrpcOutlet(True, 1, stage.now, 60.0)
    session.attach(outlet)

    async def forget(_: object) -> None:
        await asyncio.sleep(0)

    return session, outlet, asyncio.create_task(outlet.write_all(forget))


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return 0


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
    async with asyncio.timeout(180):
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
