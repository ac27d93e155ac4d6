"""The skin's surface: the cage subdivided, with nostrils, philtrum, lid creases and folds sculpted in.

Everything is sculpted on the twice subdivided surface ("dense", 23,239 vertices). The model ships the once
subdivided one ("fine", its first 5,843 vertices); what the fine mesh cannot show goes into the normal map.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from tools.head.cage import Cage
from tools.head.face import EYE_RADIUS, EYE_RIGHT_CENTRE
from tools.head.falloff import Array, bump, curve_distance, fold, smoothstep
from tools.head.topology import EYE_RIGHT, LIP_RINGS, vertex_normals


@dataclass(frozen=True, slots=True)
class Masks:
    """Soft regions 0..1 on the dense surface: face (landmarked), lips, bag (inside the mouth), sockets,
    nostrils."""

    face: Array
    lips: Array
    bag: Array
    socket_right: Array
    socket_left: Array
    inner: Array


@dataclass(frozen=True, slots=True)
class Margins:
    """Lid margins of one eye: elevation angle (degrees, from the eye's centre) of upper and lower lid over x
    (mm)."""

    upper: PchipInterpolator
    lower: PchipInterpolator
    left: float
    right: float

    def at(self, x: Array) -> tuple[Array, Array]:
        """Upper and lower margin angle at x, clamped to the canthi."""
        inside = np.clip(x, self.left, self.right)
        return self.upper(inside), self.lower(inside)


def build_masks(cage: Cage) -> Masks:
    """Regions carried from cage loops to the dense surface by subdivision."""

    def carried(*groups: tuple[object, float]) -> Array:
        m = np.zeros(len(cage.vertices))
        for index, value in groups:
            m[np.asarray(index, int).ravel()] = value
        return cage.dense @ m

    bag = carried((cage.mouth_rings, 1), (cage.mouth_end, 1))
    right, left = carried((cage.socket_right, 1)), carried((cage.socket_left, 1))
    face = cage.dense @ (np.arange(len(cage.vertices)) < 468).astype(float)
    lips = carried(
        (LIP_RINGS[0], 0.3),
        *((ring, 1) for ring in LIP_RINGS[1:]),
        (cage.mouth_rings, 1),
        (cage.mouth_end, 1),
    )
    return Masks(face, lips, bag, right, left, np.maximum(bag, np.maximum(right, left)))


def eye_centre(side: int) -> Array:
    """Centre of the eyeball; side +1 is the person's left."""
    return EYE_RIGHT_CENTRE * [-side, 1, 1]


def lid_ring(cage: Cage, side: int) -> list[int]:
    """Vertices of one lid margin in EYE_RIGHT's order."""
    return EYE_RIGHT if side < 0 else [cage.opposite(i) for i in EYE_RIGHT]


def lid_margins(cage: Cage, vertices: Array, side: int, centre: Array) -> Margins:
    """The lid margins of a sculpted surface (cage vertices are its first)."""
    p = vertices[lid_ring(cage, side)] - centre
    angle = np.degrees(np.arctan2(p[:, 1], p[:, 2]))
    x = p[:, 0]
    up, low = np.arange(9), np.r_[0, np.arange(15, 7, -1)]
    curves = []
    for index in (up, low):
        order = index[np.argsort(x[index])]
        curves.append(PchipInterpolator(x[order], angle[order], extrapolate=True))
    return Margins(curves[0], curves[1], float(x[up].min()), float(x[up].max()))


def sculpt(cage: Cage, masks: Masks) -> Array:
    """The dense surface [D,3] of the neutral head with its details."""
    faces = cage.dense_faces
    v = cage.dense @ cage.control
    normal = vertex_normals(v, faces)
    for side in (-1, 1):  # nostrils
        p = v - [side * 8.6, -38.6, 36.0]
        along = np.array([-side * 4.3, 1.5, 10.0])
        along /= np.linalg.norm(along)
        down = np.array([side * 0.1, -0.93, 0.2])
        down /= np.linalg.norm(down)
        across = np.cross(along, down)
        w = (
            np.exp(-(((p @ along) / 4.4) ** 4) - ((p @ across) / 2.7) ** 4)
            * bump(p @ down, 4)
            * (normal @ down > -0.1)
        )
        v = v - down * w[:, None] * 6.5
    skin = masks.face * (1 - masks.bag)
    v[:, 2] -= 0.9 * bump(v[:, 0], 2.2) * bump(v[:, 1] + 50.5, 5.5) * skin  # philtrum
    v[:, 2] += 0.6 * bump(np.abs(v[:, 0]) - 4.6, 1.8) * bump(v[:, 1] + 51.5, 5.0) * skin
    p = fold(v)
    normal = vertex_normals(v, faces)
    v = (
        v
        - normal
        * (
            bump(curve_distance(p, [(21, -34, 24), (26, -45, 21.5), (31, -57, 16.5), (33, -66, 13)]), 3.2)
            * 0.6
            * (1 - masks.inner)
        )[:, None]
    )
    v = (
        v
        + normal
        * (
            bump(curve_distance(p, [(28, -33, 22), (34, -45, 18), (38, -57, 12)]), 6)
            * 0.7
            * (1 - masks.inner)
        )[:, None]
    )
    # alar groove: the wing of the nose stands off the cheek
    v = (
        v
        - normal
        * (
            bump(curve_distance(p, [(17.5, -28, 24), (19.5, -34, 22), (18, -40, 22)]), 2.2)
            * 0.9
            * (1 - masks.inner)
        )[:, None]
    )
    # vermilion border: a thin raised roll around the lips
    border = np.array([v[i] for i in LIP_RINGS[0]])
    loop = np.concatenate([border, border[:1]])
    v = v + normal * (bump(curve_distance(v, loop), 1.3) * 0.35 * (1 - masks.inner))[:, None]
    for side in (-1, 1):
        v = _sculpt_lids(cage, masks, v, side)
    return v


def _sculpt_lids(cage: Cage, masks: Masks, v: Array, side: int) -> Array:
    """Lid crease and tear trough; then all skin is kept outside the eyeball."""
    centre = eye_centre(side)
    margins = lid_margins(cage, v, side, centre)
    p = v - centre
    phi = np.degrees(np.arctan2(p[:, 1], p[:, 2]))
    upper, lower = margins.at(p[:, 0])
    near = bump(np.linalg.norm(p, axis=1) - EYE_RADIUS - 2, 6) * (np.abs(p[:, 0]) < 19) * (1 - masks.inner)
    depth = (
        -1.25 * bump(phi - upper - 19, 4.5)
        + 1.0 * bump(phi - upper - 36, 10)
        - 0.4 * bump(phi - lower + 24, 7)
        + 0.5 * bump(phi - lower + 10, 6)
    )
    v = v + vertex_normals(v, cage.dense_faces) * (depth * near * bump(p[:, 0], 15))[:, None]
    p = v - centre
    r = np.linalg.norm(p, axis=1)
    socket = masks.socket_right if side < 0 else masks.socket_left
    low = (r < EYE_RADIUS + 1.25) & (socket < 0.05) & (masks.face > 0.5) & (np.hypot(p[:, 0], p[:, 1]) < 16)
    v[low] = centre + p[low] / r[low, None] * (EYE_RADIUS + 1.25)
    return v


def nostril_mask(v: Array) -> Array:
    """How deep a point lies in a nostril, 0..1."""
    depth = sum(np.exp(-((((v - [s * 8.3, -34.8, 36.0]) / [3.8, 4.6, 5.2]) ** 2).sum(1))) for s in (-1, 1))
    return np.clip(depth * 1.5, 0, 1) * smoothstep(5.5, 3.5, np.abs(v[:, 1] + 36.5))
