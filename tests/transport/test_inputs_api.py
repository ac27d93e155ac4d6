"""A phone drives a session's face only when its person has allowed it and an operator has bound it."""

import asyncio
import dataclasses
import json
import socket
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from likeness.head.controls import CONTROL_INDEX
from likeness.stage.config import InputsConfig, ServerConfig
from likeness.tracking.inputs import PORTS
from likeness.transport.server import Server
from likeness.v1.room_pb2 import ClientMessage, Consent
from tests.tracking.test_inputs import live_link_packet


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ServerConfig:
    inputs = InputsConfig(enabled=True, ports=dict.fromkeys(PORTS, 0))
    return dataclasses.replace(
        ServerConfig(), port=0, grpc_port=-1, data=Path(tmp_path_factory.mktemp("data")), inputs=inputs
    )


async def test_bind_needs_consent_and_then_the_phone_drives(config: ServerConfig) -> None:
    server = Server(config)
    await server.start()
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        async with aiohttp.ClientSession(server.url) as http, http.ws_connect("/api/ws") as ws:
            await ws.send_str(json.dumps({"hello": {"character": "plain"}}))
            while "welcome" not in (welcome := json.loads((await ws.receive()).data)):
                pass
            session = welcome["welcome"]["session"]
            values = np.zeros(61, np.float32)
            values[CONTROL_INDEX["jawOpen"]] = 0.8
            listed: dict = {"sources": []}
            frame = 0

            async def send(times: int) -> None:
                nonlocal frame
                for _ in range(times):
                    frame += 1
                    port = listed["ports"]["live-link-face"]
                    phone.sendto(live_link_packet(values, frame=frame), ("127.0.0.1", port))
                    await asyncio.sleep(1 / 60)

            listed = await (await http.get("/api/inputs")).json()
            async with asyncio.timeout(60):
                while not listed["sources"]:
                    await send(5)
                    listed = await (await http.get("/api/inputs")).json()
            (source,) = listed["sources"]
            assert source["controls"]["jawOpen"] == pytest.approx(0.8)
            order = {"source": source["id"], "session": session}
            refused = await http.post("/api/inputs/bind", json=order)
            assert refused.status == 403
            assert "allowed face capture" in (await refused.json())["error"]["text"]
            await ws.send_str('{"consent": {"faceCapture": true}}')
            async with asyncio.timeout(60):
                while (await http.post("/api/inputs/bind", json=order)).status != 200:
                    await asyncio.sleep(0.05)
                sending = asyncio.create_task(send(3000))
                while _driver(await ws.receive()) != "tracking":
                    pass
            sending.cancel()
            assert (
                await http.post("/api/inputs/bind", json={"source": "x", "session": session})
            ).status == 404
            assert (await http.post("/api/inputs/bind", data=b"\xff")).status == 400
            assert (await http.post("/api/inputs/release", json={"session": session})).status == 200
            listed = await (await http.get("/api/inputs")).json()
            assert listed["sources"][0]["session"] is None
    finally:
        phone.close()
        await server.stop()


async def test_an_operator_may_say_that_the_person_agreed_and_the_person_ends_it(
    config: ServerConfig,
) -> None:
    server = Server(config)
    await server.start()
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        async with aiohttp.ClientSession(server.url) as http, http.ws_connect("/api/ws") as ws:
            await ws.send_str(json.dumps({"hello": {"character": "plain"}}))
            while "welcome" not in (welcome := json.loads((await ws.receive()).data)):
                pass
            (session,) = server.stage.sessions.values()
            assert session.id == welcome["welcome"]["session"]
            listed = await (await http.get("/api/inputs")).json()
            where = ("127.0.0.1", listed["ports"]["live-link-face"])
            frame = 0
            async with asyncio.timeout(60):
                while not listed["sources"]:
                    frame += 1
                    phone.sendto(live_link_packet(np.zeros(61, np.float32), frame=frame), where)
                    await asyncio.sleep(0.02)
                    listed = await (await http.get("/api/inputs")).json()
            order = {"source": listed["sources"][0]["id"], "session": session.id}
            assert (await http.post("/api/inputs/bind", json=order)).status == 403
            assert not session.face_allowed
            assert (await http.post("/api/inputs/bind", json=order | {"consent": "given"})).status == 200
            assert session.face_allowed
            async with asyncio.timeout(60):
                while _notice(await ws.receive()) != "tracker":
                    pass
            await ws.send_str('{"consent": {"faceCapture": false}}')
            async with asyncio.timeout(60):
                while session.face_allowed:
                    await asyncio.sleep(0.02)
    finally:
        phone.close()
        await server.stop()


def _notice(message: aiohttp.WSMessage) -> str:
    if message.type is not aiohttp.WSMsgType.TEXT:
        return ""
    return json.loads(message.data).get("notice", {}).get("code", "")


def _driver(message: aiohttp.WSMessage) -> str:
    """What drives the character now, where the message is a mark."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return ""
    return json.loads(message.data).get("mark", {}).get("tag", {}).get("drivenBy", "")


def test_consent_is_a_message_of_the_protocol() -> None:
    assert ClientMessage(consent=Consent(face_capture=True)).WhichOneof("body") == "consent"
