"""LandmarkSolver: MediaPipe landmarks -> controls, head pose and gaze, many faces in one batch.

Landmarks are laid over the person's neutral ones by a weighted similarity transform of what hardly moves
(forehead, nose bridge, eye corners; Umeyama 1991), which gives the head's pose. What is left is the face's
own movement in millimetres, less what a turned head seems to move (see SeenFace). From it linear features are
read (lid gaps, lip gaps, corners, brows, ...), the same ones that each control shows to MediaPipe, and the
controls come from a bounded least squares over them: 0 <= c <= 1, mirrored features with mirrored weights, so
that left and right are treated alike and more movement never gives less control.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, CONTROLS
from likeness.head.flame_numpy import BakedHead
from likeness.head.load import Head
from likeness.head.model import NECK
from likeness.tracking.face import Float32
from likeness.tracking.landmarks import COUNT, MIRRORED, POSITION
from likeness.tracking.rotation import axis_angle_from_quaternion
from likeness.tracking.seen_face import EYE_RADIUS_MM, SeenFace, head_landmarks, load_seen_face, turn_terms

_RIGID: Final[Mapping[int, float]] = {
    168: 3, 6: 3, 197: 2, 195: 1, 10: 1, 109: 1, 338: 1, 67: 1, 297: 1, 103: 1, 332: 1,
    127: 1, 356: 1, 234: 0.5, 454: 0.5, 33: 2, 133: 2, 263: 2, 362: 2,
}  # fmt: skip
Feature = tuple[float, Sequence[tuple[int, int, float]]]
"""Weight, and terms (landmark, axis 0..2, coefficient). Millimetres in the open head's frame."""


def _difference(axis: int, plus: Sequence[int], minus: Sequence[int]) -> list[tuple[int, int, float]]:
    return [(k, axis, 1 / len(plus)) for k in plus] + [(k, axis, -1 / len(minus)) for k in minus]


