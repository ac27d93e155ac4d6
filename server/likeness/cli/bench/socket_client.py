"""SocketClient: one live microphone of a benchmark over the WebSocket, as pages and Unity speak it.

It writes the WebSocket's frames itself (RFC 6455) for the reason that LoadClient writes gRPC's: to cost
little beside the server that it shall measure. Packets are masked before the clock starts.
"""

import asyncio
import base64
import struct
import time
from typing import Final

import numpy as np
from google.protobuf.json_format import MessageToJson, Parse
from numpy.typing import NDArray

from likeness.cli.bench.join_client import PACKET, Seen
from likeness.cli.bench.load_client import ANSWER_SECONDS
from likeness.errors import MachineError
from likeness.performance.client_packets import PCM16, VOICE, Voice, decode_client, encode_client
from likeness.v1.room_pb2 import Bye, ClientMessage, Hello, Microphone, ServerMessage, Welcome


class SocketClient(asyncio.Protocol):
    """Joins, sends a microphone, and notes when everything arrived."""

    def __init__(self, authority: str) -> None:
        loop = asyncio.get_running_loop()
        self.sent: list[tuple[float, int]] = []
        """When each microphone packet was sent (`time.perf_counter`), and the sample after its last one."""
        self.welcome = Welcome()
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done once the server has closed the socket, or is gone."""
        self.words = ""
        """What the server gave as the reason of an end."""
        self._authority = authority
        self._opened: asyncio.Future[None] = loop.create_future()
        self._upgraded = False
        self._arrived: list[tuple[float, int, bytes]] = []
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    @property
    def seen(self) -> Seen:
        """What arrived."""
        seen = Seen()
        for when, kind, data in self._arrived:
            if kind == _TEXT:
                seen.others.append((when, Parse(data, ServerMessage(), ignore_unknown_fields=True)))
            elif data[:1] == bytes([VOICE]):
                voice = decode_client(data)
                if isinstance(voice, Voice):
                    seen.voice.append((when, voice.sample, voice.payload))
            else:
                seen.motion.append((when, data))
        return seen

    async def join(self, hello: Hello) -> None:
        """Say hello and wait for the answer. Raises MachineError."""
        key = base64.b64encode(bytes(16)).decode()
        self._write(
            f"GET /api/ws HTTP/1.1\r\nHost: {self._authority}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._tell(ClientMessage(hello=hello))
        await asyncio.wait((self._opened, self.ended), timeout=ANSWER_SECONDS, return_when="FIRST_COMPLETED")
        first = self._arrived.pop(0)[2] if self._arrived else b"{}"
        message = Parse(first, ServerMessage(), ignore_unknown_fields=True)
        if not message.HasField("welcome"):
            why = message.notice.text or self.words or "it said nothing; see its log"
            raise MachineError(f"the server did not open a session for a live stream: {why}")
        self.welcome = message.welcome

    def open_microphone(self, hear_self: bool) -> None:
        """Sound comes from now on."""
        self._tell(ClientMessage(microphone=Microphone(open=True, hear_self=hear_self)))

    def speak(self, packet: bytes) -> None:
        """Send one packet of `socket_packets`."""
        end = self.sent[-1][1] if self.sent else 0
        self.sent.append((time.perf_counter(), end + PACKET))
        self._write(packet)

    async def leave(self) -> None:
        """Say bye and wait for the end."""
        if not self.ended.done():
            self._tell(ClientMessage(bye=Bye(reason="done")))
            await asyncio.wait((self.ended,), timeout=5)
        if self._transport is not None:
            self._transport.abort()

    def _tell(self, message: ClientMessage) -> None:
        self._write(_frame(_TEXT, MessageToJson(message, indent=None).encode()))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    # --- asyncio's callbacks ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        if not self._upgraded:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self._rest = data
                return
            at, self._upgraded = head + 4, data.startswith(b"HTTP/1.1 101")
            if not self._upgraded:
                self.words = data[:head].partition(b"\r\n")[0].decode(errors="replace")
                self._write_end()
                return
        while end - at >= 2:
            kind, size, body = data[at] & 0x0F, data[at + 1] & 0x7F, at + 2
            if size >= _SHORT:
                wide = 2 if size == _SHORT else 8
                size, body = int.from_bytes(data[body : body + wide]), body + wide
            if body + size > end or body > end:
                break
            self._came(now, kind, data[body : body + size])
            at = body + size
        self._rest = data[at:]

    def _came(self, now: float, kind: int, body: bytes) -> None:
        if kind in (_TEXT, _BINARY):
            self._arrived.append((now, kind, body))
            if not self._opened.done():
                self._opened.set_result(None)
        elif kind == _PING:
            self._write(_frame(_PONG, body))
        elif kind == _CLOSE:
            self.words = self.words or body[2:].decode(errors="replace")
            self._write_end()

    def _write_end(self) -> None:
        if self._transport is not None:
            self._transport.close()


def socket_packets(pcm: NDArray[np.int16]) -> list[bytes]:
    """A recording (int16 at 48 kHz, whole packets of 20 ms) as frames that SocketClient.speak sends."""
    return [
        _frame(_BINARY, encode_client(Voice(PCM16, 0, k * PACKET, piece.tobytes())))
        for k, piece in enumerate(pcm.astype("<i2").reshape(-1, PACKET))
    ]


async def connect_socket(address: str) -> SocketClient:
    """A connection to a server's HTTP port at host:port."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: SocketClient(address), host.strip("[]"), int(port))
    return client


def _frame(kind: int, body: bytes) -> bytes:
    """A whole message, masked as clients must."""
    size = len(body)
    short = size if size < _SHORT else _SHORT if size < 1 << 16 else _SHORT + 1
    length = b"" if size < _SHORT else struct.pack(">H" if short == _SHORT else ">Q", size)
    whole = -(-size // 4) * 4
    masked = np.frombuffer(body.ljust(whole, b"\0"), np.uint32) ^ np.frombuffer(_MASK, np.uint32)
    return bytes((0x80 | kind, 0x80 | short)) + length + _MASK + masked.tobytes()[:size]


_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_SHORT: Final = 126
_MASK: Final = bytes((0x37, 0xFA, 0x21, 0x3D))
