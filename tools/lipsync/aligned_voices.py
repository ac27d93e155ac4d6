"""Voices that say nothing of their phones' times: espeak-ng says how a text is pronounced, the acoustic model
finds where.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random

import numpy as np
from numpy.typing import NDArray

from likeness.speech.acoustic_model import AcousticModel
from tools.lipsync.corpus import Utterance, join
from tools.lipsync.espeak_voices import Espeak, pause
from tools.lipsync.prompt_voices import align_ipa
from tools.lipsync.sentences import Sentences

Voices = Mapping[str, tuple[str, str, int]]
"""Voice: espeak's voice with the same pronunciation, language of the sentences, share."""
Say = Callable[[str, str, int, int], NDArray[np.float64]]
"""Sound at 16 kHz of (voice, text, rate, pitch), rate and pitch in percent of the voice's own."""
LEAST = 7.0  # seconds of an utterance: a training example and its slowest tempo fit into it
_FIT = -4.0  # right texts score -0.6 to -3.7, other texts -3.6 to -10
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
