"""`likeness bench tracking`: a face that we draw, tracked back to what it did; and what solving costs."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from likeness.cli.bench.face_camera import FaceCamera
from likeness.cli.bench.face_script import MOVES, REST, Moment, script
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.cli.bench.film import write_y4m
from likeness.errors import InputError
from likeness.head.controls import CONTROL_INDEX, CONTROLS
from likeness.head.flame_numpy import BakedHead, rotation_matrices
from likeness.head.frame import Float32
from likeness.head.load import Head, load_head
from likeness.head.model import NECK
from likeness.tracking.face import TrackedFace
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.landmarks import COUNT, LandmarkFrame, from_mesh
from likeness.tracking.media_pipe import track_mesh
from likeness.tracking.person import CALIBRATION_SECONDS, PersonTracker, track

RATE: Final = 30
GOALS: Final = {
    "jawOpen": 0.95,
    "eyeBlink": 0.9,
    "mouthSmile": 0.9,
    "browInnerUp": 0.9,
    "mouthPucker": 0.9,
    "head yaw": 0.9,
    "head pitch": 0.9,
}
ONE_MS: Final = 0.5
THIRTY_MS: Final = 3.0
_CAST: Final = ("plain", "einstein")
_HELD: Final = 3
"""Pictures in a row of each moment, so that a filter that keeps up is not blamed for the script's haste."""
_HEIGHT_M: Final = 0.34
_IRIS_M: Final = 0.012

Signals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Loop:
    """What a face did and what came back: one row a moment, columns by NAMES."""

    moments: Sequence[Moment]
    true: Signals
    found: Signals

    def correlation(self, name: str) -> float:
        """Pearson's r over the whole script of a control, or of both sides of a paired one."""
        columns = _columns(name)
        a, b = self.true[:, columns].ravel(), self.found[:, columns].ravel()
        return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else float("nan")


NAMES: Final = (*CONTROLS, "head yaw", "head pitch")


def pictures_of(camera: FaceCamera, moments: Iterable[Moment]) -> list[LandmarkFrame]:
    """Film the face, track the film with MediaPipe in its own environment; one frame a moment.

    Raises:
        MachineError: MediaPipe is not set up (`likeness track --setup`).
    """
    with TemporaryDirectory(prefix="likeness-") as folder:
        film = Path(folder) / "face.y4m"
        write_y4m(film, (camera.see(m.controls, m.turn) for m in moments), RATE)

        async def tracked() -> list[LandmarkFrame]:
            stream = await track_mesh(video=film)
            return [frame async for frame in stream.frames]

        return asyncio.run(tracked())


def meshes_of(head: Head, moments: Iterable[Moment]) -> list[LandmarkFrame]:
    """The head's own landmarks in place of pictures: a perfect tracker, in perspective, without noise."""
    baked = BakedHead(head.model)
    return [
        LandmarkFrame(count, round(1000 * count / RATE), 1.0, mesh_of(head, baked, moment))
        for count, moment in enumerate(moments)
    ]


def mesh_of(head: Head, baked: BakedHead, moment: Moment, away: float = 0.75) -> Float32:
    """The landmarks [COUNT,3] of one moment, as of a picture taken from `away` metres."""
    model = head.model
    if model.mediapipe is None:
        raise InputError(f"head {head.name!r} has no MediaPipe landmarks; measure with the open head.")
    faces, bary = model.mediapipe
    zero = np.zeros(3, np.float32)
    p = head.rig.apply(moment.controls[None])
    vertices = baked.vertices(
        p.expression[0], p.eyelids[0], p.jaw[0], moment.turn, p.eyes[0], zero, zero
    ).astype(np.float64)
    mesh = np.zeros((478, 3))
    mesh[:468] = (vertices[model.faces[faces]] * bary[:, :, None]).sum(1)
    mesh[[468, 473]] = _irises(baked, p.eyes[0], moment.turn)
    place = mesh[:, :2] * away / (away - mesh[:, 2:])
    seen = np.column_stack([place[:, 0], -place[:, 1], -mesh[:, 2]]) / _HEIGHT_M + (0.5, 0.5, 0)
    return from_mesh(seen, 320, 320)


def close(moments: Sequence[Moment], frames: Sequence[LandmarkFrame], solver: LandmarkSolver) -> Loop:
    """Solve a tracker's frames, one a moment, as the server does for one person.

    The rest at the beginning is shown again and again for the second in which the neutral face is taken. Each
    moment is then held for a tenth of a second. A moment without a face counts as the face before it.
    """
    person, now, sequence = PersonTracker(), 0.0, 0

    def show(frame: LandmarkFrame) -> TrackedFace | None:
        nonlocal now, sequence
        now, sequence = now + 1000 / RATE, sequence + 1
        picture = LandmarkFrame(sequence, round(now), frame.score, frame.points)
        return track(solver, [person], [picture])[0]

    resting = next(i for i, m in enumerate(moments) if m.move != REST)
    for k in range(round(1.2 * CALIBRATION_SECONDS * RATE)):
        # The first picture is a tracker's first guess.
        show(frames[1 + k % max(resting - 1, 1)])
    found = np.zeros((len(moments), len(NAMES)))
    for row, frame in enumerate(frames[: len(moments)]):
        face = [show(frame) for _ in range(_HELD)][-1]
        found[row] = found[row - 1] if row else 0
        if face is not None and face.head_rotation is not None:
            found[row, : len(CONTROLS)] = face.looking
            found[row, len(CONTROLS) :] = face.head_rotation[[1, 0]]
    true = np.zeros_like(found)
    for row, moment in enumerate(moments):
        true[row, : len(CONTROLS)] = moment.controls
        true[row, len(CONTROLS) :] = moment.turn[[1, 0]]
    return Loop(moments, true, found)


