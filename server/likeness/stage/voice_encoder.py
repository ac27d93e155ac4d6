"""VoiceEncoder: one performer's voice as Opus packets of 20 ms, made once for all listeners."""

from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from likeness.head.frame import SAMPLE_RATE
from likeness.stage.outlet import BLOCK

BIT_RATE: Final = 32_000
TAIL: Final = 5
"""Silent blocks that are still encoded, so that a decoder fades out instead of being switched off."""
SILENCE: Final = b"\xf8\xff\xfe"
"""The Opus packet of 20 ms of digital silence: CELT, full band, mono; RFC 6716, section 3.1."""


class VoiceEncoder:
    """Opus, 48 kHz mono, 20 ms, 32 kbit/s. Silence costs nothing: its packet is a constant."""

    def __init__(self) -> None:
        self._codec: AudioCodecContext | None = None
        self._quiet = TAIL

    def encode(self, pcm: NDArray[np.int16], sample: int, silent: bool) -> bytes:
        """The Opus packet of int16[960]; b"" only if the encoder holds a packet back (it does not)."""
        self._quiet = self._quiet + 1 if silent else 0
        if self._quiet > TAIL:
            self._codec = None  # a fresh encoder for the next word: its state belongs to the last one
            return SILENCE
        if self._codec is None:
            self._codec = _open()
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, BLOCK), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = sample
        frame.time_base = Fraction(1, SAMPLE_RATE)
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


def _open() -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", "w")
    codec.bit_rate = BIT_RATE
    codec.sample_rate = SAMPLE_RATE
    codec.format = "s16"
    codec.layout = "mono"
    codec.options = {"application": "voip", "frame_duration": "20", "vbr": "on"}
    codec.time_base = Fraction(1, SAMPLE_RATE)
    codec.open()
    return codec
