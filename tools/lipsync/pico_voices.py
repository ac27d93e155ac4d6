"""Small statistical voices of six languages: SVOX Pico (Apache-2.0), decision trees and a vocoder, trained on
real speakers.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tools.lipsync import aligned_voices
from tools.lipsync.aligned_voices import Voices
from tools.lipsync.corpus import Utterance
from tools.lipsync.sentences import Sentences

VOICES: Final[Voices] = {
    "en-US": ("en-us", "en", 3), "de-DE": ("de", "de", 1), "es-ES": ("es", "es", 1), "fr-FR": ("fr", "fr", 1),
    "it-IT": ("it", "it", 1),
}  # fmt: skip
VALIDATION: Final[Voices] = {"en-GB": ("en", "en", 1)}
"""A voice that only tuning hears."""
_VOLUME: Final = 40  # percent; the engine clips at its own full volume


def synthesise(
    hours: float, random: Random, sentences: Sentences, voices: Voices = VOICES
) -> Iterator[Utterance]:
    """Utterances of each voice, by its share of `hours`."""
    engines = {name: _engine(name) for name in voices}

    def say(name: str, text: str, rate: int, pitch: int) -> NDArray[np.float64]:
        engines[name].rate, engines[name].pitch = rate, pitch
        return np.frombuffer(engines[name].speak(text), np.int16).astype(np.float64)

    return aligned_voices.synthesise("pico", voices, say, hours, random, sentences)


def _engine(name: str):  # type: ignore[no-untyped-def]
    try:
        from ttspico import TtsEngine
    except ImportError as error:
        raise SystemExit("ttspico is missing: pip install -r tools/lipsync/requirements.txt") from error
    engine = TtsEngine(name)
    engine.volume = _VOLUME
    return engine
