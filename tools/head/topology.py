"""Triangle meshes as sparse operators, and the landmark numbers of the face mesh the head is built on.

The numbers are indices of MediaPipe's 468-point canonical face; "right" is the person's right (x < 0).
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from tools.head.falloff import Array

Faces = NDArray[np.int64]

OVAL_LEFT = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152]
"""The face's outline from the hairline over the person's left cheek to the chin."""
EYE_RIGHT = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
"""Lid margin of the right eye: outer canthus, upper lid, inner canthus (index 8), lower lid."""
LIP_RINGS = (
    [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146],
    [76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 307, 320, 404, 315, 16, 85, 180, 90, 77],
    [62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96],
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95],
)
"""Four rings around the mouth from the vermilion border to the seam: corner, upper 1..9, corner 10, lower
11..19."""


def edges(faces: Faces) -> tuple[Faces, NDArray[np.int64], NDArray[np.int64]]:
    """Unique edges [E,2], the edge of each half-edge (01, 12, 20 of all faces in turn), and their use
    counts."""
    half = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    unique, inverse, count = np.unique(half, axis=0, return_inverse=True, return_counts=True)
    return unique, inverse.ravel(), count


def loop_subdivide(faces: Faces, count: int) -> tuple[sp.csr_matrix, Faces]:
    """One step of Loop subdivision: the operator [count+E, count] and the new faces.

    Old vertices keep their numbers; each edge's new vertex follows. Face k yields faces k, m+k, 2m+k (its
    corners)
    and 3m+k (its middle). Boundary rules as in Loop (1987), interior weights after Warren.
    """
    edge, inverse, used = edges(faces)
    opposite = np.concatenate([faces[:, 2], faces[:, 0], faces[:, 1]])
    border = used == 1
    rows, cols, vals = [], [], []

    def add(r: NDArray[np.int64], c: NDArray[np.int64], v: Array | float) -> None:
        rows.append(r)
        cols.append(c)
        vals.append(np.broadcast_to(v, np.shape(r)).astype(float))

    new = count + np.arange(len(edge))
    weight = np.where(border, 0.5, 0.375)
    add(new, edge[:, 0], weight)
    add(new, edge[:, 1], weight)
    inner = ~border[inverse]
    add(count + inverse[inner], opposite[inner], 0.125)
    adjacency = adjacency_matrix(faces, count)
    valence = np.asarray(adjacency.sum(1)).ravel()
    valence[valence == 0] = 1
    beta = np.where(valence == 3, 3 / 16, (5 / 8 - (3 / 8 + np.cos(2 * np.pi / valence) / 4) ** 2) / valence)
    on_border = np.zeros(count, bool)
    on_border[edge[border].ravel()] = True
    even = sp.diags(np.where(on_border, 0, beta)) @ adjacency
    even = even + sp.diags(np.where(on_border, 0.75, 1 - valence * beta))
    if border.any():
        b = edge[border]
        ring = sp.coo_matrix(
            (np.full(2 * len(b), 0.125), (np.r_[b[:, 0], b[:, 1]], np.r_[b[:, 1], b[:, 0]])), (count, count)
        )
        even = even + ring
    coo = even.tocoo()
    add(coo.row, coo.col, coo.data)
    operator = sp.coo_matrix(
        (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), (count + len(edge), count)
    ).tocsr()
    return operator, split_faces(faces, inverse, count)


def split_faces(faces: Faces, inverse: NDArray[np.int64], count: int) -> Faces:
    """Faces after splitting each in four; `inverse` numbers the half-edges' edges as `edges` does."""
    m = len(faces)
    a, b, c = count + inverse[:m], count + inverse[m : 2 * m], count + inverse[2 * m :]
    corner = [np.c_[faces[:, 0], a, c], np.c_[faces[:, 1], b, a], np.c_[faces[:, 2], c, b], np.c_[a, b, c]]
    return np.concatenate(corner)


def vertex_normals(vertices: Array, faces: Faces) -> Array:
    """Area-weighted unit normals [V,3]."""
    v = vertices[faces]
    face = np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0])
    gather = sp.coo_matrix(
        (np.ones(3 * len(faces)), (faces.T.ravel(), np.tile(np.arange(len(faces)), 3))),
        (len(vertices), len(faces)),
    ).tocsr()
    n = gather @ face
    return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)


def adjacency_matrix(faces: Faces, count: int, weights: Array | None = None) -> sp.csr_matrix:
    """Symmetric vertex adjacency [count,count], of ones or of one weight per unique edge."""
    edge, _, _ = edges(faces)
    w = np.ones(len(edge)) if weights is None else weights
    return sp.coo_matrix(
        (np.r_[w, w], (np.r_[edge[:, 0], edge[:, 1]], np.r_[edge[:, 1], edge[:, 0]])), (count, count)
    ).tocsr()


def averaging_matrix(faces: Faces, count: int, vertices: Array | None = None) -> sp.csr_matrix:
    """Row-stochastic neighbour average; edges weighted by 1/length when vertices are given."""
    weights = None
    if vertices is not None:
        edge, _, _ = edges(faces)
        weights = 1 / np.maximum(np.linalg.norm(vertices[edge[:, 0]] - vertices[edge[:, 1]], axis=1), 0.8)
    adjacency = adjacency_matrix(faces, count, weights)
    total = np.asarray(adjacency.sum(1)).ravel()
    total[total == 0] = 1
    return (sp.diags(1 / total) @ adjacency).tocsr()


def bilaplacian(faces: Faces, count: int, vertices: Array | None = None) -> sp.csr_matrix:
    """L^T L of the normalised graph Laplacian: the energy that the handle solver minimises."""
    lap = sp.eye(count) - averaging_matrix(faces, count, vertices)
    return (lap.T @ lap).tocsr()
