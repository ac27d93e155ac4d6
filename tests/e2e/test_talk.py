"""The main job, end to end: a typed sentence is heard and seen in a browser, in sync, marked and sealed."""

import asyncio
from typing import Any

import numpy as np
import pytest

from likeness.cli.bench.browser import ServedProcess, visit
from likeness.cli.bench.drawn import Drawn
from likeness.head import load_character
from likeness.speech import EspeakVoice, TimedPhone

pytestmark = pytest.mark.browser

LOUD = (
    "Imagination is more important than knowledge. For knowledge is limited. "
    "Whereas imagination embraces the entire world, all around us, and all that will ever be."
)
CLOSURES = "Bob may baptize my puppy, maybe Pam may pump a big pipe. My baby may be a bumpy bumblebee."
BILABIAL = ("p", "b", "m")
SMALL = {"width": 480, "height": 300}
"""Drawn without a GPU, each picture costs a tenth of a second and more."""


@pytest.fixture(scope="module", params=["rtc", "ws"])
def talk(request: pytest.FixtureRequest, server: ServedProcess) -> dict[str, Any]:
    """One conversation over each transport."""
    result = visit(
        "talk",
        server,
        name=f"talk-{request.param}",
        query={"transport": request.param},
        viewport=SMALL,
        sentences=[LOUD, CLOSURES],
    )
    assert result["problems"] == []
    result["wanted"] = {"rtc": "webrtc", "ws": "websocket"}[request.param]
    return result


def test_the_page_is_live_over_the_wanted_transport(talk: dict[str, Any]):
    assert talk["after"]["transport"] == talk["wanted"]
    assert talk["after"]["state"] == "live"
    assert talk["after"]["session"]


def test_audio_bytes_rise_while_it_speaks(talk: dict[str, Any]):
    heard = [talk[when]["audioBytes"] for when in ("before", "during", "after")]
    assert heard[0] < heard[1] < heard[2]
    assert heard[2] - heard[0] > 5_000


def test_every_sentence_starts_and_finishes(talk: dict[str, Any]):
    for states in talk["speech"]:
        phases = [state["phase"] for state in states]
        assert "STARTED" in phases
        assert phases[-1] == "FINISHED"


def test_the_drawn_lips_follow_the_voice(talk: dict[str, Any]):
    drawn = spoken(talk, 0)
    assert np.ptp(drawn.lip) > 4, "the mouth opens by millimetres"
    assert drawn.correlation() >= 0.5


async def test_the_drawn_lips_close_on_p_b_and_m(talk: dict[str, Any]):
    drawn = spoken(talk, 1)
    phones = await phones_of(CLOSURES)
    inside, outside = np.zeros(len(drawn.sample), bool), np.zeros(len(drawn.sample), bool)
    for phone in phones:
        quarter = (phone.end - phone.start) / 4
        at = drawn.sample - started(talk, 1)
        middle = (at >= phone.start + quarter) & (at <= phone.end - quarter)
        if phone.phone.rstrip("ːʲ") in BILABIAL:
            inside |= middle
        elif phone.phone:
            outside |= middle
    assert inside.sum() >= 3, "too few pictures fell into a closure"
    gaps = np.round(drawn.lip[inside], 2)
    assert np.median(gaps) < 1.0, f"gaps in mm during p, b, m: {gaps}"
    assert (gaps < 1.5).mean() >= 0.75, f"gaps in mm during p, b, m: {gaps}"
    assert np.median(drawn.lip[outside]) > 3 * max(0.5, float(np.median(gaps)))


def test_the_mark_is_in_the_picture_and_says_who_and_how(talk: dict[str, Any]):
    for when in ("before", "during", "after"):
        assert talk[when]["mark"]["visible"] is True
        assert talk[when]["mark"]["text"].startswith("GEN - Albert Einstein - driven by")
        # Read back from the rendered picture, not from what the page believes.
        assert talk[when]["probe"]["text"] == talk[when]["mark"]["text"]
        assert talk[when]["probe"]["ink"] > 0.9
        assert talk[when]["markOnTop"] is True, "something of the page lies over the mark"
    assert talk["during"]["mark"]["text"].endswith("driven by: text")


def test_the_seals_hold_in_the_page(talk: dict[str, Any]):
    after = talk["after"]
    assert after["seals"]["state"] == "verified"
    assert after["seals"]["failed"] == 0
    assert after["seals"]["verified"] > 0.8 * after["packets"]["frames"]


def test_heard_and_drawn_belong_together(talk: dict[str, Any]):
    """Not the benchmark of the promise, but a guard: never a mouth that is off by a syllable."""
    offset = spoken(talk, 0).offset_ms
    assert len(offset) > 20
    assert abs(float(np.median(offset))) < 60


def test_automatic_fallback_when_udp_is_blocked(server: ServedProcess):
    result = visit(
        "talk",
        server,
        name="talk-blocked",
        viewport=SMALL,
        flags=["--webrtc-ip-handling-policy=disable_non_proxied_udp"],
        sentences=["Good morning."],
    )
    assert result["after"]["transport"] == "websocket"
    assert result["after"]["seals"]["failed"] == 0
    assert [s["phase"] for s in result["speech"][0]][-1] == "FINISHED"


def spoken(talk: dict[str, Any], index: int) -> Drawn:
    """What was drawn during one sentence and half a second on both sides."""
    pad = 24_000
    return Drawn.of(talk["history"]).during(started(talk, index) - pad, ended(talk, index) + pad)


def started(talk: dict[str, Any], index: int) -> float:
    return float(next(s["sample"] for s in talk["speech"][index] if s["phase"] == "STARTED"))


def ended(talk: dict[str, Any], index: int) -> float:
    return float(next(s["sample"] for s in talk["speech"][index] if s["phase"] == "FINISHED"))


async def phones_of(text: str) -> list[TimedPhone]:
    """What the character's voice says, in samples from the start of the sentence."""
    voice = EspeakVoice()
    await voice.start()
    try:
        settings = (await asyncio.to_thread(load_character, "einstein")).voice
        phones: list[TimedPhone] = []
        async for chunk in voice.speak(text, settings):
            phones += chunk.phones
        return phones
    finally:
        await voice.aclose()
