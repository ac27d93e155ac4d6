"""The jaw: its hinge, its skin weights, and rotations."""

import numpy as np

from tools.head.cage import Cage
from tools.head.face import SEAM_Y
from tools.head.falloff import Array, smoothstep
from tools.head.topology import LIP_RINGS, averaging_matrix

HINGE = np.array([0.0, -22.0, -60.0])
"""Axis of the jaw between its condyles."""
OPEN_ANGLE = np.radians(17.0)
"""Rotation about +x at jawOpen = 1."""
SIDE_ANGLE = np.radians(6.0)
"""Rotation about +y at jawLeft = 1."""


def rotation(axis_angle: Array) -> Array:
    """Rotation matrix of an axis-angle vector (Rodrigues)."""
    angle = float(np.linalg.norm(axis_angle))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = axis_angle / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def opened(points: Array, weights: Array, angle: float, hinge: Array = HINGE) -> Array:
    """Points [N,3] under linear blend skinning of the jaw's rotation about +x by `angle` with their weights
    [N]."""
    turn = rotation(np.array([angle, 0, 0]))
    return points + weights[:, None] * ((points - hinge) @ turn.T + hinge - points)


def unopened(points: Array, weights: Array, angle: float, hinge: Array = HINGE) -> Array:
    """The inverse of `opened`: rest positions that skinning carries to `points`."""
    turn = rotation(np.array([angle, 0, 0]))
    blend = np.eye(3) + weights[:, None, None] * (turn - np.eye(3))
    shift = weights[:, None] * (hinge - turn @ hinge)
    return np.linalg.solve(blend, (points - shift)[..., None])[..., 0]


def cage_weights(cage: Cage) -> Array:
    """Jaw weight of each cage vertex: 1 on the lower lip and chin, 0 on the upper lip, fading into cheek and
    throat."""
    p = cage.vertices
    corner = np.arctan2(SEAM_Y - HINGE[1], 17.0 - HINGE[2])
    below = np.degrees(np.arctan2(p[:, 1] - HINGE[1], p[:, 2] - HINGE[2]) - corner)
    w = (1 - smoothstep(-13, 9, below)) * smoothstep(-58, -22, p[:, 2])
    w *= 1 - smoothstep(0, 1, np.clip((-(p[:, 1] + 118) - 0.30 * (15 - p[:, 2])) / 16, 0, 1))
    body = np.zeros(len(p), bool)
    body[cage.head_rings[3:].ravel()] = True
    w[body] *= 0.25
    fixed: dict[int, float] = {}
    for ring in LIP_RINGS:
        fixed |= (
            dict.fromkeys(ring[11:], 1.0) | dict.fromkeys(ring[1:10], 0.0) | {ring[0]: 0.45, ring[10]: 0.45}
        )
        fixed |= {ring[1]: 0.20, ring[9]: 0.20, ring[2]: 0.06, ring[8]: 0.06}
        fixed |= {ring[19]: 0.72, ring[11]: 0.72, ring[18]: 0.93, ring[12]: 0.93}
    for depth, ring in enumerate(cage.mouth_rings):
        for k, i in enumerate(ring):
            lip = fixed[LIP_RINGS[3][k]]
            fixed[int(i)] = lip * (1 - 0.08 * depth) if lip > 0.5 else lip
    fixed[cage.mouth_end] = 0.3
    for i in [*cage.socket_left.ravel(), *cage.socket_right.ravel()]:
        fixed[int(i)] = 0.0
    for i in range(468):
        if p[i, 1] > -44 and i not in fixed and abs(p[i, 0]) < 24:
            w[i] = 0
    index = np.array(list(fixed))
    held = np.zeros(len(p), bool)
    held[index] = True
    w[index] = list(fixed.values())
    average = averaging_matrix(cage.faces, len(p))
    for _ in range(6):
        w = np.where(held, w, 0.5 * w + 0.5 * (average @ w))
    w[body & (p[:, 1] < -150)] = 0
    return w
