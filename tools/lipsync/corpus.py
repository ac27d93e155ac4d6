"""Utterances whose phones are known in time, and their files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.speech.articulation import CLASS_INDEX

RATE = 16_000


@dataclass(frozen=True, slots=True)
class Utterance:
    """A few sentences of one voice.

    pcm int16 [S] at 16 kHz; phones int16 [n] are indices into `articulation.CLASSES`; bounds float32 [n, 2]
    their starts and ends in seconds, in order, silence included.
    """

    voice: str
    pcm: NDArray[np.int16]
    phones: NDArray[np.int16]
    bounds: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.pcm) / RATE


def utterance(
    voice: str, wave: NDArray[np.floating], phones: Sequence[tuple[str, float, float]]
) -> Utterance:
    """An utterance from a float wave (any scale; brought to a common loudness) and (class, start, end) in
    seconds.
    """
    loud = float(np.percentile(np.abs(wave), 99)) + 1e-9
    pcm = np.clip(wave * (8000.0 / loud), -32767, 32767).astype(np.int16)
    index = np.array([CLASS_INDEX[name] for name, _, _ in phones], np.int16)
    return Utterance(voice, pcm, index, np.array([(s, e) for _, s, e in phones], np.float32).reshape(-1, 2))


def join(voice: str, parts: Sequence[Utterance]) -> Utterance:
    """Utterances of one voice, one after another."""
    offset = np.cumsum([0.0, *(p.seconds for p in parts)])
    return Utterance(
        voice,
        np.concatenate([p.pcm for p in parts]),
        np.concatenate([p.phones for p in parts]),
        np.concatenate([p.bounds + np.float32(t) for p, t in zip(parts, offset, strict=False)]),
    )


def save(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write a shard (.npz)."""
    items = list(utterances)
    partial = path.with_suffix(".part.npz")
    np.savez(
        partial,
        voices=np.array([u.voice for u in items]),
        samples=np.array([len(u.pcm) for u in items]),
        counts=np.array([len(u.phones) for u in items]),
        pcm=np.concatenate([u.pcm for u in items]),
        phones=np.concatenate([u.phones for u in items]),
        bounds=np.concatenate([u.bounds for u in items]),
    )
    partial.replace(path)


def load(path: Path) -> Iterator[Utterance]:
    """Read a shard."""
    with np.load(path) as shard:
        pcm, phones, bounds = shard["pcm"], shard["phones"], shard["bounds"]
        voices, samples, counts = shard["voices"], np.cumsum(shard["samples"]), np.cumsum(shard["counts"])
    for k, voice in enumerate(voices):
        a, b = (int(samples[k - 1]) if k else 0), int(samples[k])
        c, d = (int(counts[k - 1]) if k else 0), int(counts[k])
        yield Utterance(str(voice), pcm[a:b], phones[c:d], bounds[c:d])
