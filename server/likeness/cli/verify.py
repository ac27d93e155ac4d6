"""`likeness verify`: is this take what it says it is?"""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """Check a take's tag, certificate and seals, and say in words who is portrayed, what drove it and
    what made it. Exits with 1 when anything was changed.

    \b
    Example:
      likeness verify take.npz
    """
    from likeness.provenance import verify_take

    report = verify_take(path)
    for line in report.lines:
        click.echo(line)
    if not report.ok:
        raise click.exceptions.Exit(1)
