"""VoiceTimeline: pieces of sound on a performer's media clock."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

Int16 = NDArray[np.int16]

Float32 = NDArray[np.float32]

FADE: Final = 240
"""Samples over which a cut voice fades, 5 ms: shorter clicks, longer sounds like a swallowed word."""


class VoiceTimeline:
    """Sound placed ahead of time, read in order as it becomes due. Silence where nothing was placed.

    Pieces are placed in ascending order. All positions are 48 kHz samples of the performer's clock.
    """

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, Int16]] = deque()

    @property
    def end(self) -> int:
        """The sample after the last one placed; 0 when nothing is left."""
        if not self._pieces:
            return 0
        start, pcm = self._pieces[-1]
        return start + len(pcm)

    def place(self, start: int, pcm: Int16) -> None:
        """Put mono int16 sound at `start`; what overlaps an earlier piece is moved behind it."""
        if len(pcm):
            self._pieces.append((max(start, self.end), pcm))

    def read(self, first: int, count: int) -> Int16 | None:
        """int16[count] from `first` on; None where all of it is silence by absence."""
        out: Int16 | None = None
        last = first + count
        for start, pcm in self._pieces:
            if start >= last:
                break
            low, high = max(start, first), min(start + len(pcm), last)
            if low < high:
                if out is None:
                    out = np.zeros(count, np.int16)
                out[low - first : high - first] = pcm[low - start : high - start]
        return out

    def forget(self, before: int) -> None:
        """Drop pieces that end at or before a sample."""
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) <= before:
            self._pieces.popleft()

    def cut(self, at: int) -> None:
        """Silence from `at` on, after a fade of 5 ms."""
        tail = self.read(at, FADE)
        while self._pieces and self._pieces[-1][0] >= at:
            self._pieces.pop()
        if self._pieces:
            start, pcm = self._pieces[-1]
            if start + len(pcm) > at:
                self._pieces[-1] = (start, pcm[: at - start])
        if tail is not None:
            ramp = np.linspace(1.0, 0.0, FADE, dtype=np.float32)
            self._pieces.append((at, (tail * ramp).astype(np.int16)))


def as_float(sound: Int16 | Float32) -> Float32:
    """Sound as float32 in -1..1."""
    return sound.astype(np.float32) * _STEP if sound.dtype == np.int16 else sound.astype(np.float32)


def as_int16(sound: Int16 | Float32) -> Int16:
    """Sound in -1..1 as int16; louder is clipped, not-a-number is silence."""
    if sound.dtype == np.int16:
        return sound.astype(np.int16, copy=False)
    return np.clip(np.rint(np.nan_to_num(sound) * 32768), -32768, 32767).astype(np.int16)


def mix(a: Int16, b: Int16) -> Int16:
    """Both sounds at once; louder than int16 is clipped."""
    return np.clip(a.astype(np.int32) + b, -32768, 32767).astype(np.int16)


_STEP: Final = np.float32(1 / 32768)
