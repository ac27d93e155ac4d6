"""Hard voices are as hard as they say: narrow, pitchless, at another pitch, clipped, two at once."""

import numpy as np
import pytest

from likeness.cli.bench import hard_voices

RATE = 48_000


@pytest.fixture(scope="module")
def buzz() -> np.ndarray:
    """A second of a 120 Hz buzz through one resonance, like a held vowel."""
    t = np.arange(RATE) / RATE
    tones = sum(np.cos(2 * np.pi * 120 * k * t) / (1 + ((120 * k - 700) / 200) ** 2) for k in range(1, 60))
    return (0.1 * tones / np.abs(tones).max()).astype(np.float32)


def spectrum(sound: np.ndarray) -> np.ndarray:
    """Power in bins of 1 Hz of the middle half second, doubled to a second."""
    middle = sound[RATE // 4 : 3 * RATE // 4] * np.hanning(RATE // 2)
    return np.abs(np.fft.rfft(middle, RATE)) ** 2


def share_at(sound: np.ndarray, pitch: float) -> float:
    """Share of the power below 3 kHz that lies within 8 Hz of a multiple of a pitch."""
    power = spectrum(sound)[40:3000]
    hertz = np.arange(40, 3000)
    near = np.abs((hertz + pitch / 2) % pitch - pitch / 2) <= 8
    return float(power[near].sum() / power.sum())


def test_a_telephone_carries_300_to_3400_hz():
    heard = spectrum(hard_voices.telephone(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)))
    inside, above, below = heard[500:3000].mean(), heard[4500:20000].mean(), heard[20:120].mean()
    assert above < 1e-3 * inside
    assert below < 0.05 * inside


def test_a_telephone_keeps_the_length(buzz):
    assert len(hard_voices.telephone(buzz[:40_001])) == 40_001


@pytest.mark.parametrize("pitch", [60.0, 600.0])
def test_a_voice_is_put_at_another_pitch(buzz, pitch):
    other = hard_voices.revoiced(buzz, pitch, 0)
    assert len(other) == len(buzz)
    assert share_at(other, pitch) > 0.8


def test_a_whisper_has_no_pitch(buzz):
    assert share_at(buzz, 120.0) > 0.95
    assert share_at(hard_voices.revoiced(buzz, None, 0), 120.0) < 0.4


def test_a_whisper_keeps_the_resonance(buzz):
    power = np.convolve(spectrum(hard_voices.revoiced(buzz, None, 0))[:4000], np.ones(100) / 100, "same")
    assert 500 < power.argmax() < 900


def test_silence_stays_silence():
    assert not hard_voices.revoiced(np.zeros(RATE // 2, np.float32), None, 0).any()


def test_clipping_reaches_full_scale_and_not_beyond(buzz):
    loud = hard_voices.clipped(buzz)
    assert np.abs(loud).max() == 1.0
    assert (np.abs(loud) == 1.0).mean() > 0.05


def test_a_second_voice_ends_with_the_first(buzz):
    other = np.random.default_rng(1).normal(0, 0.1, 2 * RATE).astype(np.float32)
    both = hard_voices.together(buzz, other)
    assert len(both) == len(buzz)
    assert np.corrcoef(both, buzz)[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_most_in_a_second():
    assert hard_voices.most_in_a_second([]) == 0
    assert hard_voices.most_in_a_second([0.0, 0.4, 0.99, 1.0, 5.0]) == 3
