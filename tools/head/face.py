"""A neutral, symmetric face of 468 landmarks, from our measurement of one public-domain portrait.

`landmarks.npz` holds face-mesh landmarks our own script averaged over jittered and mirrored copies of the
NASA
portrait in the scikit-image package (see NOTICE there). The steps below symmetrise it, bring it to
anthropometric
measures, take the smile off and re-shape nose, cheeks, jaw, lips and lids, so that the result is nobody in
particular.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from numpy.typing import NDArray

from tools.head.falloff import Array, bump, smoothstep
from tools.head.topology import EYE_RIGHT, LIP_RINGS, OVAL_LEFT, Faces, averaging_matrix, bilaplacian

EYE_RADIUS = 12.4
EYE_RIGHT_CENTRE = np.array([-31.9, 1.7, 1.8])
"""Centre of the right eyeball; the left one is its mirror image."""
SEAM_Y = -66.0
"""Height of the line where the lips meet."""
LIP_HALF_WIDTH = 25.0
LID_THICKNESS = 1.3


@dataclass(frozen=True, slots=True)
class Face:
    """Landmark positions [468,3], their triangles [852,3] (outward) and mirror[i], the landmark opposite to
    i."""

    vertices: Array
    faces: Faces
    mirror: NDArray[np.int64]


def neutral_face(path: Path) -> Face:
    """The neutral face from the landmark file."""
    data = np.load(path)
    mirror = data["perm"][:468]
    triangles = data["tri"]
    points = anthropometric(symmetric((data["A"] + data["B"][data["perm"]]) / 2 * [1, -1, -1], mirror))
    facing = np.cross(
        points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
    )
    if (facing[:, 2] > 0).mean() < 0.5:
        triangles = triangles[:, [0, 2, 1]]
    points = neutralised(points)
    points = with_lips(points, triangles, mirror)
    points = with_lids(points)
    points = mirrored(points, mirror)
    return Face(faired(points, triangles, mirror), triangles, mirror)


def symmetric(landmarks: Array, mirror: NDArray[np.int64]) -> Array:
    """Procrustes average with the mirrored self (and iris dropped), turned into our axes."""
    points = landmarks[:468]
    q = points - points.mean(0)
    flipped = (q * [-1, 1, 1])[mirror]
    u, _, vt = np.linalg.svd(flipped.T @ q)
    q = (q + flipped @ (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt)) / 2
    normal = np.linalg.svd(q - q[mirror])[2][0]
    normal *= np.sign(normal[0])
    q = q - q[mirror == np.arange(468)].mean(0)
    up = np.array([0, 1.0, 0])
    up -= normal * (up @ normal)
    up /= np.linalg.norm(up)
    q = q @ np.c_[normal, up, np.cross(normal, up)]
    return (q + (q * [-1, 1, 1])[mirror]) / 2


def anthropometric(q: Array) -> Array:
    """Scaled to 63.5 mm between the pupils, depth corrected, pitched so that the chin lies 3 mm behind the
    nasion."""
    pupils = q[[362, 263]].mean(0) - q[[33, 133]].mean(0)
    q = q * (63.5 / np.linalg.norm(pupils[:2]))
    q[:, 2] *= 1.12  # the network flattens depth
    v = q[168] - q[199]
    angle = np.arctan2(v[2], v[1]) - np.arcsin(3 / np.hypot(v[1], v[2]))
    c, s = np.cos(angle), np.sin(angle)
    q = np.c_[q[:, 0], q[:, 1] * c + q[:, 2] * s, -q[:, 1] * s + q[:, 2] * c]
    q[:, 1] -= (q[EYE_RIGHT[0], 1] + q[EYE_RIGHT[8], 1]) / 2
    q[:, 2] -= q[[33, 263], 2].mean() - 3.0
    return q


def neutralised(q: Array) -> Array:
    """Smile taken off, nose and jaw moved towards the population mean."""
    q[:, 1] = np.interp(
        q[:, 1], [-130, -113.3, -99.5, -40.7, 8, 100], [-129.5, -113.0, -100.0, -42.5, 8, 100]
    )
    q[:, 2] = np.where(q[:, 2] > 3, 3 + (q[:, 2] - 3) / 1.12, q[:, 2])  # depth was too much in front
    ax = np.abs(q[:, 0])
    # nose: narrower body and wings, slimmer and slightly lifted tip, straighter bridge
    near = bump(q[:, 1] + 36, 10)
    pull = np.where(ax < 22, ax * 0.20, np.clip(0.20 * 22 * (1 - (ax - 22) / 26), 0, None))
    q[:, 0] -= np.sign(q[:, 0]) * pull * near
    tip = bump(q[:, 0], 11) * bump(q[:, 1] + 31, 9)
    q[:, 2] -= 2.6 * tip
    q[:, 1] += 1.3 * bump(q[:, 0], 12) * bump(q[:, 1] + 34, 9) * smoothstep(24, 32, q[:, 2])
    q[:, 2] += 2.0 * bump(q[:, 0], 9) * bump(q[:, 1] + 8, 12)
    q[:, 2] += 3.0 * smoothstep(24, 54, q[:, 1]) * (1 - (np.abs(q[:, 0]) / 75) ** 2)  # forehead upright
    q[:, 0] *= 1 - 0.17 * bump(ax - 8, 9) * bump(q[:, 1] + 28, 10) * smoothstep(22, 30, q[:, 2])
    # cheeks down and in, jaw narrower
    g = bump(ax - 43, 15) * bump(q[:, 1] + 38, 17)
    q[:, 1] -= 3.0 * g
    q[:, 2] -= 1.8 * g
    q[:, 0] *= 1 - 0.125 * smoothstep(-16, -82, q[:, 1]) * smoothstep(18, 50, ax)
    g = bump(ax - 50, 13) * bump(q[:, 1] + 52, 18)
    q[:, 2] -= 1.6 * g
    q[:, 0] -= np.sign(q[:, 0]) * 1.2 * g
    return q


def with_lips(q: Array, triangles: Faces, mirror: NDArray[np.int64]) -> Array:
    """The four lip rings rebuilt as a closed, relaxed mouth; the skin around follows biharmonically."""
    del mirror
    target = q.copy()
    u = np.sign(np.linspace(-1, 1, 11)) * np.abs(np.linspace(-1, 1, 11)) ** 0.9
    a = np.abs(u)
    for upper in (True, False):
        for k, ring in enumerate(LIP_RINGS):
            index = ring[:11] if upper else [ring[0], *ring[19:10:-1], ring[10]]
            width = LIP_HALF_WIDTH * (1.0, 0.985, 0.965, 0.94)[k]
            if upper:
                height, depth = (8.6, 5.2, 1.6, 0.0)[k], (32.0, 34.4, 33.2, 29.8)[k]
                profile = (1 - a**2.0) ** 0.9
                bow = np.ones_like(u)
                if k == 0:  # cupid's bow: a dip in the middle between two peaks
                    bow += -0.20 * bump(u, 0.13) + 0.10 * bump(a - 0.26, 0.15)
                if k == 1:
                    bow += -0.06 * bump(u, 0.13) + 0.04 * bump(a - 0.26, 0.15)
                if k == 2:
                    bow += 0.30 * bump(u, 0.2)
                y = SEAM_Y + height * profile * bow
            else:
                height, depth = (9.6, 5.8, 1.8, 0.0)[k], (27.6, 32.2, 32.0, 29.5)[k]
                y = SEAM_Y - height * (1 - a**2.2) ** 0.85
            y = y - 0.5 * a**3
            if k >= 2:  # the seam dips under the tubercle and rises beside it
                y = y - 0.6 * bump(u, 0.20) + 0.5 * bump(a - 0.45, 0.22)
            z = depth - (depth - 17.5 - (0, -0.3, -0.9, -2.2)[k]) * a**2.1
            target[index] = np.c_[width * u, y, z]
    lips = np.array(sorted({i for ring in LIP_RINGS for i in ring}))
    reach = np.linalg.norm(q[:, None, :2] - target[LIP_RINGS[0]][None, :, :2], axis=2).min(1)
    free = (reach < 30) & (q[:, 1] < -46) & (q[:, 1] > -106) & (np.abs(q[:, 0]) < 52)
    free[lips] = False
    free[[2, 97, 326, 98, 327]] = False
    free[164] = True
    energy = plain_bilaplacian(triangles, len(q))
    move = target - q
    f, c = np.flatnonzero(free), np.flatnonzero(~free)
    q[c] += move[c]
    q[f] += sl.spsolve(energy[f][:, f].tocsc(), -(energy[f][:, c] @ move[c]))
    return q


def plain_bilaplacian(triangles: Faces, count: int) -> sp.csr_matrix:
    """L @ L of the combinatorial Laplacian."""
    edge = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0
    )
    one = np.ones(len(edge))
    adjacency = sp.coo_matrix(
        (np.r_[one, one], (np.r_[edge[:, 0], edge[:, 1]], np.r_[edge[:, 1], edge[:, 0]])), (count, count)
    )
    lap = sp.diags(np.asarray(adjacency.sum(1)).ravel()) - adjacency
    return (lap @ lap).tocsr()


def with_lids(q: Array) -> Array:
    """The right lid margin lowered to a calm look and laid on the eyeball; all other skin kept off the
    eyeball."""
    q[[246, 161, 160, 159, 158, 157, 173], 1] -= np.array([0.1, 0.5, 0.9, 1.2, 1.1, 0.8, 0.3]) * 1.6
    q[[7, 163, 144, 145, 153, 154, 155], 1] += np.array([0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.1]) * 1.2
    ring = q[EYE_RIGHT] - EYE_RIGHT_CENTRE
    radius = EYE_RADIUS + LID_THICKNESS
    z = np.sqrt(np.clip(radius**2 - ring[:, 0] ** 2 - ring[:, 1] ** 2, 0, None))
    ring[:, 2] = np.maximum(z, np.where(ring[:, 0] < 0, 3.2, 6.8))  # plateaus at the canthi
    q[EYE_RIGHT] = ring + EYE_RIGHT_CENTRE
    off = q - EYE_RIGHT_CENTRE
    distance = np.linalg.norm(off, axis=1)
    near = (distance < EYE_RADIUS + 2.4) & ~np.isin(np.arange(468), EYE_RIGHT)
    q[near] = EYE_RIGHT_CENTRE + off[near] / distance[near, None] * (EYE_RADIUS + 2.4)
    return q


def mirrored(q: Array, mirror: NDArray[np.int64]) -> Array:
    """The left half replaced by the right half's mirror image."""
    for i in range(468):
        j = int(mirror[i])
        if i == j:
            q[i, 0] = 0
        elif q[i, 0] < 0:
            q[j] = q[i] * [-1, 1, 1]
    return q


def faired(q: Array, triangles: Faces, mirror: NDArray[np.int64]) -> Array:
    """Two light smoothing passes over everything but lids, lips, nose and outline, against the network's
    noise."""
    lips = {i for ring in LIP_RINGS for i in ring}
    keep = np.isin(np.arange(468), [*lips, *EYE_RIGHT, *mirror[EYE_RIGHT]])
    nose = (np.abs(q[:, 0]) < 22) & (q[:, 1] < -12) & (q[:, 1] > -48)
    weight = np.where(keep | nose, 0, 0.3)
    weight[[*OVAL_LEFT, *mirror[OVAL_LEFT]]] = 0
    average = averaging_matrix(triangles, 468)
    for _ in range(2):
        q = q + weight[:, None] * (average @ q - q)
    return q


__all__ = [
    "EYE_RADIUS",
    "EYE_RIGHT_CENTRE",
    "LID_THICKNESS",
    "LIP_HALF_WIDTH",
    "SEAM_Y",
    "Face",
    "bilaplacian",
    "neutral_face",
]
