import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from likeness.errors import InputError, LimitError, MachineError, NotFoundError
from likeness.head.character import VoiceSettings
from likeness.speech.articulation import TimedPhone
from likeness.speech.espeak import EspeakVoice
from likeness.speech.voice import VoiceChunk, VoiceError, load_voice

ENGLISH = VoiceSettings()
SENTENCE = "Imagination is more important than knowledge."


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def voice() -> AsyncIterator[EspeakVoice]:
    engine = EspeakVoice()
    await engine.start()
    yield engine
    await engine.aclose()


async def _all(voice: EspeakVoice, text: str, settings: VoiceSettings = ENGLISH) -> list[VoiceChunk]:
    return [chunk async for chunk in voice.speak(text, settings)]


def _sound(chunks: list[VoiceChunk]) -> np.ndarray:
    return np.concatenate([chunk.pcm for chunk in chunks])


def _phones(chunks: list[VoiceChunk]) -> list[TimedPhone]:
    return [phone for chunk in chunks for phone in chunk.phones]


async def _both_alive(voice: EspeakVoice) -> None:
    """A process that had to be killed comes back; on a busy machine that takes a while."""
    async with asyncio.timeout(60):
        while len(voice.process_ids) != 2:
            await asyncio.sleep(0.05)


def _seamless(chunks: list[VoiceChunk]) -> bool:
    ends = np.cumsum([len(chunk.pcm) for chunk in chunks])
    return [chunk.first for chunk in chunks] == [0, *ends[:-1]] and [c.final for c in chunks].index(
        True
    ) == len(chunks) - 1


async def test_chunks_follow_each_other_and_carry_sound(voice: EspeakVoice) -> None:
    chunks = await _all(voice, SENTENCE)
    assert _seamless(chunks)
    sound = _sound(chunks)
    assert sound.dtype == np.int16
    assert 1.5 < len(sound) / 48000 < 5
    assert np.abs(sound).max() > 3000


async def test_the_first_chunk_comes_before_the_sentence_is_finished(voice: EspeakVoice) -> None:
    chunks = await _all(voice, SENTENCE)
    assert len(chunks) > 8
    assert 0 < len(chunks[0].pcm) < 48000 // 4


async def test_phones_cover_the_utterance_in_order_and_in_time(voice: EspeakVoice) -> None:
    text = (
        SENTENCE
        + " "
        + "Bob paid happy people; then they left the big theatre, and nobody came back again today. " * 3
    )
    chunks = await _all(voice, text)
    phones = _phones(chunks)
    assert all(a.end == b.start for a, b in itertools.pairwise(phones))
    assert phones[0].start == 0
    assert phones[-1].end == pytest.approx(len(_sound(chunks)), abs=2)
    end = 0
    known = 0
    for chunk in chunks:
        end += len(chunk.pcm)
        known = max([known, *(phone.end for phone in chunk.phones)])
        assert known >= end - 2, "sound came before its phones"
    spoken = "".join(phone.phone for phone in phones)
    assert spoken.count("b") >= 3
    assert "θ" in spoken


async def test_a_stop_begins_with_its_closure_not_its_burst(voice: EspeakVoice) -> None:
    chunks = await _all(voice, "A happy apple, a copper paper, a paper copy.")
    sound = _sound(chunks).astype(np.float64)
    stops = [p for p in _phones(chunks) if p.phone == "p" and p.start > 4800]
    assert len(stops) >= 5
    loud = np.sqrt((sound**2).mean())
    for stop in stops:
        closure = sound[stop.start + 240 : stop.start + 240 + 720]
        assert np.sqrt((closure**2).mean()) < 0.35 * loud


async def test_a_pause_is_silent(voice: EspeakVoice) -> None:
    chunks = await _all(voice, "One. Two. Three.")
    sound = _sound(chunks).astype(np.float64)
    pauses = [p for p in _phones(chunks) if p.phone == "" and p.end - p.start > 4800]
    assert len(pauses) >= 2
    for pause in pauses:
        middle = sound[pause.start + 960 : pause.end - 960]
        assert np.sqrt((middle**2).mean()) < 300


