"""The WebSocket: motion, voice and control over TCP, for browsers that UDP does not reach."""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from likeness.errors import InputError, LikenessError
from likeness.performance.client_packets import OPUS, PCM16, Voice, encode_client
from likeness.stage.config import ServerConfig, StageConfig
from likeness.stage.outlet import ControlText, VoicePacket
from likeness.stage.session import Session
from likeness.transport.client_text import read_message
from likeness.transport.inlet import Inlet, notice
from likeness.transport.metrics import WebMetrics
from likeness.transport.ping import Pinger
from likeness.v1 import room_pb2, stream_pb2

HELLO_SECONDS: Final = 10.0
"""A socket that has not said hello by then is closed."""
PING_SECONDS: Final = 0.5
FRESH_SECONDS: Final = 0.1
"""Motion that waited longer than this is dropped in favour of newer frames."""
VOICE_BACKLOG: Final = 50
"""Voice packets (1 s) that wait at most; then the oldest goes."""
CONTROL_BACKLOG: Final = 4 << 20
"""Characters of control text that wait at most; then the reader is cut."""
SOCKET_BUFFER: Final = 64 << 10
"""Bytes the kernel may hold for a slow reader: little, so that what waits can still be replaced by newer."""
MESSAGE_LIMIT: Final = 2 << 20
"""Bytes of one incoming message before the socket is closed; smaller ones are refused in words."""

_log = logging.getLogger(__name__)


class Hellos(Protocol):
    """Opens or resumes a session for a peer."""

    async def __call__(self, hello: room_pb2.Hello) -> tuple[Session, room_pb2.Welcome]: ...


