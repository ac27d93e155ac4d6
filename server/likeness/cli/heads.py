"""`likeness heads`: head models in FLAME's format."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from likeness.cli.progress import progress_bar


@click.group()
def heads() -> None:
    """List head models, or import a FLAME file of your own."""


@heads.command("list")
def list_command() -> None:
    """List the head models that can be streamed."""
    from likeness.head import list_heads, load_head

    table = Table(title="Heads", title_justify="left")
    for column in ("name", "vertices", "identity", "expression", "eyelids", "licence"):
        table.add_column(column, overflow="fold")
    for name in list_heads():
        head = load_head(name)
        m = head.model
        table.add_row(
            name,
            str(m.vertex_count),
            str(m.identity_count),
            str(m.expression_count),
            "yes" if m.eyelid_dirs is not None else "no",
            head.licence,
        )
    Console().print(table)


@heads.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the head from now on; default: the file's name.")
@click.option(
    "--sheet", type=click.Path(path_type=Path), help="Where to write the picture of the 52 controls."
)
def import_command(path: Path, name: str | None, sheet: Path | None) -> None:
    """Import a FLAME model (.pkl or .npz): check it, derive its rig, print the round-trip error.

    The file stays yours: it is copied into your data folder and never sent anywhere.

    \b
    Example:
      likeness heads import ~/Downloads/flame2023.pkl --name flame2023
      likeness say "Good morning." --head flame2023 -o take.npz
    """
    from likeness.head.importer import import_head

    with progress_bar("Deriving the rig") as progress:
        report = import_head(path, name=name, sheet=sheet, progress=progress)
    for line in report.lines:
        click.echo(line)
