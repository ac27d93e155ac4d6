"""GrpcSeat and RtcSeat: real clients of a room that note what arrives and when."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

import aiohttp
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from google.protobuf.json_format import MessageToDict, MessageToJson, Parse, ParseDict

from likeness.cli.bench.load_client import LoadClient, connect, data_frame
from likeness.errors import LikenessError, MachineError
from likeness.performance.client_packets import (
    OPUS,
    PING,
    Ping,
    Pong,
    Voice,
    decode_client,
    encode_client,
)
from likeness.v1 import room_pb2
from likeness.v1.room_pb2 import AudioIn, ClientMessage, Hello, ServerMessage

OPEN_SECONDS: Final = 30.0
_LINES: Final = 4
_SEND_BUFFER: Final = 16 << 10
"""Bytes that may wait before a page leaves motion out."""

Motion = Callable[[int, float, bytes], None]


class RefusedError(LikenessError):
    """The server did not let a seat in."""

    code = "refused"


class RoomSeat(Protocol):
    """One client of a room."""

    welcome: room_pb2.Welcome
    ended: str
    """Why the server ended it; empty while it lives."""
    voices: int
    """Voice packets that arrived."""
    notices: list[str]
    first_state: float
    """When the room's first state came; 0: not yet."""

    async def open(self, hello: Hello) -> None:
        """Say hello. Raises RefusedError."""
        ...

    async def send(self, message: ClientMessage) -> None:
        """Send one control message."""
        ...

    async def send_datagram(self, datagram: bytes) -> None:
        """Send one client datagram."""
        ...

    async def send_voice(self, sample: int, pcm: bytes, opus: bytes) -> None:
        """Send 20 ms of microphone, in the form that this kind of client sends."""
        ...

    async def cut(self) -> None:
        """Go without a word, as if the cable were cut."""
        ...


class Inbox:
    """What arrived at all seats of this process, read while nothing else arrives.

    Whoever reads each message as it comes makes the next one look late.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[GrpcSeat, float, bytes]] = deque()
        self._reader: asyncio.Task[None] | None = None

    def put(self, seat: "GrpcSeat", when: float, data: bytes) -> None:
        """A message that arrived at a time of `time.perf_counter`."""
        self._waiting.append((seat, when, data))
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while self._waiting:
            seat, when, data = self._waiting.popleft()
            seat.read(when, data)
            await asyncio.sleep(0)


class GrpcSeat:
    """Over gRPC `Join`, on a connection of its own, which costs as little as a LoadClient's."""

    def __init__(self, number: int, address: str, motion: Motion, inbox: Inbox | None = None) -> None:
        self.welcome = room_pb2.Welcome()
        self.ended = ""
        self.voices = 0
        self.notices: list[str] = []
        self.first_state = 0.0
        self._number, self._address, self._motion = number, address, motion
        self._inbox = inbox or Inbox()
        self._client: LoadClient | None = None

    async def open(self, hello: Hello) -> None:
        try:
            client = self._client = await connect(self._address)
            await client.join(hello)
        except (MachineError, OSError) as error:
            raise RefusedError(str(error)) from None
        self.welcome = client.welcome
        client.listen(lambda when, data: self._inbox.put(self, when, data))
        client.ended.add_done_callback(lambda _: self._end())

    async def send(self, message: ClientMessage) -> None:
        if self._client is not None and not self.ended:
            self._client.write(data_frame(message))

    async def send_datagram(self, datagram: bytes) -> None:
        await self.send(ClientMessage(motion=datagram))

    async def send_voice(self, sample: int, pcm: bytes, opus: bytes) -> None:
        del opus
        await self.send(ClientMessage(audio=AudioIn(pcm16=pcm, sample=sample, sample_rate=48_000)))

    async def cut(self) -> None:
        self.ended = self.ended or "cut"
        if self._client is not None:
            self._client.cut()

    def read(self, when: float, data: bytes) -> None:
        """A message that arrived."""
        message = ServerMessage.FromString(data)
        match message.WhichOneof("body"):
            case "bundle":
                if message.bundle.motion:
                    self._motion(self._number, when, message.bundle.motion)
                self.voices += len(message.bundle.voices)
            case "motion":
                self._motion(self._number, when, message.motion)
            case "voice":
                self.voices += 1
            case "state":
                self.first_state = self.first_state or when
            case "notice":
                self.notices.append(message.notice.text)
            case _:
                pass

    def _end(self) -> None:
        why = self._client.words if self._client is not None else ""
        self.ended = self.ended or why or "the server ended the call"


