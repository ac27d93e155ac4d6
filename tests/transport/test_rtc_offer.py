"""An offer is checked before anything is built for it."""

import contextlib
import re

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, LimitError
from likeness.transport.rtc_offer import read_offer


async def offer_sdp(voices: int = 1, channels: bool = True) -> str:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    pc.addTransceiver("audio")
    for _ in range(voices):
        pc.addTransceiver("audio", "recvonly")
    if channels:
        pc.createDataChannel("control", negotiated=True, id=0)
    try:
        await pc.setLocalDescription(await pc.createOffer())
        return pc.localDescription.sdp
    finally:
        await pc.close()


async def test_the_microphone_and_the_voices_are_found():
    offer = read_offer("offer", await offer_sdp(voices=2))
    assert offer.microphone == "0"
    assert offer.voices == ("0", "1", "2")
    assert offer.audio_lines == 3


async def test_addresses_that_a_stranger_wrote_are_left_out():
    sdp = await offer_sdp()
    assert "a=candidate:" in sdp
    assert "a=candidate" not in read_offer("offer", sdp).sdp
    assert "a=end-of-candidates" not in read_offer("offer", sdp).sdp


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.replace("opus/48000/2", "speex/48000/2"), "Opus"),
        (lambda s: s.replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0"), "bundle"),
        (lambda s: re.sub("a=ice-ufrag:.*\r\n", "", s), "ICE"),
        (lambda s: re.sub("a=fingerprint:.*\r\n", "", s), "DTLS"),
        (lambda s: s.replace("m=audio", "m=video"), "."),
        (lambda s: s[: s.index("m=application")], "data channels"),
        (lambda s: s + "a=rtpmap:x\r\n", "cannot be read"),
        (lambda s: "v=0\r\n", "data channels"),
        (lambda _: "", "."),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_words(change, words: str):
    with pytest.raises(InputError, match=words):
        read_offer("offer", change(await offer_sdp()))


async def test_an_answer_or_no_text_is_refused():
    with pytest.raises(InputError):
        read_offer("answer", await offer_sdp())
    with pytest.raises(InputError):
        read_offer("offer", None)


async def test_too_many_lines_or_letters_are_refused():
    with pytest.raises(LimitError, match="media lines"):
        read_offer("offer", await offer_sdp(voices=20))
    with pytest.raises(LimitError, match="characters"):
        read_offer("offer", "v=0\r\n" + "a=x\r\n" * 20_000)


async def test_an_offer_with_changed_bytes_never_raises_anything_else():
    sdp = await offer_sdp()

    @settings(max_examples=400, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(sdp) - 1))
        end = data.draw(st.integers(at, min(at + 40, len(sdp))))
        changed = sdp[:at] + data.draw(st.text(max_size=20)) + sdp[end:]
        with contextlib.suppress(LikenessError):
            read_offer("offer", changed)

    check()
