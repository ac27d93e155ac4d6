"""OpusEar: turns a client's Opus packets into sound."""

import numpy as np
from av import CodecContext
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError
from av.packet import Packet
from numpy.typing import NDArray

RATE = 48_000


class OpusEar:
    """A decoder for one live voice; each packet stands for itself, as on the WebSocket."""

    def __init__(self) -> None:
        context = CodecContext.create("libopus", "r")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = RATE
        context.layout = "mono"
        self._context = context

    def decode(self, packet: bytes) -> NDArray[np.int16] | None:
        """int16[n] at 48 kHz, mono; None where the bytes are not an Opus packet."""
        try:
            frames = self._context.decode(Packet(packet))
        except FFmpegError:
            return None
        pieces: list[NDArray[np.int16]] = []
        for frame in frames:
            pcm = frame.to_ndarray().astype(np.float32)
            if frame.format.name.startswith("s16"):
                pcm /= 32768
            channels = frame.layout.nb_channels
            rows = pcm.reshape(channels, -1) if frame.format.is_planar else pcm.reshape(-1, channels).T
            pieces.append(np.clip(np.rint(rows.mean(axis=0) * 32767), -32768, 32767).astype(np.int16))
        return np.concatenate(pieces) if pieces else None