async def test_no_click_where_chunks_meet(voice: EspeakVoice) -> None:
    chunks = await _all(voice, SENTENCE)
    sound = _sound(chunks).astype(np.float64)
    bend = np.abs(np.diff(sound, 2))
    edges = np.cumsum([len(c.pcm) for c in chunks])[:-1]
    at_edges = [bend[max(0, e - 3) : e + 3].max() for e in edges if e < len(sound) - 3]
    assert max(at_edges) <= np.percentile(bend, 99.9)


@pytest.mark.parametrize(
    "settings",
    [
        VoiceSettings(language="de"), VoiceSettings(language="fr"), VoiceSettings(variant="f2"),
        VoiceSettings(variant="+m3", pitch=20, rate=120, range=80), VoiceSettings(language="cmn"),
        VoiceSettings(language="en-gb", rate=450, pitch=99, range=0, volume=10),
    ],
)  # fmt: skip
async def test_settings_are_heard(voice: EspeakVoice, settings: VoiceSettings) -> None:
    ours, theirs = _sound(await _all(voice, SENTENCE, settings)), _sound(await _all(voice, SENTENCE))
    assert len(ours) > 4800
    assert len(ours) != len(theirs) or np.abs(ours.astype(int) - theirs).max() > 1000


async def test_every_listed_language_speaks() -> None:
    voice = EspeakVoice(processes=1)
    await voice.start()
    try:
        assert {"en-us", "en-gb", "de", "fr", "es-mx", "pt-pt", "zh", "no", "la", "ru"} <= voice.languages
        silent: list[str] = []
        for language in sorted(voice.languages):
            chunks = await _all(voice, "7 la ᎠᎳ ла", VoiceSettings(language=language))
            if not (_seamless(chunks) and any(p.phone for p in _phones(chunks))):
                silent.append(language)
        assert silent == []
    finally:
        await voice.aclose()


async def test_faster_is_shorter(voice: EspeakVoice) -> None:
    slow, fast = [len(_sound(await _all(voice, SENTENCE, VoiceSettings(rate=r)))) for r in (100, 300)]
    assert fast < 0.6 * slow


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        (VoiceSettings(language="en-uk"), "en-gb"),
        (VoiceSettings(language="german"), "de"),
        (VoiceSettings(language=""), "Known"),
        (VoiceSettings(variant="m33"), "m3"),
        (VoiceSettings(language="../../etc/passwd"), "no language"),
        (VoiceSettings(pitch=200), "0 to 99"),
        (VoiceSettings(rate=5), "80 to 450"),
    ],
)
async def test_unknown_settings_are_named_with_the_near_ones(
    voice: EspeakVoice, settings: VoiceSettings, hint: str
) -> None:
    with pytest.raises(InputError, match=hint):
        voice.speak("Hello", settings)


async def test_text_that_cannot_be_spoken_is_refused_before_any_sound(voice: EspeakVoice) -> None:
    with pytest.raises(InputError):
        voice.speak("", ENGLISH)
    with pytest.raises(LimitError):
        voice.speak("x" * 1_000_000, ENGLISH)


@pytest.mark.parametrize(
    "text",
    [
        "爱因斯坦说：想象力更重要。",
        "Привет",
        "a" * 4000,
        "!" * 50 + "a",
        "<speak>Hi</speak>",
        "[[h@l'oU]]",
        "%s %n &",
        "١٢٣",
        "\\x00 \\n",
    ],
)
async def test_odd_texts_are_spoken(voice: EspeakVoice, text: str) -> None:
    assert _seamless(await _all(voice, text))


async def test_chinese_is_read_not_spelled_in_an_english_voice(voice: EspeakVoice) -> None:
    phones = "".join(p.phone for p in _phones(await _all(voice, "爱因斯坦")))
    assert "tʃ" not in phones  # "Chinese letter"
    assert len(_phones(await _all(voice, "爱因斯坦"))) >= 6


async def test_many_speakers_at_once_each_get_their_own(voice: EspeakVoice) -> None:
    words = ["one", "eleven", "one hundred", "one hundred and eleven thousand", "go"]
    alone = [len(_sound(await _all(voice, word))) for word in words]
    together = await asyncio.gather(*(_all(voice, word) for word in words * 4))
    for index, chunks in enumerate(together):
        assert _seamless(chunks)
        assert len(_sound(chunks)) == pytest.approx(alone[index % 5], rel=0.03)


