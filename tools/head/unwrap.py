"""Texture coordinates of the skin: a cylinder around the head, and round islands for mouth and eye
sockets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.head.cage import Cage
from tools.head.face import EYE_RIGHT_CENTRE, SEAM_Y
from tools.head.falloff import Array, smoothstep
from tools.head.topology import Faces

MOUTH_TILE = (0.12, 0.84, 0.155)
SOCKET_TILES = {-1: (0.29, 0.84, 0.155), 1: (0.46, 0.84, 0.155)}
"""Round islands (u, v, size)."""
HEIGHTS, ROWS = [-334.0, -150.0, 125.0], [0.83, 0.75, 0.005]


@dataclass(frozen=True, slots=True)
class Unwrap:
    """Texture vertices [U,2] (v downwards), their faces [F,3], and the mesh vertex of each texture vertex
    [U]."""

    uv: Array
    faces: Faces
    source: NDArray[np.int64]


def cylinder(p: Array) -> Array:
    """Cylindrical coordinates about the head's axis, the face stretched to get most of the texture."""
    angle = np.arctan2(p[:, 0], p[:, 2] + 72)
    u = 0.5 + np.sign(angle) * np.interp(np.abs(angle), [0, 1.25, np.pi], [0, 0.36, 0.5])
    # what lies flat under the chin gets its share of rows
    y = p[:, 1] + 0.3 * (np.clip(p[:, 2], -60, 20) - 20) * smoothstep(-85, -115, p[:, 1])
    return np.c_[u, np.interp(y, HEIGHTS, ROWS)]


def unwrap(cage: Cage, vertices: Array, faces: Faces) -> Unwrap:
    """Texture coordinates of the skin, split where the cylinder closes and at lips' seam and lid margins.

    Args:
        vertices: of the neutral head; faces: the fine mesh's, or the cage's for far views.
    """
    island = _islands(cage)[np.arange(len(faces)) % len(cage.faces)]
    uv: list[Array] = []
    out = np.zeros_like(faces)
    source: list[int] = []
    number: dict[tuple[int, int], int] = {}

    def vertex(i: int, key: int, at: Array) -> int:
        if (i, key) not in number:
            number[i, key] = len(source)
            source.append(i)
            uv.append(at)
        return number[i, key]

    round_cylinder = cylinder(vertices)
    discs = {1: _mouth(vertices), 2: _socket(vertices, -1), 3: _socket(vertices, 1)}
    for i in range(len(vertices)):  # mesh vertices keep their numbers where they lie on the cylinder
        vertex(i, 0, round_cylinder[i])
    for t, face in enumerate(faces):
        if island[t]:
            out[t] = [vertex(int(i), int(island[t]), discs[int(island[t])][i]) for i in face]
            continue
        u = round_cylinder[face, 0]
        wrap = u.max() - u.min() > 0.5
        for k, i in enumerate(face):
            if wrap and u[k] < 0.5:
                out[t, k] = vertex(int(i), 4, round_cylinder[i] + [1, 0])
            else:
                out[t, k] = i
    return Unwrap(np.array(uv), out, np.array(source))


def _islands(cage: Cage) -> NDArray[np.int64]:
    """Island of each cage face: 0 skin, 1 mouth, 2 right socket, 3 left socket."""
    out = np.zeros(len(cage.faces), np.int64)
    for k, loop in (
        (1, np.r_[cage.mouth_rings.ravel(), cage.mouth_end]),
        (2, cage.socket_right.ravel()),
        (3, cage.socket_left.ravel()),
    ):
        out[np.isin(cage.faces, loop).any(1)] = k
    return out


def _mouth(p: Array) -> Array:
    u, v, size = MOUTH_TILE
    depth = np.clip((32 - p[:, 2]) / 70, 0, 1)
    around = np.arctan2(p[:, 1] - SEAM_Y, p[:, 0] * 0.8)
    r = 0.48 * (1 - depth)
    return np.c_[u + size * (0.5 + r * np.cos(around)), v + size * (0.5 - r * np.sin(around))]


def _socket(p: Array, side: int) -> Array:
    u, v, size = SOCKET_TILES[side]
    q = p - EYE_RIGHT_CENTRE * [-side, 1, 1]
    off_axis = np.arctan2(np.hypot(q[:, 0], q[:, 1]), q[:, 2])
    around = np.arctan2(q[:, 1], q[:, 0])
    r = 0.48 * np.clip(off_axis / 2.2, 0, 1)
    return np.c_[u + size * (0.5 + r * np.cos(around)), v + size * (0.5 - r * np.sin(around))]
