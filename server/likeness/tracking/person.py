"""PersonTracker: one person's landmarks over time, relative to their own neutral face and range."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, CONTROLS
from likeness.tracking.face import Float32, TrackedFace, no_face
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.landmarks import COUNT, LandmarkFrame
from likeness.tracking.one_euro import OneEuro

CALIBRATION_SECONDS: Final = 1.0
_FEWEST_FRAMES: Final = 5
_LEAST_PEAK: Final = 0.45
"""A range is stretched by 1 / 0.45 at most, so that a still person's noise is not blown up."""
_PEAK_DECAY: Final = 0.9995
_STRETCHED: Final = tuple(
    CONTROL_INDEX[n]
    for n in CONTROLS
    if n.startswith(("eyeBlink", "jawOpen", "mouthSmile", "mouthPucker", "brow", "mouthFunnel"))
)
_QUICK: Final = ("eyeBlink", "eyeLook", "jawOpen", "mouth")
_WRAP: Final = 1 << 32


class PersonTracker:
    """Turns one person's landmark frames into TrackedFaces.

    The first second with a face is taken as the neutral face (or the second after `recalibrate`); the most
    that each control has reached becomes its 1. Frames out of order are ignored. Lids and lips are filtered
    lightly, so that blinks and plosives stay sharp; brows and cheeks more.
    """

    def __init__(self) -> None:
        quick = np.array([c.startswith(_QUICK) for c in CONTROLS])
        self._controls = OneEuro(
            np.where(quick, 4.0, 1.5).astype(np.float32), np.where(quick, 6.0, 2.0).astype(np.float32)
        )
        self._pose = OneEuro(2.0, 1.5)
        self._gaze = OneEuro(3.0, 3.0)
        self._peak = np.full(CONTROL_COUNT, _LEAST_PEAK, np.float32)
        self._sequence: int | None = None
        self._time = 0.0
        self.recalibrate()

    @property
    def calibrated(self) -> bool:
        """Whether the neutral face is known; before that every face is neutral."""
        return self._neutral is not None

    @property
    def neutral(self) -> Float32 | None:
        """The person's own aligned neutral landmarks [COUNT,3] mm, when known."""
        return self._neutral

    def recalibrate(self) -> None:
        """Take the next second as the neutral face."""
        self._neutral: Float32 | None = None
        self._rest_rotation = np.zeros(3, np.float32)
        self._gathered: list[tuple[Float32, Float32]] = []
        self._gathering_since: float | None = None

    def accepts(self, frame: LandmarkFrame) -> bool:
        """Whether the frame is newer than the last one (sequence numbers wrap)."""
        if self._sequence is None:
            return True
        return 0 < (frame.sequence - self._sequence) % _WRAP < _WRAP // 2

    def lose(self, frame: LandmarkFrame) -> TrackedFace:
        """The camera sees no face: no confidence, and the filters start anew when it returns."""
        self._sequence, self._time = frame.sequence, frame.time / 1000
        for f in (self._controls, self._pose, self._gaze):
            f.reset()
        return no_face()

    def take(
        self, frame: LandmarkFrame, controls: Float32, rotation: Float32, gaze: Float32, aligned: Float32
    ) -> TrackedFace:
        """One solved face becomes a TrackedFace; see `track`."""
        time = frame.time / 1000
        seconds = max(time - self._time, 1e-3)
        self._sequence, self._time = frame.sequence, time
        if self._neutral is None:
            self._gather(time, aligned, rotation)
            return TrackedFace(
                np.zeros(CONTROL_COUNT, np.float32),
                _confidence(frame.score, 0.0),
                np.zeros(3, np.float32),
                time=time,
            )
        self._peak = np.maximum(self._peak * _PEAK_DECAY, np.maximum(controls, _LEAST_PEAK))
        stretched = controls.copy()
        for i in _STRETCHED:
            stretched[i] = min(controls[i] / self._peak[i], 1.0)
        return TrackedFace(
            controls=np.clip(self._controls.step(stretched, seconds), 0, 1),
            confidence=_confidence(frame.score, 1.0),
            head_rotation=self._pose.step(rotation - self._rest_rotation, seconds),
            gaze=self._gaze.step(gaze, seconds),
            time=time,
        )

    def _gather(self, time: float, aligned: Float32, rotation: Float32) -> None:
        if self._gathering_since is None:
            self._gathering_since = time
        self._gathered.append((aligned, rotation))
        if time - self._gathering_since >= CALIBRATION_SECONDS and len(self._gathered) >= _FEWEST_FRAMES:
            # The median: a blink or a word in that second does not become a part of the neutral face.
            self._neutral = np.median([a for a, _ in self._gathered], axis=0).astype(np.float32)
            self._rest_rotation = np.median([r for _, r in self._gathered], axis=0).astype(np.float32)
            self._gathered.clear()


def track(
    solver: LandmarkSolver, persons: Sequence[PersonTracker], frames: Sequence[LandmarkFrame]
) -> list[TrackedFace | None]:
    """One frame for each of several persons, solved in one batch; None where a frame came out of order."""
    results: list[TrackedFace | None] = [None] * len(persons)
    todo: list[int] = []
    for i, (person, frame) in enumerate(zip(persons, frames, strict=True)):
        if not person.accepts(frame):
            continue
        if frame.points is None:
            results[i] = person.lose(frame)
        else:
            todo.append(i)
    if not todo:
        return results
    points = np.empty((len(todo), COUNT, 3), np.float32)
    neutral = np.empty_like(points)
    for row, i in enumerate(todo):
        seen, own = frames[i].points, persons[i].neutral
        assert seen is not None
        points[row] = seen
        neutral[row] = solver.neutral if own is None else own
    solved = solver.solve(points, neutral)
    for row, i in enumerate(todo):
        results[i] = persons[i].take(
            frames[i], solved.controls[row], solved.rotation[row], solved.gaze[row], solved.aligned[row]
        )
    return results


def _confidence(score: float, face: float) -> Float32:
    """By REGIONS; the head's pose counts at once, the face once it is calibrated."""
    return np.array([face, face, face, face, face, 1.0], np.float32) * np.float32(score)
