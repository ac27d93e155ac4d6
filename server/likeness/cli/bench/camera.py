"""`likeness bench camera`: from a picture of one browser's camera to the mesh that another one draws."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.browser import a_server, visit
from likeness.cli.bench.face_camera import BARE, FaceCamera, Picture
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.cli.bench.film import write_y4m
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.frame import Float32

RATE: Final = 15
GOAL_MS: Final = 120.0
MOST_TURN: Final = 0.35
"""Radians that the filmed head turns aside."""
_RAMP: Final = 0.2
_BITS: Final = 10
"""Each picture carries its number in so many squares at the lower left, white for 1."""

Floats = NDArray[np.float64]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Script:
    """What the filmed face does; the film goes round and round. In seconds of the film: its length, how long
    the face is calm at the beginning, and when the mouth is open, the brows are raised, the head is turned to
    the person's left and to their right."""

    seconds: float
    calm: float
    mouth: Sequence[Span] = ()
    brow: Sequence[Span] = ()
    left: Sequence[Span] = ()
    right: Sequence[Span] = ()

    def values(self, seconds: Floats) -> dict[str, Floats]:
        """mouth (jawOpen), brow (browInnerUp and browOuterUp), yaw (rad, + to the person's left) [N]."""
        at = np.mod(seconds, self.seconds)
        return {
            "mouth": 0.8 * _within(at, self.mouth),
            "brow": _within(at, self.brow),
            "yaw": MOST_TURN * (_within(at, self.left) - _within(at, self.right)),
        }


OPENINGS: Final = Script(24.0, 12.0, ((12.6, 13.8), (15.2, 16.8), (18.9, 20.1), (21.0, 22.9)))
"""For timing: the mouth is shut for most of any while, and no while is alike."""


def film(path: Path, script: Script, *, character: str = "man", rate: int = RATE) -> None:
    """The film of a character that follows a script, for Chromium's fake camera."""
    camera = FaceCamera(character, 320, 240, without=BARE)
    drawn: dict[tuple[float, ...], Picture] = {}

    def pictures() -> Iterator[Picture]:
        values = script.values(np.arange(round(script.seconds * rate)) / rate)
        rows = np.column_stack([values["mouth"], values["brow"], values["yaw"] / MOST_TURN]).round(1)
        for number, row in enumerate(rows.tolist()):
            if tuple(row) not in drawn:
                drawn[tuple(row)] = camera.see(_controls(row[0], row[1]), (0.0, MOST_TURN * row[2], 0.0))
            yield numbered(drawn[tuple(row)], number)

    write_y4m(path, pictures(), rate)


def numbered(picture: Picture, number: int) -> Picture:
    """The picture with its number in the lower left corner, as tests/e2e/film.mjs reads it."""
    side = len(picture) // 20
    stamped = picture.copy()
    for bit in range(_BITS):
        stamped[-side:, bit * side : (bit + 1) * side] = 235 if number >> bit & 1 else 16
    return stamped


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Two browsers' view of one face; times in ms of the machine's clock.

    Of each picture that A's camera took and its tracker found a face in: captured [N], tracking [N] (ms it
    took), second [N] (of the film), mouth [N] (opening by the height of the face). Of each picture that B
    drew: time [M], and in `mesh` mouth (mm), brow (mm) and yaw (rad) [M] of the mesh.
    """

    captured: Floats
    tracking: Floats
    second: Floats
    mouth: Floats
    time: Floats
    mesh: dict[str, Floats]

    @classmethod
    def of(cls, seen: dict[str, Any], rate: int = RATE) -> "Mirrored":
        """From what tests/e2e/film.mjs collected."""
        faces = [f for f in seen["tracked"] if f["mouth"] is not None and f["picture"] is not None]
        drawn = seen["drawn"]
        return cls(
            np.array([f["captured"] for f in faces], float),
            np.array([f["trackingMs"] for f in faces], float),
            np.array([f["picture"] for f in faces], float) / rate,
            np.array([f["mouth"] for f in faces], float),
            np.array([d["time"] for d in drawn], float),
            {
                "mouth": np.array([d["lip"] for d in drawn], float) * 1000,
                "brow": np.array([d["brow"] for d in drawn], float) * 1000,
                "yaw": np.array([d["yaw"] for d in drawn], float),
            },
        )

    def follows(self, script: Script) -> dict[str, float]:
        """Correlation of B's mesh with the script at the pictures that A's camera took, at the best delay up
        to two seconds: it holds for a machine that tracks and draws few pictures a second, too."""
        found = {}
        for name, wanted in script.values(self.second).items():
            rows = [np.searchsorted(self.time, self.captured + lag) for lag in range(0, 2000, 50)]
            found[name] = max(
                _correlation(wanted[row < len(self.time)], self.mesh[name][row[row < len(self.time)]])
                for row in rows
            )
        return found

    def delays(self) -> tuple[Floats, Floats]:
        """Of each time that the mouth opened or shut: ms from the camera's picture to B's mesh without the
        tracking of that picture, and that tracking's ms."""
        lip = self.mesh["mouth"]
        half = self._half(self.mouth), self._half(lip)
        delays: list[float] = []
        tracking: list[float] = []
        before = self.mouth[0] > half[0]
        for i, opened in enumerate((self.mouth > half[0]).tolist()):
            if opened == before:
                continue
            before = opened
            following = (self.time > self.captured[i]) & ((lip > half[1]) == opened)
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


def run(openings: int = 12) -> list[Figure]:
    """Film a face, let two browsers look, and time each opening and closing of the mouth."""
    with TemporaryDirectory(prefix="likeness-") as folder, a_server() as server:
        path = Path(folder) / "face.y4m"
        film(path, OPENINGS)
        given = {
            "film": str(path),
            "calm": round(OPENINGS.calm * RATE),
            "seconds": OPENINGS.seconds * openings / len(OPENINGS.mouth),
            "viewport": {"width": 400, "height": 260},
        }
        mirrored = Mirrored.of(visit("mirrored", server, timeout=900, **given))
    delays, tracking = mirrored.delays()
    rate = 1000 * (len(mirrored.captured) - 1) / np.ptp(mirrored.captured)
    note = f"{len(delays)} openings and closings; the tracking of that picture subtracted"
    return [
        at_most("camera to the other mesh, p50", float(np.median(delays)), GOAL_MS, "ms", note),
        Figure("camera to the other mesh, p90", float(np.percentile(delays, 90)), "ms"),
        Figure("tracking a picture, p50", float(np.median(tracking)), "ms", note="face mesh without a GPU"),
        Figure("pictures tracked", rate, "per s"),
        at_least("r of the mesh and the film", mirrored.follows(OPENINGS)["mouth"], 0.8),
    ]


def _within(at: Floats, spans: Sequence[Span]) -> Floats:
    """1 within the spans, 0 outside, with short ramps inside their ends."""
    shapes = [np.clip(np.minimum(at - begin, end - at) / _RAMP, 0, 1) for begin, end in spans]
    return np.max(shapes, axis=0) if shapes else np.zeros_like(at)


def _controls(mouth: float, brow: float) -> Float32:
    controls = np.zeros(CONTROL_COUNT, np.float32)
    controls[CONTROL_INDEX["jawOpen"]] = mouth
    for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"):
        controls[CONTROL_INDEX[name]] = brow
    return controls


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 0 and b.std() > 0 else -1.0


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
