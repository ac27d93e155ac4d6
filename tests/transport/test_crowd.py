"""A crowd at the door is let in up to the room's seats, refused with a reason beyond, and disturbs nobody."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import pytest
import pytest_asyncio

from likeness.stage.config import LimitConfig, StageConfig
from likeness.transport import websocket
from likeness.transport.server import Server
from tests.transport.clients import SocketClient, until
from tests.transport.conftest import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = 200
SEATS = 32


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that waits for whoever is held up by the machine itself: both sides are in this process."""
    stage = StageConfig(slow_seconds=600.0, dead_seconds=600.0)
    limits = LimitConfig(hellos_per_second=1000, seats=SEATS)
    async with serving(tmp_path_factory.mktemp("data"), stage, limits) as running:
        yield running


async def test_two_hundred_who_join_at_once_are_let_in_or_told_why(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that stands still makes any frame old, and old ones give way to newer ones. Here none does for
    # its age, so that one that is missing was lost to the crowd.
    monkeypatch.setattr(websocket, "FRESH_SECONDS", 600.0)
    inside = await SocketClient(url).connect(character="einstein")
    beside = await SocketClient(url).connect(character="curie")
    await until(lambda: len(inside.heads) > 5 and len(beside.heads) > 5, 300)
    let_in: list[str] = []
    refused: list[str] = []
    all_answered = asyncio.Event()

    def answered(list_of_whom: list[str], words: str) -> None:
        list_of_whom.append(words)
        if len(let_in) + len(refused) == CROWD:
            all_answered.set()

    async def join(http: aiohttp.ClientSession, number: int) -> None:
        hello = {"room": inside.welcome["room"]}
        if number % 8 == 0:  # the others look on
            hello["character"] = "plain"
        try:
            ws = await http.ws_connect(f"{url}/api/ws")
        except aiohttp.WSServerHandshakeError as error:
            answered(refused, f"{error.status} {error.message}")
            return
        async with ws:
            await ws.send_json({"hello": hello})
            [(kind, body)] = json.loads((await ws.receive(300)).data).items()
            if kind == "notice":
                assert body["fatal"]
                answered(refused, body["text"])
                return
            answered(let_in, body["session"])
            # Whoever has a seat keeps it, and takes in what comes, until everybody was answered.
            while not all_answered.is_set():
                assert (await ws.receive(300)).type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
            await ws.send_json({"bye": {"reason": "done"}})

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(*(join(http, number) for number in range(CROWD)))
    assert len(set(let_in)) == SEATS - 1, "every seat but one's own"
    assert len(refused) == CROWD - len(let_in)
    assert sum("full" in words for words in refused) > 0
    assert all("full" in words or words == "429 Invalid response status" for words in refused), set(refused)
    for person in (inside, beside):
        count = len(person.heads)
        await until(lambda person=person, count=count: len(person.heads) > count + 30, 300)
        own = [head.sequence for head in person.heads if head.avatar == person.welcome["avatar"]]
        assert {b - a for a, b in pairwise(own)} == {1}, "each of its frames came, in order"
        assert person.closed is None
        assert person.of_kind("notice") == []
        await person.close()