def correlations(loop: Loop, note: str) -> list[Figure]:
    """Pearson's r of every control that the script moves; the promised ones beside their goals."""
    figures = [at_least(f"r {name}", loop.correlation(name), goal, note=note) for name, goal in GOALS.items()]
    others = ("browDown", "browOuterUp", "mouthFunnel", "mouthFrown", "mouthStretch", "mouthUpperUp",
              "mouthLowerDown", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "eyeWide", "eyeSquint",
              "noseSneer", "cheekPuff", "eyeLookOut", "eyeLookIn", "eyeLookUp", "eyeLookDown")  # fmt: skip
    return figures + [Figure(f"r {name}", loop.correlation(name), note=note) for name in others]


def cross_talk(loop: Loop, least: float = 0.12) -> Table:
    """What each move alone reads as at its strongest: itself, and everything else beyond `least`."""
    table = Table(title="Cross-talk: one move at 1, everything else at 0", title_justify="left")
    for column in ("move", "read as itself", "read beside it"):
        table.add_column(column, overflow="fold")
    for move, names in MOVES.items():
        row = max(
            (i for i, m in enumerate(loop.moments) if m.move == move),
            key=lambda i: float(loop.true[i, : len(CONTROLS)].max()),
        )
        read = dict(zip(NAMES, loop.found[row], strict=True))
        beside = sorted(((v, n) for n, v in read.items() if n not in names and abs(v) > least), reverse=True)
        own = "  ".join(f"{read[n]:.2f}" for n in names)
        table.add_row(move, own, ", ".join(f"{n} {v:.2f}" for v, n in beside) or "-")
    return table


def cost(solver: LandmarkSolver, rounds: int = 200) -> list[Figure]:
    """CPU time of one solver call, for one face and for thirty in a batch."""
    rng = np.random.default_rng(0)
    level = solver.neutral * np.array([1, -1, -1], np.float32) / 300 + 0.5
    figures: list[Figure] = []
    for count, limit in ((1, ONE_MS), (30, THIRTY_MS)):
        points = (level + rng.normal(0, 0.002, (count, COUNT, 3))).astype(np.float32)
        neutral = np.repeat(solver.neutral[None], count, 0)
        taken = np.array([_seconds(lambda p=points, n=neutral: solver.solve(p, n)) for _ in range(rounds)])
        p50, p95 = 1000 * np.percentile(taken[rounds // 10 :], [50, 95])
        label = "1 face" if count == 1 else f"{count} faces in a batch"
        figures.append(at_most(f"solve {label}, median", float(p50), limit, "ms", f"p95 {p95:.2f} ms"))
    return figures


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _columns(name: str) -> list[int]:
    if name in NAMES:
        return [NAMES.index(name)]
    return [CONTROL_INDEX[name + side] for side in ("Left", "Right")]


def _irises(baked: BakedHead, eyes: Float32, turn: Float32) -> Signals:
    """The pupils [2,3] (right, left), m: they turn with the eyes, and with the head about the neck."""
    joints = baked.joints.astype(np.float64)
    ahead = rotation_matrices(eyes.astype(np.float64)) @ (0.0, 0.0, _IRIS_M)
    at = joints[[4, 3]] + ahead[[1, 0]] - joints[NECK]
    return at @ rotation_matrices(turn[None].astype(np.float64))[0].T + joints[NECK]


@click.command()
@click.option(
    "--character", "-c", multiple=True, default=_CAST, show_default=True, help="Whose face to film."
)
@click.option(
    "--pictures/--no-pictures", default=True, help="Without: the head's own landmarks, no MediaPipe."
)
@click.option("--mixed", default=90, show_default=True, help="Pictures of everything at once.")
def tracking(character: Sequence[str], pictures: bool, mixed: int) -> None:
    """A scripted face is drawn, tracked by MediaPipe, solved back to controls, and compared.

    Drawing takes some time: about 300 pictures a character. MediaPipe runs in its own environment
    (`likeness track --setup`).

    \b
    Examples:
      likeness bench tracking
      likeness bench tracking --character einstein
      likeness bench tracking --no-pictures
    """
    head = load_head("open")
    solver, moments, console = LandmarkSolver(head), script(mixed=mixed), Console()
    kept = print_figures("Cost of the solver", cost(solver), console)
    for who in character if pictures else ("the open head's own landmarks",):
        frames = pictures_of(FaceCamera(who), moments) if pictures else meshes_of(head, moments)
        seen = sum(frame.points is not None for frame in frames)
        loop = close(moments, frames, solver)
        kept &= print_figures(
            f"Closed loop: {who}", correlations(loop, f"{seen}/{len(moments)} seen"), console
        )
        console.print(cross_talk(loop))
    if not kept:
        sys.exit(1)
