"""An auricle: a signed distance function of helix, antihelix, concha, tragus and lobe, joined smoothly to the
head's own skin, meshed and simplified."""

from dataclasses import dataclass

import fast_simplification
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from tools.head import solid
from tools.head.falloff import Array, smoothstep
from tools.head.part import Part
from tools.head.solid import Point, union
from tools.head.topology import Faces, averaging_matrix, edges, vertex_normals

EAR_TILE = (0.005, 0.84, 0.10, 0.155)
"""Place (u, v, width, height) of the ears in the skin's texture; both ears share it."""
BACK, UP, OUT = (-14.0, 46.0), (-46.0, 46.0), (-20.0, 27.0)
"""The ear's own box, mm: all of it, and the skin around its root."""
TILT, SPLAY, SIZE = 13.0, 0.10, 0.99
"""Degrees by which it leans back, how far its top leans out, and its scale."""
FILLET = 6.0
"""Over how many millimetres ear and head run into one another."""
SKIRT = 4.0
"""How far the ear's mesh goes on over the head's skin, to hide where it begins."""
OUTLINE = [
    (1, 6),
    (1.5, 18),
    (6.5, 27.5),
    (16, 32),
    (26, 29),
    (32.5, 19),
    (33, 6),
    (29, -8),
    (23, -19),
    (17, -28),
    (11, -31.5),
    (5, -29),
    (2, -22),
    (0, -14),
    (-1, -4),
]


def _rim(back: Array | float) -> Array:
    return np.asarray(0.5 + 0.40 * np.asarray(back) - 0.0045 * np.asarray(back) ** 2)


def _at(back: float, up: float, lift: float = 0.0) -> Point:
    return (back, up, float(_rim(back)) + lift)


def _spline(points: list[Point] | list[tuple[float, float]], count: int) -> Array:
    p = np.array(points, float)
    s = np.r_[0, np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))]
    return CubicSpline(s / s[-1], p)(np.linspace(0, 1, count))


def _tube(p: Array, points: list[Point], r0: float, r1: float, count: int) -> Array:
    best = np.full(len(p), np.inf)
    for q, r in zip(_spline(points, count), np.linspace(r0, r1, count), strict=True):
        best = np.minimum(best, np.linalg.norm(p - q, axis=1) - r)
    return best


def _inside_outline(p: Array) -> Array:
    """Signed 2D distance to the ear's outline."""
    o = _spline([*OUTLINE, OUTLINE[0]], 80)[:-1]
    best = np.full(len(p), np.inf)
    inside = np.zeros(len(p), bool)
    for a, b in zip(o, np.roll(o, -1, 0), strict=True):
        e = b - a
        t = np.clip(((p - a) @ e) / (e @ e), 0, 1)
        best = np.minimum(best, np.linalg.norm(p - a - t[:, None] * e, axis=1))
        crosses = (a[1] > p[:, 1]) != (b[1] > p[:, 1])
        inside ^= crosses & (p[:, 0] < (b[0] - a[0]) * (p[:, 1] - a[1]) / (b[1] - a[1] + 1e-12) + a[0])
    return np.where(inside, -best, best)


@dataclass(frozen=True, slots=True)
class Skin:
    """The head's outer skin as a distance: vertices and unit normals."""

    vertices: Array
    normals: Array
    tree: cKDTree

    def height(self, p: Array) -> Array:
        """Signed height of points above it, from the four nearest tangent planes."""
        far, near = self.tree.query(p, 4)
        planes = ((p[:, None] - self.vertices[near]) * self.normals[near]).sum(2)
        weight = 1 / (far**2 + 0.5)
        return (planes * weight).sum(1) / weight.sum(1)


def skin_near_ear(vertices: Array, faces: Faces) -> Skin:
    """The skin of the left side of the head, without what lies inside it."""
    normals = vertex_normals(vertices, faces)
    x, y, z = vertices.T
    near = (x > 40) & (np.abs(y + 20) < 80) & (np.abs(z + 80) < 80) & (normals[:, 0] > 0.05)
    return Skin(vertices[near], normals[near], cKDTree(vertices[near]))


def _auricle(p: Array) -> Array:
    """Distance to the ear alone, in its own axes (back, up, out)."""
    d = np.maximum(_inside_outline(p[:, :2]) + 1.2, np.abs(p[:, 2] - _rim(p[:, 0]) + 0.8) - 1.3)
    d = union(d, solid.ellipsoid(p, (12, -3, 0.5), (12.0, 14.5, 11)), 3)
    # the back of the concha grows out of the head
    d = union(d, solid.ellipsoid(p, (10, 0, -9), (9.5, 19.0, 13)), 5)
    helix = [
        _at(10, 0, -4),
        _at(5, 6, -1.5),
        _at(2.0, 14, 0.2),
        _at(3.5, 22.5, 1.2),
        _at(9, 28.5, 1.8),
        _at(17, 30.6, 1.9),
        _at(25.0, 27, 1.9),
        _at(30.2, 18.5, 1.7),
        _at(31, 7, 1.4),
        _at(28, -6, 1.0),
        _at(22.5, -17, 0.4),
    ]
    d = union(d, _tube(p, helix, 2.3, 2.0, 60), 1.6)
    fork = _tube(
        p,
        [
            _at(13, -15, 1.5),
            _at(19, -12, 2.0),
            _at(23.5, -3, 2.6),
            _at(23, 7, 2.6),
            _at(19, 15, 1.8),
            _at(14, 22, 0.4),
        ],
        2.6,
        1.6,
        50,
    )
    fork = union(fork, _tube(p, [_at(23, 6, 2.2), _at(16, 10.5, 1.2), _at(8, 12.5, 0)], 2.2, 1.5, 30), 1.5)
    d = union(d, fork, 2.2)
    d = -union(-d, solid.ellipsoid(p, (11.5, -3.5, 7.5), (8.4, 10.3, 11.5)), 2.0)  # concha
    scapha = [_at(20, 26, 2.6), _at(26.5, 20, 2.8), _at(28, 8, 2.8), _at(25.5, -5, 2.4), _at(21.5, -13, 2.2)]
    d = -union(-d, _tube(p, scapha, 2.0, 1.4, 40), 1.5)
    d = union(d, solid.ellipsoid(p, _at(1.5, -5, 2.0), (3.8, 6.2, 3.6)), 2.5)  # tragus
    d = union(d, solid.ellipsoid(p, _at(11.5, -16, 1.6), (4.2, 3.2, 2.8)), 2.0)  # antitragus
    return union(d, solid.ellipsoid(p, _at(9.5, -23.5, 0.0), (8.0, 8.4, 3.3)), 3.0)  # lobe


