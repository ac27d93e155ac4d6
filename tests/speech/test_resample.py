import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.speech.resample import Resampler, is_usual_rate


def _whole(samples: np.ndarray, rate_in: int, rate_out: int, cuts: list[int]) -> np.ndarray:
    resampler = Resampler(rate_in, rate_out)
    parts = [resampler.push(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate([*parts, resampler.flush()])


@given(st.lists(st.integers(0, 3000), max_size=12), st.sampled_from([22050, 16000, 8000, 44100, 96000]))
@settings(max_examples=40, deadline=None)
def test_the_cuts_between_blocks_do_not_matter(cuts: list[int], rate: int) -> None:
    sound = np.random.default_rng(1).standard_normal(3000).astype(np.float32)
    once, often = _whole(sound, rate, 48000, []), _whole(sound, rate, 48000, cuts)
    assert len(once) == len(often) == -(-3000 * 48000 // rate)
    np.testing.assert_allclose(once, often, atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000, 96000])
def test_a_tone_keeps_its_phase_and_its_level(rate: int) -> None:
    time_in, time_out = np.arange(rate) / rate, np.arange(48000) / 48000
    out = _whole(np.sin(2 * np.pi * 997 * time_in).astype(np.float32), rate, 48000, [100, 5000])
    inner = slice(2000, -2000)
    np.testing.assert_allclose(out[inner], np.sin(2 * np.pi * 997 * time_out)[inner], atol=2e-3)


def test_images_above_the_old_band_are_gone() -> None:
    sound = np.sin(2 * np.pi * 6000 * np.arange(22050) / 22050).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(_whole(sound, 22050, 48000, [])[4000:44000] * np.hanning(40000)))
    frequency = np.fft.rfftfreq(40000, 1 / 48000)
    assert spectrum[frequency > 7000].max() < 1e-3 * spectrum.max()


def test_a_constant_stays_constant() -> None:
    out = _whole(np.full(5000, 0.5, np.float32), 22050, 48000, [])
    np.testing.assert_allclose(out[100:-100], 0.5, atol=1e-5)


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.\.384000"):
        Resampler(0, 48000)


def test_rates_that_devices_record_at_are_usual_and_those_that_would_take_gigabytes_are_not() -> None:
    usual = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)
    assert all(map(is_usual_rate, usual))
    assert not any(map(is_usual_rate, (0, -8_000, 7_999, 47_999, 65_535, 95_999, 96_001, 1 << 31)))