_BRIDGE: Final = (168, 6)
_NOSE_BASE: Final = (2, 168)
# One side: the person's right, mirrored for the left.
_SIDED: Final[Sequence[Feature]] = (
    (1.6, _difference(1, (159, 158, 160), (145, 153, 144))),  # lid gap
    (0.8, _difference(1, (145, 153, 144), (33, 133))),  # lower lid
    (0.8, _difference(1, (159, 158, 160), (33, 133))),  # upper lid
    (1.5, _difference(1, (107, 55), _BRIDGE)),  # inner brow
    (1.0, _difference(1, (66, 105, 65, 52), (33, 133))),  # middle brow
    (1.0, _difference(1, (70, 63, 46, 53), (33, 133))),  # outer brow
    (1.1, _difference(0, (107, 55), _BRIDGE)),  # brow drawn in
    (2.3, _difference(1, (61,), _NOSE_BASE)),  # corner up
    (1.0, _difference(0, (61,), _NOSE_BASE)),  # corner out
    (1.3, _difference(2, (61,), _NOSE_BASE)),  # corner back
    (0.5, _difference(1, (81,), (178,))),  # inner lip gap beside the middle
    (0.5, _difference(1, (39, 40), _NOSE_BASE)),  # upper lip beside the middle
    (0.4, _difference(1, (181, 91), _NOSE_BASE)),  # lower lip beside the middle
    (0.8, _difference(1, (129, 49), _BRIDGE)),  # nose wing
    (2.7, _difference(1, (50, 101, 118, 117), _BRIDGE)),  # cheek up
    (1.0, _difference(2, (205, 192, 187), _BRIDGE)),  # cheek forward
    (0.6, _difference(0, (192, 187, 58, 172), _BRIDGE)),  # cheek out
)
_CENTRAL: Final[Sequence[Feature]] = (
    (2.0, _difference(1, (13,), (14,))),  # inner lip gap
    (2.0, _difference(1, (152, 199, 200), _BRIDGE)),  # chin down
    (2.1, _difference(0, (152, 199, 200, 150, 379), _BRIDGE)),  # chin aside
    (0.1, _difference(2, (152, 199), _BRIDGE)),  # chin forward
    (2.7, _difference(1, (0,), _NOSE_BASE)),  # upper lip
    (1.3, _difference(1, (17,), _NOSE_BASE)),  # lower lip
    (1.0, _difference(1, (0,), (13,))),  # upper lip's height
    (3.1, _difference(1, (14,), (17,))),  # lower lip's height
    (5.0, _difference(2, (0, 13), _NOSE_BASE)),  # upper lip forward
    (2.6, _difference(2, (17, 14), _NOSE_BASE)),  # lower lip forward
    (0.3, _difference(0, (291,), (61,))),  # mouth width
    (0.9, _difference(0, (0, 17, 13, 14), _NOSE_BASE)),  # lips aside
)
# Where two controls explain a movement nearly alike, the dearer one is left out. These and the weights above
# were searched for on one film of the closed loop (`likeness bench tracking` measures on more faces).
_DEAR: Final[Mapping[str, float]] = {
    "browDown": 0.7, "browInnerUp": 0.6, "browOuterUp": 0.7, "cheekPuff": 1.6, "cheekSquint": 3.1,
    "eyeBlink": 1.4, "eyeSquint": 2.2, "eyeWide": 0.6, "jawForward": 6.8, "jaw": 1.3, "jawOpen": 1.7,
    "mouthClose": 12.0, "mouthDimple": 12.0, "mouthFrown": 1.8, "mouth": 1.0, "mouthLowerDown": 2.9,
    "mouthPress": 11.1, "mouthPucker": 0.9, "mouthRollLower": 6.1, "mouthRollUpper": 3.8,
    "mouthShrugLower": 3.2, "mouthShrugUpper": 3.5, "mouthSmile": 1.4, "mouthStretch": 1.3,
    "mouthUpperUp": 0.7, "noseSneer": 4.8,
}  # fmt: skip
_ALIKE: Final[Mapping[str, float]] = {
    "browDown": 0.3, "browOuterUp": 0.3, "cheekSquint": 0.3, "mouthDimple": 0.3, "mouthFrown": 0.1,
    "mouthSmile": 0.1, "mouthStretch": 0.3, "mouthUpperUp": 0.3,
}  # fmt: skip
"""What it costs that the two sides of a control differ: a turned head seems to move one side of the face."""
_RIDGE: Final = 0.014
_SPARSE: Final = 0.048
_ROUNDS: Final = 32


@dataclass(frozen=True, slots=True)
class SolvedFaces:
    """N faces in the solver's frame.

    controls [N,52], the eyeLook ones left to the gaze; rotation [N,3] axis-angle rad; place [N,3]: where the
    neck's joint is in the picture, x to the person's left, y up, mm at the face (its z is the camera's guess,
    of no use); scale [N]: picture heights a mm, larger when nearer; gaze [N,2,2] (left, right) x (pitch down,
    yaw to the person's left); aligned [N,COUNT,3] mm.
    """

    controls: Float32
    rotation: Float32
    place: Float32
    scale: Float32
    gaze: Float32
    aligned: Float32


