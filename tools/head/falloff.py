"""Falloff functions: the soft brushes that every sculpting step uses."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def smoothstep(a: float, b: float, x: ArrayLike) -> Array:
    """Cubic ramp: 0 at `a`, 1 at `b` (b may be smaller than a), clamped outside."""
    t = np.clip((np.asarray(x, float) - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def bump(x: ArrayLike, width: float) -> Array:
    """Gaussian exp(-(x/width)^2)."""
    return np.exp(-((np.asarray(x, float) / width) ** 2))


def curve_distance(points: Array, curve: ArrayLike) -> Array:
    """Distance of each point [N,D] to a polyline [K,D]."""
    path = np.asarray(curve, float)
    best = np.full(len(points), np.inf)
    for a, b in pairwise(path):
        e = b - a
        t = np.clip(((points - a) @ e) / (e @ e), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - t[:, None] * e, axis=1))
    return best


def fold(points: Array) -> Array:
    """The points with x mirrored onto the person's left side, for sculpting both halves at once."""
    out = points.copy()
    out[:, 0] = np.abs(out[:, 0])
    return out
