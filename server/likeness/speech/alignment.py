"""When each sound of a known text is said: forced alignment of a recording with its transcript.

The acoustic model and the dictionary are those of the pocketsphinx package; the search is a Viterbi pass over
the transcript's phones with pauses allowed between words. It runs at 120 frames a second, so that times are
good to 8 ms, and needs no language model.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.speech.acoustic_model import CENTRE, FRAMES, STATES, AcousticModel
from likeness.speech.articulation import RATE, TimedPhone
from likeness.speech.mel import power_spectrum
from likeness.speech.pronunciation import Pronunciations

FRAME_RATE: Final = 120
"""Alignment frames a second."""
LONGEST: Final = 2 * 3600
"""Seconds of the longest recording that is aligned."""
_BLOCK: Final = 8192  # frames evaluated at once
_BEAM: Final = 2400  # states of the transcript considered at once: about a minute of speech
_WORST: Final = -30.0  # mean log-likelihood a frame below the best state's: the text is not what is said


def align(
    pcm: NDArray[np.float32],
    transcript: str,
    *,
    progress: Callable[[float], None] | None = None,
) -> list[TimedPhone]:
    """The phones (IPA) of an English transcript, timed in the recording, pauses included.

    pcm: float32 [S] in -1..1 at 48 kHz. The transcript must say what the recording says, in order; words
    left out of it are taken up by their neighbours. `progress` is called with the share done. Raises
    InputError for an empty transcript, one that cannot fit into the recording, a recording over two hours,
    and one that is silent.
    """
    words = Pronunciations().say(transcript)
    seconds = len(pcm) / RATE
    if not words:
        raise InputError("the transcript has no English words: write what is said, in Latin letters")
    if seconds > LONGEST:
        raise InputError(
            f"the recording lasts {seconds / 60:.0f} minutes; align at most {LONGEST // 60} at once"
        )
    if not len(pcm) or float(np.abs(pcm).max()) < 1e-4:
        raise InputError("the recording is silent: there is nothing to align the transcript with")
    model = AcousticModel()
    index = {phone: i for i, phone in enumerate(model.phones)}
    names, optional = ["SIL"], [True]
    for word in words:
        names += [*word, "SIL"]
        optional += [False] * len(word) + [True]
    needed = sum(not o for o in optional) * 3 / FRAME_RATE
    if needed > seconds:
        raise InputError(
            f"{len(words)} words cannot be said in {seconds:.1f} s: the transcript is of a longer recording"
        )
    scores = state_scores(model, pcm, RATE)
    pause = 3 * index["SIL"]
    scores[:, pause : pause + 3] -= _too_loud(pcm, len(scores))[:, None]
    columns = phone_states([index[n] for n in names])
    path = best_path(
        lambda t, low, high: scores[t, columns[low:high]],
        len(scores),
        np.repeat(optional, 3),
        progress=progress,
    )
    # Only where something is said: the model knows no digital silence, and that says nothing of the text.
    spoken = np.flatnonzero(~np.repeat(optional, 3)[path])
    worse = scores[spoken, columns[path[spoken]]] - scores[spoken].max(1)
    if len(spoken) and float(worse.mean()) < _WORST:
        raise InputError("the transcript does not fit the recording: check that they belong together")
    return _timed(path // 3, names, len(pcm))


def _too_loud(pcm: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """What a frame's loudness says against a pause there [frames]: 2 for each dB that it is too loud.

    A pause is 25 dB below the voice, or close to the recording's background where that is louder.
    """
    hop = RATE // FRAME_RATE
    padded = np.pad(pcm, (hop, 2 * hop + frames * hop - min(len(pcm), frames * hop)))
    power = np.convolve(padded.astype(np.float64) ** 2, np.full(2 * hop, 0.5 / hop), "same")
    level = 10 * np.log10(power[hop : hop + frames * hop : hop] + 1e-10)
    quiet, loud = np.percentile(level, (5, 90))
    return (2.0 * np.clip(level - max(loud - 25.0, quiet + 8.0), 0.0, 20.0)).astype(np.float32)


def state_scores(model: AcousticModel, pcm: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Log-likelihoods [T, 126] of the model's states at 120 frames a second of a whole recording.

    pcm: float32 [S] in -1..1 at 16 kHz or 48 kHz; frame t is centred on second t / 120. The voice's mean
    spectrum is taken over the loud part of the whole recording.
    """
    window = 410 * rate // 16_000
    count = max(1, round(len(pcm) * FRAME_RATE / rate))
    before = round(CENTRE)
    offset = FRAMES - 1 - before - (FRAMES - 1 - CENTRE)  # the features' instant lies between two spectra
    margin = window + rate * FRAMES // FRAME_RATE
    sound = torch.from_numpy(np.pad(pcm, (margin, margin + window)))
    log_mels: list[torch.Tensor] = []
    for part in torch.arange(before + 1 - FRAMES, count + before).split(_BLOCK):
        start = torch.round((part + offset) * (rate / FRAME_RATE)).long() + margin - window // 2
        log_mels.append(model.log_mels(power_spectrum(sound[start[:, None] + torch.arange(window)])))
    spectra = torch.cat(log_mels)
    level = spectra.mean(1)
    mean = spectra[level > level.max() - 5.0].mean(0)
    windows = spectra.unfold(0, FRAMES, 1).mT
    scores = [model.log_likelihood(model.features(block, mean)) for block in windows.split(_BLOCK)]
    return torch.cat(scores)[:count].numpy()


