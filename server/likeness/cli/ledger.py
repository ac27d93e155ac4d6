"""`likeness ledger`: the append-only log."""

from pathlib import Path

import click

from likeness.cli.progress import progress_bar
from likeness.head import data_dir


@click.group()
def ledger() -> None:
    """Verify the append-only ledger, offline."""


@ledger.command("verify")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def verify_command(path: Path | None) -> None:
    """Recompute every hash, every checkpoint and its signature; exit with 1 when anything differs.

    PATH is a ledger file; default: the one in the data folder.
    """
    from likeness.provenance import verify_ledger

    where = path or data_dir() / "ledger.sqlite"
    with progress_bar("Verifying") as progress:
        report = verify_ledger(where, progress=progress)
    for line in report.lines:
        click.echo(line)
    if not report.ok:
        raise click.exceptions.Exit(1)
