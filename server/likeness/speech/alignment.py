"""When each sound of a known text is said: forced alignment of a recording with its transcript.

The acoustic model and the dictionary are those of the pocketsphinx package; the search is a Viterbi pass over the
transcript's phones, so that it runs at 120 frames a second (8 ms steps) and needs no language model.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from likeness.speech.acoustic_model import CENTRE, FRAMES, AcousticModel
from likeness.speech.mel import power_spectrum

FRAME_RATE: Final = 120
"""Alignment frames a second."""
_BLOCK: Final = 8192  # frames evaluated at once


def state_scores(model: AcousticModel, pcm: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Log-likelihoods [T, 126] of the model's states at 120 frames a second of a whole recording.

    pcm: float32 [S] in -1..1 at 16 kHz or 48 kHz; frame t is centred on second t / 120. The voice's mean spectrum is
    taken over the loud part of the whole recording.
    """
    window = 410 * rate // 16_000
    count = max(1, round(len(pcm) * FRAME_RATE / rate))
    before = round(CENTRE)
    offset = FRAMES - 1 - before - (FRAMES - 1 - CENTRE)  # the features' instant lies between two spectra
    margin = window + rate * FRAMES // FRAME_RATE
    sound = torch.from_numpy(np.pad(pcm, (margin, margin + window)))
    log_mels: list[torch.Tensor] = []
    frames = torch.arange(before + 1 - FRAMES, count + before)
    for part in frames.split(_BLOCK):
        start = torch.round((part + offset) * (rate / FRAME_RATE)).long() + margin - window // 2
        log_mels.append(model.log_mels(power_spectrum(sound[start[:, None] + torch.arange(window)])))
    spectra = torch.cat(log_mels)
    level = spectra.mean(1)
    mean = spectra[level > level.max() - 5.0].mean(0)
    scores = [
        model.log_likelihood(model.features(block, mean)) for block in spectra.unfold(0, FRAMES, 1).mT.split(_BLOCK)
    ]
    return torch.cat(scores)[:count].numpy()


def best_path(scores: NDArray[np.float32], optional: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The best left-to-right path [T] through S states, given frame scores [T, S].

    Every state is visited in order, except that a run of `optional` states may be left out as a whole. Scores of -inf
    forbid. When no path exists the states are spread evenly.
    """
    frames, states = scores.shape
    skip_from = _skip_sources(optional)
    best = np.full(states, -np.inf, np.float64)
    best[0] = scores[0, 0]
    entry = int(np.argmax(~optional)) if not optional.all() else 0
    if optional[0] and entry < states:
        best[entry] = scores[0, entry]
    back = np.zeros((frames, states), np.int32)
    columns = np.arange(states)
    for t in range(1, frames):
        step = np.concatenate(([-np.inf], best[:-1]))
        skip = np.where(skip_from >= 0, best[skip_from], -np.inf)
        choice = np.stack([best, step, skip])
        which = choice.argmax(0)
        back[t] = np.choose(which, [columns, columns - 1, skip_from])
        best = choice[which, columns] + scores[t]
    last = states - 1
    if optional[last]:
        required = np.flatnonzero(~optional)
        if len(required) and best[required[-1]] > best[last]:
            last = int(required[-1])
    path = np.empty(frames, np.int32)
    if not np.isfinite(best[last]):
        return (np.arange(frames) * states // frames).astype(np.int32)
    path[-1] = last
    for t in range(frames - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path


def phone_states(phones: Sequence[int]) -> NDArray[np.int64]:
    """Model states [3 n] of a sequence of phone indices."""
    return (3 * np.asarray(phones, np.int64)[:, None] + np.arange(3)).reshape(-1)


def _skip_sources(optional: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each state that follows a run of optional ones, the state before the run; else -1."""
    sources = np.full(len(optional), -1, np.int64)
    for i in range(2, len(optional)):
        if optional[i - 1] and not optional[i]:
            j = i - 1
            while j >= 0 and optional[j]:
                j -= 1
            sources[i] = j
    return sources
