"""`likeness bench render`: what a picture costs the page that draws it."""

import sys
from typing import Any, Final

import click

from likeness.cli.bench.browser import a_server, visit
from likeness.cli.bench.figure import Figure, at_most, print_figures

HEADSET_MS: Final = 1000 / 72
"""One picture of a headset at 72 Hz."""


def run(
    character: str = "einstein", quality: str = "high", many: int = 30, pictures: int = 20
) -> list[Figure]:
    """Draw one avatar and `many`, all talking; the page's own time is apart from the graphics'."""
    with a_server() as server:
        seen = visit(
            "render",
            server,
            timeout=900,
            counts=[[1, pictures], [many, max(5, pictures // 3)]],
            query={"character": character, "quality": quality},
        )
    one, crowd = seen["costs"]
    note = f"{character}, quality {quality}, set and shadows included"
    return [
        Figure("draw calls, 1 avatar", float(one["drawCalls"]), note=note),
        Figure("triangles drawn, 1 avatar", float(one["triangles"]), note="the shadow pass counts again"),
        at_most("page CPU, 1 avatar, median", one["cpuMedianMs"], HEADSET_MS, "ms", _p95(one)),
        Figure(f"draw calls, {many} avatars", float(crowd["drawCalls"])),
        Figure(f"triangles drawn, {many} avatars", float(crowd["triangles"])),
        Figure(f"page CPU, {many} avatars, median", crowd["cpuMedianMs"], "ms", note=_p95(crowd)),
    ]


def _p95(cost: dict[str, Any]) -> str:
    return f"p95 {cost['cpuP95Ms']:.1f} ms; one picture at 72 Hz is {HEADSET_MS:.1f} ms"


@click.command()
@click.option("--character", default="einstein", show_default=True)
@click.option("--quality", type=click.Choice(["low", "medium", "high"]), default="high", show_default=True)
@click.option("--many", default=30, show_default=True, help="How many avatars the crowd has.")
@click.option("--pictures", default=20, show_default=True, help="How many pictures to measure.")
def render(character: str, quality: str, many: int, pictures: int) -> None:
    """Draw calls, triangles and CPU time of a picture in a headless Chromium, for 1 avatar and for many.

    \b
    Example:
      likeness bench render --character einstein
    """
    if not print_figures("Drawing", run(character, quality, many, pictures)):
        sys.exit(1)
