"""The skull, neck and shoulders as a signed distance function of blended primitives."""

from collections.abc import Callable

import numpy as np

from tools.head.falloff import Array

Point = tuple[float, float, float]
Distance = Callable[[Array], Array]


def union(a: Array, b: Array, radius: float) -> Array:
    """Smooth union of two distances (Quilez' polynomial minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / radius, 0, 1)
    return b * (1 - h) + a * h - radius * h * (1 - h)


def ellipsoid(p: Array, centre: Point, radii: Point) -> Array:
    """Approximate distance to an axis-aligned ellipsoid."""
    r = np.array(radii)
    q = (p - np.array(centre)) / r
    k0 = np.linalg.norm(q, axis=1)
    k1 = np.linalg.norm(q / r, axis=1)
    return k0 * (k0 - 1) / np.maximum(k1, 1e-9)


def capsule(p: Array, start: Point, end: Point, r0: float, r1: float | None = None) -> Array:
    """Distance to a capsule whose radius runs from r0 to r1."""
    a, b = np.array(start, float), np.array(end, float)
    t = np.clip(((p - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
    return np.linalg.norm(p - a - t[:, None] * (b - a), axis=1) - (
        r0 + ((r1 if r1 is not None else r0) - r0) * t
    )


def head(points: Array) -> Array:
    """Distance (mm) to an adult head, neck and bust without a face; the cage's rings are projected onto
    it."""
    p = points.copy()
    p[:, 0] = np.abs(p[:, 0])
    d = ellipsoid(p, (0, 34, -80), (74, 78, 97))
    d = union(d, ellipsoid(p, (0, 52, -41), (64, 60, 63)), 18)  # frontal bone
    d = union(d, ellipsoid(p, (0, 12, -118), (62, 58, 56)), 20)  # occiput
    d = union(d, ellipsoid(p, (0, 16, -32), (62, 44, 48)), 15)  # brow
    d = union(d, capsule(p, (54, -8, -45), (43, -72, -44), 15, 12), 18)  # cheekbone to the jaw's angle
    d = union(d, capsule(p, (56, -10, -48), (58, -18, -88), 13, 12), 14)  # arch to the mastoid
    d = union(d, capsule(p, (42, -79, -42), (10, -104, 4), 10, 10), 16)  # mandible
    d = union(d, capsule(p, (0, -99, 3), (0, -86, -48), 14, 21), 14)  # floor of the mouth
    d = union(d, capsule(p * [1.03, 1, 1], (0, -60, -92), (0, -225, -110), 47, 50), 22)  # neck
    d = union(d, capsule(p, (52, -38, -90), (11, -206, -62), 6, 6), 16)  # sternomastoid
    d = union(d, ellipsoid(p, (0, -148, -55), (11, 22, 9)), 20)  # larynx
    d = union(d, capsule(p, (16, -90, -130), (50, -180, -134), 15, 18), 24)  # trapezius
    d = union(d, capsule(p, (50, -180, -134), (140, -226, -122), 18, 26), 26)
    d = union(d, capsule(p, (0, -285, -120), (152, -277, -118), 66, 52), 28)  # shoulders
    d = union(d, capsule(p, (16, -218, -64), (150, -212, -100), 7, 8), 16)  # clavicle
    return union(d, ellipsoid(p, (0, -316, -84), (120, 85, 58)), 22)


def gradient(distance: Distance, p: Array, step: float = 0.3) -> Array:
    """Unit gradient by central differences."""
    g = np.stack([distance(p + step * e) - distance(p - step * e) for e in np.eye(3)], 1)
    return g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), 1e-9)


def project(distance: Distance, p: Array, steps: int = 12) -> Array:
    """The points moved onto the zero level by damped Newton steps."""
    p = p.copy()
    for _ in range(steps):
        p -= 0.9 * distance(p)[:, None] * gradient(distance, p)
    return p
