"""A stay survives a cut and a closed tab; a headset presents frames; a microphone drives the face."""

import asyncio
import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from likeness.cli.bench.browser import ServedProcess, visit
from likeness.cli.bench.drawn import Drawn
from likeness.head import VoiceSettings
from likeness.speech import EspeakVoice

pytestmark = pytest.mark.browser
SMALL = {"width": 480, "height": 300}
SERVER = "[stage]\nresume_seconds = 600\n"
"""A session waits for a page that a busy machine holds up."""


def sessions(server: ServedProcess) -> list[dict[str, Any]]:
    """The ledger's sessions, as `likeness sessions list` tells them."""
    done = subprocess.run(
        [sys.executable, "-m", "likeness.cli.main", "sessions", "list", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "LIKENESS_DATA": str(server.data)},
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("transport", ["rtc", "ws"])
def test_a_cut_of_five_seconds_and_a_closed_tab_keep_the_session(server: ServedProcess, transport: str):
    before = len(sessions(server))
    result = visit(
        "returning",
        server,
        name=f"returning-{transport}",
        query={"transport": transport},
        viewport=SMALL,
        cuts=[1, 5],
        closed=3,
    )
    session = result["before"]["session"]
    for cut in result["cut"]:
        assert cut["lost"] in ("lost", "resuming")
        assert cut["after"]["session"] == session
    assert [s["phase"] for s in result["speech"]][-1] == "FINISHED"
    assert result["returned"]["after"]["session"] == session
    assert len(sessions(server)) == before + 1


def test_an_immersive_session_presents_frames(server: ServedProcess):
    result = visit("headset", server, viewport=SMALL, sentences=["Hello from inside the headset."])
    assert result["entered"]["xr"]["presenting"] is True
    assert result["inside"]["xr"]["frames"] > result["entered"]["xr"]["frames"] + 10
    assert result["inside"]["mark"]["visible"] is True
    assert result["inside"]["seals"]["failed"] == 0
    assert [s["phase"] for s in result["speech"]][-1] == "FINISHED"


@pytest.mark.parametrize("whose", ["synthetic", "person"])
def test_a_microphone_drives_the_face(
    server: ServedProcess, whose: str, request: pytest.FixtureRequest
) -> None:
    result = visit(
        "microphone",
        server,
        name=f"microphone-{whose}",
        viewport=SMALL,
        recording=str(request.getfixturevalue(whose)),
        seconds=5,
        hearSelf=True,
    )
    assert result["during"]["mark"]["text"].endswith("driven by: voice")
    speaking = Drawn.of(result["history"]).latest(result["seconds"] + 2.0)
    assert np.ptp(speaking.lip) > 3
    assert speaking.correlation() >= 0.3
    assert result["after"]["seals"]["failed"] == 0


def test_a_recording_of_a_person_drives_the_face(person: Path, tmp_path: Path) -> None:
    take = tmp_path / "take.npz"
    command = [sys.executable, "-m", "likeness.cli.main", "animate", str(person), "-o", str(take)]
    subprocess.run(command, timeout=300, check=True)
    with np.load(take, allow_pickle=False) as made:
        gap, voice = made["lip_gap_mm"], made["voice"].astype(np.float64)
    loudness = np.sqrt(np.mean(voice[: len(gap) * 800].reshape(-1, 800) ** 2, axis=1))
    smooth = np.ones(9) / 9
    gap = gap[: len(loudness)]
    assert (
        np.corrcoef(np.convolve(gap, smooth, "same"), np.convolve(np.sqrt(loudness), smooth, "same"))[0, 1]
        > 0.5
    )
    assert np.ptp(gap) > 3
    assert np.median(gap[loudness < 0.02 * loudness.max()]) < np.median(gap[loudness > 0.2 * loudness.max()])


PERSON = Path("/usr/share/asterisk/sounds/en_US_f_Allison/demo-congrats.g722")
"""Allison Smith, half a minute of telephone prompt, as Debian packages it."""


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's speech, 12 s, as a WAV."""
    if not PERSON.is_file():
        pytest.skip(
            "no recording of a person here (Debian, Ubuntu: apt install asterisk-core-sounds-en-g722)"
        )
    path = tmp_path_factory.mktemp("person") / "speech.wav"
    resample = av.AudioResampler(format="s16", layout="mono", rate=48_000)
    with av.open(str(PERSON), format="g722") as sound, wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        heard = [each.to_ndarray() for frame in sound.decode(audio=0) for each in resample.resample(frame)]
        out.writeframes(np.concatenate(heard, axis=1)[0, : 12 * 48_000].tobytes())
    return path


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WAV for Chromium's fake microphone: another person's voice, not the character's."""
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    voice = VoiceSettings(language="en-us", variant="f2", pitch=60, rate=150)
    text = "My mother may have baked a beautiful apple pie, and people have probably eaten it by now."
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(asyncio.run(spoken(text, voice)).tobytes())
    return path


async def spoken(text: str, settings: VoiceSettings) -> NDArray[np.int16]:
    voice = EspeakVoice()
    await voice.start()
    try:
        return np.concatenate([chunk.pcm async for chunk in voice.speak(text, settings)])
    finally:
        await voice.aclose()
