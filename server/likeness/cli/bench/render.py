"""`likeness bench render`: what a picture costs the page that draws it."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from likeness.cli.bench.browser import ServedProcess, a_server, visit
from likeness.cli.bench.figure import Figure, at_most, print_figures

HEADSET_MS: Final = 1000 / 72
"""One picture of a headset at 72 Hz."""
QUALITIES: Final = ("low", "high")
"""What software draws, and what a graphics card does."""


def run(
    character: str = "einstein", qualities: Sequence[str] = QUALITIES, many: int = 30, pictures: int = 20
) -> list[Figure]:
    """Draw one avatar and `many`, all talking; the page's own time is apart from the graphics'."""
    figures: list[Figure] = []
    with a_server() as server:
        for quality in qualities:
            seen = visit(
                "render",
                server,
                timeout=1800,
                counts=[[1, pictures], [many, max(5, pictures // 3)]],
                query={"character": character, "quality": quality},
                # Neither the page's time nor the counts depend on the pixels, which no hardware draws here.
                viewport={"width": 320, "height": 200},
            )
            one, crowd = seen["costs"]
            figures += _figures(one, crowd, f"{character}, set included", quality, many)
        if "low" in qualities:
            figures.append(_drawn_in_software(server, character, pictures))
    return figures


def _drawn_in_software(server: ServedProcess, character: str, pictures: int) -> Figure:
    """A picture of a laptop's size without a graphics card: here the pixels are what it costs."""
    width, height = 1280, 800
    (cost,) = visit(
        "render",
        server,
        timeout=600,
        counts=[[1, pictures]],
        query={"character": character, "quality": "low"},
        viewport={"width": width, "height": height},
    )["costs"]
    note = f"server on the same cores; the avatar has {cost['ratio']:.2f} of the screen's pixels a side"
    name = f"low: a picture of {width} by {height}, drawn in software"
    return Figure(name, cost["drawnMedianMs"], "ms", note=note)


def _figures(one: dict[str, Any], crowd: dict[str, Any], note: str, quality: str, many: int) -> list[Figure]:
    shadows = "" if quality == "low" else "; the shadow pass counts again"
    return [
        Figure(f"{quality}: draw calls, 1 avatar", float(one["drawCalls"]), note=note),
        Figure(f"{quality}: triangles drawn, 1 avatar", float(one["triangles"]), note=f"{note}{shadows}"),
        at_most(f"{quality}: page CPU, 1 avatar, median", one["cpuMedianMs"], HEADSET_MS, "ms", _p95(one)),
        Figure(f"{quality}: draw calls, {many} avatars", float(crowd["drawCalls"])),
        Figure(f"{quality}: triangles drawn, {many} avatars", float(crowd["triangles"])),
        Figure(f"{quality}: page CPU, {many} avatars, median", crowd["cpuMedianMs"], "ms", note=_p95(crowd)),
    ]


def _p95(cost: dict[str, Any]) -> str:
    return f"p95 {cost['cpuP95Ms']:.1f} ms; one picture at 72 Hz is {HEADSET_MS:.1f} ms"


@click.command()
@click.option("--character", default="einstein", show_default=True)
@click.option(
    "--quality",
    type=click.Choice(["low", "medium", "high"]),
    multiple=True,
    default=QUALITIES,
    show_default=True,
    help="May be given several times.",
)
@click.option("--many", default=30, show_default=True, help="How many avatars the crowd has.")
@click.option("--pictures", default=20, show_default=True, help="How many pictures to measure.")
def render(character: str, quality: tuple[str, ...], many: int, pictures: int) -> None:
    """Draw calls, triangles and CPU time of a picture in a headless Chromium, for 1 avatar and for many.

    All avatars of the crowd have the finest model that the quality knows, as if all were near: a room draws
    those far away, and all but the nearest six, with the lighter one.

    \b
    Examples:
      likeness bench render
      likeness bench render --quality high --many 6
    """
    if not print_figures("Drawing", run(character, quality, many, pictures)):
        sys.exit(1)
