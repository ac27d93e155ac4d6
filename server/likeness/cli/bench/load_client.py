"""LoadClient: one live microphone of a benchmark, on a gRPC connection of its own.

It writes gRPC's frames itself (HTTP/2 without TLS: RFC 9113, and gRPC's "over HTTP/2" protocol): a client
made of Python's gRPC library costs as much as the server that it shall measure. The server cannot tell the
difference. Requests are serialised before the clock starts, arrivals are noted as bytes and read afterwards.
"""

import asyncio
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.join_client import PACKET, Seen
from likeness.errors import MachineError
from likeness.v1.room_pb2 import AudioIn, Bye, ClientMessage, Hello, Microphone, ServerMessage, Welcome

ANSWER_SECONDS: Final = 60.0
"""A starved machine may take long to open a session; its streams are timed from later on."""


class LoadClient(asyncio.Protocol):
    """Joins, sends a microphone, and notes when everything arrived."""

    def __init__(self, authority: str) -> None:
        loop = asyncio.get_running_loop()
        self.sent: list[tuple[float, int]] = []
        """When each microphone packet was sent (`time.perf_counter`), and the sample after its last one."""
        self.welcome = Welcome()
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done once the server has ended the call, or is gone."""
        self._opened: asyncio.Future[None] = loop.create_future()
        self._authority = authority
        self._arrived: list[tuple[float, bytes]] = []
        self._listener: Callable[[float, bytes], None] | None = None
        self.words = ""
        """What the server gave as the reason of an end."""
        self._rest = b""
        self._message = bytearray()
        self._windows = [_WINDOW, _WINDOW]
        self._their_window = _WINDOW
        self._waiting: deque[bytes] = deque()
        self._transport: asyncio.Transport | None = None

    @property
    def seen(self) -> Seen:
        """What arrived."""
        seen = Seen()
        for when, data in self._arrived:
            message = ServerMessage.FromString(data)
            match message.WhichOneof("body"):
                case "motion":
                    seen.motion.append((when, message.motion))
                case "voice":
                    seen.voice.append((when, message.voice.sample, message.voice.data))
                case "bundle":
                    if message.bundle.motion:
                        seen.motion.append((when, message.bundle.motion))
                    seen.voice += [(when, voice.sample, voice.data) for voice in message.bundle.voices]
                case "seal" | "seals":
                    pass
                case _:
                    seen.others.append((when, message))
        return seen

    async def join(self, hello: Hello) -> None:
        """Say hello and wait for the answer. Raises MachineError."""
        fields = (
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/likeness.v1.Likeness/Join"),
            (b":authority", self._authority.encode()), (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
        )  # fmt: skip
        # HPACK's plainest form (RFC 7541, 6.2.2): literals that nobody remembers.
        block = b"".join(b"\0%c%b%c%b" % (len(k), k, len(v), v) for k, v in fields)
        assert self._transport is not None
        self._transport.write(_frame(_HEADERS, block, _END_HEADERS, _CALL))
        self.write(data_frame(ClientMessage(hello=hello)))
        await asyncio.wait((self._opened, self.ended), timeout=ANSWER_SECONDS, return_when="FIRST_COMPLETED")
        if not self._arrived:
            why = self.words or "it said nothing; see its log"
            raise MachineError(f"the server did not open a session for a live stream: {why}")
        self.welcome = ServerMessage.FromString(self._arrived.pop(0)[1]).welcome

    def listen(self, listener: Callable[[float, bytes], None]) -> None:
        """Give the listener each message with the time of its arrival, instead of keeping it for `seen`."""
        self._listener = listener
        for when, data in self._arrived:
            listener(when, data)
        self._arrived.clear()

    def open_microphone(self, hear_self: bool) -> None:
        """Sound comes from now on."""
        self.write(data_frame(ClientMessage(microphone=Microphone(open=True, hear_self=hear_self))))

    def speak(self, packet: bytes) -> None:
        """Send one packet of `microphone_packets`."""
        end = self.sent[-1][1] if self.sent else 0
        self.sent.append((time.perf_counter(), end + PACKET))
        self.write(packet)

    async def leave(self) -> None:
        """Say bye and wait for the end."""
        if not self.ended.done():
            self.write(data_frame(ClientMessage(bye=Bye(reason="done"))))
            await asyncio.wait((self.ended,), timeout=5)
        self.cut()

    def cut(self) -> None:
        """Go without a word."""
        if self._transport is not None:
            self._transport.abort()

    def write(self, frame: bytes) -> None:
        """Send a whole frame as far as the server lets us."""
        self._waiting.append(frame)
        self._flush()

    def _flush(self) -> None:
        waiting, windows = self._waiting, self._windows
        while waiting and self._transport is not None:
            size = len(waiting[0]) - _HEAD
            if min(windows) < size:
                return
            windows[0] -= size
            windows[1] -= size
            self._transport.write(waiting.popleft())

    # --- asyncio's callbacks ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # All that the server wants to send may come at once: no window has to be opened again.
        settings = struct.pack(">HIHI", _ENABLE_PUSH, 0, _INITIAL_WINDOW, _MOST)
        more = struct.pack(">I", _MOST - _WINDOW)
        transport.write(_PREFACE + _frame(_SETTINGS, settings) + _frame(_WINDOW_UPDATE, more))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= _HEAD:
            body = at + _HEAD
            stop = body + (data[at] << 16 | data[at + 1] << 8 | data[at + 2])
            if stop > end:
                break
            kind = data[at + 3]
            if kind == _DATA:
                self._take(now, data[body:stop])
            else:
                self._other(kind, data[at + 4], int.from_bytes(data[at + 5 : body]), data[body:stop])
            at = stop
        self._rest = data[at:]

    def _take(self, now: float, data: bytes) -> None:
        """Messages, each with its five bytes of prefix; most fill a frame exactly."""
        if not self._message and len(data) >= 5 and int.from_bytes(data[1:5]) == len(data) - 5:
            self._message_came(now, data[5:])
        else:
            self._message += data
            while len(self._message) >= 5:
                size = 5 + int.from_bytes(self._message[1:5])
                if len(self._message) < size:
                    break
                self._message_came(now, bytes(self._message[5:size]))
                del self._message[:size]

    def _message_came(self, now: float, message: bytes) -> None:
        if self._listener is not None:
            self._listener(now, message)
            return
        self._arrived.append((now, message))
        if not self._opened.done():
            self._opened.set_result(None)

    def _other(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        windows = self._windows
        if kind == _WINDOW_UPDATE:
            windows[1 if stream else 0] += int.from_bytes(body)
            self._flush()
        elif kind == _SETTINGS and not flags & _ACK:
            for setting, value in struct.iter_unpack(">HI", body):
                if setting == _INITIAL_WINDOW:
                    windows[1] += value - self._their_window
                    self._their_window = value
            self._answer(_frame(_SETTINGS, b"", _ACK))
            self._flush()
        elif kind == _PING and not flags & _ACK:
            self._answer(_frame(_PING, body, _ACK))
        elif kind in (_RESET, _GO_AWAY) or (kind == _HEADERS and flags & _END_STREAM):
            _, name, value = body.partition(b"grpc-message")
            if name:  # as gRPC writes it: a literal of at most 126 bytes after its length
                self.words = value[1 : 1 + value[0]].decode(errors="replace")
            self._end()

    def _answer(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def microphone_packets(pcm: NDArray[np.int16]) -> list[bytes]:
    """A recording (int16 at 48 kHz, whole packets of 20 ms) as frames that LoadClient.speak sends."""
    return [
        data_frame(ClientMessage(audio=AudioIn(pcm16=piece.tobytes(), sample_rate=48_000)))
        for piece in pcm.astype("<i2").reshape(-1, PACKET)
    ]


async def connect(address: str) -> LoadClient:
    """A connection to a server's gRPC at host:port."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: LoadClient(address), host.strip("[]"), int(port))
    return client


