"""An auricle: a signed distance function of helix, antihelix, concha, tragus and lobe, meshed and
simplified."""

import fast_simplification
import numpy as np
from scipy.interpolate import CubicSpline
from skimage.measure import marching_cubes

from tools.head import solid
from tools.head.falloff import Array
from tools.head.part import Part, outward
from tools.head.solid import Point, union
from tools.head.topology import Faces, averaging_matrix

EAR_TILE = (0.005, 0.84, 0.10, 0.155)
"""Place (u, v, width, height) of the ears in the skin's texture; both ears share it."""
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


def local_ear(triangles: int = 1300, step: float = 0.8) -> tuple[Array, Faces]:
    """The ear in its own axes (back, up, out), mm."""
    axes = [np.arange(-8, 40, step), np.arange(-36, 38, step), np.arange(-14, 24, step)]
    grid = np.meshgrid(*axes, indexing="ij")
    p = np.stack([g.ravel() for g in grid], 1)
    d = np.maximum(_inside_outline(p[:, :2]) + 1.2, np.abs(p[:, 2] - _rim(p[:, 0]) + 0.8) - 1.3)
    d = union(d, solid.ellipsoid(p, (12, -3, 0.5), (12.0, 14.5, 11)), 3)
    helix = [
        _at(10, 0, -4),
        _at(5, 6, -1),
        _at(2.0, 14, 1.2),
        _at(3.5, 22.5, 1.6),
        _at(9, 29, 1.8),
        _at(17, 31.2, 1.8),
        _at(25.5, 28, 1.8),
        _at(31, 19, 1.6),
        _at(31.5, 7, 1.4),
        _at(28, -6, 1.0),
        _at(22.5, -17, 0.4),
    ]
    d = union(d, _tube(p, helix, 2.3, 1.9, 60), 1.6)
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
    d = union(d, solid.ellipsoid(p, _at(1.5, -5, 3.0), (3.6, 6.0, 3.2)), 2.0)  # tragus
    d = union(d, solid.ellipsoid(p, _at(11.5, -16, 1.6), (4.2, 3.2, 2.8)), 2.0)  # antitragus
    d = union(d, solid.ellipsoid(p, _at(10.5, -23.5, 0.4), (7.8, 8.2, 3.2)), 3.0)  # lobe
    v, f, _, _ = marching_cubes(d.reshape(grid[0].shape), 0)
    v = v * step + [axis[0] for axis in axes]
    v, f = fast_simplification.simplify(v.astype(np.float32), f.astype(np.int32), target_count=triangles)
    v, f = np.asarray(v, float), np.asarray(f, np.int64)
    average = averaging_matrix(f, len(v))
    for _ in range(2):
        v = v + 0.35 * (average @ v - v)
    return v, outward(v, f)


def ear(side: int, local: tuple[Array, Faces]) -> Part:
    """The ear placed at the head; side +1 is the person's left."""
    v, f = local
    origin = np.array([solid.project(solid.head, np.array([[75, -14, -70.0]]))[0, 0] - 1.5, -20, -66.0])
    tilt = np.radians(14)
    back, up, out = v.T
    p = np.c_[
        out + 0.20 * up,
        up * np.cos(tilt) + back * np.sin(tilt) * 0.35,
        -(back * np.cos(tilt) + up * np.sin(tilt)),
    ]
    p = p * 0.96 + origin
    u, w, du, dw = EAR_TILE
    uv = np.c_[u + du * (0.04 + 0.92 * (back + 8) / 46), w + dw * (0.04 + 0.92 * (38 - up) / 74)]
    if side < 0:
        p, f = p * [-1, 1, 1], f[:, ::-1]
    return Part("ear_left" if side > 0 else "ear_right", p, f, uv)
