"""Sounds that are not speech: music, noise, breath, laughter-like bursts, made from random numbers.

They teach the network to keep the mouth still, alone and behind a voice.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from tools.lipsync.corpus import RATE, Utterance


def sounds(count: int, generator: np.random.Generator, seconds: float = 12.0) -> list[Utterance]:
    """`count` utterances of silence-labelled sound, kinds in turn."""
    kinds = (_music, _noise, _breath, _music, _clatter, _hum)
    out: list[Utterance] = []
    for k in range(count):
        wave = kinds[k % len(kinds)](generator, int(seconds * RATE))
        wave = wave * (0.25 / (np.percentile(np.abs(wave), 99) + 1e-9))
        pcm = np.clip(wave * 32767, -32767, 32767).astype(np.int16)
        name = f"sound:{kinds[k % len(kinds)].__name__.strip('_')}"
        out.append(Utterance(name, pcm, np.zeros(1, np.int16), np.array([[0, seconds]], np.float32)))
    return out


def _music(g: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Chords and a melody of decaying harmonic tones, with a beat."""
    out, beat = np.zeros(n), int(RATE * g.uniform(0.12, 0.4))
    root = g.uniform(80, 220)
    for start in range(0, n, beat):
        voices = [0, *g.choice([3, 4, 5, 7, 9, 12, 16], size=g.integers(0, 4), replace=False)]
        length = min(int(beat * g.choice([1, 2, 4])), n - start)
        t = np.arange(length) / RATE
        for v in voices:
            pitch = root * 2 ** ((v + g.choice([0, 2, 4, 5, 7, 9, 12])) / 12)
            pitch_curve = pitch * (1 + 0.004 * np.sin(2 * np.pi * g.uniform(4, 7) * t))
            phase = 2 * np.pi * np.cumsum(pitch_curve) / RATE
            for h in range(1, int(g.integers(3, 14))):
                if pitch * h < 7600:
                    out[start : start + length] += (
                        np.sin(h * phase) * np.exp(-t * g.uniform(0.5, 6)) / h ** g.uniform(0.6, 2)
                    )
        if g.random() < 0.5:
            hit = min(int(0.08 * RATE), n - start)
            out[start : start + hit] += (
                g.normal(size=hit) * np.exp(-np.arange(hit) / RATE * g.uniform(30, 90)) * g.uniform(0, 2)
            )
    return out


def _coloured(g: np.random.Generator, n: int) -> NDArray[np.float64]:
    low, high = sorted(np.exp(g.uniform(np.log(60), np.log(7500), 2)))
    b, a = butter(
        2,
        [low / 8000, max(high, low * 1.5, 200) / 8000 if max(high, low * 1.5, 200) < 7900 else 0.98],
        "band",
    )
    return lfilter(b, a, g.normal(size=n)) + 0.1 * g.normal(size=n) * g.random()


def _noise(g: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Steady or swelling noise: fans, wind, crowds."""
    slow = np.interp(np.arange(n), np.linspace(0, n, 24), g.uniform(0.1, 1, 24))
    return _coloured(g, n) * (slow if g.random() < 0.6 else 1.0)


def _breath(g: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Breaths: puffs of noise shaped by an open vocal tract, with pauses."""
    out, at = np.zeros(n), 0
    while at < n:
        length = min(int(g.uniform(0.25, 1.2) * RATE), n - at)
        puff = g.normal(size=length)
        for formant in (g.uniform(400, 900), g.uniform(1200, 1900), g.uniform(2300, 3200)):
            r, w = np.exp(-np.pi * g.uniform(150, 500) / RATE), 2 * np.pi * formant / RATE
            puff = puff * 0.5 + lfilter([1 - r], [1, -2 * r * np.cos(w), r * r], puff)
        out[at : at + length] = puff / (np.abs(puff).max() + 1e-9) * np.hanning(length) * g.uniform(0.3, 1)
        at += length + int(g.uniform(0.1, 1.0) * RATE)
    return out + 1e-4 * g.normal(size=n)


def _clatter(g: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Clicks, knocks, typing."""
    out = 1e-3 * g.normal(size=n)
    for at in g.integers(0, n - 4000, int(g.integers(10, 80))):
        length = int(g.integers(100, 4000))
        ring = np.sin(2 * np.pi * g.uniform(150, 5000) * np.arange(length) / RATE) + g.normal(size=length)
        out[at : at + length] += ring * np.exp(-np.arange(length) / length * 6) * g.uniform(0.05, 1)
    return out


def _hum(g: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Mains hum and engines."""
    base, t = g.uniform(40, 140), np.arange(n) / RATE
    drift = (
        2
        * np.pi
        * base
        * np.cumsum(1 + 0.05 * np.interp(t, np.linspace(0, t[-1], 12), g.normal(size=12)))
        / RATE
    )
    return sum(
        np.sin(h * drift + g.uniform(0, 6)) / h ** g.uniform(0.3, 1.5) for h in range(1, 30)
    ) + 0.1 * g.normal(size=n)
