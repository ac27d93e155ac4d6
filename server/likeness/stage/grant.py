"""Grant: what the holder of a signed token may do, and where."""

import datetime
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

import jwt

from likeness.errors import DeniedError, InputError

AUDIENCE: Final = "likeness"
MAX_TOKEN_BYTES: Final = 4096


class Action(StrEnum):
    """Something a role may do."""

    EMBODY = "embody"
    """Have an avatar."""
    SPEAK = "speak"
    """Text and microphone."""
    TRACK = "track"
    """Move the avatar with one's own face, head and hands."""
    OVERRIDE = "override"
    """Set single controls by hand."""
    MODERATE = "moderate"
    """Mute, freeze, stop and remove others, give the floor, end the room."""
    ANIMATE = "animate"
    """Call Animate."""


_ALL: Final = frozenset(Action)
ROLES: Final[dict[str, frozenset[Action]]] = {
    "teacher": _ALL,
    "therapist": _ALL,
    "operator": _ALL,
    "student": frozenset({Action.EMBODY, Action.SPEAK, Action.TRACK}),
    "patient": frozenset({Action.EMBODY, Action.SPEAK, Action.TRACK}),
    "visitor": frozenset({Action.EMBODY, Action.SPEAK, Action.TRACK}),
    "kiosk": frozenset({Action.EMBODY, Action.SPEAK}),
    "observer": frozenset[Action](),
}
"""What each role may do unless its token says less."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person may do. An empty room means any."""

    role: str
    actions: frozenset[Action]
    room: str = ""
    name: str = ""
    id: str = ""
    """Of a token made for one person: who is removed from a room does not come back with it."""

    def require(self, action: Action) -> None:
        """Raises:
        DeniedError: the grant does not hold the action.
        """
        if action not in self.actions:
            raise DeniedError(
                f"the role {self.role!r} may not {action.value}; ask the host for one that may."
            )


OPEN_GRANT: Final = Grant("operator", _ALL)
"""For everyone on a server that asks for no token; it can be reached from its own machine only."""


def issue_token(
    secret: str,
    role: str,
    *,
    room: str = "",
    name: str = "",
    hours: float = 12.0,
    actions: frozenset[Action] | None = None,
    now: datetime.datetime | None = None,
) -> str:
    """A signed token (JWT, HS256) for one person.

    Raises:
        InputError: unknown role.
    """
    if role not in ROLES:
        raise InputError(f"no role {role!r}; there are: {', '.join(ROLES)}.")
    issued = now or datetime.datetime.now(datetime.UTC)
    claims: dict[str, object] = {
        "aud": AUDIENCE,
        "role": role,
        "room": room,
        "name": name,
        "iat": issued,
        "exp": issued + datetime.timedelta(hours=hours),
        "jti": secrets.token_urlsafe(9),
    }
    if actions is not None:
        claims["grants"] = sorted(actions)
    return jwt.encode(claims, secret, algorithm="HS256")


def read_token(token: str, secret: str) -> Grant:
    """The grant of a token.

    Raises:
        DeniedError: missing, malformed, forged, expired, for something else, or with an unknown role.
    """
    if not token:
        raise DeniedError("this server asks for a token; get one from the host.")
    if len(token) > MAX_TOKEN_BYTES:
        raise DeniedError("the token is too long to be one of ours.")
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={"require": ["exp", "aud", "role"]},
        )
    except jwt.ExpiredSignatureError:
        raise DeniedError("the token has expired; ask the host for a new one.") from None
    except (jwt.InvalidTokenError, ValueError):
        raise DeniedError("the token is not valid here; ask the host for a new one.") from None
    role, room, name, grants = (claims.get(k, "") for k in ("role", "room", "name", "grants"))
    if not all(isinstance(v, str) for v in (role, room, name)) or role not in ROLES:
        raise DeniedError("the token names no role that this server knows; ask the host for a new one.")
    actions = ROLES[role]
    if isinstance(grants, list):
        actions &= frozenset(a for a in Action if a in cast("list[object]", grants))
    id = claims.get("jti", "")
    return Grant(role, actions, room, name, id if name and isinstance(id, str) else "")
