"""Measure how MediaPipe sees the controls on our own cast: `python -m tools.seen_face` (some minutes).

Writes server/likeness/tracking/seen_face.npz. MediaPipe runs in its own environment: `likeness track --setup`
first. The faces are those of FITTED; `likeness bench tracking` measures on others.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.face_camera import FaceCamera
from likeness.cli.bench.face_script import Moment
from likeness.cli.bench.film import write_y4m
from likeness.head import CONTROL_COUNT, CONTROL_INDEX, CONTROLS, load_head, mirrored
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.landmarks import COUNT, LANDMARKS, MIRRORED, POSITION, LandmarkFrame
from likeness.tracking.media_pipe import track_mesh
from likeness.tracking.seen_face import FILE, TERMS, SeenFace, modelled_face, turn_terms

FITTED = ("woman", "man", "curie", "lovelace")
_REST = "rest"
_TURN = "turn"
_TURNS = (
    *((yaw, 0.0) for yaw in (-0.45, -0.22, 0.22, 0.45)),
    *((0.0, pitch) for pitch in (-0.28, -0.14, 0.14, 0.28)),
    *((yaw, pitch) for yaw in (-0.3, 0.3) for pitch in (-0.2, 0.2)),
)  # fmt: skip

Landmarks = NDArray[np.float64]


def moments() -> list[Moment]:
    """Rest, each control at 1 with rest after it, and turns of a still face."""
    rest = Moment(_REST, np.zeros(CONTROL_COUNT, np.float32))
    found = [rest] * 6
    for index, name in enumerate(CONTROLS):
        controls = rest.controls.copy()
        controls[index] = 1
        if name == "mouthClose":
            # Lips together while the jaw is open: what it adds to jawOpen.
            controls[CONTROL_INDEX["jawOpen"]] = 1
        found += [Moment(name, controls), rest]
    return found + [Moment(_TURN, rest.controls, yaw, pitch) for yaw, pitch in _TURNS]


def look(character: str, seen: Sequence[Moment], *, bare: bool = True) -> list[LandmarkFrame]:
    """MediaPipe's landmarks of each moment. bare: without hair, beard and clothes."""
    camera = FaceCamera(character, bare=bare)
    with TemporaryDirectory(prefix="likeness-") as folder:
        film = Path(folder) / "face.y4m"
        write_y4m(film, (camera.see(m.controls, m.turn) for m in seen))

        async def tracked() -> list[LandmarkFrame]:
            stream = await track_mesh(video=film)
            return [frame async for frame in stream.frames]

        return asyncio.run(tracked())


def measured(films: Sequence[tuple[Sequence[Moment], Sequence[LandmarkFrame]]]) -> SeenFace:
    """The mean over faces and over left and right, of each control and of each term of a turn."""
    # Only its alignment is used here, which knows of no controls.
    head = load_head("open")
    geometry = LandmarkSolver(head, modelled_face(head))
    one_by_one: list[Landmarks] = []
    turns = np.zeros((TERMS, COUNT, 3))
    for seen, frames in films:
        moved, terms = _moved(geometry, seen, frames)
        order = [m.move for m in seen]
        one_by_one.append(moved[[order.index(name) for name in CONTROLS]])
        still = [i for i, m in enumerate(seen) if m.move in (_TURN, _REST) and frames[i].points is not None]
        fitted = np.linalg.lstsq(terms[still], moved[still].reshape(len(still), -1), rcond=None)[0]
        turns += fitted.reshape(TERMS, COUNT, 3) / len(films)
    controls = np.nanmean(one_by_one, axis=0)
    controls[CONTROL_INDEX["mouthClose"]] -= controls[CONTROL_INDEX["jawOpen"]]
    partner = [POSITION[MIRRORED[number]] for number in LANDMARKS]
    swapped = [CONTROL_INDEX[mirrored(name)] for name in CONTROLS]
    across = np.array([-1.0, 1.0, 1.0])
    controls = 0.5 * (controls + controls[swapped][:, partner] * across)
    # Seen in a mirror, yaw and the product with it change their sign.
    sign = np.array([1, -1, 1, 1, -1])[:, None, None]
    turns = 0.5 * (turns + sign * turns[:, partner] * across)
    return SeenFace(controls.astype(np.float32), turns.astype(np.float32))


def _moved(
    solver: LandmarkSolver, seen: Sequence[Moment], frames: Sequence[LandmarkFrame]
) -> tuple[Landmarks, Landmarks]:
    """Movement [N,COUNT,3] mm against the face's own rest and the terms [N,TERMS] of its turn; not a number
    where MediaPipe lost the face."""
    found = [i for i, frame in enumerate(frames) if frame.points is not None]
    resting = [k for k, i in enumerate(found) if seen[i].move == _REST]
    stacked = np.stack([p for frame in frames if (p := frame.points) is not None])
    own = np.median(solver.solve(stacked[resting]).aligned, axis=0).astype(np.float32)
    solved = solver.solve(stacked, np.repeat(own[None], len(stacked), 0))
    rows = turn_terms(solved.rotation)
    moved, terms = np.full((len(seen), COUNT, 3), np.nan), np.full((len(seen), TERMS), np.nan)
    moved[found], terms[found] = solved.aligned - own, rows - np.median(rows[resting], 0)
    return moved, terms


def main() -> int:
    """Draw, look, keep."""
    films: list[tuple[list[Moment], list[LandmarkFrame]]] = []
    for character in FITTED:
        seen = moments()
        films.append((seen, look(character, seen)))
        print(f"{character}: {len(seen)} pictures")
    seen_face = measured(films)
    np.savez_compressed(
        FILE, controls=seen_face.controls.astype(np.float16), turns=seen_face.turns.astype(np.float16)
    )
    print(f"{FILE}: {FILE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
