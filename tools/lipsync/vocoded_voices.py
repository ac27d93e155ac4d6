"""Recorded voices spoken again as statistical synthesis speaks: spectra averaged over states and smoothed,
pulses and noise for a source.

Such voices (hidden Markov models, clustered trajectories, diphones on a flat pitch) blur what tells m from n
and p from t, each in its own way; here every utterance draws another blur. Phones and their times stay.

The vocoder is WORLD: Morise, Yokomori and Ozawa, "WORLD: a vocoder-based high-quality speech synthesis
system for real-time applications", IEICE Transactions, 2016.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from tools.lipsync.corpus import RATE, Utterance

PERIOD: Final = 5.0
"""Milliseconds of a frame."""
STATES: Final = 3
"""States of a phone, of equal length."""
_FFT: Final = 1024
_BINS: Final = _FFT // 2 + 1

Float64 = NDArray[np.float64]


def synthesise(utterances: Sequence[Utterance], hours: float, random: Random) -> Iterator[Utterance]:
    """Some of the utterances, drawn by their length, in another voice each time, until `hours` are full."""
    lengths = [u.seconds for u in utterances]
    wanted = hours * 3600
    while wanted > 0:
        spoken = again(random.choices(utterances, lengths)[0], random)
        wanted -= spoken.seconds
        yield spoken


def again(u: Utterance, random: Random) -> Utterance:
    """One utterance, spoken by a vocoder; the voice is called after the one it was made from."""
    import pyworld

    wave = u.pcm.astype(np.float64) / 32768.0
    rough, times = pyworld.dio(wave, RATE, frame_period=PERIOD)
    pitch = pyworld.stonemask(wave, rough, times, RATE)
    envelope = pyworld.cheaptrick(wave, pitch, times, RATE, fft_size=_FFT)
    cepstrum = pyworld.code_spectral_envelope(envelope, RATE, random.choice((20, 25, 30, 40)))
    cepstrum = _averaged(cepstrum, u, random)
    envelope = pyworld.decode_spectral_envelope(cepstrum, RATE, _FFT)
    noise = _noise(wave, pitch, times, random)
    said = pyworld.synthesize(_intonation(pitch, random), envelope, noise, RATE, PERIOD)[: len(wave)]
    loud = float(np.percentile(np.abs(said), 99)) + 1e-9
    pcm = np.clip(said * (8000.0 / loud), -32767, 32767).astype(np.int16)
    pcm = np.pad(pcm, (0, len(wave) - len(pcm)))
    return replace(u, voice=f"vocoded:{u.voice.replace(':', '-')}", pcm=pcm)


def _averaged(cepstrum: Float64, u: Utterance, random: Random) -> Float64:
    """Each state of a phone drawn towards its own mean, and the whole smoothed: what a model remembers."""
    drawn, smooth = random.uniform(0.0, 0.85), random.uniform(0.0, 3.0)
    means = cepstrum.copy()
    for start, end in u.bounds * (1000.0 / PERIOD):
        edges = np.linspace(start, end, STATES + 1).round().astype(int)
        for first, last in pairwise(edges):
            if last > first and first < len(means):
                means[first:last] = cepstrum[first:last].mean(0)
    mixed = cepstrum + drawn * (means - cepstrum)
    return np.ascontiguousarray(gaussian_filter1d(mixed, smooth, axis=0) if smooth > 0.3 else mixed)


def _intonation(pitch: Float64, random: Random) -> Float64:
    """Another pitch, with more or less of its melody."""
    voiced = pitch > 0
    if not voiced.any():
        return pitch
    logs = np.log(pitch[voiced])
    melody = random.choice((0.0, random.uniform(0.2, 1.1)))
    sung = np.exp(logs.mean() + melody * (logs - logs.mean())) * 2 ** random.uniform(-0.5, 0.5)
    out = pitch.copy()
    out[voiced] = np.clip(sung, 60, 450)
    return out


def _noise(wave: Float64, pitch: Float64, times: Float64, random: Random) -> Float64:
    """How much of each band is noise: as measured, or as simple vocoders have it, all or nothing."""
    import pyworld

    if random.random() < 0.35:
        return pyworld.d4c(wave, pitch, times, RATE, fft_size=_FFT)
    bins = np.linspace(0, 1, _BINS)
    # Below the edge pulses, above it noise; half of the voices have pulses alone.
    edge = random.choice((1.1, random.uniform(0.3, 1.0)))
    buzz = np.where(bins < edge, 1e-4, 0.9)
    return np.where((pitch > 0)[:, None], buzz, 1.0 - 1e-6) * np.ones((len(pitch), _BINS))
