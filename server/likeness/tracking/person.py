"""PersonTracker: one person's landmarks over time, relative to their own neutral face and range."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, CONTROLS
from likeness.tracking.face import Float32, TrackedFace, no_face
from likeness.tracking.landmark_solver import LandmarkSolver, SolvedFaces
from likeness.tracking.landmarks import COUNT, LIPS, LandmarkFrame
from likeness.tracking.one_euro import OneEuro

CALIBRATION_SECONDS: Final = 1.0
_FEWEST_FRAMES: Final = 5
_LEAST_PEAK: Final = 0.45
"""A range is stretched by 1 / 0.45 at most, so that a still person's noise is not blown up."""
_FIRST_PEAK: Final = 0.9
_PEAK_SECONDS: Final = 60.0
"""In which an unreached peak falls by a factor e."""
_CAMERA_M: Final = 0.6
"""Metres from which a face is taken to look into its camera: it only sets how far nearer and farther go."""
REACH: Final = np.array([0.10, 0.06, 0.10], np.float32)
"""Metres by which a tracked head moves from its neutral place at most: to the side, up and down, forth."""
_YAW_SEEN: Final = (0.75, 1.10)
_PITCH_SEEN: Final = (0.55, 0.85)
"""Radians to which a face is seen well, and from which on it is not: a tracker then invents the far side."""
_STRETCHED: Final = np.array(
    [
        CONTROL_INDEX[n]
        for n in CONTROLS
        if n.startswith(("eyeBlink", "jawOpen", "mouthSmile", "mouthPucker", "brow", "mouthFunnel"))
    ]
)
_LIDS: Final = [CONTROL_INDEX["eyeBlinkLeft"], CONTROL_INDEX["eyeBlinkRight"]]
_SHUT: Final = 0.3
"""Of a blink, from which the lid hides so much of the iris that its place is a guess."""
_QUICK: Final = ("eyeBlink", "eyeLook", "jawOpen", "mouth")
_WRAP: Final = 1 << 32


