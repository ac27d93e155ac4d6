"""Training examples: stretches of sound with the mouth that belongs to them, spoilt in every way a
microphone knows.

All disturbances act on power spectra, a batch at a time: vocal tracts longer and shorter, tempo, breathy
and buzzy voices, microphones, rooms, noise, music, narrow bands.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from likeness.speech.articulation import BILABIAL, CLASS_INDEX, CLASSES, articulate_classes, shut
from likeness.speech.listener import NETWORK_LAG
from likeness.speech.mel import BANDS, BINS, FLOOR, WINDOW, VoiceMean, mel_matrix, power_spectrum, track_mean
from tools.lipsync.corpus import RATE, Utterance, load

LABEL_RATE: Final = 240
_WINDOW: Final = WINDOW // 3
_HOP: Final = RATE / 120
_LAG: Final = NETWORK_LAG / 48_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """An utterance and its labels, 240 a second: curves float16 [n, 8], shut bool [n], phone class uint8
    [n].
    """

    voice: str
    pcm: NDArray[np.int16]
    curves: NDArray[np.float16]
    shut: NDArray[np.bool_]
    phone: NDArray[np.uint8]


def label(u: Utterance) -> Labelled:
    """Labels of an utterance."""
    count = int(u.seconds * LABEL_RATE)
    bounds = np.round(u.bounds * 48_000).astype(np.int64)
    times = np.arange(count, dtype=np.int64) * (48_000 // LABEL_RATE)
    step = 2 * LABEL_RATE
    curves = np.concatenate(
        [articulate_classes(u.phones, bounds, times[i : i + step]) for i in range(0, count, step)]
    )
    closed, phone = np.zeros(count, np.bool_), np.zeros(count, np.uint8)
    for index, (start, end) in zip(u.phones, bounds, strict=True):
        phone[(times >= start) & (times < end)] = index
        if CLASSES[index] in BILABIAL:
            first, last = shut(CLASSES[index], int(start), int(end))
            closed |= (times >= first) & (times < last)
    return Labelled(u.voice, u.pcm, curves.astype(np.float16), closed, phone)


@dataclass(frozen=True, slots=True)
class Batch:
    """Normalised log-mels [B, T, 2, 64], curves [B, T, 8], shut [B, T], phone class [B, T]."""

    mels: Tensor
    curves: Tensor
    shut: Tensor
    phone: Tensor


class Examples:
    """Draws batches. All randomness comes from the seed."""

    def __init__(
        self,
        groups: list[tuple[float, list[Labelled]]],
        sounds: list[Labelled],
        voice_prior: NDArray[np.float32],
        seed: int,
        ticks: int = 300,
    ) -> None:
        """groups: (share, utterances); within a group an utterance is drawn by its length."""
        self._groups = [[u for u in g if len(u.pcm) > RATE * 1.3 * ticks / 60] for _, g in groups]
        self._weights = [np.array([len(u.pcm) for u in g], np.float64) for g in self._groups]
        self._shares = np.array([s for s, _ in groups], np.float64)
        self._shares /= self._shares.sum()
        self._sounds = sounds
        self._random = np.random.default_rng(seed)
        self._torch = torch.Generator().manual_seed(seed)
        self._prior = torch.from_numpy(voice_prior[:BANDS])
        self._banks = torch.from_numpy(_warped_banks(160, self._random))
        self.ticks = ticks

    def draw(self, size: int) -> Batch:
        """A batch of `size` stretches of `ticks` ticks."""
        spectra: list[Tensor] = []
        curves: list[NDArray[np.float16]] = []
        closed: list[NDArray[np.bool_]] = []
        phone: list[NDArray[np.uint8]] = []
        for _ in range(size):
            u = self._random.random()
            source = self._sound() if u < 0.05 else self._utterance()
            tempo = float(np.exp(self._random.uniform(math.log(0.8), math.log(1.28)))) if u < 0.7 else 1.0
            power, at = self._spectra(source, tempo)
            spectra.append(power)
            curves.append(source.curves[at])
            closed.append(source.shut[at])
            phone.append(source.phone[at])
        power = torch.stack(spectra)
        behind = torch.stack([self._spectra(self._sound(), 1.0)[0] for _ in range(size // 4)])
        with torch.no_grad():
            mels = self._disturb(power, behind)
            shape = mels.view(size, self.ticks, 2, BANDS)
            means, _ = track_mean(shape, VoiceMean.fresh(size, self._prior))
            normal = self._mask((shape - means[:, :, None]).flatten(1, 2)).view(shape.shape)
        return Batch(
            normal,
            torch.from_numpy(np.stack(curves).astype(np.float32)),
            torch.from_numpy(np.stack(closed).astype(np.float32)),
            torch.from_numpy(np.stack(phone).astype(np.int64)),
        )

    def _utterance(self) -> Labelled:
        g = int(self._random.choice(len(self._groups), p=self._shares))
        weights = self._weights[g]
        return self._groups[g][int(self._random.choice(len(weights), p=weights / weights.sum()))]

    def _sound(self) -> Labelled:
        return self._sounds[int(self._random.integers(len(self._sounds)))]

    def _spectra(self, source: Labelled, tempo: float) -> tuple[Tensor, NDArray[np.int64]]:
        """Power [2 ticks, 257] from a random place, and the label index of each tick."""
        hop = _HOP * tempo
        span = int(2 * self.ticks * hop) + _WINDOW
        room = len(source.pcm) - span
        start = 0 if self._random.random() < 0.2 else int(self._random.integers(0, max(room, 1)))
        sound = source.pcm[start : start + span].astype(np.float32) / 32768.0
        if self._random.random() < 0.3:  # the voice begins after a silence
            sound[: int(self._random.uniform(0, 1.0) * RATE)] *= 10 ** self._random.uniform(-4, -2)
        if len(sound) < span:
            sound = np.pad(sound, (0, span - len(sound)))
        centres = _WINDOW // 2 + np.arange(2 * self.ticks) * hop
        index = np.round(centres).astype(np.int64)[:, None] + np.arange(
            -(_WINDOW // 2), _WINDOW - _WINDOW // 2
        )
        instants = (start + centres[1::2]) / RATE - _LAG * tempo
        at = np.clip(np.round(instants * LABEL_RATE).astype(np.int64), 0, len(source.phone) - 1)
        return power_spectrum(torch.from_numpy(sound)[torch.from_numpy(index)]), at

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._torch) * (high - low) + low

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._torch)

    def _disturb(self, power: Tensor, behind: Tensor) -> Tensor:
        """Log-mels [B, 2 T, 64] of power spectra [B, 2 T, 257]."""
        size, frames, _ = power.shape
        which = torch.randint(0, len(self._banks), (size,), generator=self._torch)
        mels = torch.bmm(power, self._banks[which])
        j = torch.arange(BANDS) / BANDS
        dirty = (self._uniform(0, 1, size, 1, 1) > 0.2).float()

        def some(p: float) -> Tensor:
            return (self._uniform(0, 1, size, 1, 1) < p).float() * dirty

        def noise(*shape: int) -> Tensor:  # power of Gaussian noise
            return -torch.log(self._uniform(0, 1, *shape) + 1e-6)

        # voices: breath, roughness, blur
        around = F.avg_pool1d(mels, 13, 1, 6, count_include_pad=False)
        breath = torch.sigmoid((j - self._uniform(0, 0.8, size, 1, 1)) * 20)
        mels = (
            mels
            + some(0.4)
            * around
            * noise(size, frames, BANDS)
            * 10 ** (-self._uniform(3, 20, size, 1, 1) / 10)
            * breath
        )
        whisper = some(0.05)
        whispered = around * noise(size, frames, BANDS) * (0.15 + j * 2)
        mels = mels * (1 - whisper) + whisper * whispered
        mels = mels * torch.exp(
            some(0.4) * self._uniform(0, 0.5, size, 1, 1) * self._normal(size, frames, BANDS)
        )
        blur = some(0.2)
        mels = mels * (1 - blur) + blur * F.avg_pool1d(mels, 3, 1, 1, count_include_pad=False)
        blur = some(0.1)  # as vocoders do
        mels = mels * (1 - blur) + blur * F.avg_pool1d(mels.mT, 5, 1, 2, count_include_pad=False).mT
        blur = some(0.2)
        mels = mels * (1 - blur) + blur * F.avg_pool1d(mels.mT, 3, 1, 1, count_include_pad=False).mT
        # a room: a tail that decays
        decay = torch.exp(-torch.arange(40) / self._uniform(3, 16, size, 1))
        decay[:, 0] = 0.0
        tail = (
            F.conv1d(
                F.pad(mels.mT, (39, 0)).reshape(1, size * BANDS, -1),
                decay.flip(1).repeat_interleave(BANDS, 0)[:, None],
                groups=size * BANDS,
            )
            .view(size, BANDS, frames)
            .mT
        )
        mels = mels + some(0.3) * tail * 10 ** (-self._uniform(8, 24, size, 1, 1) / 10)
        loud = mels.mean((1, 2), keepdim=True) + 1e-9
        # a microphone: colour, narrow band, compression
        colour = self._uniform(-8, 8, size, 1, 1) * (j - 0.5)
        for k in range(1, 6):
            colour = colour + self._normal(size, 1, 1) * 4.0 / k**0.5 * torch.cos(
                math.pi * k * j + self._uniform(0, 6.28, size, 1, 1)
            )
        mels = mels * 10 ** (colour * dirty / 10)
        mels = mels * (
            1 - some(0.3) * torch.sigmoid((j - self._uniform(0.62, 1.2, size, 1, 1)) * 60) * 0.9999
        )
        mels = mels * (
            1 - some(0.25) * torch.sigmoid((self._uniform(0.02, 0.16, size, 1, 1) - j) * 60) * 0.99
        )
        level = torch.log(mels.mean(2, keepdim=True) + 1e-7 * loud)
        mels = mels * torch.exp(some(0.3) * self._uniform(-0.25, 0.1, size, 1, 1) * (level - torch.log(loud)))
        # what else is heard
        shape = -self._uniform(0, 15, size, 1, 1) * j
        for k in range(1, 4):
            shape = shape + self._normal(size, 1, 1) * 4 / k * torch.cos(
                math.pi * k * j + self._uniform(0, 6.28, size, 1, 1)
            )
        shape = 10 ** (shape / 10)
        shape = shape / shape.mean((1, 2), keepdim=True)
        steady = 0.15 + 0.85 * (1 - j) ** 1.5
        background = (1 - steady) + steady * noise(size, frames, BANDS)
        mels = mels + some(0.65) * loud * 10 ** (-self._uniform(3, 45, size, 1, 1) / 10) * shape * background
        other = torch.zeros_like(mels)
        other[: len(behind)] = behind @ self._banks[0]
        other = other / (other.mean((1, 2), keepdim=True) + 1e-9)
        mels = mels + loud * 10 ** (-self._uniform(5, 30, size, 1, 1) / 10) * other
        mels = mels * 10 ** (self._uniform(-32, 8, size, 1, 1) / 10)
        return torch.log(mels + torch.clamp(10 ** self._uniform(-9.0, -6.5, size, 1, 1), min=FLOOR))

    def _mask(self, mels: Tensor) -> Tensor:
        """Bands left out now and then, so that no single one is relied on."""
        size = len(mels)
        bands = torch.arange(BANDS)
        for _ in range(2):
            first = torch.randint(0, BANDS, (size, 1, 1), generator=self._torch)
            width = torch.randint(0, 7, (size, 1, 1), generator=self._torch)
            hit = (self._uniform(0, 1, size, 1, 1) < 0.35).float()
            mels = mels * (1 - ((bands >= first) & (bands < first + width)).float() * hit)
        return mels


def load_labelled(path: Path) -> list[Labelled]:
    """A shard with labels."""
    return [label(u) for u in load(path)]


def _warped_banks(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Mel filters [count, 257, 64] of other vocal tracts: scaled and gently bent frequency axes; the first
    is plain.
    """
    f = np.arange(BINS) * 31.25
    banks = [mel_matrix()]
    for _ in range(count - 1):
        scale = math.exp(random.uniform(math.log(0.82), math.log(1.22)))
        phases, sizes = random.uniform(0, 6.28, 3), random.normal(0, 0.02, 3)
        bend = 1 + sum(sizes[k] * np.sin((k + 1) * np.pi * f / 4000 + phases[k]) for k in range(3))
        warped = f * scale * bend
        top = warped[160]
        warped = np.where(f < 5000, warped, top + (f - 5000) * (8000 - top) / 3000)
        banks.append(mel_matrix(np.maximum.accumulate(warped)))
    return np.stack(banks)


SILENT_CLASS: Final = CLASS_INDEX["sil"]
