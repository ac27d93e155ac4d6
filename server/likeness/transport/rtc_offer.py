"""Offer: a browser's WebRTC offer, checked before anything is built for it."""

from dataclasses import dataclass
from typing import Any, Final

from aiortc import RTCIceParameters
from aiortc.sdp import DIRECTIONS, SessionDescription

from likeness.errors import InputError, LimitError

SDP_LIMIT: Final = 64 << 10
LINES: Final = 17
"""Media lines of an offer at most: the microphone's, 15 other voices, the data channels."""
_OPUS: Final = "audio/opus"


@dataclass(frozen=True, slots=True)
class Offer:
    """`sdp` without candidates; `voices`: mids of the audio lines on which we may send, in order."""

    sdp: str
    microphone: str | None
    voices: tuple[str, ...]
    audio_lines: int


def read_offer(kind: object, sdp: object) -> Offer:
    """Check an offer: one bundle of Opus audio lines and the data channels.

    The offer's own candidates are left out. The server is the reachable side: it answers whoever
    proves to know the ICE password, and so never sends a packet to an address that a stranger wrote
    into an offer, nor resolves mDNS names.

    Raises:
        InputError, LimitError: in words for the developer of a client.
    """
    if kind != "offer" or not isinstance(sdp, str):
        raise InputError('Expected {"hello": {...}, "type": "offer", "sdp": "v=0..."}.')
    if len(sdp) > SDP_LIMIT:
        raise LimitError(f"The offer has {len(sdp):,} characters; {SDP_LIMIT:,} at most.")
    sdp = _without_candidates(sdp)
    parsed = _parse(sdp)
    audio = [m for m in parsed.media if m.kind == "audio"]
    mids = [m.rtp.muxId for m in parsed.media]
    if len(parsed.media) > LINES:
        raise LimitError(f"The offer has {len(parsed.media)} media lines; {LINES} at most.")
    if [m.kind for m in parsed.media].count("application") != 1:
        raise InputError("The offer has no data channels. Create `control` and `motion` before the offer.")
    if len(audio) + 1 != len(parsed.media):
        raise InputError("The offer has media lines that are neither audio nor data channels.")
    bundles = [g for g in parsed.group if g.semantic == "BUNDLE"]
    if len(set(mids)) != len(mids) or "" in mids or not bundles or set(bundles[0].items) != set(mids):
        raise InputError(
            'The offer must bundle all its lines: new RTCPeerConnection({bundlePolicy: "max-bundle"}).'
        )
    for media in parsed.media:
        ice: RTCIceParameters | None = media.ice
        if media.dtls is None or not media.dtls.fingerprints or ice is None or not ice.usernameFragment:
            raise InputError(
                "A media line of the offer lacks its DTLS fingerprint, setup or ICE credentials."
            )
        if media.kind == "audio" and not any(c.mimeType.lower() == _OPUS for c in media.rtp.codecs):
            raise InputError("An audio line of the offer lacks Opus.")
    return Offer(
        sdp=sdp,
        microphone=next((m.rtp.muxId for m in audio if _sends(m.direction)), None),
        voices=tuple(m.rtp.muxId for m in audio if _receives(m.direction)),
        audio_lines=len(audio),
    )


def _parse(sdp: str) -> SessionDescription:
    try:
        parsed = SessionDescription.parse(sdp)
    # aiortc's parser asserts, indexes and converts; any failure of it means a malformed line.
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:120]}"
        raise InputError(f"The offer's SDP cannot be read: {reason}") from None
    for media in parsed.media:
        if media.kind == "audio" and media.direction not in DIRECTIONS:
            raise InputError("An audio line of the offer has no direction.")
    return parsed


def _without_candidates(sdp: str) -> str:
    lines = (
        line for line in sdp.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))
    )
    return "\r\n".join(lines) + "\r\n"


def _sends(direction: Any) -> bool:
    return direction in ("sendrecv", "sendonly")


def _receives(direction: Any) -> bool:
    return direction in ("sendrecv", "recvonly")
