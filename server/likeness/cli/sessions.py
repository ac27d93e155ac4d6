"""`likeness sessions`: what was generated here, by whom driven, and whether it ended well."""

import json

import click
from rich.console import Console
from rich.table import Table

from likeness.head import data_dir


@click.group()
def sessions() -> None:
    """Look at logged sessions. The ledger is append-only: nothing here can change it."""


@sessions.command("list")
@click.option("--limit", default=50, show_default=True, help="Newest first.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def list_command(limit: int, as_json: bool) -> None:
    """List sessions, newest first."""
    from likeness.provenance import read_sessions

    records = read_sessions(data_dir(), limit=limit)
    if as_json:
        click.echo(json.dumps([r.to_json() for r in records], indent=2))
        return
    if not records:
        click.echo("No session yet. Start one with `likeness serve` or `likeness say`.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))  # 80 columns are enough
    for column in ("session", "opened", "character", "driven by", "state", "s"):
        table.add_column(column, no_wrap=True)
    for r in records:
        opened = r.opened[:16].replace("T", " ")
        table.add_row(r.id, opened, r.character, r.driven_by, r.state, f"{r.seconds:.0f}")
    Console().print(table)


@sessions.command("show")
@click.argument("session")
def show_command(session: str) -> None:
    """Show one session's entries and their proof of inclusion.

    \b
    Example:
      likeness sessions show 01JD3Q...
    """
    from likeness.provenance import read_session

    for line in read_session(data_dir(), session).lines():
        click.echo(line)
