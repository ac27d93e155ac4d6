"""Live lip-sync: speakers do not disturb each other, silence is rest, closures are shut, errors are words."""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest
import torch

from likeness.errors import InputError, LimitError
from likeness.head import VoiceSettings
from likeness.head.controls import CONTROLS
from likeness.speech import load_voice
from likeness.speech.acoustic_network import AcousticNetwork
from likeness.speech.articulation import JAW, RATE, STYLES, TimedPhone, articulate
from likeness.speech.lip_scores import closures_said, closures_shown, strict
from likeness.speech.lipsync import LipSync, animate
from likeness.speech.lipsync_network import load_weights
from likeness.speech.listener import Listener

JAW_OPEN, MOUTH_CLOSE = CONTROLS.index("jawOpen"), CONTROLS.index("mouthClose")
PRESS = CONTROLS.index("mouthPressLeft")
TEXT = "Maybe Bob will keep my map. Please put the lamp upon the table, and bring a bottle of plum jam."


def say(text: str) -> tuple[np.ndarray, list[TimedPhone]]:
    """A text in the built-in voice after half a second of silence, and its phones."""

    async def speak() -> tuple[np.ndarray, list[TimedPhone]]:
        engine = load_voice("espeak")
        await engine.start()
        lead = RATE // 2
        sound, phones = [np.zeros(lead, np.int16)], []
        try:
            async with aclosing(engine.speak(text, VoiceSettings("en-us", pitch=35))) as chunks:
                async for chunk in chunks:
                    sound.append(chunk.pcm)
                    phones += [TimedPhone(p.phone, p.start + lead, p.end + lead) for p in chunk.phones]
        finally:
            await engine.aclose()
        return np.concatenate([*sound, np.zeros(RATE, np.int16)]).astype(np.float32) / 32768, phones

    return asyncio.run(speak())


@pytest.fixture(scope="module")
def spoken() -> tuple[np.ndarray, list[TimedPhone]]:
    return say(TEXT)


@pytest.fixture(scope="module")
def mouth(spoken) -> np.ndarray:
    return animate(spoken[0])


def listen(lip_sync: LipSync, slot: int, pcm: np.ndarray) -> np.ndarray:
    ticks = len(pcm) // 800
    return np.concatenate(
        [lip_sync.step(np.array([slot]), pcm[None, t * 800 : t * 800 + 800]) for t in range(ticks)]
    )


def test_the_look_ahead_is_at_most_80_ms():
    assert LipSync(capacity=1).look_ahead <= 3840


def test_the_weights_are_small():
    assert LipSync(capacity=1).parameters <= 600_000


