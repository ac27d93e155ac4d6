"""BakedHead: one identity's FLAME evaluation in numpy, for the live path."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.frame import Float32
from likeness.head.model import JAW, NECK, ROOT, HeadModel

Float64 = NDArray[np.float64]


class BakedHead:
    """Vertices of one identity under expression and pose.

    v = LBS(T(beta) + E psi + L eyelids + P vec(R_1..4 - I), J(beta, psi), theta), after Li et al. 2017,
    "Learning a model of facial shape and expression from 4D scans", section 3, as the smplx package
    evaluates it: joints are regressed from the shaped and expressed vertices. The identity is summed once;
    what remains per frame is one matrix-vector product over all blend shapes and one [12,5] x [5,V] product
    for the skinning, in preallocated coordinate-major buffers.

    Not safe to share between threads.

    Args:
        model: the head.
        identity: [S] coefficients; None is the mean.
    """

    def __init__(self, model: HeadModel, identity: Float32 | None = None) -> None:
        self.model = model
        shaped = model.shaped(identity)
        v, e = model.vertex_count, model.expression_count
        lids = model.eyelid_dirs if model.eyelid_dirs is not None else np.zeros((v, 3, 2), np.float32)
        # Rows: psi, eyelids, pose features, 1 (the neutral); columns: x of all vertices, then y, then z.
        blocks = [model.expression_dirs, lids, model.posedirs, shaped[:, :, None]]
        self._dirs = np.concatenate([b.transpose(2, 1, 0).reshape(b.shape[2], 3 * v) for b in blocks]).astype(
            np.float32
        )
        self._joints = (model.joint_regressor.astype(np.float64) @ shaped).reshape(5, 3)
        self._joint_dirs = np.einsum("jv,vce->ejc", model.joint_regressor, model.expression_dirs).astype(
            np.float64
        )
        self._weights = np.ascontiguousarray(model.weights.T)
        self._features = np.zeros(e + 2 + 36 + 1, np.float32)
        self._features[-1] = 1
        self._posed = np.empty((3, v), np.float32)
        self._transform = np.empty((12, v), np.float32)
        self._sum, self._term = np.empty((3, v), np.float32), np.empty((3, v), np.float32)
        self._lips = _Lips(self, model.lip_pair, shaped) if model.lip_pair else None

    @property
    def joints(self) -> Float32:
        """Rest positions [5,3] of the joints of this identity, m."""
        return self._joints.astype(np.float32)

    def vertices(
        self,
        expression: Float32,
        eyelids: Float32,
        jaw: Float32,
        neck: Float32,
        eyes: Float32,
        head_rotation: Float32,
        head_translation: Float32,
        out: Float32 | None = None,
    ) -> Float32:
        """Vertices [V,3] in metres, a new array unless `out` is given.

        Args:
            expression: psi [E].
            eyelids: [2] left, right; 1 = closed.
            jaw, neck, head_rotation: [3] axis-angle, rad; the head turns about the root joint.
            eyes: [2,3] left, right.
            head_translation: [3] m.
            out: [V,3] float32 to write into.
        """
        e, v = self.model.expression_count, self.model.vertex_count
        rotations = rotation_matrices(np.stack([head_rotation, neck, jaw, eyes[0], eyes[1]]))
        features = self._features
        features[:e] = expression
        features[e : e + 2] = eyelids
        features[e + 2 : -1] = (rotations[1:] - _IDENTITY).ravel()
        np.dot(features, self._dirs, out=self._posed.reshape(-1))
        joints = self._joints + (
            np.asarray(expression, np.float64) @ self._joint_dirs.reshape(e, 15)
        ).reshape(5, 3)
        self._skin(_relative_transforms(rotations, joints, head_translation))
        if out is None:
            out = np.empty((v, 3), np.float32)
        np.copyto(out, self._sum.T)
        return out

    def lip_gap(self, expression: Float32, eyelids: Float32, jaw: Float32) -> Float32:
        """Distance [T] in metres between the middles of the inner lips; psi [T,E], eyelids [T,2], jaw [T,3].

        Only those two vertices are evaluated; neck and head move them together and are left at rest.

        Raises:
            InputError: the head does not say which vertices they are.
        """
        if self._lips is None:
            raise InputError(
                f"head {self.model.name!r} names no lip_pair (middles of the inner lips); import it "
                "with `likeness heads import`."
            )
        return self._lips.gap(expression, eyelids, jaw)

    def _skin(self, relative: Float32) -> None:
        np.dot(relative, self._weights, out=self._transform)
        t = self._transform.reshape(3, 4, -1)
        np.multiply(t[:, 0], self._posed[0], out=self._sum)
        for axis in (1, 2):
            np.multiply(t[:, axis], self._posed[axis], out=self._term)
            np.add(self._sum, self._term, out=self._sum)
        np.add(self._sum, t[:, 3], out=self._sum)


def rotation_matrices(axis_angle: NDArray[Any]) -> Float64:
    """Rotation matrices [N,3,3] of axis-angle vectors [N,3] (Rodrigues)."""
    r = np.asarray(axis_angle, np.float64)
    squared = np.einsum("ni,ni->n", r, r)
    angle = np.sqrt(squared)
    # sin x / x and (1 - cos x) / x^2 tend to 1 and 1/2; numpy's sinc holds the limit.
    a = np.sinc(angle / np.pi)
    b = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    cross = r @ _CROSS  # [N,9]
    outer = (r[:, :, None] * r[:, None, :]).reshape(-1, 9)
    flat = (
        a[:, None] * cross + b[:, None] * (outer - squared[:, None] * _IDENTITY.ravel()) + _IDENTITY.ravel()
    )
    return flat.reshape(-1, 3, 3)


_IDENTITY: Float64 = np.eye(3)
# r @ _CROSS is the matrix of the cross product with r, row by row.
_CROSS: Float64 = np.array(
    [[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]], np.float64
)


def _relative_transforms(rotations: Float64, joints: Float64, translation: Float32) -> Float32:
    """[12,5]: per joint the 3x4 matrix that carries rest-pose points, row by row."""
    world = np.empty((5, 3, 3))
    place = np.empty((5, 3))
    world[ROOT] = rotations[ROOT]
    place[ROOT] = joints[ROOT]
    world[NECK] = world[ROOT] @ rotations[NECK]
    place[NECK] = place[ROOT] + world[ROOT] @ (joints[NECK] - joints[ROOT])
    np.matmul(world[NECK], rotations[JAW:], out=world[JAW:])
    place[JAW:] = place[NECK] + (joints[JAW:] - joints[NECK]) @ world[NECK].T
    out = np.empty((5, 3, 4))
    out[:, :, :3] = world
    out[:, :, 3] = place - np.einsum("jab,jb->ja", world, joints) + translation
    return out.reshape(5, 12).T.astype(np.float32)


class _Lips:
    """The two vertices of `lip_pair`, evaluated for many frames at once."""

    def __init__(self, head: BakedHead, pair: tuple[int, int], shaped: Float32) -> None:
        model, two = head.model, list(pair)
        lids = model.eyelid_dirs[two] if model.eyelid_dirs is not None else np.zeros((2, 3, 2), np.float32)
        jaw_dirs = model.posedirs[two][:, :, 9:18]
        parts = [model.expression_dirs[two], lids, jaw_dirs]
        self._rest = shaped[two].reshape(6).astype(np.float64)
        self._dirs = np.concatenate([p.transpose(2, 0, 1).reshape(p.shape[2], 6) for p in parts]).astype(
            np.float64
        )
        self._pivot = head.joints[JAW].astype(np.float64)
        self._pivot_dirs = np.einsum("v,vce->ec", model.joint_regressor[JAW], model.expression_dirs).astype(
            np.float64
        )
        self._weight = model.weights[two, JAW].astype(np.float64)

    def gap(self, expression: Float32, eyelids: Float32, jaw: Float32) -> Float32:
        turn = rotation_matrices(jaw) - _IDENTITY
        psi = np.asarray(expression, np.float64)
        features = np.concatenate([psi, eyelids, turn.reshape(-1, 9)], 1)
        points = (self._rest + features @ self._dirs).reshape(-1, 2, 3)
        arms = points - (self._pivot + psi @ self._pivot_dirs)[:, None]
        points += self._weight[:, None] * np.einsum("tab,tpb->tpa", turn, arms)
        return np.linalg.norm(points[:, 0] - points[:, 1], axis=1).astype(np.float32)