def _hollow(p: Array) -> Array:
    """Distance to the concha's hollow, which must stay open whatever the head adds."""
    return solid.ellipsoid(p, (12.0, -3.0, 9.5), (7.4, 9.2, 11.5))


def local_ear(skin: Skin, triangles: int = 1900, step: float = 0.95) -> tuple[Array, Faces]:
    """The ear in its own axes (back, up, out), mm: with a skirt that runs out on the head's skin and dips
    under it."""
    axes = [np.arange(*span, step) for span in (BACK, UP, OUT)]
    grid = np.meshgrid(*axes, indexing="ij")
    p = np.stack([g.ravel() for g in grid], 1)
    alone = _auricle(p)
    ground = skin.height(placed(p)) / SIZE
    d = -union(-union(alone, ground, FILLET), _hollow(p), 1.5)
    v, f, _, _ = marching_cubes(d.reshape(grid[0].shape), 0)
    v = v * step + [axis[0] for axis in axes]
    # what the box cuts through the head is none of the ear's
    v, f = _kept(v, f, _auricle(v) < FILLET + SKIRT)
    v, f = fast_simplification.simplify(v.astype(np.float32), f.astype(np.int32), target_count=triangles)
    v, f = np.asarray(v, float), np.asarray(f, np.int64)
    v, f = _kept(v, f, np.ones(len(v), bool))
    average = averaging_matrix(f, len(v))
    edge, _, used = edges(f)
    border = np.zeros(len(v), bool)
    border[edge[used == 1].ravel()] = True
    for _ in range(2):
        v = v + 0.35 * (average @ v - v) * ~border[:, None]
    sunk = smoothstep(FILLET + 0.5, FILLET + SKIRT, _auricle(v)) * 1.1
    at = placed(v)
    _, near = skin.tree.query(at)
    v = v - unplaced(skin.normals[near]) * sunk[:, None]
    facing = vertex_normals(v, f)
    if (facing[:, 2]).mean() < 0:
        f = f[:, ::-1]
    return v, f


def _kept(v: Array, f: Faces, keep: Array) -> tuple[Array, Faces]:
    """The largest connected piece of the faces whose vertices are all kept."""
    f = f[np.asarray(keep, bool)[f].all(1)]
    label = np.arange(len(v))
    while True:
        low = label[f].min(1)
        after = label.copy()
        np.minimum.at(after, f.ravel(), np.repeat(low, 3))
        after = after[after]
        if (after == label).all():
            break
        label = after
    names, count = np.unique(label[f[:, 0]], return_counts=True)
    f = f[label[f[:, 0]] == names[count.argmax()]]
    used, packed = np.unique(f, return_inverse=True)
    return np.asarray(v, float)[used], packed.reshape(-1, 3)


ORIGIN = np.array([solid.project(solid.head, np.array([[75, -14, -70.0]]))[0, 0] - 1.5, -19, -68.0])
_TURN = np.radians(TILT)
_AXES = np.array(
    [
        [0, -np.sin(_TURN), -np.cos(_TURN)],  # back
        [SPLAY, np.cos(_TURN), -np.sin(_TURN)],  # up
        [1, 0, 0],  # out
    ]
)


def placed(v: Array) -> Array:
    """Points of the ear's own axes, at the left side of the head."""
    return v @ _AXES * SIZE + ORIGIN


def unplaced(way: Array) -> Array:
    """Directions at the head, in the ear's own axes."""
    return way @ np.linalg.inv(_AXES)


def ear(side: int, local: tuple[Array, Faces]) -> Part:
    """The ear placed at the head; side +1 is the person's left."""
    v, f = local
    p = placed(v)
    u, w, du, dw = EAR_TILE
    back, up = v[:, 0], v[:, 1]
    uv = np.c_[
        u + du * (0.04 + 0.92 * (back - BACK[0]) / (BACK[1] - BACK[0])),
        w + dw * (0.04 + 0.92 * (UP[1] - up) / (UP[1] - UP[0])),
    ]
    if side < 0:
        p, f = p * [-1, 1, 1], f[:, ::-1]
    return Part("ear_left" if side > 0 else "ear_right", p, f, uv)


def root(part: Part) -> Array:
    """How far each vertex of a neutral ear belongs to the head's skin, 0 (ear) .. 1 (skirt)."""
    local = (part.vertices * np.where(part.name == "ear_left", 1, [-1, 1, 1]) - ORIGIN) / SIZE
    return smoothstep(0.8, FILLET, _auricle(local @ np.linalg.inv(_AXES)))
