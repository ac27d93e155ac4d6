"""Triangle meshes: normals and closest points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

Floats = NDArray[Any]
Ints = NDArray[Any]


def vertex_normals(vertices: Floats, faces: Ints) -> Floats:
    """Unit normals [V,3], each face weighted by its area; zero for vertices without faces."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for k in range(3):
        for axis in range(3):
            out[:, axis] += np.bincount(faces[:, k], face[:, axis], len(vertices))
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-20)


@dataclass(frozen=True, slots=True)
class Contact:
    """Points on a surface: face [N], barycentric coordinates [N,3], distance [N] from the asking points."""

    face: NDArray[np.int64]
    bary: Floats
    distance: Floats

    def at(self, values: Floats, faces: Ints) -> Floats:
        """Vertex values [V,...] interpolated at the points [N,...]."""
        corners = values[faces[self.face]]
        return np.einsum("nk,nk...->n...", self.bary, corners)


class Surface:
    """A mesh that answers where on it the nearest point lies that also faces the same way.

    Args:
        vertices: [V,3]; faces: [F,3].
        turn: how many metres of distance a full disagreement of unit normals (2) counts for, halved.
        labels: [V] values that must agree within `label_gap` between asker and answer, e.g. skinning weights
            that tell the upper from the lower lip where they touch.
    """

    def __init__(
        self,
        vertices: Floats,
        faces: Ints,
        turn: float = 0.008,
        labels: Floats | None = None,
        label_gap: float = 0.5,
    ) -> None:
        self.vertices, self.faces = vertices, faces
        self.normals = vertex_normals(vertices, faces)
        self._turn = turn
        self._labels = None if labels is None else labels[faces].mean(1)
        self._label_gap = label_gap
        corners = vertices[faces]
        face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        length = np.linalg.norm(face_normals, axis=1, keepdims=True)
        self._face_normals = face_normals / np.maximum(length, 1e-20)
        self._tree = KDTree(np.concatenate([corners.mean(1), turn * self._face_normals], 1))

    def nearest(
        self, points: Floats, normals: Floats, labels: Floats | None = None, candidates: int = 16
    ) -> Contact:
        """The nearest surface points to points [N,3] with unit normals [N,3].

        Distances are infinite where no candidate agrees in label.
        """
        asked = np.concatenate([points, self._turn * normals], 1)
        faces: NDArray[Any] = np.asarray(self._tree.query(asked, k=candidates)[1])
        corners = self.vertices[self.faces[faces]]
        bary = _closest_on_triangles(points[:, None], corners)
        there = np.einsum("nkc,nkcd->nkd", bary, corners)
        distance = np.linalg.norm(there - points[:, None], axis=2)
        disagreement = np.linalg.norm(self._face_normals[faces] - normals[:, None], axis=2)
        score = np.hypot(distance, self._turn * disagreement)
        if labels is not None and self._labels is not None:
            gap = np.abs(self._labels[faces] - labels[:, None])
            far = np.where(gap > self._label_gap, np.inf, 0)
            score, distance = score + far, distance + far
        best: NDArray[Any] = np.argmin(score, 1)
        row = np.arange(len(points))
        return Contact(faces[row, best], bary[row, best], distance[row, best])


def _closest_on_triangles(p: Floats, corners: Floats) -> Floats:
    """Barycentric coordinates [...,3] of the point of each triangle [...,3,3] that is closest to p [...,3].

    After Ericson, Real-Time Collision Detection, section 5.1.5, as a choice among the inside and three edges.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, ap = b - a, c - a, p - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    inside = np.stack([1 - v - w, v, w], -1)
    options = [np.where(np.all(inside >= 0, -1, keepdims=True), inside, np.nan)]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[..., i, :], corners[..., j, :] - corners[..., i, :]
        t = np.clip(((p - start) * edge).sum(-1) / np.maximum((edge * edge).sum(-1), 1e-30), 0, 1)
        option = np.zeros((*t.shape, 3))
        option[..., i], option[..., j] = 1 - t, t
        options.append(option)
    stacked = np.stack(options)
    distance = np.linalg.norm(np.einsum("o...k,...kd->o...d", stacked, corners) - p, axis=-1)
    best = np.argmin(np.where(np.isnan(distance), np.inf, distance), 0)
    return np.take_along_axis(stacked, best[None, ..., None], 0)[0]


def edges_of(faces: Ints) -> NDArray[np.int64]:
    """Each undirected edge once [N,2]."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    return np.unique(np.sort(pairs, 1), axis=0)
