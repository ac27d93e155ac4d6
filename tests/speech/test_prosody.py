import numpy as np
import pytest

from likeness.head.controls import CONTROLS
from likeness.speech.prosody import Prosody

BROWS = [i for i, name in enumerate(CONTROLS) if name.startswith("brow")]
ALLOWED = {
    i for i, name in enumerate(CONTROLS) if name.startswith(("brow", "eyeWide", "eyeSquint", "cheekSquint"))
}


def _speech(seconds: float, seed: int, pitch: float = 120.0) -> np.ndarray:
    """Phrases of pulses with a moving pitch and loudness, and pauses between: int16."""
    random = np.random.default_rng(seed)
    out: list[np.ndarray] = []
    while sum(map(len, out)) < seconds * 48000:
        for _ in range(int(random.integers(6, 14))):
            length = int(48000 * random.uniform(0.12, 0.25))
            height = pitch * 2 ** (random.normal(0, 3) / 12)
            phase = 2 * np.pi * np.cumsum(np.linspace(height, height * 0.92, length)) / 48000
            tone = sum(np.sin(k * phase) / k for k in range(1, 12))
            out.append(tone * np.hanning(length) * random.uniform(0.08, 0.3))
        out.append(np.zeros(int(48000 * random.uniform(0.3, 0.6))))
    whole = np.concatenate(out)[: int(seconds * 48000)]
    return (np.clip(whole, -1, 1) * 32767).astype(np.int16)[: len(whole) // 800 * 800].reshape(-1, 800)


def _run(prosody: Prosody, slot: int, frames: np.ndarray) -> dict[str, np.ndarray]:
    steps = [prosody.step([slot], frame[None]) for frame in frames]
    names = ("controls", "head", "blink", "voiced", "level", "effort", "pitch")
    return {name: np.concatenate([getattr(step, name) for step in steps]) for name in names}


def _fresh(seed: int = 0) -> tuple[Prosody, int]:
    prosody = Prosody(np.random.default_rng(seed))
    return prosody, prosody.open()


def test_silence_does_nothing_at_all() -> None:
    did = _run(*_fresh(), np.zeros((600, 800), np.int16))
    assert not any(did[name].any() for name in did)


def test_quiet_noise_is_not_speech() -> None:
    noise = (np.random.default_rng(2).standard_normal((600, 800)) * 20).astype(np.int16)
    did = _run(*_fresh(), noise)
    assert not did["voiced"][60:].any()
    assert not did["head"][240:].any()


def test_speech_moves_brows_and_head_within_human_bounds() -> None:
    did = _run(*_fresh(), _speech(30, 3))
    brows = did["controls"][:, BROWS].max(axis=1)
    assert 0.2 < brows.max() <= 1.0
    assert np.degrees(np.abs(did["head"]).max()) < 15
    assert np.degrees(np.abs(did["head"]).max()) > 1.5
    assert did["voiced"].mean() > 0.6


def test_only_brows_and_eyes_are_touched() -> None:
    did = _run(*_fresh(), _speech(20, 4))
    touched = set(np.flatnonzero(np.abs(did["controls"]).max(axis=0)).tolist())
    assert touched <= ALLOWED
    assert did["controls"].min() >= 0.0
    assert did["controls"].max() <= 1.0


def test_after_speech_everything_returns_to_exactly_zero() -> None:
    did = _run(*_fresh(), np.concatenate([_speech(10, 5), np.zeros((300, 800), np.int16)]))
    assert not did["controls"][-60:].any()
    assert not did["head"][-60:].any()
    assert not did["effort"][-60:].any()


def test_motion_is_smooth() -> None:
    did = _run(*_fresh(), _speech(20, 6))
    assert np.degrees(np.abs(np.diff(did["head"], axis=0)).max()) < 2.5
    assert np.abs(np.diff(did["controls"], axis=0)).max() < 0.2


def test_blinks_come_at_phrase_ends() -> None:
    did = _run(*_fresh(), _speech(40, 7))
    ends = np.flatnonzero(did["voiced"][:-1] & ~did["voiced"][1:]) + 1
    blinks = np.flatnonzero(did["blink"])
    assert 0.4 * len(ends) < len(blinks) < 1.5 * len(ends)
    at_end = sum(bool(np.abs(ends - blink).min() <= 1) for blink in blinks)
    assert at_end > 0.7 * len(blinks)


def test_nothing_is_periodic() -> None:
    did = _run(*_fresh(), _speech(45, 8))
    for signal in (did["controls"][:, BROWS].sum(axis=1), did["head"][:, 1]):
        centred = signal - signal.mean()
        correlation = np.correlate(centred, centred, "full")[len(centred) - 1 :] / (centred @ centred)
        assert correlation[90:900].max() < 0.5


def test_pitch_is_found() -> None:
    for pitch in (90.0, 150.0, 300.0):
        phase = 2 * np.pi * pitch * np.arange(48000) / 48000
        tone = sum(np.sin(k * phase) / k for k in range(1, 10)) * 0.2
        found = _run(*_fresh(), (tone * 32767).astype(np.int16).reshape(-1, 800))["pitch"][20:]
        assert np.median(found) == pytest.approx(pitch, rel=0.02)


def test_louder_than_usual_is_effort() -> None:
    usual = _speech(20, 9)
    loud = np.clip(usual[:180].astype(np.int32) * 3, -32768, 32767).astype(np.int16)
    prosody, slot = _fresh()
    before = _run(prosody, slot, usual)["effort"][-300:].mean()
    assert _run(prosody, slot, loud)["effort"].mean() > before + 0.15


def test_a_speaker_does_not_depend_on_the_others() -> None:
    speech = [_speech(5, seed) for seed in (10, 11, 12)]
    alone = Prosody(np.random.default_rng(1))
    slots = [alone.open() for _ in range(3)]
    separate = _run(alone, slots[1], speech[1])
    together = Prosody(np.random.default_rng(1))
    slots = [together.open() for _ in range(3)]
    frames = [together.step(slots, np.stack([s[i] for s in speech])) for i in range(len(speech[0]))]
    np.testing.assert_allclose(np.stack([f.head[1] for f in frames]), separate["head"], atol=1e-6)
    np.testing.assert_allclose(np.stack([f.controls[1] for f in frames]), separate["controls"], atol=1e-6)


def test_two_speakers_of_the_same_words_move_differently() -> None:
    speech = _speech(10, 13)
    prosody = Prosody(np.random.default_rng(1))
    slots = [prosody.open(), prosody.open()]
    frames = [prosody.step(slots, np.stack([f, f])) for f in speech]
    head = np.stack([f.head for f in frames])
    assert np.abs(head[:, 0] - head[:, 1]).max() > 0.01


def test_a_slot_that_is_given_back_starts_afresh() -> None:
    prosody, slot = _fresh()
    _run(prosody, slot, _speech(5, 14))
    prosody.close(slot)
    prosody.close(slot)
    again = prosody.open()
    assert not prosody.step([again], np.zeros((1, 800), np.float32)).head.any()


def test_a_wrong_shape_is_refused_and_nobody_is_fine() -> None:
    prosody, slot = _fresh()
    with pytest.raises(ValueError, match="must be"):
        prosody.step([slot], np.zeros((1, 799), np.float32))
    assert prosody.step([], np.zeros((0, 800), np.float32)).controls.shape == (0, 52)