async def test_closing_stops_the_synthesis_and_frees_the_process(voice: EspeakVoice) -> None:
    for _ in range(20):
        speech = voice.speak(SENTENCE * 60, ENGLISH)
        assert len((await anext(speech)).pcm)
        await speech.aclose()
    await _both_alive(voice)
    assert _seamless(await _all(voice, "Still here."))


async def test_cancelling_the_task_frees_the_process(voice: EspeakVoice) -> None:
    for delay in np.linspace(0, 0.02, 20):
        task = asyncio.create_task(_all(voice, SENTENCE * 40))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert _seamless(await _all(voice, "Still here."))
    await _both_alive(voice)


async def test_a_slow_listener_holds_nobody_up(voice: EspeakVoice) -> None:
    idle = [voice.speak(SENTENCE * 30, ENGLISH) for _ in range(6)]
    for speech in idle:
        await anext(speech)
    assert _seamless(await _all(voice, "Meanwhile."))
    for speech in idle:
        await speech.aclose()


async def test_killed_between_sentences_the_next_works(voice: EspeakVoice) -> None:
    for pid in voice.process_ids:
        os.kill(pid, signal.SIGKILL)
    assert _seamless(await _all(voice, SENTENCE))


async def test_killed_mid_sentence_the_sentence_goes_on(voice: EspeakVoice) -> None:
    text = "A long sentence with many words that goes on for quite a while without any full stop in it " * 40
    chunks: list[VoiceChunk] = []
    async for chunk in voice.speak(text, ENGLISH):
        chunks.append(chunk)
        if len(chunks) in (3, 40):
            for pid in voice.process_ids:
                os.kill(pid, signal.SIGKILL)
    assert _seamless(chunks)
    phones = _phones(chunks)
    assert all(a.start <= b.start for a, b in itertools.pairwise(phones))
    whole = await _all(voice, text)
    assert len(_sound(chunks)) == pytest.approx(len(_sound(whole)), rel=0.01)
    assert len(phones) == pytest.approx(len(_phones(whole)), abs=5)
    await _both_alive(voice)


async def test_a_process_that_hangs_is_replaced() -> None:
    voice = EspeakVoice(processes=1, timeout=2.0)
    await voice.start()
    try:
        (stuck,) = voice.process_ids
        os.kill(stuck, signal.SIGSTOP)
        chunks = await _all(voice, SENTENCE)
        assert _seamless(chunks)
        assert stuck not in voice.process_ids
    finally:
        await voice.aclose()


async def test_closing_the_voice_ends_what_is_being_said() -> None:
    voice = EspeakVoice(processes=1)
    await voice.start()
    pids = voice.process_ids
    speech = voice.speak(SENTENCE * 60, ENGLISH)
    await anext(speech)
    await voice.aclose()
    with pytest.raises(VoiceError):
        async for _ in speech:
            pass
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(VoiceError, match="not running"):
        voice.speak("Hello", ENGLISH)


async def test_too_many_waiting_is_a_limit() -> None:
    voice = EspeakVoice(processes=1, waiting=1)
    await voice.start()
    try:
        results = await asyncio.gather(
            *(_all(voice, SENTENCE * 5) for _ in range(30)), return_exceptions=True
        )
        assert any(isinstance(r, LimitError) for r in results)
        assert any(isinstance(r, list) for r in results)
        assert _seamless(await _all(voice, "Hello"))
    finally:
        await voice.aclose()


async def test_without_the_library_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError('no such library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MachineError, match=r"no such library\. Reinstall the package espeakng-loader"):
        await EspeakVoice(processes=1).start()
    (tmp_path / "espeakng_loader.py").write_text("raise SystemExit")
    with pytest.raises(MachineError, match="did not start"):
        await EspeakVoice(processes=1).start()


async def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(NotFoundError, match="espeak"):
        load_voice("espaek")
    assert isinstance(load_voice(), EspeakVoice)
