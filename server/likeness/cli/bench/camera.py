"""`likeness bench camera`: from a picture of one browser's camera to the mesh that another one draws."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.browser import ServedProcess, a_server, visit
from likeness.cli.bench.face_camera import FaceCamera, Picture
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.cli.bench.film import write_y4m
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX

RATE: Final = 15
CALM: Final = 12.0
"""Seconds of a calm face at the film's start: a page loads its tracker and takes the neutral face."""
PERIOD: Final = 24.0
OPENINGS: Final = ((12.6, 13.8), (15.2, 16.8), (18.9, 20.1), (21.0, 22.9))
"""Seconds of the film in which the mouth is open; it is shut for most of any while, and no while is alike."""
GOAL_MS: Final = 120.0
_OPEN: Final = 0.8
_STEP: Final = 0.05

Floats = NDArray[np.float64]


def mouth_at(seconds: Floats) -> Floats:
    """jawOpen of the filmed face, 0..0.8; the film goes round and round."""
    at = np.mod(seconds, PERIOD)
    wide = [np.clip(np.minimum(at - begin, end - at) / 0.2, 0, 1) for begin, end in OPENINGS]
    return _OPEN * np.max(wide, axis=0)


def film(path: Path, character: str = "man") -> None:
    """The film of a character that opens its mouth, for Chromium's fake camera."""
    camera = FaceCamera(character, 320, 240, bare=True)
    drawn: dict[float, Picture] = {}

    def pictures() -> Iterator[Picture]:
        for jaw in mouth_at(np.arange(round(PERIOD * RATE)) / RATE).round(1).tolist():
            if jaw not in drawn:
                controls = np.zeros(CONTROL_COUNT, np.float32)
                controls[CONTROL_INDEX["jawOpen"]] = jaw
                drawn[jaw] = camera.see(controls)
            yield drawn[jaw]

    write_y4m(path, pictures(), RATE)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Two browsers' view of one mouth; times in ms of the machine's clock.

    Of each picture that A's camera took and its tracker found a face in: captured [N], tracking [N] (ms it
    took), mouth [N] (opening by the height of the face). Of each picture that B drew: time [M], lip [M] (mm).
    """

    captured: Floats
    tracking: Floats
    mouth: Floats
    time: Floats
    lip: Floats

    @classmethod
    def of(cls, seen: dict[str, Any]) -> "Mirrored":
        """From what tests/e2e/mirrored.mjs prints."""
        faces = [f for f in seen["faces"]["tracked"] if f["mouth"] is not None]
        drawn = seen["drawn"]
        return cls(
            np.array([f["captured"] for f in faces], float) + seen["faces"]["origin"],
            np.array([f["trackingMs"] for f in faces], float),
            np.array([f["mouth"] for f in faces], float),
            np.array([d["time"] for d in drawn], float),
            np.array([d["metres"] for d in drawn], float) * 1000,
        )

    def follows_the_film(self) -> float:
        """Correlation of B's mesh with the film's script, at whatever part of the film B began with."""
        inside = self.time >= self.captured.min()
        seconds, lip = (self.time[inside] - self.time[inside][0]) / 1000, self.lip[inside]
        begins = np.arange(0, PERIOD, _STEP)
        return max(_correlation(mouth_at(seconds + begin), lip) for begin in begins.tolist())

    def follows_the_tracker(self) -> float:
        """Correlation of B's mesh with what A's tracker saw, at the best delay up to three seconds: it holds
        for a machine that tracks few pictures a second, too."""
        ready = self.captured + self.tracking
        rows = [np.searchsorted(ready, self.time - lag, "right") - 1 for lag in range(0, 3000, 50)]
        return max(_correlation(self.mouth[row[row >= 0]], self.lip[row >= 0]) for row in rows)

    def delays(self) -> tuple[Floats, Floats]:
        """Of each time that the mouth opened or shut: ms from the camera's picture to B's mesh without the
        tracking of that picture, and that tracking's ms."""
        half = self._half(self.mouth), self._half(self.lip)
        delays: list[float] = []
        tracking: list[float] = []
        before = self.mouth[0] > half[0]
        for i, opened in enumerate((self.mouth > half[0]).tolist()):
            if opened == before:
                continue
            before = opened
            following = (self.time > self.captured[i]) & ((self.lip > half[1]) == opened)
            if following.any():
                delay = float(self.time[following][0] - self.captured[i])
                # Within a second: else B had that shape already, for another reason.
                if delay < 1000 + self.tracking[i]:
                    delays.append(delay - float(self.tracking[i]))
                    tracking.append(float(self.tracking[i]))
        return np.array(delays), np.array(tracking)

    @staticmethod
    def _half(values: Floats) -> float:
        low, high = np.percentile(values, [10, 95])
        return float(low + high) / 2


def look(server: ServedProcess, path: Path, openings: int, timeout: float = 400) -> dict[str, Any]:
    """Let browser A be tracked by a film and browser B watch, until A's tracker saw some openings."""
    size = {"width": 400, "height": 260}
    return visit("mirrored", server, timeout=timeout, film=str(path), openings=openings, viewport=size)


def run(openings: int = 12) -> list[Figure]:
    """Film a face, let two browsers look, and time each opening and closing of the mouth."""
    with TemporaryDirectory(prefix="likeness-") as folder, a_server() as server:
        path = Path(folder) / "face.y4m"
        film(path)
        mirrored = Mirrored.of(look(server, path, openings))
    delays, tracking = mirrored.delays()
    rate = 1000 * (len(mirrored.captured) - 1) / np.ptp(mirrored.captured)
    note = f"{len(delays)} openings and closings; the tracking of that picture subtracted"
    return [
        at_most("camera to the other mesh, p50", float(np.median(delays)), GOAL_MS, "ms", note),
        Figure("camera to the other mesh, p90", float(np.percentile(delays, 90)), "ms"),
        Figure("tracking a picture, p50", float(np.median(tracking)), "ms", note="face mesh without a GPU"),
        Figure("pictures tracked", rate, "per s"),
        at_least("r of the mesh and the film", mirrored.follows_the_film(), 0.8),
    ]


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else -1.0


@click.command()
@click.option("--openings", default=12, show_default=True, help="How often the mouth opens while measured.")
def camera(openings: int) -> None:
    """A filmed face drives Einstein in one headless Chromium; another one draws him.

    \b
    Example:
      likeness bench camera
    """
    if not print_figures("Camera to the other browser", run(openings)):
        sys.exit(1)
