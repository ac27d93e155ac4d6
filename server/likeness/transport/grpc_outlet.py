"""GrpcOutlet: the sending half of one Join call."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from likeness.stage.outlet import VoicePacket
from likeness.v1 import stream_pb2
from likeness.v1.room_pb2 import Bundle, Notice, ServerMessage

FRESH_SECONDS: Final = 0.1
"""Motion that waited longer than this gives way to newer frames."""
VOICE_BACKLOG: Final = 50
"""Voice packets (1 s) that wait at most; then the oldest goes."""
CONTROL_BACKLOG: Final = 4096
"""Control messages that wait at most; then the reader is cut."""


class GrpcOutlet:
    """Queues in memory, written by one coroutine: control in order, voice, and the newest motion."""

    def __init__(
        self,
        want_voice: bool,
        codec: "stream_pb2.VoiceChunk.Codec",
        now: Callable[[], float],
        slow_seconds: float,
        bundles: bool = False,
    ) -> None:
        self._bundles = bundles
        self._want_voice = want_voice
        self._codec: stream_pb2.VoiceChunk.Codec = codec
        self._now = now
        self._slow_seconds = slow_seconds
        self._control: deque[ServerMessage] = deque()
        self._voice: deque[VoicePacket] = deque(maxlen=VOICE_BACKLOG)
        self._motion: deque[tuple[float, bytes]] = deque()
        self._waiting = asyncio.Event()
        self._closing = False
        self._behind_since: float | None = None
        self.dropped = 0
        """Datagrams that a newer one replaced."""
        self.reason = ""
        """Why it was closed."""
        self.cut = asyncio.Event()
        """Set when the reader could not keep up; a write that is under way may never end."""

    @property
    def want_voice(self) -> bool:
        return self._want_voice

    @property
    def want_opus(self) -> bool:
        return self._want_voice and self._codec == stream_pb2.VoiceChunk.OPUS

    def send_motion(self, datagram: bytes) -> None:
        now = self._now()
        while self._motion and now - self._motion[0][0] > FRESH_SECONDS:
            self._motion.popleft()
            self.dropped += 1
            if self._behind_since is None:
                self._behind_since = now
        if self._behind_since is not None and now - self._behind_since > self._slow_seconds:
            self._cut(f"you read too slowly: frames had to be dropped for {self._slow_seconds:g} s.")
        self._motion.append((now, datagram))
        self._waiting.set()

    def send_control(self, message: ServerMessage) -> None:
        if len(self._control) >= CONTROL_BACKLOG:
            self._cut(f"you read too slowly: {CONTROL_BACKLOG} messages are waiting.")
            return
        self._control.append(message)
        self._waiting.set()

    def send_voice(self, packet: VoicePacket) -> None:
        if packet.silent:
            return  # the media clock says it; a gRPC client has no decoder to keep busy
        self._voice.append(packet)
        self._waiting.set()

    def close(self, reason: str) -> None:
        if not self._closing:
            self.reason = reason
            notice = Notice(level=Notice.INFO, code="closed", text=reason, fatal=True)
            self._control.append(ServerMessage(notice=notice))
            self._closing = True
            self._waiting.set()

    async def write_all(self, write: Callable[[ServerMessage], Awaitable[None]]) -> None:
        """Send what is queued until closed. Raises what `write` raises."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._control or self._voice or self._motion:
                if self._bundles:
                    bundle = self._bundle()
                    if bundle is not None:
                        await write(bundle)
                elif self._motion:
                    await write(ServerMessage(motion=self._take_motion()))
                while self._control and not self._bundled_next():
                    await write(self._control.popleft())
                if self._voice and not self._bundles:
                    await write(ServerMessage(voice=self._chunk(self._voice.popleft())))
            self._behind_since = None
            if self._closing:
                return

    def _bundled_next(self) -> bool:
        """The next control message goes with the next bundle."""
        return self._bundles and self._control[0].HasField("seal")

    def _bundle(self) -> ServerMessage | None:
        """All motion and voice that waits, and the seals that are next in line."""
        seals: list[stream_pb2.Seal] = []
        while self._control and self._bundled_next():
            seals.append(self._control.popleft().seal)
        if not (self._motion or self._voice or seals):
            return None
        voices = [self._chunk(packet) for packet in self._voice]
        self._voice.clear()
        return ServerMessage(bundle=Bundle(motion=self._take_motion(), voices=voices, seals=seals))

    def _take_motion(self) -> bytes:
        """All motion that waits, together: a message costs the same whatever its size."""
        waiting = b"".join(datagram for _, datagram in self._motion)
        self._motion.clear()
        return waiting

    def _cut(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.cut.set()

    def _chunk(self, packet: VoicePacket) -> stream_pb2.VoiceChunk:
        opus = self._codec == stream_pb2.VoiceChunk.OPUS
        data = packet.opus if opus else packet.pcm.astype("<i2", copy=False).tobytes()
        return stream_pb2.VoiceChunk(avatar=packet.avatar, sample=packet.sample, codec=self._codec, data=data)