class LandmarkSolver:
    """One solver serves all persons; what is personal is their neutral face.

    head: the open head. seen: how a camera's tracker sees the controls; default the measured one.
    """

    def __init__(self, head: Head, seen: SeenFace | None = None) -> None:
        if head.model.mediapipe is None:
            raise InputError(f"head {head.name!r} has no MediaPipe landmarks; track with the open head.")
        self._rigid = np.zeros(COUNT, np.float64)
        for number, weight in _RIGID.items():
            self._rigid[POSITION[number]] = weight
        self._rigid /= self._rigid.sum()
        self.neutral, joints = _neutral(head)
        self._neck = joints[NECK]
        seen = load_seen_face() if seen is None else seen
        movements = seen.controls
        weights, matrix = _features()
        self._reader = np.ascontiguousarray((matrix * weights[:, None]).T)
        self._leak = (seen.turns.reshape(len(seen.turns), -1) @ self._reader).astype(np.float32)
        self._names = [n for n in CONTROLS if not n.startswith("eyeLook") and n != "tongueOut"]
        self._columns = np.array([CONTROL_INDEX[n] for n in self._names])
        templates = movements[self._columns].reshape(len(self._names), -1) @ self._reader
        dear = np.array([_dear(n) for n in self._names])
        gram = templates @ templates.T
        size = np.trace(gram) / len(self._names)
        gram += np.diag(_RIDGE * size * dear)
        for name, cost in _ALIKE.items():
            sides = [self._names.index(name + side) for side in ("Left", "Right")]
            gram[np.ix_(sides, sides)] += cost * size * np.array([[1, -1], [-1, 1]])
        # Controls move the face by very different amounts: in units of their own size the problem is
        # well conditioned and few rounds do.
        self._size = np.sqrt(np.diag(gram)).astype(np.float32)
        self._gram = (gram / np.outer(self._size, self._size)).astype(np.float32)
        self._toll = (_SPARSE * size * dear / self._size).astype(np.float32)
        self._templates = np.ascontiguousarray((templates / self._size[:, None]).T.astype(np.float32))
        self._step = np.float32(1 / np.linalg.eigvalsh(self._gram).max())
        self._descent = np.eye(len(self._gram), dtype=np.float32) - self._step * self._gram

    def solve(
        self, points: Float32, neutral: Float32 | None = None, rest: Float32 | None = None
    ) -> SolvedFaces:
        """Solve N faces [N,COUNT,3] (x right, y down, z away, picture heights).

        neutral: [N,COUNT,3] or [COUNT,3] mm, each person's own aligned neutral face; default the open head's.
        rest: [N,3] axis-angle rad of the head when the neutral face was taken; default straight ahead.
        """
        own = self.neutral if neutral is None else neutral
        seen = points.astype(np.float64) * (1, -1, -1)
        reference = np.broadcast_to(own.astype(np.float64), seen.shape)
        rotation, scale, translation = _umeyama(reference, seen, self._rigid)
        # back into the reference's frame: R^T (x - t) / s
        aligned: NDArray[np.float64] = (seen - translation[:, None]) @ rotation / scale[:, None, None]
        moved = (aligned - reference).reshape(len(points), -1).astype(np.float32)
        turned = np.stack([_axis_angle(r) for r in rotation])
        apparent = turn_terms(turned) if rest is None else turn_terms(turned) - turn_terms(rest)
        features = (moved @ self._reader - apparent @ self._leak).astype(np.float32)
        controls = self._controls(features)
        gaze = self._gaze(aligned, reference)
        return SolvedFaces(
            controls,
            turned,
            (translation / scale[:, None] + rotation @ self._neck).astype(np.float32),
            scale.astype(np.float32),
            gaze,
            aligned.astype(np.float32),
        )

    def _controls(self, features: Float32) -> Float32:
        """Bounded least squares by accelerated projected gradient, all faces at once (FISTA)."""
        target = self._step * (features @ self._templates - self._toll)
        c = np.zeros_like(target)
        ahead, following, slope = c.copy(), c.copy(), c.copy()
        for momentum in _MOMENTA:
            np.matmul(ahead, self._descent, out=slope)
            np.add(slope, target, out=slope)
            np.minimum(np.maximum(slope, 0, out=slope), self._size, out=following)
            np.subtract(following, c, out=slope)
            np.multiply(slope, momentum, out=slope)
            np.add(following, slope, out=ahead)
            c, following = following, c
        whole = np.zeros((len(features), CONTROL_COUNT), np.float32)
        whole[:, self._columns] = c / self._size
        return whole

    def _gaze(self, aligned: NDArray[np.float64], reference: NDArray[np.float64]) -> Float32:
        gaze = np.zeros((len(aligned), 2, 2), np.float32)
        for side, (iris, outer, inner) in enumerate(((473, 263, 362), (468, 33, 133))):
            corners = [POSITION[outer], POSITION[inner]]
            offset = aligned[:, POSITION[iris], :2] - aligned[:, corners, :2].mean(1)
            rest = reference[:, POSITION[iris], :2] - reference[:, corners, :2].mean(1)
            turned = np.arcsin(np.clip((offset - rest) / EYE_RADIUS_MM, -0.9, 0.9))
            gaze[:, side, 0] = -turned[:, 1]
            gaze[:, side, 1] = turned[:, 0]
        return gaze


