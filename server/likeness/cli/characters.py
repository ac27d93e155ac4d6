"""`likeness characters`: the cast."""

import json
import re
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from likeness.head import list_characters


@click.group()
def characters() -> None:
    """List the cast, or bring your own character."""


@characters.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def list_command(as_json: bool) -> None:
    """List who can be embodied, with their rights notes."""
    cast = list_characters()
    if as_json:
        rows = [
            {
                "id": c.id,
                "name": c.name,
                "born": c.born,
                "died": c.died,
                "summary": c.summary,
                "rights": c.rights,
                "head": c.head,
                "avatar": str(c.avatar),
            }
            for c in cast
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(title="Characters", title_justify="left")
    for column in ("id", "name", "lived", "head", "voice", "rights"):
        table.add_column(column, overflow="fold")
    for c in cast:
        lived = f"{_year(c.born)} - {_year(c.died)}" if c.born or c.died else ""
        voice = c.voice.language + (f"+{c.voice.variant}" if c.voice.variant else "")
        table.add_row(c.id, c.name, lived, c.head, voice, c.rights.partition(". ")[0].rstrip("."))
    Console().print(table)
    click.echo("Full rights notes: likeness characters list --json")


def _year(date: str) -> str:
    found = re.search(r"\d{4}", date)
    return found.group() if found else date


@characters.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--id", "identifier", help="Id of the new character; default: the file's name.")
@click.option("--name", help="Who is portrayed; shown in the mark.")
@click.option("--rights", help="What allows you to portray this person.")
def import_command(path: Path, identifier: str | None, name: str | None, rights: str | None) -> None:
    """Import a .glb or .vrm with ARKit-named morphs as a character.

    \b
    Example:
      likeness characters import grandmother.glb --name "Rosa Weber" --rights "her own consent, 2026-03-01"
    """
    from likeness.head.importer import import_character

    report = import_character(path, identifier=identifier, name=name, rights=rights)
    for line in report.lines:
        click.echo(line)