class Speaks(Protocol):
    """A client that sends packets."""

    def speak(self, packet: bytes) -> None: ...


async def speak_all(
    clients: Sequence[Speaks],
    voices: Sequence[Sequence[bytes]],
    starts: Sequence[float],
    seconds: float,
) -> None:
    """Send each client's looped voice, every packet when its last sample has been spoken.

    starts: of each client, seconds of `time.perf_counter`.
    """
    step = PACKET / 48_000
    due = np.array(starts) + step
    sent = np.zeros(len(clients), np.int64)
    last = int(seconds / step)
    while (sent < last).any():
        now = time.perf_counter()
        for k in np.nonzero((due <= now) & (sent < last))[0].tolist():
            voice = voices[k]
            clients[k].speak(voice[int(sent[k]) % len(voice)])
            sent[k] += 1
            due[k] = starts[k] + (int(sent[k]) + 1) * step
        left = due[sent < last]
        if len(left):
            await asyncio.sleep(max(0.0, float(left.min()) - time.perf_counter()))


def data_frame(message: ClientMessage) -> bytes:
    """A message in a frame of its own."""
    data = message.SerializeToString()
    return _frame(_DATA, b"\0" + len(data).to_bytes(4) + data, 0, _CALL)


def _frame(kind: int, body: bytes, flags: int = 0, stream: int = 0) -> bytes:
    return struct.pack(">IBI", len(body) << 8 | kind, flags, stream) + body


_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD: Final = 9
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
_ENABLE_PUSH, _INITIAL_WINDOW = 2, 4
_CALL: Final = 1
"""The stream of the one call."""
_WINDOW: Final = 65_535
_MOST: Final = 2**31 - 1