def _momenta(rounds: int) -> list[np.float32]:
    """How far each round of FISTA runs ahead (Beck and Teboulle 2009)."""
    found: list[np.float32] = []
    before = 1.0
    for _ in range(rounds):
        after = (1 + np.sqrt(1 + 4 * before * before)) / 2
        found.append(np.float32((before - 1) / after))
        before = after
    return found


_MOMENTA: Final = _momenta(_ROUNDS)


def _neutral(head: Head) -> tuple[Float32, NDArray[np.float64]]:
    """Landmarks [COUNT,3] of the neutral head and its joints [5,3], mm."""
    rest = head_landmarks(head)(np.zeros(CONTROL_COUNT, np.float32))
    return rest.astype(np.float32), BakedHead(head.model).joints.astype(np.float64) * 1000


def _features() -> tuple[Float32, Float32]:
    """Weights [F] and the matrix [F, 3 COUNT] that reads the features from flattened movements."""
    features = [*_SIDED, *(_mirrored(f) for f in _SIDED), *_CENTRAL]
    matrix = np.zeros((len(features), COUNT, 3), np.float32)
    for row, (_, terms) in enumerate(features):
        for number, axis, coefficient in terms:
            matrix[row, POSITION[number], axis] += coefficient
    return np.array([w for w, _ in features], np.float32), matrix.reshape(len(features), -1)


def _mirrored(feature: Feature) -> Feature:
    weight, terms = feature
    return weight, [(MIRRORED[k], axis, -c if axis == 0 else c) for k, axis, c in terms]


def _dear(name: str) -> float:
    bare = name.removesuffix("Left").removesuffix("Right")
    return _DEAR.get(bare, 1.0)


def _umeyama(
    source: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rotation [N,3,3], scale [N], translation [N,3] with target ~ s R source + t, weighted."""
    source, target, weights = source[:, weights > 0], target[:, weights > 0], weights[weights > 0]
    mean_source, mean_target = weights @ source, weights @ target
    a, b = source - mean_source[:, None], target - mean_target[:, None]
    covariance = (b * weights[:, None]).transpose(0, 2, 1) @ a
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.ones((len(source), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    variance = (a * a).sum(2) @ weights
    scale = np.maximum((singular * sign).sum(1) / variance, 1e-9)
    translation = mean_target - scale[:, None] * (rotation @ mean_source[:, :, None])[:, :, 0]
    return rotation, scale, translation


def _axis_angle(rotation: NDArray[np.float64]) -> Float32:
    """Axis-angle [3] rad of a rotation matrix."""
    m = rotation
    # Quaternion from the largest of its components, which is safe for every angle.
    w2 = np.array(
        [1 + m[0, 0] - m[1, 1] - m[2, 2], 1 - m[0, 0] + m[1, 1] - m[2, 2],
         1 - m[0, 0] - m[1, 1] + m[2, 2], 1 + m[0, 0] + m[1, 1] + m[2, 2]]
    )  # fmt: skip
    k = int(np.argmax(w2))
    rows = (
        (w2[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]),
        (m[0, 1] + m[1, 0], w2[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]),
        (m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], w2[2], m[1, 0] - m[0, 1]),
        (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], w2[3]),
    )
    return axis_angle_from_quaternion(np.array(rows[k], np.float32))
