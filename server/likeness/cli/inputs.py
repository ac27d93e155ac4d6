"""`likeness inputs`: phones and trackers that send a face to a running server."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from likeness.errors import InputError, MachineError

DEFAULT_SERVER: Final = "http://localhost:8080"


def _server_options(command: Any) -> Any:
    command = click.option("--server", default=DEFAULT_SERVER, show_default=True, help="The running server.")(
        command
    )
    return click.option(
        "--token", envvar="LIKENESS_TOKEN", default="", help="An operator's token, where asked for."
    )(command)


@click.group(
    invoke_without_command=True,
    epilog="""\b
Switch the inputs on in likeness.toml ([inputs] enabled = true), point the phone's app at this machine, then:
  likeness inputs                       what arrives, with a live meter (Ctrl-C ends it)
  likeness inputs bind live-link-face@192.168.1.20:51001 SESSION --consent
  likeness inputs release SESSION
""",
)
@_server_options
@click.option("--once", is_flag=True, help="Print once instead of a live meter.")
@click.pass_context
def inputs(context: click.Context, server: str, token: str, once: bool) -> None:
    """Show what phones and trackers send, and bind one to a session.

    Live Link Face, VRCFaceTracking, OpenSeeFace and iFacialMocap are understood.
    """
    if context.invoked_subcommand is not None:
        return
    console = Console()
    if once or not console.is_terminal:
        console.print(_tables(_ask(server, token, "/api/inputs")))
        return
    with Live(console=console, refresh_per_second=8) as live:
        while True:
            live.update(_tables(_ask(server, token, "/api/inputs")))
            time.sleep(0.125)


@inputs.command()
@click.argument("source")
@click.argument("session")
@click.option(
    "--consent", is_flag=True, help="The person told you that they agree; it is logged as your word."
)
@_server_options
def bind(source: str, session: str, consent: bool, server: str, token: str) -> None:
    """Let SOURCE drive SESSION's face.

    The person allows it on their page, or tells you (--consent). They can end it on their page at any time.
    """
    agreed = {"consent": "given"} if consent else {}
    _ask(server, token, "/api/inputs/bind", {"source": source, "session": session, **agreed})
    click.echo(f"{source} drives {session}.")


@inputs.command()
@click.argument("session")
@_server_options
def release(session: str, server: str, token: str) -> None:
    """Let no source drive SESSION any more."""
    _ask(server, token, "/api/inputs/release", {"session": session})
    click.echo(f"Nothing drives the face of {session} now.")


def _ask(server: str, token: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(server.rstrip("/") + path)
    if not request.full_url.startswith(("http://", "https://")):
        raise InputError(f"{server}: write the server's address like {DEFAULT_SERVER}.")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            text = str(json.load(error)["error"]["text"])
        except (ValueError, KeyError, TypeError):
            text = f"{error.code} {error.reason}"
        raise InputError(text) from None
    except OSError as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise MachineError(
            f"no server answers at {server} ({reason}): start it with `likeness serve`."
        ) from None


def _tables(found: dict[str, Any]) -> Group:
    if not found["enabled"]:
        return Group(
            "The inputs are off: write [inputs] enabled = true in likeness.toml and restart the server."
        )
    ports = ", ".join(f"{kind} {port}" for kind, port in found["ports"].items())
    sources = Table(title=f"Inputs on UDP: {ports}", title_justify="left")
    for column in ("source", "drives", "per s", "received", "refused", "strongest controls"):
        sources.add_column(column, overflow="fold")
    for row in found["sources"]:
        meter = "  ".join(f"{name} {'#' * round(value * 8):.<8}" for name, value in row["controls"].items())
        sources.add_row(
            row["id"], row["session"] or "-", f"{row['rate']:.0f}", str(row["received"]),
            f"{row['refused']} {row['problem']}".strip(), meter,
        )  # fmt: skip
    sessions = Table(title="Sessions", title_justify="left")
    for column in ("session", "person", "character", "face capture"):
        sessions.add_column(column, overflow="fold")
    for row in found["sessions"]:
        allowed = "allowed" if row["consented"] else "not allowed yet"
        sessions.add_row(row["id"], row["name"], row["character"], allowed)
    return Group(sources, sessions, f"{found['strangers']} datagrams from addresses that are not allowed.")
