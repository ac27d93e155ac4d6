"""LandmarkSolver: MediaPipe landmarks -> controls, head pose and gaze, many faces in one batch.

Landmarks are laid over the person's neutral ones by a weighted similarity transform of what hardly moves
(forehead, nose bridge, eye corners; Umeyama 1991), which gives the head's pose. What is left is the face's
own movement in millimetres, from which FaceReader tells the controls: mirrored for a mirrored face, and never
less for more movement. The irises between the corners of the eyes give the gaze.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.flame_numpy import BakedHead
from likeness.head.load import Head
from likeness.head.model import LEFT_EYE, NECK, RIGHT_EYE
from likeness.tracking.face import Float32
from likeness.tracking.face_reader import FaceReader, turn_terms
from likeness.tracking.landmarks import COUNT, LANDMARKS, POSITION
from likeness.tracking.rotation import axis_angle_from_quaternion

EYE_RADIUS_MM: Final = 12.0
_RIGID: Final[Mapping[int, float]] = {
    168: 3, 6: 3, 197: 2, 195: 1, 10: 1, 109: 1, 338: 1, 67: 1, 297: 1, 103: 1, 332: 1,
    127: 1, 356: 1, 234: 0.5, 454: 0.5, 33: 2, 133: 2, 263: 2, 362: 2,
}  # fmt: skip


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

    head: the open head, whose landmarks stand in until a person's own are known. reader: default the learned
    one.

    Raises:
        InputError: the head does not say where MediaPipe's landmarks are on it.
    """

    def __init__(self, head: Head, reader: FaceReader | None = None) -> None:
        self._rigid = np.zeros(COUNT, np.float64)
        for number, weight in _RIGID.items():
            self._rigid[POSITION[number]] = weight
        self._rigid /= self._rigid.sum()
        self.neutral, self._neck = _neutral(head)
        self._reader = FaceReader() if reader is None else reader

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
        turned = np.stack([_axis_angle(r) for r in rotation])
        terms = turn_terms(turned) if rest is None else turn_terms(turned) - turn_terms(rest)
        controls = self._reader.read((aligned - reference).astype(np.float32), terms)
        gaze = self._gaze(aligned, reference)
        return SolvedFaces(
            controls,
            turned,
            (translation / scale[:, None] + rotation @ self._neck).astype(np.float32),
            scale.astype(np.float32),
            gaze,
            aligned.astype(np.float32),
        )

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


def _neutral(head: Head) -> tuple[Float32, NDArray[np.float64]]:
    """Landmarks [COUNT,3] of the neutral head and the neck's joint [3], mm."""
    model = head.model
    if model.mediapipe is None:
        raise InputError(f"head {head.name!r} has no MediaPipe landmarks; track with the open head.")
    numbers = np.array([k for k in LANDMARKS if k < 468])
    faces, bary = model.mediapipe
    corners = model.v_template[model.faces[faces[numbers]]].astype(np.float64)
    joints = BakedHead(model).joints.astype(np.float64)
    irises = joints[[RIGHT_EYE, LEFT_EYE]] + (0, 0, EYE_RADIUS_MM / 1000)
    mesh = np.concatenate([(corners * bary[numbers][:, :, None]).sum(1), irises])
    return (1000 * mesh).astype(np.float32), 1000 * joints[NECK]


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
