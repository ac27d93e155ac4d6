"""The microphone's audio line: from aiortc's receiver to mono samples without waiting."""

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket
from av import AudioFrame
from numpy.typing import NDArray

from likeness.errors import MachineError


class ArrivalOrder:
    """Stands in for aiortc's jitter buffer: each Opus packet goes on as it arrives, a late one is left out.

    aiortc's own holds back four packets (80 ms) and, after each lost one, sixteen (320 ms) for good. The
    stage has a jitter buffer that knows the media clock, so a second one is only delay.
    """

    def __init__(self) -> None:
        self._newest: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """(whether to ask for a key frame, the frame that is complete now)."""
        data: bytes = getattr(packet, "_data", b"")
        ahead = 1 if self._newest is None else (packet.sequence_number - self._newest) & 0xFFFF
        if not data or not 0 < ahead < 0x8000:
            return False, None
        self._newest = packet.sequence_number
        return False, JitterFrame(data, packet.timestamp)


def hear_at_once(receiver: RTCRtpReceiver) -> None:
    """Replace the receiver's jitter buffer, if this aiortc keeps one where 1.9 to 1.16 do."""
    name = "_RTCRtpReceiver__jitter_buffer"
    if hasattr(receiver, name):
        setattr(receiver, name, ArrivalOrder())


def mono(frame: AudioFrame) -> NDArray[np.int16]:
    """int16[n]: the mean of the frame's channels. aiortc's Opus decoder gives interleaved stereo int16."""
    if frame.format.name != "s16":
        raise MachineError(f"aiortc decoded the microphone to {frame.format.name}; s16 was expected.")
    channels = frame.layout.nb_channels
    rows = np.frombuffer(bytes(frame.planes[0]), np.int16)[: frame.samples * channels].reshape(-1, channels)
    return (rows.astype(np.int32).sum(axis=1) // channels).astype(np.int16)
