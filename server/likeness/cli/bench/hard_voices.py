"""Voices that are hard to read lips from: on the telephone, whispering, very low or high, clipped, two at
once.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_LOW_RATE: Final = 16_000
_WINDOW, _HOP, _ORDER = 400, 100, 18  # 25 ms every 6.25 ms; poles of the vocal tract's filter
_LOWEST, _HIGHEST = 70, 400  # Hz, where the pitch of the voice that is taken apart is sought
_VOICED: Final = 0.45


def telephone(pcm: Float32) -> Float32:
    """Sound [S] at 48 kHz as an old telephone line carries it: 8 kHz, 300 to 3400 Hz, 8-bit mu-law."""
    from scipy.signal import butter, resample_poly, sosfilt

    narrow = sosfilt(
        butter(4, (300, 3400), "bandpass", fs=8000, output="sos"), resample_poly(pcm.astype(np.float64), 1, 6)
    )
    loud = float(np.abs(narrow).max()) + 1e-9
    pressed = np.sign(narrow) * np.log1p(255 * np.abs(narrow) / loud) / np.log(256)
    coded = np.round(pressed * 127) / 127
    heard = np.sign(coded) * (np.expm1(np.abs(coded) * np.log(256)) / 255) * loud
    return resample_poly(heard, 6, 1)[: len(pcm)].astype(np.float32)


def clipped(pcm: Float32, decibels: float = 18.0) -> Float32:
    """Sound [S] brought to full scale, then made so much too loud for its microphone."""
    level = 10 ** (decibels / 20) / (float(np.abs(pcm).max()) + 1e-9)
    return np.clip(pcm * level, -1.0, 1.0).astype(np.float32)


def together(pcm: Float32, other: Float32, decibels: float = 0.0) -> Float32:
    """Sound [S] with another voice, so much louder, from the beginning on; as long as the first."""
    both = pcm.copy()
    span = min(len(pcm), len(other))
    gain = _level(pcm) / (_level(other) + 1e-9) * 10 ** (decibels / 20)
    both[:span] += np.float32(gain) * other[:span]
    return both / max(1.0, float(np.abs(both).max()))


def revoiced(pcm: Float32, pitch: float | None, seed: int) -> Float32:
    """The same mouth with another voice: sound [S] at 48 kHz taken apart into a vocal tract (linear
    prediction) and a source, and put together with a buzz of `pitch` Hz, or with noise alone (a whisper).
    """
    from scipy.linalg import solve_toeplitz
    from scipy.signal import lfilter, resample_poly

    sound = resample_poly(pcm.astype(np.float64), 1, 3)
    sound = lfilter([1.0, -0.95], [1.0], np.pad(sound, _WINDOW))
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=len(sound))
    buzz = _pulses(len(sound), pitch) if pitch is not None else noise
    window = np.hanning(_WINDOW)
    lag = slice(_LOW_RATE // _HIGHEST, _LOW_RATE // _LOWEST)
    overlap = np.correlate(window, window, "full")[_WINDOW - 1 :][lag]
    overlap /= (window**2).sum()
    out = np.zeros(len(sound))
    for start in range(0, len(sound) - 2 * _WINDOW, _HOP):
        frame = sound[start : start + _WINDOW] * window
        spread = np.correlate(frame, frame, "full")[_WINDOW - 1 :]
        if spread[0] < 1e-9:
            continue
        lags = spread[: _ORDER + 1].copy()
        lags[0] *= 1.0001
        tract = solve_toeplitz(lags[:-1], lags[1:])
        power = max(float(lags[0] - tract @ lags[1:]), 0.0) / float((window**2).sum())
        source = buzz if (spread[lag] / overlap).max() > _VOICED * spread[0] else noise
        drive = np.concatenate([source[start : start + _WINDOW] * window, np.zeros(_WINDOW)])
        out[start : start + 2 * _WINDOW] += lfilter([np.sqrt(power)], np.concatenate(([1.0], -tract)), drive)
    voice = np.asarray(lfilter([1.0], [1.0, -0.95], out))[_WINDOW:]
    voice *= _level(pcm) / (_level(voice) + 1e-9)
    heard = resample_poly(voice, 3, 1)[: len(pcm)].astype(np.float32)
    return np.pad(heard, (0, len(pcm) - len(heard)))


def most_in_a_second(starts: Sequence[float]) -> int:
    """The most of some instants (seconds, rising) that lie within one second."""
    return max((sum(a <= b < a + 1.0 for b in starts) for a in starts), default=0)


def _pulses(count: int, pitch: float) -> NDArray[np.float64]:
    """A train of pulses with the power of white noise of deviation 1."""
    phase = np.arange(count) * pitch / _LOW_RATE
    train = (np.floor(phase) != np.floor(phase - pitch / _LOW_RATE)).astype(np.float64)
    return train * np.sqrt(_LOW_RATE / pitch)


def _level(sound: NDArray[np.floating]) -> float:
    return float(np.sqrt((sound.astype(np.float64) ** 2).mean()))
