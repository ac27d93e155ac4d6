"""Room: the people and performers that perceive each other."""

import math
import secrets
from collections.abc import Iterator
from typing import Final

import numpy as np

from likeness.errors import InputError
from likeness.head.frame import Float32
from likeness.stage.outlet import VoicePacket
from likeness.stage.performer import Performer
from likeness.stage.session import Session
from likeness.v1 import room_pb2

SCENES: Final = ("study", "mirror", "classroom", "museum", "therapy")
ARC: Final = 1.6
"""Metres from the visitor's place to the seats."""
SEAT_ANGLE: Final = 0.42
"""Radians from seat to seat: two thirds of a metre between faces."""
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else
_ALLOWED: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Room:
    """Sessions by id and performers by avatar id. Lives as long as somebody is in it."""

    def __init__(self, id: str, scene: str) -> None:
        self.id = id
        self.scene = scene
        self.sessions: dict[str, Session] = {}
        self._avatars = 0

    def next_avatar(self) -> int:
        """An avatar id that nobody in this room has."""
        taken = {s.avatar for s in self.sessions.values()}
        while True:
            self._avatars = self._avatars % 0xFFFF + 1
            if self._avatars not in taken:
                return self._avatars

    def free_seat(self) -> int:
        """The innermost seat that nobody has."""
        taken = {performer.seat for performer in self.performers}
        return next(k for k in range(len(taken) + 1) if k not in taken)

    @property
    def performers(self) -> Iterator[Performer]:
        """Everyone who has an avatar."""
        return (s.performer for s in self.sessions.values() if s.performer is not None)

    def session_of(self, avatar: int) -> Session | None:
        """Who has this avatar."""
        return next((s for s in self.sessions.values() if avatar and s.avatar == avatar), None)

    def tell(self, message: room_pb2.ServerMessage, besides: Session | None = None) -> None:
        """A control message for everyone here."""
        for session in list(self.sessions.values()):
            if session is not besides:
                session.tell(message)

    def send_motion(self, datagrams: list[bytes]) -> None:
        """Motion for everyone here."""
        for session in self.sessions.values():
            outlet = session.outlet
            if outlet is not None:
                for datagram in datagrams:
                    outlet.send_motion(datagram)

    def send_voice(self, speaker: Session, everyone: VoicePacket | None, own: VoicePacket | None) -> None:
        """Voice for everyone here; `own` is what the speaker gets."""
        for session in self.sessions.values():
            packet = own if session is speaker and not session.hear_self else everyone
            if packet is not None:
                session.send_voice(packet)


def seat_place(seat: int) -> tuple[Float32, Float32]:
    """Rotation (axis-angle [3], rad) and eyes [3] (m) of a seat: an arc around who stands before the scene.

    Seat 0 is the middle; then one to each side in turn, each turned towards the visitor.
    """
    step = (seat + 1) // 2 * (1 if seat % 2 else -1)
    angle = step * SEAT_ANGLE
    position = np.array([ARC * math.sin(angle), 0.0, ARC * (1 - math.cos(angle))], np.float32)
    return np.array([0.0, -angle, 0.0], np.float32), position


def new_room_id() -> str:
    """A short code that can be read out: six letters and digits, about 30 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def check_room_id(id: str) -> str:
    """The id, if it is one.

    Raises:
        InputError: other than 1 to 40 small letters, digits and hyphens.
    """
    if not 1 <= len(id) <= 40 or not _ALLOWED.issuperset(id):
        raise InputError(f"{id[:60]!r} is no room name; use 1 to 40 small letters, digits and hyphens.")
    return id
