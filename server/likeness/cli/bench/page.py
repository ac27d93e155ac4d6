"""`likeness bench page`: the server to ready, the page to its picture, and back after a cut."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import numpy as np

from likeness.cli.bench.browser import a_server, start_server, visit
from likeness.cli.bench.figure import Figure, at_most, print_figures

READY_SECONDS: Final = 4.0
PICTURE_SECONDS: Final = 3.0
RESUME_SECONDS: Final = 2.0


def run(times: int = 3) -> list[Figure]:
    """Start the server and open the page `times` times each; the median counts, the worst is noted."""
    ready: list[float] = []
    with TemporaryDirectory(prefix="likeness-") as folder:
        for index in range(times):
            server = start_server(Path(folder) / str(index))
            ready.append(server.ready_seconds)
            server.stop()
    with a_server() as server:
        seen = visit("picture", server, timeout=60 * times + 60, visits=times)
    pictures = [visit_["pageMs"] / 1000 for visit_ in seen["times"]]
    resumed = [visit_["resumeMs"] / 1000 for visit_ in seen["times"]]
    return [
        at_most("serve to ready, median", _median(ready), READY_SECONDS, "s", f"worst {max(ready):.2f} s"),
        at_most(
            "page to first picture, median",
            _median(pictures),
            PICTURE_SECONDS,
            "s",
            f"worst {max(pictures):.2f} s; drawn in software",
        ),
        at_most(
            "connection cut to live again, median",
            _median(resumed),
            RESUME_SECONDS,
            "s",
            f"worst {max(resumed):.2f} s; the same session",
        ),
    ]


def _median(values: list[float]) -> float:
    return float(np.median(values))


@click.command()
@click.option("--times", default=3, show_default=True, help="How often to start and to visit.")
def page(times: int) -> None:
    """Server to ready; page to first picture, and back after a cut, in a headless Chromium on this machine.

    \b
    Example:
      likeness bench page
    """
    if not print_figures("Start", run(times)):
        sys.exit(1)
