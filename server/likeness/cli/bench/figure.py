"""One printed figure of a benchmark, beside what we promise."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. `goal` is words ("<= 80 ms"), empty where nothing is promised."""

    name: str
    value: float
    unit: str = ""
    goal: str = ""
    ok: bool | None = None
    note: str = ""


def at_most(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    """A figure that must not exceed `limit`."""
    return Figure(name, value, unit, f"<= {limit:g} {unit}".strip(), value <= limit, note)


def at_least(name: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    """A figure that must reach `limit`."""
    return Figure(name, value, unit, f">= {limit:g} {unit}".strip(), value >= limit, note)


def print_figures(title: str, figures: Sequence[Figure], console: Console | None = None) -> bool:
    """Print a table; returns whether every promise is kept."""
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("promised", justify="right")
    table.add_column("")
    table.add_column("note")
    for f in figures:
        verdict = "" if f.ok is None else ("[green]ok[/]" if f.ok else "[red]MISSED[/]")
        table.add_row(f.name, f"{f.value:.4g} {f.unit}".strip(), f.goal, verdict, f.note)
    (console or Console()).print(table)
    return all(f.ok is not False for f in figures)