class RtcSeat:
    """Over WebRTC, as a browser: two data channels and audio lines, whose packets are counted, not decoded.

    `port_of`: given the server's UDP port, the one to send to instead (a relay in between).
    """

    def __init__(
        self, number: int, url: str, motion: Motion, port_of: Callable[[int], int] = lambda port: port
    ) -> None:
        self.welcome = room_pb2.Welcome()
        self.ended = ""
        self.voices = 0
        self.notices: list[str] = []
        self.first_state = 0.0
        self._number, self._url, self._motion, self._port_of = number, url, motion, port_of
        self._silent = False
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTransceiver("audio", "sendrecv")
        for _ in range(_LINES):
            self.pc.addTransceiver("audio", "recvonly")
        self._control = self.pc.createDataChannel("control", negotiated=True, id=0)
        self._datagrams = self.pc.createDataChannel(
            "motion", negotiated=True, id=1, ordered=False, maxRetransmits=0
        )
        self._control.on("message", self._on_control)
        self._datagrams.on("message", self._on_motion)
        self._control.on("close", self._on_close)

    async def open(self, hello: Hello) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        body = {"hello": MessageToDict(hello), "type": "offer", "sdp": self.pc.localDescription.sdp}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self._url}/api/rtc", json=body) as response,
        ):
            answer: dict[str, Any] = await response.json()
        if "welcome" not in answer:
            await self.pc.close()
            raise RefusedError(answer["error"]["text"])
        ParseDict(answer["welcome"], self.welcome)
        for transceiver in self.pc.getTransceivers():
            self._count(transceiver.receiver)
        sdp = _with_ports(answer["sdp"], self._port_of)
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        until = time.perf_counter() + OPEN_SECONDS
        while not self._control.readyState == self._datagrams.readyState == "open":
            if time.perf_counter() > until:
                raise MachineError(f"a seat's data channels did not open within {OPEN_SECONDS:g} s.")
            await asyncio.sleep(0.005)

    async def send(self, message: ClientMessage) -> None:
        if not self.ended:
            self._control.send(MessageToJson(message, indent=None))

    async def send_datagram(self, datagram: bytes) -> None:
        if not self.ended and self._datagrams.bufferedAmount <= _SEND_BUFFER:
            self._datagrams.send(datagram)

    async def send_voice(self, sample: int, pcm: bytes, opus: bytes) -> None:
        del pcm
        await self.send_datagram(encode_client(Voice(OPUS, 0, sample, opus)))

    async def cut(self) -> None:
        self.ended = self.ended or "cut"
        self._silent = True
        ice: Any = None if self.pc.sctp is None else self.pc.sctp.transport.transport
        for protocol in list(getattr(getattr(ice, "_connection", None), "_protocols", ())):
            protocol.transport.abort()
        with contextlib.suppress(Exception):  # aiortc may stumble over the sockets that were just taken away
            await asyncio.wait_for(self.pc.close(), 10)

    def _on_control(self, text: str) -> None:
        message = Parse(text, ServerMessage(), ignore_unknown_fields=True) if _is_told(text) else None
        if message is None:
            return
        if message.HasField("state"):
            self.first_state = self.first_state or time.perf_counter()
        elif message.HasField("notice"):
            self.notices.append(message.notice.text)
            if message.notice.fatal:
                self.ended = self.ended or message.notice.text

    def _on_motion(self, data: bytes) -> None:
        if data[0] != PING:
            self._motion(self._number, time.perf_counter(), data)
        elif not self._silent:
            ping = decode_client(data)
            assert isinstance(ping, Ping)
            self._datagrams.send(encode_client(Pong(ping.nonce, ping.client_time, 1.0)))

    def _on_close(self) -> None:
        self.ended = self.ended or "the server closed the channel"

    def _count(self, receiver: Any) -> None:
        async def count(packet: object, arrival_time_ms: int) -> None:
            del packet, arrival_time_ms
            self.voices += 1

        receiver._handle_rtp_packet = count


def _is_told(text: str) -> bool:
    """Whether a control message is one that is looked at; the others need not be parsed."""
    return text.startswith(('{"state"', '{"notice"', '{ "state"', '{ "notice"'))


def _with_ports(sdp: str, port_of: Callable[[int], int]) -> str:
    lines = sdp.splitlines()
    for i, line in enumerate(lines):
        if line.startswith("a=candidate:"):
            words = line.split()
            words[5] = str(port_of(int(words[5])))
            lines[i] = " ".join(words)
    return "\r\n".join(lines) + "\r\n"
