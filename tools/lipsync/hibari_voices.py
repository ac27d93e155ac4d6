"""A vocoder's voice for tuning only: hibari (Apache-2.0), harmonics and noise driven by a small network.

It sounds like no other engine here, which is what makes it worth tuning on.
"""

from collections.abc import Iterator
from random import Random

import numpy as np
from scipy.signal import resample_poly

from likeness.speech.acoustic_model import AcousticModel
from likeness.speech.articulation import SILENCE, ipa_classes
from tools.lipsync.corpus import Utterance, utterance
from tools.lipsync.kokoro_voices import LONG
from tools.lipsync.prompt_voices import align_classes
from tools.lipsync.sentences import Sentences


def synthesise(hours: float, random: Random, sentences: Sentences) -> Iterator[Utterance]:
    """Utterances until `hours` are filled; the acoustic model finds the phones."""
    from hibari import Hibari

    engine, model, total = Hibari(), AcousticModel(), 0.0
    while total < hours * 3600:
        text = " ".join(sentences.sentence("en", random) for _ in range(2))
        spoken = engine.phonemize(text)
        speed, seed = random.uniform(0.8, 1.25), random.getrandbits(31)
        parts = [engine.from_phonemes(symbols, speed, seed) for symbols in spoken]
        wave = resample_poly(np.concatenate(parts).astype(np.float64), 2, 3)
        classes = [SILENCE]
        for word in " ".join(spoken).split():
            said = [c for symbol in word if symbol.isalpha() for c in ipa_classes(LONG.get(symbol, symbol))]
            classes += [*(c for c in said if c != SILENCE), SILENCE]
        timed = align_classes(model, wave, classes)
        if timed is not None:
            whole = utterance("hibari:heart", wave, timed)
            total += whole.seconds
            yield whole
