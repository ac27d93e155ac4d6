"""Voices that say nothing of their phones' times: espeak-ng says how a text is pronounced, the acoustic model
finds where.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from likeness.speech.acoustic_model import AcousticModel
from tools.lipsync.corpus import RATE, Utterance, join
from tools.lipsync.espeak_voices import Espeak, pause
from tools.lipsync.prompt_voices import align_ipa
from tools.lipsync.sentences import Sentences

Voices = Mapping[str, tuple[str, str, int]]
"""Voice: espeak's voice with the same pronunciation, language of the sentences, share."""
Say = Callable[[str, str, int, int], NDArray[np.float64]]
"""Sound at 16 kHz of (voice, text, rate, pitch), rate and pitch in percent of the voice's own."""
LEAST = 7.0  # seconds of an utterance: a training example and its slowest tempo fit into it
_FIT = -4.0  # right texts score -0.6 to -3.7, other texts -3.6 to -10
_FIT_RECORDED = -4.5  # of people, whose texts may have been changed after they were read
_MOST_DROPPED = 0.5  # of a voice's sentences


def synthesise(
    family: str, voices: Voices, say: Say, hours: float, random: Random, sentences: Sentences
) -> Iterator[Utterance]:
    """Utterances of each voice, by its share of `hours`: a few sentences each, said at one pitch and pace.

    Sentences whose sound and pronunciation do not agree are left out, and counted at the end of each voice.
    """
    espeak, model = Espeak(), AcousticModel()
    total = sum(share for *_, share in voices.values())
    for name, (accent, language, share) in voices.items():
        espeak.pronounce_as(accent)
        seconds, heard, dropped = 0.0, 0, 0
        while seconds < hours * 3600 * share / total:
            pitch, rate, said = random.randint(82, 122), random.randint(85, 130), list[Utterance]()
            while sum(u.seconds for u in said) < LEAST:
                text, ipa = _pronounced(espeak, sentences, language, random)
                wave = say(name, text, rate + random.randint(-8, 8), pitch + random.randint(-4, 4))
                heard += 1
                aligned = align_ipa(f"{family}:{name}", wave, ipa, model, _FIT)
                if aligned is not None:
                    said += [aligned, pause(aligned.voice, random.uniform(0, 0.4))]
                    continue
                dropped += 1
                if dropped > 20 and dropped > _MOST_DROPPED * heard:
                    raise SystemExit(f"{family} {name}: {dropped} of {heard} sentences are not as {accent}")
            whole = join(f"{family}:{name}", said)
            seconds += whole.seconds
            yield whole
        print(f"{family} {name}: {heard - dropped} of {heard} sentences agree with their text")


def _pronounced(espeak: Espeak, sentences: Sentences, language: str, random: Random) -> tuple[str, str]:
    """A sentence and its IPA, without words that espeak takes for another language's (it brackets those)."""
    while True:
        text = sentences.sentence(language, random)
        ipa = espeak.ipa(text)
        if "(" not in ipa:
            return text, ipa


def recorded(
    name: str,
    recordings: Iterable[tuple[str, NDArray[np.float64]]],
    random: Random,
    espeak: Espeak,
    model: AcousticModel,
    most: int | None = None,
) -> Iterator[Utterance]:
    """Utterances of a few recordings each, `most` at most, given (text, sound at 16 kHz) of each recording.

    espeak pronounces as the speaker does. Recordings whose text and sound do not agree are left out, and
    counted at the end.
    """
    said: list[Utterance] = []
    heard = agreed = done = 0
    for text, wave in recordings:
        heard += 1
        aligned = align_ipa(name, wave, espeak.ipa(text), model, _FIT_RECORDED)
        if aligned is None:
            continue
        agreed += 1
        said += [aligned, pause(name, random.uniform(0, 0.3))]
        if sum(u.seconds for u in said) >= LEAST:
            yield join(name, said)
            said, done = [], done + 1
            if done == most:
                break
    print(f"{name}: {agreed} of {heard} recordings agree with their text")


def read_sound(file: Path | BinaryIO, form: str | None = None) -> NDArray[np.float64]:
    """A recording at 16 kHz, in int16's scale. `form`: FFmpeg's name of its format, if it has to be told."""
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(file, format=form) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([f.to_ndarray().ravel() for f in frames]).astype(np.float64)