def test_speech_moves_the_mouth_in_time_with_the_voice(spoken, mouth):
    pcm, phones = spoken
    assert len(mouth) == -(-len(pcm) // 800)
    wanted = articulate(phones, 0, len(mouth))[:, JAW]
    jaw = mouth[:, JAW_OPEN]
    match = [np.corrcoef(np.roll(wanted, lag)[12:-12], jaw[12:-12])[0, 1] for lag in range(-6, 7)]
    assert max(match) > 0.7
    assert abs(int(np.argmax(match)) - 6) <= 1


def test_p_b_and_m_shut_the_lips(spoken, mouth):
    shut = (mouth[:, MOUTH_CLOSE] >= 0.95 * mouth[:, JAW_OPEN]) & (mouth[:, PRESS] > 0.2)
    score = strict(closures_said(spoken[1]), closures_shown(shut))
    assert score.said >= 15
    assert score.f > 0.75


def test_a_closure_lasts_two_frames_at_least(mouth):
    shut = mouth[:, PRESS] >= 0.299
    edges = np.flatnonzero(np.diff(np.concatenate(([False], shut, [False])).astype(int)))
    assert len(edges)
    assert (edges[1::2] - edges[::2]).min() >= 2


def test_a_voice_that_begins_does_not_begin_with_a_closure_of_its_own():
    pcm, phones = say("All our eyes are here.")
    assert not closures_said(phones)
    controls = animate(pcm)
    begin = phones[0].start // 800
    assert controls[begin : begin + 24, JAW_OPEN].max() > 0.1
    assert controls[: begin + 24, PRESS].max() < 0.25


def test_before_and_after_speech_the_mouth_is_exactly_at_rest(spoken, mouth):
    first, last = spoken[1][0].start // 800, spoken[1][-1].end // 800
    assert not mouth[: first - 6].any()
    assert not mouth[last + 24 :].any()


def test_silence_moves_nothing():
    assert not animate(np.zeros(RATE, np.float32)).any()


def test_speakers_do_not_disturb_each_other(spoken):
    pcm = spoken[0][: 3 * RATE]
    together, alone = LipSync(capacity=4), LipSync(capacity=1)
    slots = np.array([together.open() for _ in range(3)])
    other = np.random.default_rng(0).normal(0, 0.2, len(pcm)).astype(np.float32)
    rows = []
    for tick in range(len(pcm) // 800):
        piece = slice(tick * 800, tick * 800 + 800)
        rows.append(together.step(slots, np.stack([other[piece], pcm[piece], other[::-1][piece]]))[1])
    np.testing.assert_allclose(np.stack(rows), listen(alone, alone.open(), pcm), atol=2e-3)


def test_the_acoustic_network_says_what_the_acoustic_model_says(spoken):
    """How far the phone loop's evidence is apart, summed over 126 states."""
    listener, heard = Listener(1), list[torch.Tensor]()
    student = listener.acoustic.log_likelihood

    def noted(features: torch.Tensor) -> torch.Tensor:
        heard.append(features)
        return student(features)

    listener.acoustic.log_likelihood = noted
    for t in range(0, len(spoken[0]) - 800, 800):
        listener.hear(torch.tensor([0]), torch.from_numpy(spoken[0][None, t : t + 800]))
    features = torch.cat(heard)
    scale = listener.loop.acoustic_scale
    said, wanted = (
        (scale * answer).softmax(1) for answer in (student(features), listener.model.log_likelihood(features))
    )
    apart = (said - wanted).abs().sum(1) / 2
    by_chance = (said.roll(60, 0) - wanted).abs().sum(1) / 2
    assert apart.mean() < 0.2
    assert by_chance.mean() > 2 * apart.mean()


def test_weights_without_an_acoustic_network_are_refused_in_words():
    arrays, _ = load_weights()
    for broken in (
        {k: v for k, v in arrays.items() if not k.startswith("acoustic")},
        arrays | {"acoustic0_weight": arrays["acoustic0_weight"][:40]},
    ):
        with pytest.raises(InputError, match="tools/lipsync"):
            AcousticNetwork(broken)


def test_a_reused_slot_remembers_nothing(spoken):
    pcm = spoken[0][RATE // 2 : 2 * RATE]
    lip_sync = LipSync(capacity=1)
    slot = lip_sync.open()
    first = listen(lip_sync, slot, pcm)
    lip_sync.close(slot)
    slot = lip_sync.open()
    np.testing.assert_allclose(listen(lip_sync, slot, pcm), first, atol=1e-5)
    lip_sync.reset(slot)
    np.testing.assert_allclose(listen(lip_sync, slot, pcm), first, atol=1e-5)


def test_the_order_of_slots_does_not_matter(spoken):
    pcm = spoken[0][RATE // 2 : RATE // 2 + 80 * 800].reshape(80, 800)
    one, two = LipSync(capacity=2), LipSync(capacity=2)
    a, b = one.open(), one.open()
    two.open()
    two.open()
    for tick in range(79):
        straight = one.step(np.array([a, b]), pcm[[tick, tick + 1]])
        turned = two.step(np.array([b, a]), pcm[[tick + 1, tick]])
    np.testing.assert_allclose(straight, turned[::-1], atol=1e-4)


def test_broken_sound_does_not_live_on_in_a_slot(spoken):
    lip_sync = LipSync(capacity=1)
    slot = lip_sync.open()
    bad = np.full((1, 800), np.nan, np.float32)
    bad[0, ::3] = np.inf
    for _ in range(5):
        assert np.isfinite(lip_sync.step(np.array([slot]), bad)).all()
    after = listen(lip_sync, slot, spoken[0])
    assert np.isfinite(after).all()
    assert after[:, JAW_OPEN].max() > 0.1


def test_styles_differ():
    calm, broad = (next(i for i, s in enumerate(STYLES) if s.name == n) for n in ("relaxed", "broad"))
    t = np.arange(RATE) / RATE
    vowel = sum(np.sin(2 * np.pi * 120 * k * t) * np.exp(-(((120 * k - f) / 150) ** 2)) for k in range(1, 40)
                for f in (700, 1200, 2500)).astype(np.float32) * 0.1  # fmt: skip
    openings = [animate(vowel, style=s)[:, JAW_OPEN].max() for s in (calm, broad)]
    assert openings[0] < openings[1]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_recordings_of_any_rate_are_heard(rate):
    sound = np.sin(np.arange(rate) / 30).astype(np.float32) * 0.1
    seen = []
    assert animate(sound, rate, progress=seen.append).shape == (60, 52)
    assert seen[-1] == 1.0


def test_wrong_input_is_refused_in_words():
    lip_sync = LipSync(capacity=1)
    slot = lip_sync.open()
    with pytest.raises(LimitError, match="slots are taken"):
        lip_sync.open()
    with pytest.raises(InputError, match="not open"):
        lip_sync.step(np.array([slot + 5]), np.zeros((1, 800), np.float32))
    with pytest.raises(InputError, match="shape"):
        lip_sync.step(np.array([slot]), np.zeros((1, 100), np.float32))
    lip_sync.close(slot)
    lip_sync.close(slot)
    with pytest.raises(InputError, match="not open"):
        lip_sync.reset(slot)
    with pytest.raises(InputError, match="style"):
        lip_sync.open(style=99)
    with pytest.raises(InputError, match="mono"):
        animate(np.zeros((2, 100), np.float32))
    with pytest.raises(InputError, match="sample rate"):
        animate(np.zeros(100, np.float32), rate=12)
    assert animate(np.zeros(0, np.float32)).shape == (0, 52)


def test_a_file_that_is_not_weights_is_refused(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a lip-sync weights file"):
        LipSync(capacity=1, weights=path)
