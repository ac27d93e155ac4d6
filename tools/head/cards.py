"""Hair cards: ribbons along curves that show a clump of strands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.head.falloff import Array
from tools.head.strand_atlas import card_uv
from tools.head.topology import Faces


@dataclass(frozen=True, slots=True)
class Hair:
    """A hair mesh: vertices, normals, faces, uv, linear colours [V,3], the skin vertex (dense) each hangs on,
    and the ribbon it belongs to (-1: none; a ribbon's vertices are consecutive pairs)."""

    vertices: Array
    normals: Array
    faces: Faces
    uv: Array
    colour: Array
    root: NDArray[np.int64]
    ribbon: NDArray[np.int64]


def part_of(hair: Hair, chosen: NDArray[np.bool_]) -> Hair:
    """The faces of a hair mesh all of whose vertices are chosen."""
    faces = hair.faces[chosen[hair.faces].all(1)]
    used, packed = np.unique(faces, return_inverse=True)
    return Hair(
        hair.vertices[used],
        hair.normals[used],
        packed.reshape(-1, 3),
        hair.uv[used],
        hair.colour[used],
        hair.root[used],
        hair.ribbon[used],
    )


def no_ribbon(count: int) -> NDArray[np.int64]:
    """The ribbon numbers of a mesh that is none."""
    return np.full(count, -1)


def joined_hair(pieces: list[Hair]) -> Hair:
    """Several hair meshes as one."""
    start = np.cumsum([0, *(len(p.vertices) for p in pieces)])
    faces = [p.faces + s for p, s in zip(pieces, start, strict=False)]
    ribbons, used = [], 0
    for p in pieces:
        ribbons.append(np.where(p.ribbon < 0, -1, p.ribbon + used))
        used += int(p.ribbon.max(initial=-1)) + 1
    return Hair(
        np.concatenate([p.vertices for p in pieces]),
        np.concatenate([p.normals for p in pieces]),
        np.concatenate(faces),
        np.concatenate([p.uv for p in pieces]),
        np.concatenate([p.colour for p in pieces]),
        np.concatenate([p.root for p in pieces]),
        np.concatenate(ribbons),
    )


def cards_faces(points: int) -> NDArray[np.int64]:
    """Triangles of one ribbon of `points` vertex pairs."""
    q = np.arange(points - 1) * 2
    return np.concatenate([np.c_[q, q + 1, q + 2], np.c_[q + 1, q + 3, q + 2]])


def cards(
    curves: Array,
    outward: Array,
    width: Array,
    column: Array,
    colour: Array,
    root: NDArray[np.int64],
    *,
    taper: float = 0.75,
    bend: float = 0.22,
    roll: Array | None = None,
    uv: Array | None = None,
    shade: float = 0.7,
    dip: Array | float = 1.0,
) -> Hair:
    """Ribbons of two vertices per curve point.

    Args:
        curves: [N,K,3]; outward: [N,K,3], away from the head, for orientation and soft shading.
        width: [N] mm; column: [N] of the atlas; colour: [N,K,3]; root: [N] skin vertex.
        taper: width at the tip, of the width; bend: how much the two borders' normals part.
        roll: [N] radians about the curve; uv: own coordinates [N,K,2,2]; shade: share of `outward` in the
            normals; dip: mm by which the roots sink in, one or [N].
    """
    n, k, _ = curves.shape
    curves = curves.copy()
    curves[:, 0] -= np.reshape(dip, (-1, 1)) * outward[:, 0]
    along = np.gradient(curves, axis=1)
    along /= np.linalg.norm(along, axis=2, keepdims=True) + 1e-9
    side = np.cross(along, outward)
    side /= np.linalg.norm(side, axis=2, keepdims=True) + 1e-9
    front = np.cross(side, along)
    if roll is not None:
        c, s = np.cos(roll)[:, None, None], np.sin(roll)[:, None, None]
        side, front = side * c + front * s, front * c - side * s
    t = np.linspace(0, 1, k)
    profile = np.minimum(1, 0.35 + t * 3.5) * (1 - (1 - taper) * t**2)
    half = side * (width[:, None] * profile * 0.5)[..., None]
    vertices = np.stack([curves - half, curves + half], 2)
    normal = front * (1 - shade) + outward * shade
    normals = np.stack([normal - side * bend, normal + side * bend], 2)
    normals /= np.linalg.norm(normals, axis=3, keepdims=True)
    faces = (cards_faces(k)[None] + (np.arange(n) * 2 * k)[:, None, None]).reshape(-1, 3)
    if uv is None:
        across = np.broadcast_to(np.array([0.0, 1.0]), (n, k, 2))
        uv = card_uv(
            np.broadcast_to(column[:, None, None], (n, k, 2)).astype(float),
            across,
            np.broadcast_to(t[None, :, None], (n, k, 2)),
        )
    return Hair(
        vertices.reshape(-1, 3),
        normals.reshape(-1, 3),
        faces,
        uv.reshape(-1, 2),
        np.repeat(colour, 2, axis=1).reshape(-1, 3),
        np.repeat(root, 2 * k),
        np.repeat(np.arange(n), 2 * k),
    )


def mixed_colours(
    count: int,
    points: int,
    colour: tuple[float, float, float],
    second: tuple[float, float, float],
    share: float,
    rng: np.random.Generator,
    root_shade: float = 0.5,
) -> Array:
    """Colours [count,points,3]: strands of two colours with natural spread, darker at the root."""
    mix = np.clip(share + 0.22 * np.sqrt(share) * rng.normal(size=(count, 1, 1)), 0, 1)
    base = (np.array(colour) * (1 - mix) + np.array(second) * mix) * rng.uniform(0.86, 1.12, (count, 1, 1))
    t = np.linspace(0, 1, points)[None, :, None]
    return base * (root_shade + (1 - root_shade) * np.minimum(1, t * 2.2)) / 0.78
