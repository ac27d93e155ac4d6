"""A character's outer skin as something that hair and clothes can be laid on."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.head.falloff import Array
from tools.head.topology import Faces, vertex_normals

EAR_RADII = np.array([15.0, 31.0, 21.0])


class Surface:
    """The dense skin of one character.

    Attributes:
        vertices, normals: [D,3]; neutral: the same on the neutral head, where hairlines and brows are
            defined.
        faces: of the dense skin; coarse: of the fine one (its vertices are the first of the dense).
    """

    def __init__(
        self, vertices: Array, faces: Faces, coarse: Faces, neutral: Array, outer: NDArray[np.bool_]
    ) -> None:
        self.vertices, self.faces, self.neutral = vertices, faces, neutral
        self.coarse = coarse
        self.normals = vertex_normals(vertices, faces)
        self.outer = outer
        self._index = np.flatnonzero(outer)
        self._tree = cKDTree(vertices[self._index])
        v = vertices[faces]
        area = np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1)
        self._area = area * outer[faces].all(1)

    def nearest(self, points: Array) -> NDArray[np.int64]:
        """The nearest outer vertex of each point."""
        _, k = self._tree.query(points)
        return self._index[k]

    def normal_at(self, points: Array) -> Array:
        """Unit normals, averaged over the four nearest vertices."""
        _, k = self._tree.query(points, 4)
        n = self.normals[self._index[k]].mean(1)
        return n / np.linalg.norm(n, axis=1, keepdims=True)

    def cleared(self, points: Array, clearance: Array | float) -> Array:
        """The points, lifted along the normal where they are closer to the skin than `clearance` (mm)."""
        out = points.copy()
        for _ in range(2):
            i = self.nearest(out)
            height = ((out - self.vertices[i]) * self.normals[i]).sum(1)
            far = np.linalg.norm(out - self.vertices[i], axis=1)
            lack = np.where((far < 45) | (height < 0), np.maximum(clearance - height, 0), 0)
            out += self.normals[i] * lack[:, None]
        return _beside_ears(out)

    def scatter(
        self, count: int, density: Array, rng: np.random.Generator, even: bool = True
    ) -> tuple[Array, Array, NDArray[np.int64]]:
        """Random roots by a density per vertex: points, normals, nearest vertex; `even` thins clusters
        out."""
        weight = density[self.faces].mean(1) * self._area
        draw = count * 4 if even else count
        face = rng.choice(len(self.faces), draw, p=weight / weight.sum())
        bary = rng.dirichlet([1, 1, 1], draw)
        f = self.faces[face]
        p = (self.vertices[f] * bary[..., None]).sum(1)
        if even:
            keep = _thinned(p, count)
            p, f, bary = p[keep], f[keep], bary[keep]
        n = (self.normals[f] * bary[..., None]).sum(1)
        return p, n / np.linalg.norm(n, axis=1, keepdims=True), f[np.arange(len(f)), bary.argmax(1)]


def _beside_ears(points: Array) -> Array:
    """The points, those inside an ear's ellipsoid pushed out of it."""
    out = points.copy()
    for side in (-1, 1):
        q = (out - [side * 73.0, -17.0, -80.0]) / EAR_RADII
        r = np.linalg.norm(q, axis=1)
        inside = (r < 1) & (r > 1e-6)
        out[inside] = q[inside] / r[inside, None] * EAR_RADII + [side * 73.0, -17.0, -80.0]
    return out


def _thinned(points: Array, count: int) -> NDArray[np.int64]:
    """About `count` of the points, chosen greedily so that no two are too close."""
    low, high = 0.0, 30.0
    tree = cKDTree(points)
    best = np.arange(min(count, len(points)))
    for _ in range(12):
        radius = (low + high) / 2
        dropped = np.zeros(len(points), bool)
        kept = []
        for i in range(len(points)):
            if not dropped[i]:
                kept.append(i)
                if len(kept) > count:
                    break
                dropped[tree.query_ball_point(points[i], radius)] = True
        if len(kept) > count:
            low = radius
            best = np.array(kept[:count])
        else:
            high = radius
            best = np.array(kept)
            if len(kept) > 0.95 * count:
                break
    return best
