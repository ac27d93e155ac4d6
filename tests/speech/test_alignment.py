"""A recording and its transcript: when each sound was said; and refusals in words."""

import asyncio
from contextlib import aclosing
from itertools import pairwise

import numpy as np
import pytest

from likeness.errors import InputError
from likeness.head import VoiceSettings
from likeness.speech import load_voice
from likeness.speech.alignment import align, best_path
from likeness.speech.articulation import RATE, TimedPhone
from likeness.speech.lip_scores import Score, closures_said, strict, tolerant
from likeness.speech.pronunciation import Pronunciations

TEXT = (
    "My people, we must remember the problem of public liberty. "
    "Maybe the boy bumped the lamp before 7 o'clock."
)


@pytest.fixture(scope="module")
def spoken() -> dict[str, tuple[np.ndarray, list[TimedPhone]]]:
    """The text in two voices, with the voice's own phone times."""

    async def speak() -> dict[str, tuple[np.ndarray, list[TimedPhone]]]:
        engine = load_voice("espeak")
        await engine.start()
        out = {}
        try:
            for language, pitch in (("en-us", 40), ("en-gb", 70)):
                sound, phones = [np.zeros(12_000, np.int16)], []
                async with aclosing(engine.speak(TEXT, VoiceSettings(language, pitch=pitch))) as chunks:
                    async for chunk in chunks:
                        sound.append(chunk.pcm)
                        phones += [
                            TimedPhone(p.phone, p.start + 12_000, p.end + 12_000) for p in chunk.phones
                        ]
                out[language] = np.concatenate(sound).astype(np.float32) / 32768, phones
        finally:
            await engine.aclose()
        return out

    return asyncio.run(speak())


def test_closures_are_found_where_the_voice_made_them(spoken):
    near = hard = Score()
    for pcm, phones in spoken.values():
        aligned = align(pcm, TEXT)
        near += tolerant(closures_said(phones), closures_said(aligned))
        hard += strict(closures_said(phones), closures_said(aligned))
    assert near.said >= 30
    assert near.recall >= 0.98
    assert near.precision >= 0.98
    assert hard.f >= 0.93


def test_phones_follow_each_other_and_cover_the_recording(spoken):
    pcm, _ = spoken["en-us"]
    seen = []
    phones = align(pcm, TEXT, progress=seen.append)
    assert phones[0].start == 0
    assert phones[-1].end == len(pcm)
    assert all(a.end == b.start and a.end > a.start for a, b in pairwise(phones))
    assert all(0 <= s <= 1 for s in seen)


def test_what_cannot_be_aligned_is_refused(spoken):
    pcm, _ = spoken["en-us"]
    with pytest.raises(InputError, match="no English words"):
        align(pcm, "… 你好 …")
    with pytest.raises(InputError, match="silent"):
        align(np.zeros(RATE, np.float32), "hello")
    with pytest.raises(InputError, match="longer recording"):
        align(pcm[:RATE], TEXT)


def test_the_best_path_skips_optional_states_only():
    scores = np.full((6, 4), -9.0, np.float32)
    scores[[0, 1], 0] = scores[[2, 3], 2] = scores[[4, 5], 3] = 0.0
    optional = np.array([False, True, False, False])
    path = best_path(lambda t, low, high: scores[t, low:high], 6, optional)
    assert path.tolist() == [0, 0, 2, 2, 3, 3]
    forced = best_path(lambda t, low, high: scores[t, low:high], 6, np.zeros(4, bool))
    assert set(forced.tolist()) == {0, 1, 2, 3}


def test_a_narrow_beam_finds_the_same_path():
    g = np.random.default_rng(0)
    states = 60
    true = np.repeat(np.arange(states), 5)
    scores = g.normal(0, 0.5, (len(true), states)).astype(np.float32)
    scores[np.arange(len(true)), true] += 4
    optional = np.zeros(states, bool)
    wide = best_path(lambda t, low, high: scores[t, low:high], len(true), optional)
    narrow = best_path(lambda t, low, high: scores[t, low:high], len(true), optional, beam=16)
    np.testing.assert_array_equal(wide, narrow)
    np.testing.assert_array_equal(wide, true)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("map", "M AE P"),
        ("blimpfish", "B L IH M P F IH SH"),
        ("zomby", "Z AA M B IY"),
        ("philomphy", "F IH L AA M F IY"),
        ("laptop's", "L AE P T AA P Z"),
    ],
)
def test_words_are_said_by_dictionary_or_rule(word, phones):
    said = " ".join(Pronunciations().word(word))
    assert said == phones or (word == "laptop's" and said.endswith(("P S", "P Z")))


def test_numbers_are_spelt_out():
    words = Pronunciations()
    assert words.say("1905") == words.say("nineteen oh five")
    assert words.say("342") == words.say("three hundred forty two")
    assert words.say("007") == words.say("zero zero seven")
