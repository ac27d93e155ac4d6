"""A room tells its id, its code and the link to invite with, to those who may join it."""

import dataclasses
import json

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Response

from likeness.errors import DeniedError, NotFoundError
from likeness.stage.grant import issue_token
from likeness.transport.rooms_api import RoomsApi
from likeness.transport.server import Server
from tests.transport.clients import SocketClient, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "a-secret-of-more-than-32-bytes-0123456789"


async def get(url: str) -> tuple[int, dict]:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.json()


async def test_a_room_is_found_by_id_and_by_code_and_gives_its_link(url: str) -> None:
    client = await SocketClient(url).connect(character="plain")
    await until(lambda: client.of_kind("state"), 60)
    state = client.of_kind("state")[0]
    assert [p.get("self") for p in state["people"]] == [True]
    status, by_id = await get(f"{url}/api/rooms/{state['room']}")
    assert status == 200
    assert by_id["link"] == f"{url}/?room={state['room']}"
    assert by_id["people"] == 1
    code = state["code"].upper()
    assert (await get(f"{url}/api/rooms/{code[:3]}%20{code[3:]}"))[1] == by_id
    assert (await get(f"{url}/api/rooms"))[1] == {"rooms": [by_id]}
    await client.close()


async def test_a_code_that_names_no_room_is_answered_and_counted(url: str) -> None:
    status, body = await get(f"{url}/api/rooms/aaaa33")
    assert status == 404
    assert "aaaa33" in body["error"]["text"]
    statuses = [(await get(f"{url}/api/rooms/aaaa3{digit}"))[0] for digit in "4679" * 5]
    assert 429 in statuses


async def test_with_tokens_strangers_learn_nothing(
    url: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await SocketClient(url).connect(character="plain", room="history-7b")
    config = dataclasses.replace(server.config, token_secret=SECRET)
    monkeypatch.setattr(server.stage, "config", config)
    api = RoomsApi(server.stage, config)

    async def ask(path: str, token: str = "") -> dict:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = make_mocked_request("GET", path, headers={"Host": "localhost", **headers})
        request.match_info["room"] = path.rpartition("/")[2]
        answer = await (api._list(request) if path.endswith("rooms") else api._one(request))  # pyright: ignore[reportPrivateUsage]
        assert isinstance(answer, Response)
        return json.loads(answer.text or "")

    for token in ("", "forged", issue_token(SECRET, "teacher", hours=-1)):
        with pytest.raises(DeniedError, match="token"):
            await ask("/api/rooms/history-7b", token)
    with pytest.raises(NotFoundError):
        await ask("/api/rooms/history-7b", issue_token(SECRET, "student", room="elsewhere"))
    with pytest.raises(DeniedError, match="moderate"):
        await ask("/api/rooms", issue_token(SECRET, "student"))
    found = await ask("/api/rooms/history-7b", issue_token(SECRET, "student", room="history-7b"))
    assert found["room"] == "history-7b"
    assert (await ask("/api/rooms", issue_token(SECRET, "teacher", room="elsewhere"))) == {"rooms": []}
    everywhere = (await ask("/api/rooms", issue_token(SECRET, "operator")))["rooms"]
    assert "history-7b" in [room["room"] for room in everywhere]
    monkeypatch.undo()
    await client.close()
