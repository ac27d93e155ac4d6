"""Moderation: what a teacher, a therapist or a host may order in their room."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from likeness.errors import DeniedError, InputError
from likeness.stage.session import Session
from likeness.v1.room_pb2 import Moderate, Notice

if TYPE_CHECKING:
    from likeness.stage.stage import Stage

MAX_REASON: Final = 200
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class _Order:
    """An order to one person: its notice's code, what they read ("{by}": who gave it), what is done."""

    code: str
    text: str
    do: Callable[[Session], None]


async def moderate(stage: "Stage", by: Session, order: Moderate) -> None:
    """Carry out an order in the room of the one who gives it.

    Whom it concerns reads it as a Notice, and it is in the log of their session; the room's state says the
    rest to everybody.

    Raises:
        DeniedError: they do not moderate this room, or it concerns another moderator.
        InputError: no such act, or nobody has that avatar.
    """
    room = by.room
    room.require_moderator(by)
    reason = "".join(c for c in order.reason if c.isprintable())[:MAX_REASON].strip()
    match order.act:
        case Moderate.REMOVE:
            await _remove(stage, by, _target(by, order), reason)
        case Moderate.END_ROOM:
            for session in list(room.sessions.values()):
                _note(stage, session, by, "end_room", reason)
                text = _words(by, "{by} ended the room.", reason)
                session.notice(Notice.INFO, "room_ended", text, fatal=True)
            # The one who ends it goes last: nobody becomes its host on the way out.
            for session in sorted(room.sessions.values(), key=lambda s: s is by):
                await stage.end(session, "the room was ended by its moderator")
        case Moderate.GIVE_FLOOR:
            speaker = _target(by, order)
            if speaker.performer is None:
                raise InputError("an observer cannot have the floor: it has no avatar.")
            room.give_floor(speaker.avatar)
            _note(stage, speaker, by, "give_floor", reason)
            for session in room.sessions.values():
                whom = "you" if session is speaker else speaker.called
                session.notice(Notice.INFO, "floor", _words(by, f"{{by}} gave {whom} the floor.", reason))
        case Moderate.OPEN_FLOOR:
            room.give_floor(0)
            _note(stage, by, by, "open_floor", reason)
            for session in room.sessions.values():
                session.notice(Notice.INFO, "floor", _words(by, "{by} opened the floor to all.", reason))
        case _ if order.act in _ORDERS:
            todo = _ORDERS[order.act]
            for session in _targets(by, order):
                todo.do(session)
                _note(stage, session, by, todo.code, reason)
                if session is not by:
                    session.notice(Notice.INFO, todo.code, _words(by, todo.text, reason))
            room.changed = True
        case _:
            raise InputError("an order names its act: MUTE, UNMUTE, FREEZE, UNFREEZE, GIVE_FLOOR, ...")


async def _remove(stage: "Stage", by: Session, target: Session, reason: str) -> None:
    if target is by:
        raise InputError("one does not remove oneself; say bye.")
    if target.grant.id:
        target.room.removed[target.grant.id] = reason
    _note(stage, target, by, "remove", reason)
    text = _words(by, "{by} removed you from the room.", reason)
    target.notice(Notice.ERROR, "removed", text, fatal=True)
    await stage.end(target, "removed by a moderator")


def _target(by: Session, order: Moderate) -> Session:
    """The one person whom an order names."""
    room = by.room
    if not order.avatar and not order.session:
        raise InputError("this order concerns one person: name their avatar or session.")
    found = room.sessions.get(order.session) if order.session else room.session_of(order.avatar)
    if found is None:
        whom = f"session {order.session[:40]!r}" if order.session else f"avatar {order.avatar}"
        raise InputError(f"there is no {whom} in this room.")
    if found is not by and room.moderates(found) and order.act != Moderate.GIVE_FLOOR:
        raise DeniedError(f"{found.called} moderates this room too; moderators give each other no orders.")
    return found


def _targets(by: Session, order: Moderate) -> list[Session]:
    """Whom an order concerns: one person, or everybody but moderators."""
    if order.avatar or order.session:
        return [_target(by, order)]
    return [s for s in by.room.sessions.values() if not by.room.moderates(s)]


def _words(by: Session, text: str, reason: str) -> str:
    return text.format(by=by.called) + (f" Reason: {reason}" if reason else "")


def _note(stage: "Stage", session: Session, by: Session, act: str, reason: str) -> None:
    data: dict[str, object] = {"act": act, "by": by.id}
    if reason:
        # A reason is somebody's words, like a text that is said.
        log_text = stage.config.provenance.log_text
        data["reason"] = reason if log_text else f"sha256:{hashlib.sha256(reason.encode()).hexdigest()}"
    session.record.note("moderated", data)


def _mute(session: Session) -> None:
    session.muted = True
    session.heed()


def _unmute(session: Session) -> None:
    session.muted = False
    session.heed()


_ORDERS: Final[Mapping["Moderate.Act", _Order]] = {
    Moderate.MUTE: _Order("muted", "{by} muted you: nobody hears you until you are unmuted.", _mute),
    Moderate.UNMUTE: _Order("unmuted", "{by} lets you speak again.", _unmute),
    Moderate.FREEZE: _Order(
        "frozen", "{by} froze you: your character rests and does not follow you.", lambda s: s.freeze(True)
    ),
    Moderate.UNFREEZE: _Order("unfrozen", "{by} lets you move again.", lambda s: s.freeze(False)),
}