def best_path(
    score: Callable[[int, int, int], NDArray[np.float32]],
    frames: int,
    optional: NDArray[np.bool_],
    *,
    beam: int = _BEAM,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.int32]:
    """The best left-to-right path [frames] through S states.

    `score(t, low, high)` gives the log-likelihoods of states low..high at frame t; -inf forbids. Every
    state is visited in order, except that a run of `optional` [S] states may be left out as a whole. Only
    `beam` states around the best are followed. When no path exists the states are spread evenly.
    """
    states = len(optional)
    skip_from = _skip_sources(optional)
    width = min(beam, states)
    low = 0
    best = np.full(width, -np.inf)
    best[0] = score(0, 0, 1)[0]
    entry = int(np.argmax(~optional)) if not optional.all() else 0
    if optional[0] and entry < width:
        best[entry] = score(0, entry, entry + 1)[0]
    choices = np.zeros((frames, width), np.uint8)
    lows = np.zeros(frames, np.int64)
    for t in range(1, frames):
        ahead = low + int(best.argmax()) - width // 2 if np.isfinite(best.max()) else low
        moved = min(max(ahead, low), states - width) - low
        before = np.full(width, -np.inf)
        before[: width - moved] = best[moved:]
        step = np.full(width, -np.inf)
        step[1:] = before[:-1]
        if moved:
            step[0] = best[moved - 1]
        low += moved
        source = skip_from[low : low + width] - low
        skip = np.where(source >= 0, before[np.maximum(source, 0)], -np.inf)
        candidates = np.stack([before, step, skip])
        choices[t] = candidates.argmax(0)
        best = candidates.max(0) + score(t, low, low + width)
        lows[t] = low
        if progress is not None and t % 2048 == 0:
            progress(t / frames)
    final = np.full(states, -np.inf)
    final[low : low + width] = best
    last = states - 1
    while last > 0 and optional[last] and final[last] < final[last - 1]:
        last -= 1
    if not np.isfinite(final[last]):
        return (np.arange(frames) * states // frames).astype(np.int32)
    path = np.empty(frames, np.int32)
    path[-1] = state = last
    for t in range(frames - 1, 0, -1):
        choice = choices[t, state - lows[t]]
        if choice:
            state = state - 1 if choice == 1 else int(skip_from[state])
        path[t - 1] = state
    return path


def phone_states(phones: Sequence[int]) -> NDArray[np.int64]:
    """Model states [3 n] of a sequence of phone indices."""
    return (3 * np.asarray(phones, np.int64)[:, None] + np.arange(STATES // 42)).reshape(-1)


def _skip_sources(optional: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each state that follows a run of optional ones, the state before the run; else -1."""
    sources = np.full(len(optional), -1, np.int64)
    for i in range(2, len(optional)):
        if optional[i - 1] and not optional[i]:
            before = i - 1
            while before >= 0 and optional[before]:
                before -= 1
            sources[i] = before
    return sources


def _timed(path: NDArray[np.integer], names: Sequence[str], samples: int) -> list[TimedPhone]:
    """Phones with their sample times; a boundary lies half-way between two frames."""
    edges = np.flatnonzero(np.diff(path)) + 1
    starts = [0, *(int((e - 0.5) * RATE / FRAME_RATE) for e in edges), samples]
    said = [names[int(k)] for k in path[np.concatenate(([0], edges)).astype(np.int64)]]
    for k in range(1, len(said)):
        if said[k - 1] == "SIL" and said[k] in _STOPS:
            # The silence before a burst is the stop's own closure, unless it is a pause.
            silence = starts[k] - starts[k - 1]
            starts[k] -= silence if silence <= _LONGEST_CLOSURE else _CLOSURE
    spans = zip(said, starts[:-1], starts[1:], strict=True)
    return [TimedPhone(_ipa(p, (end - start) / RATE), start, end) for p, start, end in spans if end > start]


_STOPS: Final = frozenset(("P", "B", "T", "D", "K", "G"))
_CLOSURE: Final = int(0.075 * RATE)
_LONGEST_CLOSURE: Final = int(0.12 * RATE)


def _ipa(phone: str, seconds: float) -> str:
    if phone == "AH":  # the dictionary has no stress: a short one is a schwa
        return "ə" if seconds < 0.08 else "ʌ"
    return _IPA[phone]


_IPA: Final = {
    "AA": "ɑ", "AE": "æ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ",
    "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s",
    "SH": "ʃ", "SIL": "", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z",
    "ZH": "ʒ",
}  # fmt: skip
