"""A token says who may do what, and nothing forged, stale or foreign is believed."""

import datetime

import jwt
import pytest

from likeness.errors import DeniedError, InputError
from likeness.stage.grant import OPEN_GRANT, ROLES, Action, issue_token, read_token

SECRET = "a-secret-of-more-than-32-bytes-0123456789"


def test_a_token_gives_its_role_room_and_name() -> None:
    grant = read_token(issue_token(SECRET, "student", room="b2", name="Ada"), SECRET)
    assert (grant.role, grant.room, grant.name) == ("student", "b2", "Ada")
    grant.require(Action.SPEAK)
    with pytest.raises(DeniedError, match="student"):
        grant.require(Action.MODERATE)


def test_a_token_may_grant_less_than_its_role_but_never_more() -> None:
    less = read_token(issue_token(SECRET, "teacher", actions=frozenset({Action.EMBODY})), SECRET)
    assert less.actions == {Action.EMBODY}
    more = read_token(issue_token(SECRET, "observer", actions=frozenset(Action)), SECRET)
    assert more.actions == frozenset()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_survives_the_trip(role: str) -> None:
    assert read_token(issue_token(SECRET, role), SECRET).actions == ROLES[role]


def test_an_unknown_role_is_not_issued() -> None:
    with pytest.raises(InputError, match="janitor"):
        issue_token(SECRET, "janitor")


def _token(**changes: object) -> str:
    now = datetime.datetime.now(datetime.UTC)
    claims = {"aud": "likeness", "role": "teacher", "exp": now + datetime.timedelta(hours=1), **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x" * 5000,
        "not.a.token",
        issue_token("another-secret-of-more-than-32-bytes-abcdef", "teacher"),
        _token(exp=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)),
        _token(exp=None),
        _token(aud="elsewhere"),
        _token(role="emperor"),
        _token(role=7),
        _token(room=["b2"]),
        jwt.encode({"aud": "likeness", "role": "teacher"}, "", algorithm="none"),
    ],
    ids=[
        "none",
        "long",
        "garbage",
        "forged",
        "expired",
        "endless",
        "foreign",
        "role",
        "type",
        "room",
        "unsigned",
    ],
)
def test_a_wrong_token_is_refused_in_words(token: str) -> None:
    with pytest.raises(DeniedError, match=r"token"):
        read_token(token, SECRET)


def test_without_a_secret_everything_is_allowed_on_this_machine() -> None:
    for action in Action:
        OPEN_GRANT.require(action)
