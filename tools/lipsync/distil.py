"""A small network that answers as the acoustic model does, for a fraction of its price: its teacher hears the
training voices, spoilt as microphones spoil them, and it learns what the teacher says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn

from likeness.speech.acoustic_model import FRAMES, STATES, AcousticModel
from likeness.speech.mel import BANDS, FLOOR, WINDOW, VoiceMean, mel_matrix, power_spectrum, track_mean
from tools.lipsync.corpus import RATE, Utterance

SECONDS: Final = 5.0
HIDDEN: Final = (256, 192)
SOFTENED: Final = 0.2
"""The phone loop takes likelihoods to about this power: that far the student has to be right."""
_TICKS: Final = int(60 * SECONDS)
_WINDOW: Final = WINDOW // 3
_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Lessons:
    """Feature vectors float32 [M, 39], the teacher's log-likelihoods float16 [M, 126], the best state's 0."""

    features: Tensor
    answers: Tensor


def teach(
    groups: Sequence[Sequence[Utterance]], prior: NDArray[np.float32], count: int, random: np.random.Generator
) -> Lessons:
    """About `count` lessons: voices from all groups alike, each stretch with a spoiling of its own."""
    model, mels = AcousticModel(), torch.from_numpy(mel_matrix())
    voices = [[u for u in group if u.seconds > 1.4 * SECONDS] for group in groups]
    features: list[Tensor] = []
    answers: list[Tensor] = []
    for _ in track(range(math.ceil(count / (_AT_ONCE * _TICKS))), "asking the acoustic model"):
        sound = np.stack([_spoilt(voices, random) for _ in range(_AT_ONCE)])
        power = power_spectrum(torch.from_numpy(sound)[:, torch.from_numpy(_INDEX)])
        own = model.log_mels(power)
        bands = torch.cat([torch.log(power @ mels + FLOOR), own], 2).view(_AT_ONCE, _TICKS, 2, -1)
        means, _ = track_mean(bands, VoiceMean.fresh(_AT_ONCE, torch.from_numpy(prior)))
        # Nine spectra up to each tick's second one; the first ticks have no past and are left out.
        past = own.unfold(1, FRAMES, 2)[:, 1:].mT
        kept = means[:, -past.shape[1] :, BANDS:]
        x = model.features(past.reshape(-1, FRAMES, own.shape[2]), kept.reshape(-1, own.shape[2]))
        x = torch.cat([x, _between(x, random)])
        said = model.log_likelihood(x)
        features.append(x)
        answers.append((said - said.amax(1, keepdim=True)).clamp_(min=-60).half())
    return Lessons(torch.cat(features), torch.cat(answers))


def _between(x: Tensor, random: np.random.Generator) -> Tensor:
    """Voices that nobody has: an eighth as many vectors, shifted by parts of the way to others, and noise."""
    rows = torch.from_numpy(random.integers(len(x), size=(3, len(x) // 8)))
    noise = torch.from_numpy(random.normal(0, 0.3, (rows.shape[1], x.shape[1])).astype(np.float32))
    return x[rows[0]] + 0.4 * (x[rows[1]] - x[rows[2]]) + noise * x.std(0)


def _spoilt(voices: Sequence[Sequence[Utterance]], random: np.random.Generator) -> NDArray[np.float32]:
    """A stretch of somebody's voice: another vocal tract, microphone, noise, a second voice, level."""

    def piece() -> NDArray[np.float32]:
        group = voices[int(random.integers(len(voices)))]
        pcm = group[int(random.integers(len(group)))].pcm
        pace = math.exp(random.uniform(math.log(0.8), math.log(1.25)))
        span = int(_LENGTH * pace) + 2
        start = int(random.integers(max(1, len(pcm) - span)))
        own = pcm[start : start + span].astype(np.float32) / 32768
        return np.interp(np.arange(_LENGTH) * pace, np.arange(len(own)), own).astype(np.float32)

    sound = piece()
    if random.random() < 0.2:
        sound += piece() * 10 ** (-random.uniform(3, 25) / 20)
    if random.random() < 0.8:
        f = np.linspace(0, 1, _LENGTH // 2 + 1)
        waves = np.arange(1, 6)[:, None]
        sizes, phases = random.normal(0, 5 / waves**0.5), random.uniform(0, 6, waves.shape)
        colour = (sizes * np.cos(math.pi * waves * f + phases)).sum(0)
        if random.random() < 0.2:  # a telephone
            colour = colour - 60.0 * ((f < 0.035) | (f > 0.44))
        sound = np.fft.irfft(np.fft.rfft(sound) * 10 ** (colour / 20), _LENGTH)
    if random.random() < 0.6:
        f = np.linspace(0.004, 1, _LENGTH // 2 + 1)
        white = np.fft.rfft(random.normal(0, 1, _LENGTH))
        noise = np.fft.irfft(white * f ** -random.uniform(0, 0.8), _LENGTH)
        sound = sound + noise * (sound.std() / noise.std() * 10 ** (-random.uniform(0, 40) / 20))
    sound = sound * (10 ** (random.uniform(-30, 6) / 20))
    return np.clip(sound, -1, 1).astype(np.float32)


def student(lessons: Lessons, steps: int, seed: int) -> dict[str, NDArray[Any]]:
    """The arrays of `likeness.speech.acoustic_network`, learned in so many steps of 4096 vectors."""
    torch.manual_seed(seed)
    x = lessons.features
    kept = len(x) - min(20_000, len(x) // 5)
    middle, spread = x.mean(0), x.std(0)
    sizes = (2 * x.shape[1], *HIDDEN)
    hidden = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
    network = nn.Sequential(*hidden, nn.Linear(sizes[-1], STATES))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, steps, pct_start=0.05)

    def losses(rows: Tensor) -> tuple[Tensor, Tensor]:
        known = (x[rows] - middle) / spread
        said = network(torch.cat([known, known * known], 1))
        wanted = lessons.answers[rows].float() * SOFTENED
        near = F.kl_div(said.log_softmax(1), wanted.softmax(1), reduction="batchmean")
        level = said - said.mean(1, keepdim=True) - (wanted - wanted.mean(1, keepdim=True))
        return near, (level * level).mean()

    shuffled = torch.randperm(kept)
    for step in track(range(steps), "teaching"):
        rows = torch.arange(step * 4096, (step + 1) * 4096) % kept
        near, level = losses(shuffled[rows])
        optimiser.zero_grad()
        (near + 0.02 * level).backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0 or step == steps - 1:
            with torch.no_grad():
                near, level = losses(torch.arange(kept, len(x)))
            apart = float(level.sqrt()) / SOFTENED
            print(f"step {step}: divergence {near:.4f}, difference {apart:.2f} nats", flush=True)
    layers = [m for m in network if isinstance(m, nn.Linear)]
    arrays: dict[str, NDArray[Any]] = {"acoustic_middle": middle.numpy(), "acoustic_spread": spread.numpy()}
    for k, layer in enumerate(layers):
        last = k == len(layers) - 1
        scale = 1 / SOFTENED if last else 1.0  # back to nats
        arrays[f"acoustic{k}_weight"] = np.ascontiguousarray(scale * layer.weight.detach().numpy().T)
        arrays[f"acoustic{k}_bias"] = scale * layer.bias.detach().numpy()
    return arrays


_LENGTH: Final = int(SECONDS * RATE) + _WINDOW
_INDEX: Final = np.round(np.arange(2 * _TICKS) * RATE / 120).astype(np.int64)[:, None] + np.arange(_WINDOW)
