"""Clients as a browser is one: a real WebRTC peer and a real WebSocket, each keeping what it was sent."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from av import AudioFrame

from likeness.performance import Ping, Pong, Voice, decode_client, encode_client, read_head, split_frames
from likeness.performance.client_packets import PING, VOICE

Json = dict[str, Any]


class Client:
    """What both kinds keep: frames' heads, control messages by kind, pongs and the welcome."""

    def __init__(self) -> None:
        self.welcome: Json = {}
        self.heads: list[Any] = []
        self.copies = 0
        """Frames that came a second time."""
        self._had: set[tuple[int, int]] = set()
        self.messages: list[tuple[str, Json]] = []
        self.pongs: list[Pong] = []
        self.answers_pings = True

    @property
    def session(self) -> str:
        return self.welcome["session"]

    def of_kind(self, kind: str) -> list[Json]:
        return [body for name, body in self.messages if name == kind]

    def phases(self) -> list[str]:
        return [state.get("phase", "") for state in self.of_kind("speech")]

    def take_text(self, text: str) -> None:
        [(kind, body)] = json.loads(text).items()
        self.messages.append((kind, body))

    def take_datagram(self, data: bytes) -> bytes | None:
        """Keeps it; returns the answer to a ping."""
        if data[0] == PING:
            ping = decode_client(data)
            assert isinstance(ping, Ping)
            return encode_client(Pong(ping.nonce, ping.client_time, 1.0)) if self.answers_pings else None
        if data[0] == 1:
            for head in (read_head(frame) for frame in split_frames(data)):
                if (head.avatar, head.sequence) in self._had:
                    self.copies += 1
                else:
                    self._had.add((head.avatar, head.sequence))
                    self.heads.append(head)
        else:
            pong = decode_client(data)
            assert isinstance(pong, Pong)
            self.pongs.append(pong)
        return None


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition for as long as a busy machine may need; after that it fails the test."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class RtcClient(Client):
    """A WebRTC client. `sound[mid]` holds (RTP timestamp, Opus payload) of each packet."""

    def __init__(self, url: str, others: int = 1, microphone: MediaStreamTrack | None = None) -> None:
        super().__init__()
        self._url = url
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.sound: dict[str, list[tuple[int, bytes]]] = {}
        self.pc.addTransceiver(microphone or "audio", "sendrecv")
        for _ in range(others):
            self.pc.addTransceiver("audio", "recvonly")
        self.control = self.pc.createDataChannel("control", negotiated=True, id=0)
        self.motion = self.pc.createDataChannel(
            "motion", negotiated=True, id=1, ordered=False, maxRetransmits=0
        )
        self.control.on("message", self.take_text)
        self.motion.on("message", self._on_motion)

    async def signal(self, **hello: Any) -> Json:
        """Offer and hello; returns the server's answer, whatever it is."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        body = {"hello": hello, "type": "offer", "sdp": self.pc.localDescription.sdp}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self._url}/api/rtc", json=body) as response,
        ):
            return await response.json()

    async def connect(self, **hello: Any) -> "RtcClient":
        answer = await self.signal(**hello)
        assert "welcome" in answer, answer
        self.welcome = answer["welcome"]
        for transceiver in self.pc.getTransceivers():
            self._tap(transceiver.receiver, self.sound.setdefault(transceiver.mid, []))
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        await until(lambda: self.control.readyState == self.motion.readyState == "open")
        return self

    def say(self, text: str, id: int = 1) -> None:
        self.send({"say": {"text": text, "id": id}})

    def send(self, message: Json) -> None:
        self.control.send(json.dumps(message))

    async def close(self) -> None:
        await self.pc.close()

    async def vanish(self) -> None:
        """Go as if the cable were cut: nothing more is sent, not even a goodbye."""
        self.answers_pings = False
        ice = self.pc.sctp.transport.transport
        for protocol in list(ice._connection._protocols):
            protocol.transport.abort()
        with contextlib.suppress(Exception):
            await self.pc.close()

    def _on_motion(self, data: bytes) -> None:
        answer = self.take_datagram(data)
        if answer is not None:
            self.motion.send(answer)

    @staticmethod
    def _tap(receiver: RTCRtpReceiver, kept: list[tuple[int, bytes]]) -> None:
        async def keep(packet: Any, arrival_time_ms: int) -> None:
            kept.append((packet.timestamp, packet.payload))

        receiver._handle_rtp_packet = keep


class SocketClient(Client):
    """A WebSocket client. `voices` holds the voice datagrams."""

    def __init__(self, url: str, tls: ssl.SSLContext | bool = True) -> None:
        super().__init__()
        self._url = url
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
        self.voices: list[Voice] = []
        self.closed: tuple[int | None, str] | None = None
        self._task: asyncio.Task[None] | None = None

    async def connect(self, **hello: Any) -> "SocketClient":
        self.ws = await self._http.ws_connect(f"{self._url}/api/ws", max_msg_size=0)
        await self.ws.send_json({"hello": hello})
        first = json.loads((await self.ws.receive(60)).data)
        assert "welcome" in first, first
        self.welcome = first["welcome"]
        self._task = asyncio.create_task(self._read())
        return self

    async def say(self, text: str, id: int = 1) -> None:
        await self.ws.send_json({"say": {"text": text, "id": id}})

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self.ws.close()
        await self._http.close()

    async def _read(self) -> None:
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.take_text(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY and message.data[0] == VOICE:
                voice = decode_client(message.data)
                assert isinstance(voice, Voice)
                self.voices.append(voice)
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.take_datagram(message.data)
        self.closed = (self.ws.close_code, "")


class Recording(MediaStreamTrack):
    """A microphone that plays samples in real time, then silence."""

    kind = "audio"

    def __init__(self, pcm: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        super().__init__()
        self._pcm = pcm
        self._at = 0
        self._start: float | None = None

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(max(0.0, self._start + self._at / 48_000 - loop.time()))
        block = np.zeros(960, np.int16)
        piece = self._pcm[self._at : self._at + 960]
        block[: len(piece)] = piece
        frame = AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, self._at
        self._at += 960
        return frame
