"""How much of the controls MediaPipe's landmarks hold at all: `python -m tools.seen_limit CHARACTER ...`.

Films each character in many mixed expressions, and learns from one part of the film to tell the controls of
the rest: a ridge regression on every landmark of that very face, with the true controls at hand, which no
solver for strangers has. Printed beside it: what the solver reads from the same film. Some minutes a face;
MediaPipe runs in its own environment (`likeness track --setup`).
"""

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.face_script import Moment
from likeness.head import CONTROL_COUNT, CONTROL_INDEX, CONTROLS, load_head
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.seen_face import turn_terms
from tools.seen_face import look

SHOWN = (
    "jawOpen", "eyeBlink", "mouthSmile", "browInnerUp", "mouthPucker", "browDown", "browOuterUp",
    "mouthFrown", "mouthStretch", "mouthUpperUp", "mouthLowerDown", "eyeWide", "eyeSquint", "noseSneer",
    "cheekPuff",
)  # fmt: skip
_COMMON = {"jawOpen": 0.5, "eyeBlink": 0.4, "mouthSmile": 0.45, "browInnerUp": 0.45, "mouthPucker": 0.35,
           "browDown": 0.3, "browOuterUp": 0.3, "tongueOut": 0.0}  # fmt: skip
_RARE = 0.12
_PART = 12
"""Pictures in a row that are learnt from or told together: neighbours are alike."""
_RIDGES = (1.0, 10.0, 100.0, 1000.0)

Signals = NDArray[np.float64]


def moments(seed: int, count: int) -> list[Moment]:
    """Rest, each control alone, then `count` pictures in which every control goes its own way, the common
    ones more often."""
    rng = np.random.default_rng(seed)

    def walk(low: float, high: float, share: float = 1.0, pictures: int = 4) -> Signals:
        knots = count // pictures + 2
        values = rng.uniform(low, high, knots) * (rng.random(knots) < share)
        return np.interp(np.arange(count) / pictures, np.arange(knots), values)

    values = np.zeros((count, CONTROL_COUNT))
    for name in CONTROLS:
        bare = name.removesuffix("Left").removesuffix("Right")
        share = _COMMON.get(bare, _RARE)
        if bare + "Right" not in CONTROLS or bare in ("jaw", "mouth"):
            values[:, CONTROL_INDEX[name]] = walk(0, 1, _COMMON.get(name, _RARE))
        elif name.endswith("Left"):
            both = walk(0, 1, share)
            for side in ("Left", "Right"):
                values[:, CONTROL_INDEX[bare + side]] = both * (1 - walk(0, 1, 0.3))
    values[:, CONTROL_INDEX["mouthClose"]] *= values[:, CONTROL_INDEX["jawOpen"]]
    for side in ("Left", "Right"):
        for one, other in (("mouthPucker", "mouthSmile"), ("browInnerUp", "browDown")):
            values[:, CONTROL_INDEX[other + side]] *= 1 - values[:, CONTROL_INDEX[one]]
    yaw, pitch = walk(-0.4, 0.4, 0.8, 6), walk(-0.24, 0.24, 0.8, 6)
    rest = Moment("rest", np.zeros(CONTROL_COUNT, np.float32))
    alone: list[Moment] = []
    for index, name in enumerate(CONTROLS):
        for amount in (0.5, 1.0):
            controls = rest.controls.copy()
            controls[index] = amount
            alone.append(Moment(name, controls))
        alone.append(rest)
    return (
        [rest] * 6
        + alone
        + [
            Moment("mixed", values[i].astype(np.float32), float(yaw[i]), float(pitch[i]))
            for i in range(count)
        ]
    )


def limit(landmarks: Signals, true: Signals) -> Signals:
    """Pearson's r of each column of `true` [N,K] as told from [N,F] by a regression on other parts of the
    film: the best of several ridges."""
    part = np.arange(len(true)) // _PART % 5
    told = np.zeros((len(_RIDGES), *true.shape))
    for k in range(5):
        known, rest = part != k, part == k
        mean, level = landmarks[known].mean(0), true[known].mean(0)
        a = landmarks[known] - mean
        for row, ridge in enumerate(_RIDGES):
            gains = a.T @ np.linalg.solve(a @ a.T + ridge * np.eye(len(a)), true[known] - level)
            told[row, rest] = (landmarks[rest] - mean) @ gains + level
    return np.array([[_r(t[:, k], true[:, k]) for k in range(true.shape[1])] for t in told]).max(0)


def _r(a: Signals, b: Signals) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0


def main(characters: Sequence[str], count: int = 360) -> int:
    """Film, solve, regress, print."""
    solver = LandmarkSolver(load_head("open"))
    for number, character in enumerate(characters or ("plain",)):
        film = moments(number, count)
        frames = look(character, film, bare=False)
        found = [i for i, frame in enumerate(frames) if frame.points is not None]
        points = np.stack([p for frame in frames if (p := frame.points) is not None])
        at_rest = solver.solve(points[1:6])
        own, rest = np.median(at_rest.aligned, axis=0), np.median(at_rest.rotation, axis=0)
        solved = solver.solve(
            points, np.repeat(own[None], len(points), 0), np.repeat(rest[None], len(points), 0)
        )
        moved = (solved.aligned - own).reshape(len(points), -1).astype(np.float64)
        landmarks = np.concatenate([moved, 5 * (turn_terms(solved.rotation) - turn_terms(rest[None]))], 1)
        true = np.stack([film[i].controls for i in found]).astype(np.float64)
        print(f"{character}: {len(found)} of {len(film)} pictures; r of the regression, and of the solver")
        for name in SHOWN:
            columns = [CONTROL_INDEX[n] for n in (name, name + "Left", name + "Right") if n in CONTROL_INDEX]
            best = limit(landmarks, true[:, columns]).mean()
            read = np.mean([_r(solved.controls[:, c].astype(np.float64), true[:, c]) for c in columns])
            print(f"  {name:16} {best:5.2f} {read:5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