class SocketOutlet:
    """The sending half of one WebSocket: queues in memory, one writer, the newest motion first."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        text_of: ControlText,
        clock: Callable[[], float],
        codec: int | None,
    ) -> None:
        """`codec`: OPUS or PCM16 of docs/protocol.md, None for no voice."""
        self._ws, self._text_of, self._clock, self._codec = ws, text_of, clock, codec
        self._control: deque[str] = deque()
        self._control_size = 0
        self._voice: deque[bytes] = deque(maxlen=VOICE_BACKLOG)
        self._motion: deque[tuple[float, bytes]] = deque()
        self._waiting = asyncio.Event()
        self._closing = False
        self._behind_since: float | None = None
        self._ping = False
        self.dropped = 0
        """Datagrams that a newer one replaced."""
        self.sent_bytes = 0
        self.reason = ""
        """Why the server closed it."""

    @property
    def want_voice(self) -> bool:
        return self._codec is not None

    @property
    def want_opus(self) -> bool:
        return self._codec == OPUS

    def send_motion(self, datagram: bytes) -> None:
        now = self._clock()
        self._drop_stale(now)
        self._motion.append((now, datagram))
        self._waiting.set()

    def send_control(self, message: room_pb2.ServerMessage) -> None:
        if self._control_size > CONTROL_BACKLOG:
            self.close("slow")
            return
        text = self._text_of(message)
        self._control.append(text)
        self._control_size += len(text)
        self._waiting.set()

    def send_voice(self, packet: VoicePacket) -> None:
        payload = packet.opus if self._codec == OPUS else packet.pcm.astype("<i2", copy=False).tobytes()
        if self._codec is None or not payload:
            return
        self._voice.append(encode_client(Voice(self._codec, packet.avatar, packet.sample, payload)))
        self._waiting.set()

    def close(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._closing = True
        self._waiting.set()

    def ping(self) -> None:
        """Ask the other side's WebSocket for a pong, which any browser or library answers by itself."""
        self._ping = True
        self._waiting.set()

    async def write(self) -> None:
        """Send what is queued until closed; returns once the socket may be closed."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            if self._ping:
                self._ping = False
                await self._ws.ping()
            while self._control or self._voice or self._motion:
                while self._control:
                    text = self._control.popleft()
                    self._control_size -= len(text)
                    await self._send(text)
                if self._voice:
                    await self._send(self._voice.popleft())
                self._drop_stale(self._clock())
                if self._motion:
                    await self._send(self._motion.popleft()[1])
            self._behind_since = None
            if self._closing:
                return

    @property
    def behind(self) -> float:
        """Seconds since the reader fell behind and motion had to be dropped; 0 when it keeps up."""
        return 0.0 if self._behind_since is None else self._clock() - self._behind_since

    async def _send(self, data: str | bytes) -> None:
        self.sent_bytes += len(data)
        if isinstance(data, str):
            await self._ws.send_str(data)
        else:
            await self._ws.send_bytes(data)

    def _drop_stale(self, now: float) -> None:
        while self._motion and now - self._motion[0][0] > FRESH_SECONDS:
            self._motion.popleft()
            self.dropped += 1
            if self._behind_since is None:
                self._behind_since = now


def new_socket() -> web.WebSocketResponse:
    """A WebSocket as `serve_socket` needs it."""
    # Compression would cost more than it saves on packets of 180 bytes; pongs are read by us.
    return web.WebSocketResponse(max_msg_size=MESSAGE_LIMIT, compress=False, autoping=False, timeout=1.0)


async def serve_socket(
    ws: web.WebSocketResponse,
    request: web.Request,
    hellos: Hellos,
    config: ServerConfig,
    text_of: ControlText,
    metrics: WebMetrics,
    clock: Callable[[], float],
) -> None:
    """One WebSocket from its upgrade to its end."""
    await ws.prepare(request)
    _keep_buffers_small(request)
    try:
        hello = await _first_message(ws, config.limits.message_bytes)
        session, welcome = await hellos(hello)
    except LikenessError as error:
        with suppress(ConnectionError):
            await ws.send_str(text_of(notice(error, fatal=True)))
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=error.code.encode())
        return
    outlet = SocketOutlet(ws, text_of, clock, _codec(hello))
    outlet.send_control(room_pb2.ServerMessage(welcome=welcome))
    inlet = Inlet(session, outlet, config.limits, Pinger(clock), clock)
    session.attach(outlet)
    metrics.connections.labels("websocket").inc()
    # The writer ends when the stage closes the outlet, the reader when the client goes away,
    # the watch when the client is silent or slow.
    tasks = {
        asyncio.create_task(outlet.write(), name="socket writer"),
        asyncio.create_task(_read(ws, inlet, clock), name="socket reader"),
        asyncio.create_task(_watch(session, outlet, inlet, config.stage, clock), name="socket watch"),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            failure = task.exception()
            if failure is not None and not isinstance(failure, ConnectionError):
                _log.error("a socket of session %s failed", session.id, exc_info=failure)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        session.detach(outlet)
        if outlet.reason == "slow":
            session.cut_slow()
        metrics.end("websocket", outlet.reason or "closed", outlet.dropped, outlet.sent_bytes)
        if not ws.closed:
            with suppress(ConnectionError, asyncio.TimeoutError):
                await ws.close(code=WSCloseCode.GOING_AWAY, message=outlet.reason.encode()[:120])


async def _first_message(ws: web.WebSocketResponse, limit: int) -> room_pb2.Hello:
    try:
        first = await ws.receive(HELLO_SECONDS)
    except TimeoutError:
        raise InputError(f"No hello within {HELLO_SECONDS:g} s.") from None
    if first.type is not WSMsgType.TEXT:
        raise InputError('The first message must be text: {"hello": {"character": "einstein"}}.')
    message = read_message(first.data, limit)
    if message.WhichOneof("body") != "hello":
        raise InputError('The first message must be a hello: {"hello": {"character": "einstein"}}.')
    return message.hello


async def _read(ws: web.WebSocketResponse, inlet: Inlet, clock: Callable[[], float]) -> None:
    async for message in ws:
        if message.type is WSMsgType.TEXT:
            await inlet.text(message.data)
        elif message.type is WSMsgType.BINARY:
            inlet.binary(message.data)
        elif message.type is WSMsgType.PING:
            await ws.pong(message.data)
        elif message.type is WSMsgType.PONG:
            inlet.heard = clock()


async def _watch(
    session: Session, outlet: SocketOutlet, inlet: Inlet, times: StageConfig, clock: Callable[[], float]
) -> None:
    while True:
        await asyncio.sleep(PING_SECONDS)
        if outlet.behind > times.slow_seconds:
            outlet.reason = outlet.reason or "slow"
            return
        # While it is behind, our pings wait in its buffers; then silence tells something only of a client
        # that sends pings of its own.
        if (session.pings or not outlet.behind) and clock() - inlet.heard > times.dead_seconds:
            outlet.reason = outlet.reason or "silent"
            return
        outlet.ping()


def _codec(hello: room_pb2.Hello) -> int | None:
    if not hello.want_voice:
        return None
    return PCM16 if hello.voice_codec == stream_pb2.VoiceChunk.PCM16 else OPUS


def _keep_buffers_small(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    transport.set_write_buffer_limits(high=SOCKET_BUFFER // 2)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
