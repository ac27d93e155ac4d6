"""Resampler: exact streaming change of sample rate."""

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_HALF: Final = 16
_BETA: Final = 8.0
"""Kaiser window over 2 * 16 zero crossings: images under -75 dB, pass band up to 0.44 of the rate."""
_MOST_WEIGHTS: Final = 1 << 18
"""Numbers in the table of a usual rate: 11,025 Hz needs 114,000, an odd rate like 95,999 Hz five billion."""


def is_usual_rate(rate: int, rate_out: int = 48_000) -> bool:
    """Whether sound of `rate` Hz is changed to `rate_out` with a small table, as all rates of devices are.

    What strangers ask for must pass this first: an odd rate would take gigabytes.
    """
    if not 8_000 <= rate <= 96_000:
        return False
    up, down = rate_out // math.gcd(rate, rate_out), rate // math.gcd(rate, rate_out)
    return up * (down + 2 * _half(up, down)) <= _MOST_WEIGHTS


class Resampler:
    """Changes the rate of one mono stream, block by block, with exact sample counts and no delay.

    Output sample n is the input at time n * rate_in / rate_out (a Kaiser-windowed sinc, polyphase:
    Crochiere & Rabiner, "Multirate Digital Signal Processing", 1983, ch. 3), wherever the blocks are cut:
    the same input gives the same output however it is pushed. After `flush` the total is
    ceil(inputs * rate_out / rate_in). Rates are in Hz, up to 384,000.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if not (0 < rate_in <= 384_000 and 0 < rate_out <= 384_000):
            raise ValueError(f"sample rates must be 1..384000 Hz, not {rate_in} and {rate_out}")
        common = math.gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        self._same = self._up == self._down
        self._cut = min(1.0, self._up / self._down)
        self._half = _half(self._up, self._down)
        # One block: `down` inputs give `up` outputs, as one matrix product over the block's window.
        self._span = self._down + 2 * self._half - 1
        self._matrix = (
            np.zeros((0, 0), np.float32)
            if self._same
            else _weights(self._up, self._down, self._half, self._cut)
        )
        self._start()

    def _start(self) -> None:
        self._window = np.zeros(self._half - 1, np.float32)
        self._taken = 0
        self._given = 0

    def push(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """Outputs float32[m] that the input so far determines; values keep the input's scale."""
        block = np.asarray(samples, np.float32)
        self._taken += len(block)
        if self._same:
            return block
        self._window = np.concatenate((self._window, block))
        return self._blocks()

    def flush(self) -> NDArray[np.float32]:
        """The rest of the outputs; the resampler is then ready for another stream."""
        out = np.zeros(0, np.float32)
        if not self._same:
            total = -(-self._taken * self._up // self._down)
            tail = np.zeros(self._half + self._down, np.float32)
            self._window = np.concatenate((self._window, tail))
            given = self._given
            out = self._blocks()[: total - given]
        self._start()
        return out

    def _blocks(self) -> NDArray[np.float32]:
        count = (len(self._window) - self._span) // self._down + 1
        if count <= 0:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(self._window, self._span)[:: self._down][:count]
        out = (windows @ self._matrix).reshape(-1)
        self._window = self._window[count * self._down :]
        self._given += len(out)
        return out


def _half(up: int, down: int) -> int:
    """Inputs on each side of an output: 16 zero crossings of the lower rate."""
    return math.ceil(_HALF / min(1.0, up / down))


@lru_cache(maxsize=16)
def _weights(up: int, down: int, half: int, cut: float) -> NDArray[np.float32]:
    """Weights [down + 2 half - 1, up]: row i is input i - (half - 1) of the block, column k is output k."""
    time = np.arange(up)[None, :] * down / up
    offset = time - (np.arange(down + 2 * half - 1)[:, None] - (half - 1))
    inside = np.abs(offset) < half
    shape = np.i0(_BETA * np.sqrt(np.clip(1.0 - (offset / half) ** 2, 0.0, 1.0))) / np.i0(_BETA)
    # The pass band ends at 0.92 of the lower Nyquist rate, so that the window's skirt reaches no image.
    sinc = 0.92 * cut * np.sinc(0.92 * cut * offset)
    weights = np.where(inside, sinc * shape, 0.0)
    return (weights / weights.sum(axis=0, keepdims=True)).astype(np.float32)
