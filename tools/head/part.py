"""A named piece of the head: one mesh with texture coordinates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.head.falloff import Array
from tools.head.topology import Faces


@dataclass(frozen=True, slots=True)
class Part:
    """One mesh: vertices [V,3] mm, faces [F,3], uv [V,2] (v downwards, glTF's way)."""

    name: str
    vertices: Array
    faces: Faces
    uv: Array


def joined(name: str, pieces: list[Part]) -> Part:
    """Several meshes as one."""
    start = np.cumsum([0, *(len(p.vertices) for p in pieces)])
    return Part(
        name,
        np.concatenate([p.vertices for p in pieces]),
        np.concatenate([p.faces + s for p, s in zip(pieces, start, strict=False)]),
        np.concatenate([p.uv for p in pieces]),
    )


def grid_faces(rows: int, columns: int, closed: bool) -> NDArray[np.int64]:
    """Triangles of a rows x columns vertex grid; `closed` joins the last column to the first."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a, b = (r * columns + c).ravel(), (r * columns + (c + 1) % columns).ravel()
    return np.concatenate([np.c_[a, a + columns, b], np.c_[b, a + columns, b + columns]])


def outward(vertices: Array, faces: Faces) -> Faces:
    """The faces, flipped if the closed mesh's signed volume is negative."""
    v = vertices[faces]
    volume = np.einsum("ij,ij->i", v[:, 0], np.cross(v[:, 1], v[:, 2])).sum()
    return faces if volume > 0 else faces[:, ::-1]
