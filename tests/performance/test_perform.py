"""Performing off line with the real voice, lip-sync, alignment and head."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from likeness.errors import InputError, LimitError
from likeness.head import CONTROL_INDEX, BakedHead, avatars_root, load_character, load_head
from likeness.performance import Take
from likeness.performance.perform import (
    LEAD_IN,
    TAIL,
    perform_recording,
    perform_text,
    perform_tracking,
)
from likeness.speech import EspeakVoice, TimedPhone
from likeness.speech.articulation import ipa_classes
from likeness.tracking.face import TrackedFace, full_confidence

SENTENCE = "Bob and Mum put big maps by the pump."


@pytest_asyncio.fixture
async def voice() -> AsyncIterator[EspeakVoice]:
    engine = EspeakVoice(processes=1)
    await engine.start()
    yield engine
    await engine.aclose()


@pytest.fixture(scope="module")
def recording() -> tuple[np.ndarray, list[TimedPhone]]:
    """A spoken sentence between half seconds of silence, and when its sounds are."""
    import asyncio

    async def speak() -> tuple[np.ndarray, list[TimedPhone]]:
        engine = EspeakVoice(processes=1)
        await engine.start()
        try:
            pieces, phones = [np.zeros(24_000, np.int16)], list[TimedPhone]()
            async for chunk in engine.speak(SENTENCE, load_character("plain").voice):
                pieces.append(chunk.pcm)
                phones += [TimedPhone(p.phone, p.start + 24_000, p.end + 24_000) for p in chunk.phones]
        finally:
            await engine.aclose()
        pieces.append(np.zeros(24_100, np.int16))
        return np.concatenate(pieces).astype(np.float32) / 32768, phones

    return asyncio.run(speak())


def loudness(take: Take) -> np.ndarray:
    sound = np.pad(take.voice.astype(np.float64), (0, 800 * take.frame_count - len(take.voice))).reshape(
        -1, 800
    )
    return np.convolve(np.sqrt((sound**2).mean(1)), np.ones(5) / 5, "same")


def closures(phones: list[TimedPhone]) -> list[TimedPhone]:
    return [p for p in phones if ipa_classes(p.phone)[:1] in (["p"], ["b"], ["m"])]


def least_gap(take: Take, phone: TimedPhone, margin: int = 0) -> float:
    first, last = phone.start // 800 - margin, -(-phone.end // 800) + margin
    return float(take.lip_gap_mm[max(first, 0) : last + 1].min())


async def test_a_text_is_said_with_sealed_lips_and_comes_to_rest(voice: EspeakVoice, tmp_path: Path) -> None:
    shares: list[float] = []
    take = await perform_text(voice, load_character("einstein"), SENTENCE, seed=3, progress=shares.append)
    assert take.meta["generated"] is True
    assert take.meta["portrays"] == "Albert Einstein"
    assert take.meta["driver"] == "text"
    np.testing.assert_array_equal(take.sample, 800 * np.arange(take.frame_count))
    assert len(take.voice) == 800 * take.frame_count
    assert not take.voice[:LEAD_IN].any()
    assert np.corrcoef(take.lip_gap_mm, loudness(take))[0, 1] >= 0.5
    assert take.lip_gap_mm.max() > 6
    assert take.lip_gap_mm[-1] < 0.1
    shut = take.lip_gap_mm < 0.5
    spoken = slice(LEAD_IN // 800, take.frame_count - TAIL // 800)
    runs = np.count_nonzero(shut[spoken][1:] & ~shut[spoken][:-1])
    assert runs >= 7, "eleven sounds of p, b and m, some of them neighbours"
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    take.save(tmp_path / "take.npz")
    np.testing.assert_array_equal(Take.load(tmp_path / "take.npz").expression, take.expression)


def test_the_same_seed_gives_the_same_take(recording: tuple[np.ndarray, list[TimedPhone]]) -> None:
    # On a recording: espeak-ng's own sound differs by a few samples from one utterance to the next.
    sound = recording[0][20_000:48_000]
    one, two = (perform_recording(sound, load_character("plain"), seed=5) for _ in range(2))
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, two.arrays()[name], err_msg=name)


async def test_the_mesh_of_every_frame_is_the_heads(voice: EspeakVoice) -> None:
    take = await perform_text(voice, load_character("plain"), "Oh!", vertices=True)
    model = load_head("open").model
    assert take.vertices is not None
    assert take.vertices.shape == (take.frame_count, model.vertex_count, 3)
    assert model.lip_pair is not None
    upper, lower = model.lip_pair
    measured = 1000 * np.linalg.norm(take.vertices[:, upper] - take.vertices[:, lower], axis=1)
    np.testing.assert_allclose(measured, take.lip_gap_mm, atol=0.01)


@pytest.mark.parametrize(
    ("text", "error"), [("", InputError), (" \x07 ", InputError), ("a" * 9999, LimitError)]
)
async def test_what_cannot_be_said_is_refused(voice: EspeakVoice, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await perform_text(voice, load_character("plain"), text)


def test_a_bare_recording_moves_the_lips_in_time(recording: tuple[np.ndarray, list[TimedPhone]]) -> None:
    pcm, phones = recording
    take = perform_recording(pcm, load_character("plain"))
    assert take.meta["driver"] == "recording"
    assert take.frame_count == -(-len(pcm) // 800) + TAIL // 800
    np.testing.assert_allclose(take.voice[: len(pcm)] / 32768, pcm, atol=1e-4)
    assert take.lip_gap_mm[:20].max() < 0.5, "silent before"
    assert take.lip_gap_mm[-10:].max() < 0.1, "silent after"
    loud, gap = loudness(take), take.lip_gap_mm
    assert np.corrcoef(gap, loud)[0, 1] >= 0.5
    lags = {lag: np.corrcoef(gap[30:-60], np.roll(loud, lag)[30:-60])[0, 1] for lag in range(-12, 13)}
    assert abs(max(lags, key=lags.__getitem__)) <= 3, "mouth and sound belong together"
    heard = sum(least_gap(take, phone, margin=2) < 1.0 for phone in closures(phones))
    assert heard >= 0.6 * len(closures(phones))


def test_a_transcript_seals_the_lips_on_every_p_b_and_m(
    recording: tuple[np.ndarray, list[TimedPhone]],
) -> None:
    pcm, phones = recording
    take = perform_recording(pcm, load_character("plain"), transcript=SENTENCE)
    assert take.frame_count == -(-len(pcm) // 800) + TAIL // 800
    sealed = [least_gap(take, phone, margin=2) < 0.5 for phone in closures(phones)]
    assert len(sealed) >= 9
    assert all(sealed)


@pytest.mark.parametrize("seconds", [0.001, 1.5])
def test_silence_is_a_face_at_rest_that_lives(seconds: float) -> None:
    take = perform_recording(np.zeros(int(48_000 * seconds), np.float32), load_character("plain"))
    assert take.lip_gap_mm.max() < 0.5
    assert (np.diff(take.neck, axis=0) != 0).any(1).mean() > 0.9


def test_a_hiss_and_clipped_noise_do_not_chatter() -> None:
    rng = np.random.default_rng(0)
    take = perform_recording(
        np.clip(rng.normal(0, 2, 96_000), -1, 1).astype(np.float32), load_character("plain")
    )
    jaw = take.controls[:, 17]
    assert np.isfinite(take.expression).all()
    assert np.abs(np.diff(jaw)).mean() < 0.05


@pytest.mark.parametrize("rate", [10, 30])
def test_a_tracked_face_moves_its_character_in_time_and_smoothly(rate: int) -> None:
    def seen(second: float) -> TrackedFace:
        controls = np.zeros(52, np.float32)
        controls[CONTROL_INDEX["browInnerUp"]] = np.clip(second - 0.5, 0, 1)
        turned = np.array([0, 0.3 * np.clip(second - 0.5, 0, 1), 0], np.float32)
        return TrackedFace(controls, full_confidence(head=True, gaze=False), turned, time=second)

    take = perform_tracking([seen(k / rate) for k in range(2 * rate)], None, load_character("plain"))
    assert take.meta["driver"] == "tracking"
    brow = take.controls[:120, CONTROL_INDEX["browInnerUp"]]
    assert brow[:25].max() < 0.1
    assert brow[60] == pytest.approx(0.5, abs=0.12)
    assert brow[110] == pytest.approx(1.0, abs=0.05)
    assert np.abs(np.diff(brow)).max() < 0.07
    assert take.neck[110, 1] == pytest.approx(0.3, abs=0.05)
    with pytest.raises(InputError, match="face"):
        perform_tracking([], None, load_character("plain"))


async def test_another_head_wears_its_own_identity(voice: EspeakVoice, tmp_path: Path) -> None:
    """A head under another name, as an import leaves it: a character's identity does not fit it."""
    guest = tmp_path / "guest.npz"
    guest.write_bytes((avatars_root() / "heads" / "open.npz").read_bytes())
    einstein = load_character("einstein")
    take = await perform_text(voice, einstein, "Oh!", head=str(guest), vertices=True)
    assert take.vertices is not None
    rest = BakedHead(load_head("open").model).vertices(
        take.expression[0], take.eyelids[0], take.jaw[0], take.neck[0], take.eyes[0],
        take.head_rotation[0], take.head_translation[0],
    )  # fmt: skip
    np.testing.assert_allclose(take.vertices[0], rest, atol=1e-6)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.wav"
    text.write_text("not sound")
    with pytest.raises(InputError):
        perform_recording(text, load_character("plain"))
