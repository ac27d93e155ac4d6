"""FanOut: what of a room's motion, voices and seals goes to whom."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from likeness.performance.packet import split_datagrams
from likeness.stage.outlet import VoicePacket
from likeness.stage.seat import VIEWER, every, place_of
from likeness.stage.session import Session
from likeness.stage.voice_choice import MOST, VoiceChoice
from likeness.v1 import room_pb2, stream_pb2

SEALS_EVERY: Final = 0.1
"""Seconds between two messages of batched seals."""


@dataclass(frozen=True, slots=True)
class MadeFrame:
    """One avatar's encoded frame of this tick."""

    avatar: int
    sequence: int
    packet: bytes


@dataclass(frozen=True, slots=True)
class Audience:
    """How many of a room hear voices, and how many of them want Opus."""

    hearing: int
    opus: int


class FanOut:
    """Distance level of detail, the loudest few voices, and seals in batches.

    Every frame that is left out is sealed all the same, and each that is sent proves itself: a seal lists
    its frames one by one.
    """

    def __init__(self) -> None:
        self._rates: dict[str, dict[int, int]] = {}
        """By receiver: of how many frames of each avatar one is sent, where it is not each."""
        self.chooses = False
        """More people may speak than are heard at once; in a small room everybody is."""
        self._voices = VoiceChoice()
        self._heard: frozenset[str] | None = None
        self._seals: list[stream_pb2.Seal] = []
        self._sealed_at = 0.0

    def arrange(self, sessions: Collection[Session]) -> None:
        """Somebody came or left: who sees whom from how far."""
        places = {s.avatar: place_of(s.seat) for s in sessions if s.performer is not None}
        self._rates = {}
        self.chooses = len(places) > MOST
        if not self.chooses:
            self._heard = None
        for session in sessions:
            here = places.get(session.avatar, VIEWER)
            rates = {avatar: every(here.distance(there)) for avatar, there in places.items()}
            self._rates[session.id] = {avatar: rate for avatar, rate in rates.items() if rate > 1}

    def send_motion(self, sessions: Collection[Session], frames: Sequence[MadeFrame]) -> None:
        """Each receiver gets every frame of those near by, and of the others every second or third."""
        whole: list[bytes] | None = None
        for session in sessions:
            outlet = session.outlet
            if outlet is None:
                continue
            rates = self._rates.get(session.id)
            if rates:
                # By sequence and avatar, so that each tick carries its share of those far away.
                chosen = [f.packet for f in frames if not (f.sequence + f.avatar) % rates.get(f.avatar, 1)]
                datagrams = split_datagrams(chosen)
            else:
                if whole is None:
                    whole = split_datagrams([f.packet for f in frames])
                datagrams = whole
            for datagram in datagrams:
                outlet.send_motion(datagram)

    def choose_voices(
        self, sessions: Collection[Session], moderators: Collection[Session], now: float
    ) -> None:
        """Who is heard from now on: the loudest few and moderators."""
        speakers = [s for s in sessions if s.performer is not None]
        always = {s.id for s in moderators}
        self._voices.update(now, {s.id: s.loudness(now) for s in speakers if s.id not in always})
        self._heard = frozenset(always).union(self._voices.chosen)

    def heard(self, session: Session) -> bool:
        """Whether others hear this session's voice."""
        return self._heard is None or session.id in self._heard

    def audience(self, sessions: Collection[Session]) -> Audience:
        """Who listens."""
        hearing = opus = 0
        for session in sessions:
            outlet = session.outlet
            if outlet is not None and outlet.want_voice:
                hearing += 1
                opus += outlet.want_opus
        return Audience(hearing, opus)

    def send_voice(
        self,
        sessions: Collection[Session],
        speaker: Session,
        everyone: VoicePacket | None,
        own: VoicePacket | None,
    ) -> None:
        """20 ms of a voice for everyone; `own` is what the speaker gets."""
        if everyone is not None and not self.heard(speaker):
            everyone = None
        for session in sessions:
            packet = own if session is speaker and not session.hear_self else everyone
            if packet is not None:
                session.send_voice(packet)

    def send_seal(self, sessions: Collection[Session], seal: stream_pb2.Seal) -> None:
        """A seal, at once or with the next batch."""
        message: room_pb2.ServerMessage | None = None
        batched = False
        for session in sessions:
            if session.batch_seals:
                batched = True
            else:
                message = message or room_pb2.ServerMessage(seal=seal)
                session.tell(message)
        if batched:
            self._seals.append(seal)

    def flush_seals(self, sessions: Collection[Session], now: float) -> None:
        """Send the batch, if it is time."""
        if self._seals and now - self._sealed_at >= SEALS_EVERY:
            self._sealed_at = now
            message = room_pb2.ServerMessage(seals=room_pb2.Seals(seals=self._seals))
            self._seals = []
            for session in sessions:
                if session.batch_seals:
                    session.tell(message)