class PersonTracker:
    """Turns one person's landmark frames into TrackedFaces.

    The first second with a face is taken as the neutral face (or the second after `recalibrate`); the most
    that each control has reached becomes its 1, within a minute. Frames out of order are ignored. Lids and
    lips are filtered lightly, so that blinks and plosives stay sharp; brows and cheeks more. The head's place
    is relative to the neutral one and ends at REACH. Behind a closing lid an eye looks where the other does,
    or where it looked. A face turned far aside, and lips that are covered or out of the picture, lose their
    confidence: whoever blends then lets speech have them.
    """

    def __init__(self) -> None:
        quick = np.array([c.startswith(_QUICK) for c in CONTROLS])
        self._controls = OneEuro(
            np.where(quick, 4.0, 1.5).astype(np.float32), np.where(quick, 6.0, 2.0).astype(np.float32)
        )
        self._pose = OneEuro(2.0, 1.5)
        self._place = OneEuro(1.5, 20.0)
        self._gaze = OneEuro(3.0, 3.0)
        self._looked = np.zeros((2, 2), np.float32)
        """The gaze that was seen last."""
        self._peak = np.full(CONTROL_COUNT, _FIRST_PEAK, np.float32)
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
        self._rest_place, self._rest_scale = np.zeros(3, np.float32), 1.0
        self._gathered: list[tuple[Float32, Float32, Float32, float]] = []
        self._gathering_since: float | None = None

    @property
    def rest_rotation(self) -> Float32:
        """How the head was turned [3] (axis-angle, rad) when the neutral face was taken."""
        return self._rest_rotation

    def accepts(self, frame: LandmarkFrame) -> bool:
        """Whether the frame is newer than the last one (sequence numbers wrap)."""
        if self._sequence is None:
            return True
        return 0 < (frame.sequence - self._sequence) % _WRAP < _WRAP // 2

    def lose(self, frame: LandmarkFrame) -> TrackedFace:
        """The camera sees no face: no confidence, and the filters start anew when it returns."""
        self._sequence, self._time = frame.sequence, frame.time / 1000
        for f in (self._controls, self._pose, self._place, self._gaze):
            f.reset()
        return no_face()

    def take(self, frame: LandmarkFrame, solved: SolvedFaces, row: int) -> TrackedFace:
        """One solved face becomes a TrackedFace; see `track`."""
        time = frame.time / 1000
        seconds = max(time - self._time, 1e-3)
        self._sequence, self._time = frame.sequence, time
        rotation, scale = solved.rotation[row], float(solved.scale[row])
        place = solved.place[row] * np.float32(scale)
        sure = _confidence(frame, rotation)
        if self._neutral is None:
            self._gather(time, solved.aligned[row], rotation, place, scale)
            sure[:-1] = 0
            none = np.zeros(3, np.float32)
            return TrackedFace(np.zeros(CONTROL_COUNT, np.float32), sure, none, none, time=time)
        controls = solved.controls[row]
        decay = np.float32(np.exp(-min(seconds, 1.0) / _PEAK_SECONDS))
        self._peak = np.maximum(self._peak * decay, np.maximum(controls, _LEAST_PEAK))
        stretched = controls.copy()
        stretched[_STRETCHED] = np.minimum(controls[_STRETCHED] / self._peak[_STRETCHED], 1.0)
        moved = (place - self._rest_place) / (1000 * scale)
        moved[2] = _CAMERA_M * (1 - self._rest_scale / scale)
        return TrackedFace(
            controls=np.clip(self._controls.step(stretched, seconds), 0, 1),
            confidence=sure,
            head_rotation=self._pose.step(rotation - self._rest_rotation, seconds),
            head_translation=np.clip(self._place.step(moved, seconds), -REACH, REACH),
            gaze=self._gaze.step(self._look(solved.gaze[row], stretched[_LIDS] < _SHUT), seconds),
            time=time,
        )

    def _look(self, gaze: Float32, open_lids: NDArray[np.bool_]) -> Float32:
        """The gaze [2,2], of eyes whose lids [2] let it be seen."""
        if open_lids.any():
            self._looked = np.where(open_lids[:, None], gaze, gaze[int(open_lids[1])])
        return self._looked

    def _gather(self, time: float, aligned: Float32, rotation: Float32, place: Float32, scale: float) -> None:
        if self._gathering_since is None:
            self._gathering_since = time
        self._gathered.append((aligned, rotation, place, scale))
        if time - self._gathering_since >= CALIBRATION_SECONDS and len(self._gathered) >= _FEWEST_FRAMES:
            # The median: a blink or a word in that second does not become a part of the neutral face.
            faces, turns, places, scales = zip(*self._gathered, strict=True)
            self._neutral = np.median(faces, axis=0).astype(np.float32)
            self._rest_rotation = np.median(turns, axis=0).astype(np.float32)
            self._rest_place = np.median(places, axis=0).astype(np.float32)
            self._rest_scale = float(np.median(scales))
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
    rest = np.empty((len(todo), 3), np.float32)
    for row, i in enumerate(todo):
        seen, own = frames[i].points, persons[i].neutral
        assert seen is not None
        points[row] = seen
        neutral[row] = solver.neutral if own is None else own
        rest[row] = persons[i].rest_rotation
    solved = solver.solve(points, neutral, rest)
    for row, i in enumerate(todo):
        results[i] = persons[i].take(frames[i], solved, row)
    return results


def _confidence(frame: LandmarkFrame, rotation: Float32) -> Float32:
    """By REGIONS: the head's pose as long as there is a face, the rest as far as it is turned to the camera,
    the mouth as far as it is in the picture and not covered."""
    assert frame.points is not None
    turned = 1.0
    for angle, (well, not_at_all) in ((rotation[1], _YAW_SEEN), (rotation[0], _PITCH_SEEN)):
        turned *= float(np.clip((not_at_all - abs(angle)) / (not_at_all - well), 0, 1))
    x, y = frame.points[list(LIPS), 0], frame.points[list(LIPS), 1]
    inside = float(((x >= 0) & (y >= 0) & (y <= 1)).mean())
    mouth = float(np.clip((inside - 0.6) / 0.35, 0, 1)) * frame.lips_seen
    sure = np.array([mouth * turned, turned, turned, turned, turned, 1.0], np.float32)
    return sure * np.float32(frame.score)
