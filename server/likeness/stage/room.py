"""Room: the people and performers that perceive each other."""

import secrets
from collections.abc import Iterator
from typing import Final

from likeness.errors import InputError
from likeness.stage.outlet import VoicePacket
from likeness.stage.performer import Performer
from likeness.stage.session import Session
from likeness.v1 import room_pb2

SCENES: Final = ("study", "mirror", "classroom", "museum", "therapy")
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
