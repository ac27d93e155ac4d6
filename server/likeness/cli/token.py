"""`likeness token`: what a person needs to enter a server that asks for tokens."""

import datetime
import os
from pathlib import Path

import click

from likeness.errors import InputError
from likeness.stage.config import SECRET_BYTES, load_config
from likeness.stage.grant import ROLES, issue_token
from likeness.stage.room_code import as_code, check_room_id

LONGEST: int = 24 * 31
"""Hours that a token may be valid."""


@click.command(
    epilog="""\b
Examples:
  export LIKENESS_TOKEN_SECRET=$(python -c 'import secrets; print(secrets.token_urlsafe(32))')
  likeness token --role teacher --room history-7b --name "Ms Weber" --hours 8
  likeness token --role student --room history-7b --name Ada
  likeness token --role observer --config likeness.toml --link

The server must run with the same secret. Whoever has a token can use it until it expires, so give each
person their own: with a name in it, it stays out once they have been removed from a room.
"""
)
@click.option("--role", required=True, type=click.Choice(list(ROLES)), help="What its holder may do.")
@click.option("--room", default="", help="Only this room, by its id; default: any.")
@click.option("--name", default="", help="The person's name, shown to others.")
@click.option("--hours", default=8.0, show_default=True, help="How long it is valid.")
@click.option("--link", is_flag=True, help="Print the link to open instead of the bare token.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="likeness.toml of the server.")
def token(role: str, room: str, name: str, hours: float, link: bool, config_file: Path | None) -> None:
    """Issue a signed token for one person.

    Printed alone on standard output, so that scripts can take it; what it allows goes to standard error.
    """
    if not 0 < hours <= LONGEST:
        raise InputError(f"--hours {hours:g}: a token is valid for more than 0 and at most {LONGEST} hours.")
    if room:
        check_room_id(room)
        if as_code(room):
            raise InputError(
                f"--room {room}: that is a room's code, and codes change. Name the room by its id."
            )
    config = None if config_file is None else load_config(config_file)
    secret = (config.token_secret if config else "") or os.environ.get("LIKENESS_TOKEN_SECRET", "")
    if not secret:
        raise InputError(
            "there is no secret to sign with. Set LIKENESS_TOKEN_SECRET to the server's, or give --config "
            "with its likeness.toml. A server on this machine alone needs no tokens."
        )
    if len(secret.encode()) < SECRET_BYTES:
        raise InputError(f"the secret has fewer than {SECRET_BYTES} bytes; no server would run with it.")
    now = datetime.datetime.now(datetime.UTC)
    issued = issue_token(secret, role, room=room, name=name, hours=hours, now=now)
    until = (now + datetime.timedelta(hours=hours)).astimezone()
    actions = ", ".join(sorted(ROLES[role])) or "look on"
    click.echo(
        f"{name or 'Somebody'}, {role}, in {room or 'any room'}, until {until:%d %b %H:%M}: {actions}.",
        err=True,
    )
    if not link:
        click.echo(issued)
        return
    url = config.url_at(config.port) if config else "http://localhost:8080"
    where = f"room={room}&" if room else ""
    click.echo(f"{url}/?{where}token={issued}")
