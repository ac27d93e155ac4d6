"""Room: the people and performers that perceive each other."""

from collections.abc import Iterator, Sequence
from typing import Final

from likeness.errors import DeniedError
from likeness.stage.fan_out import Audience, FanOut, MadeFrame
from likeness.stage.grant import Action
from likeness.stage.outlet import VoicePacket
from likeness.stage.performer import Performer, Wanted
from likeness.stage.seat import Place
from likeness.stage.session import Session
from likeness.v1 import room_pb2, stream_pb2
from likeness.v1.room_pb2 import Notice, ServerMessage

SCENES: Final = ("study", "mirror", "classroom", "museum", "therapy")


class Room:
    """Sessions by id and performers by avatar id. Lives as long as somebody is in it.

    Args:
        code: the short code by which it is found; see room_code.
        hosted: whoever made it moderates it, because there are no tokens that say who may.
    """

    def __init__(self, id: str, scene: str, code: str, hosted: bool) -> None:
        self.id = id
        self.scene = scene
        self.code = code
        self.hosted = hosted
        self.host = ""
        """The session that moderates a hosted room."""
        self.floor = 0
        """The avatar that has the floor; 0: everybody may speak."""
        self.sessions: dict[str, Session] = {}
        self.expected = 0
        """People who are about to enter."""
        self.removed: dict[str, str] = {}
        """Ids of the tokens whose bearers were removed, and why."""
        self.changed = False
        """Somebody has still to be told the room's newest state."""
        self._avatars = 0
        self._fan_out = FanOut()

    def next_avatar(self) -> int:
        """An avatar id that nobody in this room has."""
        taken = {s.avatar for s in self.sessions.values()}
        while True:
            self._avatars = self._avatars % 0xFFFF + 1
            if self._avatars not in taken:
                return self._avatars

    def enter(self, session: Session) -> None:
        """Somebody is here; who has an avatar gets the innermost free seat."""
        if session.performer is not None:
            taken = {s.seat for s in self.sessions.values()}
            session.seat = next(k for k in range(len(taken) + 1) if k not in taken)
        self.sessions[session.id] = session
        self._fan_out.arrange(self.sessions.values())
        if self.hosted and self.host not in self.sessions:
            self.host = session.id
        self.changed = True

    def leave(self, session: Session) -> None:
        """Somebody is gone. A host is followed by who was here first; a floor that was theirs opens."""
        self.sessions.pop(session.id, None)
        self._fan_out.arrange(self.sessions.values())
        self.changed = True
        if self.host == session.id:
            here = sorted(self.sessions.values(), key=lambda s: s.lost_at is not None)
            self.host = here[0].id if here else ""
            if here:
                here[0].notice(Notice.INFO, "moderator", "The host has left. You moderate this room now.")
        if self.floor and self.floor == session.avatar:
            self.give_floor(0)

    def moderates(self, session: Session) -> bool:
        """Whether a session may give orders here: the host of a hosted room, else whose token says so."""
        if self.hosted:
            return session.id == self.host
        return Action.MODERATE in session.grant.actions

    def require_moderator(self, session: Session) -> None:
        """Raises:
        DeniedError: it may not give orders here.
        """
        if not self.moderates(session):
            names = [s.called for s in self.sessions.values() if self.moderates(s)]
            who = f"; {', '.join(names)} may" if names else ""
            raise DeniedError(f"you do not moderate this room{who}.")

    def give_floor(self, avatar: int) -> None:
        """Let one avatar speak, and moderators; 0: everybody."""
        self.floor = avatar
        self.changed = True
        for session in self.sessions.values():
            session.heed()

    def silence_of(self, session: Session) -> str:
        """Why a session may not speak now, in words; empty when it may."""
        if session.frozen:
            return "you are frozen by a moderator; wait until you may move again."
        if session.muted:
            return "you are muted by a moderator; wait until you may speak again."
        if self.floor and session.avatar != self.floor and not self.moderates(session):
            speaker = self.session_of(self.floor)
            return f"{speaker.called if speaker else 'somebody else'} has the floor; wait until it is open."
        return ""

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

    def state(self) -> room_pb2.RoomState:
        """Who is here and who may speak, the same for everybody."""
        return room_pb2.RoomState(
            room=self.id,
            code=self.code,
            people=[self._person(s) for s in self.sessions.values()],
            floor=self.floor,
        )

    def tell_state(self, receiver: Session, state: room_pb2.RoomState) -> None:
        """The room's state for one who is connected; who returns gets the newest one by returning."""
        if receiver.outlet is None:
            return
        message = ServerMessage(state=state)
        for person in message.state.people:
            if person.session == receiver.id:
                setattr(person, "self", True)  # noqa: B010 - the field's name cannot be written as an attribute
        receiver.tell(message)

    def tell_changes(self) -> None:
        """Tell everybody the state, if it has changed since they were told."""
        if self.changed:
            self.changed = False
            state = self.state()
            for session in list(self.sessions.values()):
                self.tell_state(session, state)

    def send_motion(self, frames: Sequence[MadeFrame], now: float) -> None:
        """Motion for everyone here, and the seals that are due."""
        self._fan_out.send_motion(self.sessions.values(), frames)
        self._fan_out.flush_seals(self.sessions.values(), now)

    def send_seal(self, seal: stream_pb2.Seal) -> None:
        """A seal for everyone here."""
        self._fan_out.send_seal(self.sessions.values(), seal)

    @property
    def chooses(self) -> bool:
        """So many may speak here that only the loudest few are heard."""
        return self._fan_out.chooses

    def choose_voices(self, now: float) -> None:
        """Choose whose voices are heard, see FanOut."""
        if not self.chooses:
            return
        moderators = [s for s in self.sessions.values() if self.moderates(s)]
        self._fan_out.choose_voices(self.sessions.values(), moderators, now)

    def audience(self) -> Audience:
        """Who listens here."""
        return self._fan_out.audience(self.sessions.values())

    def wanted(self, session: Session, audience: Audience) -> Wanted:
        """Who hears a session's performer, and in which form."""
        own = session.hears()
        own_opus = own and bool(session.outlet and session.outlet.want_opus)
        if not self._fan_out.heard(session):
            return Wanted(own=own and not session.hear_self, own_opus=own_opus and not session.hear_self)
        if session.hear_self:
            return Wanted(audience.hearing > 0, audience.opus > 0)
        return Wanted(audience.hearing > own, audience.opus > own_opus, own, own_opus)

    def send_voice(self, speaker: Session, everyone: VoicePacket | None, own: VoicePacket | None) -> None:
        """Voice for everyone here; `own` is what the speaker gets."""
        self._fan_out.send_voice(self.sessions.values(), speaker, everyone, own)

    def _person(self, session: Session) -> room_pb2.Person:
        moderator = self.moderates(session)
        role = ("host" if moderator else "guest") if self.hosted else session.grant.role
        return room_pb2.Person(
            avatar=session.avatar,
            session=session.id,
            name=session.name,
            role=role,
            muted=session.muted,
            frozen=session.frozen,
            away=session.lost_at is not None,
            moderator=moderator,
        )


def seat_of(place: Place) -> stream_pb2.Seat:
    """A place as a message."""
    return stream_pb2.Seat(x=place.x, z=place.z, yaw=place.yaw)
