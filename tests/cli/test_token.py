"""`likeness token` issues what a server with the same secret believes, and says what is missing."""

import pytest
from click.testing import CliRunner, Result

from likeness.cli.token import token
from likeness.errors import InputError
from likeness.stage.grant import read_token

SECRET = "a-secret-of-more-than-32-bytes-0123456789"


def run(*args: str, secret: str = SECRET) -> Result:
    return CliRunner().invoke(token, args, env={"LIKENESS_TOKEN_SECRET": secret})


def test_what_it_prints_is_the_grant_that_was_asked_for() -> None:
    result = run("--role", "student", "--room", "history-7b", "--name", "Ada", "--hours", "8")
    assert result.exit_code == 0
    grant = read_token(result.stdout.strip(), SECRET)
    assert (grant.role, grant.room, grant.name) == ("student", "history-7b", "Ada")
    assert grant.id
    assert "Ada, student, in history-7b" in result.stderr


def test_a_link_carries_room_and_token() -> None:
    result = run("--role", "teacher", "--room", "b2", "--link")
    link, _, issued = result.stdout.strip().partition("token=")
    assert link == "http://localhost:8080/?room=b2&"
    assert read_token(issued, SECRET).role == "teacher"


@pytest.mark.parametrize(
    ("args", "secret", "words"),
    [
        (["--role", "student"], "", "LIKENESS_TOKEN_SECRET"),
        (["--role", "student"], "short", "16 bytes"),
        (["--role", "student", "--hours", "0"], SECRET, "--hours"),
        (["--role", "student", "--room", "No Spaces"], SECRET, "room name"),
        (["--role", "student", "--room", "kq4mt7"], SECRET, "code"),
    ],
)
def test_what_cannot_be_is_said_in_words(args: list[str], secret: str, words: str) -> None:
    result = run(*args, secret=secret)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)


def test_a_role_that_does_not_exist_names_those_that_do() -> None:
    result = run("--role", "janitor")
    assert result.exit_code == 2
    assert "teacher" in result.stderr
