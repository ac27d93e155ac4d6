"""VoiceTrack: one WebRTC audio line that carries Opus packets made once for all listeners."""

import asyncio
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from aiortc import MediaStreamTrack, RTCRtpSender
from av.packet import Packet

from likeness.errors import MachineError
from likeness.stage.outlet import BLOCK, VoicePacket

if TYPE_CHECKING:
    from av.stream import Stream

BACKLOG: Final = 10
"""Packets (200 ms) that wait at most; then the oldest goes."""
_TIME_BASE: Final = Fraction(1, 48_000)


class VoiceTrack(MediaStreamTrack):
    """Feeds one RTP sender with ready-made Opus packets; RTP time runs with the media samples.

    A line belongs to one avatar at a time. `on_map(avatar, rtp_timestamp, sample)` is called once the
    sender has sent the first packet of an avatar, because only then its RTP origin is known
    (aiortc draws it at random in `RTCRtpSender._run_rtp`).
    """

    kind = "audio"

    def __init__(self, on_map: Callable[[int, int, int], None]) -> None:
        super().__init__()
        self._on_map = on_map
        self._sender: RTCRtpSender | None = None
        self._backlog: deque[VoicePacket] = deque(maxlen=BACKLOG)
        self._arrived = asyncio.Event()
        self._running = False
        self._offset: int | None = None  # RTP media time minus sample, of the current avatar
        self._next_pts = 0
        self._unmapped: VoicePacket | None = None
        self.pushed_at = 0.0
        """When its owner last had something for it, on their clock."""
        self.avatar = 0
        """Whose voice this line carries; 0: nobody's yet."""

    def feed(self, sender: RTCRtpSender) -> None:
        """Become the source of `sender`."""
        self._sender = sender
        sender.replaceTrack(self)

    def bind(self, avatar: int) -> None:
        """Carry this avatar's voice from its next packet on; 0 frees the line."""
        self.avatar = avatar
        self._offset = None
        self._backlog.clear()

    def push(self, packet: VoicePacket) -> None:
        """Queue 20 ms. Until the sender runs only the newest packet is kept, so that it starts fresh."""
        if not self._running:
            self._backlog.clear()
        self._backlog.append(packet)
        self._arrived.set()

    async def recv(self) -> "Packet[Stream]":
        """The next packet, for aiortc's sender, which packs it as it is."""
        self._running = True
        self._tell_map()
        while not self._backlog:
            self._arrived.clear()
            await self._arrived.wait()
        voice = self._backlog.popleft()
        if self._offset is None:
            # A new avatar continues the line's RTP time, so that the listener's buffer sees no jump back.
            self._offset = self._next_pts - voice.sample
            self._unmapped = voice
        packet = Packet(voice.opus)
        packet.pts = voice.sample + self._offset
        packet.time_base = _TIME_BASE
        self._next_pts = packet.pts + BLOCK
        return packet

    def _tell_map(self) -> None:
        voice, self._unmapped = self._unmapped, None
        if voice is not None and self._sender is not None and voice.avatar == self.avatar:
            self._on_map(voice.avatar, last_rtp_timestamp(self._sender), voice.sample)


def last_rtp_timestamp(sender: RTCRtpSender) -> int:
    """The RTP timestamp of the packet that `sender` sent last (aiortc keeps it for its sender reports)."""
    timestamp = getattr(sender, "_RTCRtpSender__rtp_timestamp", None)
    if not isinstance(timestamp, int):
        raise MachineError(
            "This aiortc does not keep the RTP timestamp where it did in 1.9 to 1.16, so sound and face "
            "cannot be aligned. Install a version in that range."
        )
    return timestamp
