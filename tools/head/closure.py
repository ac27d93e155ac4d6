"""Contact: displacements that bring lips and lids exactly together on the mesh they are used on.

They depend on the head's own shape, so a character's mesh gets its own (`seal_lips`, `close_lid` on its
vertices).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse.linalg as sl
from numpy.typing import NDArray

from tools.head import jaw
from tools.head.cage import Cage
from tools.head.face import EYE_RADIUS
from tools.head.falloff import Array, smoothstep
from tools.head.handles import HandleSolver
from tools.head.skin import Margins, Masks, lid_ring
from tools.head.topology import EYE_RIGHT, LIP_RINGS, Faces, averaging_matrix, bilaplacian, edges

SEAL = 0.22
"""Where the lips meet under an open jaw: share of the lower lip's travel that remains."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Vertex pairs of the fine mesh that must meet.

    Attributes:
        lips: [19,2] upper, lower seam vertices, from the right corner to the left.
        lids: per side (-1, +1) [15,2] upper, lower lid margin vertices.
    """

    lips: NDArray[np.int64]
    lids: dict[int, NDArray[np.int64]]


def subdivided_ring(faces: Faces, count: int, ring: list[int]) -> list[int]:
    """The closed ring after one subdivision step: its vertices with its edges' midpoints between them."""
    unique, _, _ = edges(faces)
    number = {(int(a), int(b)): k for k, (a, b) in enumerate(unique)}
    out: list[int] = []
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        out += [int(a), count + number[(min(int(a), int(b)), max(int(a), int(b)))]]
    return out


def contact_pairs(cage: Cage) -> Contact:
    """The pairs of one cage's fine mesh."""
    n = len(cage.vertices)
    lips = subdivided_ring(cage.faces, n, LIP_RINGS[3])
    lids = {}
    for side in (-1, 1):
        ring = subdivided_ring(cage.faces, n, lid_ring(cage, side))
        lids[side] = np.array([(ring[k], ring[32 - k]) for k in range(1, 16)])
    return Contact(np.array([(lips[k], lips[40 - k]) for k in range(1, 20)]), lids)


def with_sealed_lips(vertices: Array, pairs: NDArray[np.int64]) -> Array:
    """The vertices with each seam pair moved to its midpoint."""
    out = vertices.copy()
    out[pairs] = vertices[pairs].mean(1)[:, None]
    return out


class Closure:
    """Makes closing displacements for heads of one topology.

    Attributes:
        contact: the pairs that meet.
        jaw_weights: the fine skin's jaw weights [fine].
    """

    def __init__(self, cage: Cage, masks: Masks, solver: HandleSolver, jaw_weights: Array) -> None:
        self.contact = contact_pairs(cage)
        self._cage, self._masks, self._solver = cage, masks, solver
        self._cage_jaw = jaw_weights
        n = cage.fine_count
        self._operator = cage.dense[:n]
        self.jaw_weights = np.clip(self._operator @ jaw_weights, 0, 1)
        self._energy = bilaplacian(cage.fine_faces, n)
        self._average = averaging_matrix(cage.fine_faces, n)

    def _spread(self, moves: dict[int, Array], reach: int) -> Array:
        """Small corrections at vertices, faded out over `reach` rings of neighbours."""
        n = self._cage.fine_count
        near = np.zeros(n)
        near[list(moves)] = 1
        for _ in range(reach):
            near = np.maximum(near, self._average @ (near > 0))
        held = np.flatnonzero(near == 0)
        fixed = np.union1d(held, np.array(list(moves)))
        out = np.zeros((n, 3))
        for i, move in moves.items():
            out[i] = move
        free = np.setdiff1d(np.arange(n), fixed)
        out[free] = sl.spsolve(
            self._energy[free][:, free].tocsc(), -(self._energy[free][:, fixed] @ out[fixed])
        )
        return out

    def seal_lips(self, vertices: Array, angle: float, hinge: Array) -> Array:
        """Rest-space displacement [fine,3] under which the lips stay closed when the jaw is open by
        `angle`."""
        cage, w = self._cage, self._cage_jaw
        p = vertices[: len(cage.vertices)]
        travel = jaw.opened(p, w, angle, hinge) - p
        goal: dict[int, Array] = {}
        rings = [(list(r), 1.0) for r in LIP_RINGS]
        rings += [(list(r), f) for r, f in zip(cage.mouth_rings[:3], (1.0, 0.8, 0.45), strict=True)]
        for ring, share in rings:
            for j in range(11):
                up, low = int(ring[j]), int(ring[-j])
                move = travel[up] * 0.75 if j in (0, 10) else SEAL * travel[low] + (1 - SEAL) * travel[up]
                goal[up] = travel[up] + share * (move - travel[up])
                goal[low] = travel[low] + share * (move - travel[low])
        index = np.array(list(goal))
        rest = (
            jaw.unopened(p[index] + np.array([goal[int(i)] for i in index]), w[index], angle, hinge)
            - p[index]
        )
        still = [
            *(i for s in (-1, 1) for i in lid_ring(cage, s)),
            *cage.socket_left.ravel(),
            *cage.socket_right.ravel(),
            *STILL_NOSE,
            *cage.outline,
            152,
            175,
            148,
            377,
            199,
        ]
        moves = {int(i): tuple(d) for i, d in zip(index, rest, strict=True)}
        out = self._operator @ self._solver.solve(moves, [int(i) for i in still])
        posed = jaw.opened(vertices + out, self.jaw_weights, angle, hinge)
        pairs = self.contact.lips
        middle = posed[pairs].mean(1)
        fix: dict[int, Array] = {}
        for column in (0, 1):
            i = pairs[:, column]
            rest = jaw.unopened(middle, self.jaw_weights[i], angle, hinge) - vertices[i] - out[i]
            fix |= {int(k): d for k, d in zip(i, rest, strict=True)}
        return out + self._spread(fix, 3)

    def lid_field(
        self,
        vertices: Array,
        side: int,
        centre: Array,
        margins: Margins,
        radius: float,
        *,
        close: float,
        raise_lower: float,
        look: float = 0.0,
        lift: float = 0.5,
    ) -> Array:
        """Lids rotated about the eye's x axis: `close` of the gap down, `raise_lower` of it up, `look`
        degrees for both."""
        p = vertices - centre
        rho = np.hypot(p[:, 1], p[:, 2])
        phi = np.degrees(np.arctan2(p[:, 1], p[:, 2]))
        upper, lower = margins.at(p[:, 0])
        r = np.linalg.norm(p, axis=1)
        zone = (1 - smoothstep(radius + 4.5, radius + 13, r)) * (1 - smoothstep(15.5, 21, np.abs(p[:, 0])))
        zone = zone * smoothstep(-3, radius * 0.5, p[:, 2])
        socket = np.clip((self._masks.socket_right if side < 0 else self._masks.socket_left)[: len(p)], 0, 1)
        gap = np.clip(upper - lower, 0, None)
        on_upper = np.where(phi <= upper + 1.5, 1, 1 - smoothstep(0, 36, phi - upper))
        on_lower = np.where(phi >= lower - 1.5, 1, 1 - smoothstep(0, 29, lower - phi))
        above = phi >= 0.5 * (upper + lower)
        turn = np.where(above, -close * gap * on_upper, raise_lower * gap * on_lower)
        turn = turn + np.where(above, look * on_upper, 0.6 * look * on_lower) * np.clip(gap / 20, 0, 1)
        turn = turn * zone
        angle = np.radians(phi + turn)
        q = np.c_[p[:, 0], rho * np.sin(angle), rho * np.cos(angle)]
        length = np.linalg.norm(q, axis=1)
        q *= (1 + lift * np.clip(np.abs(turn) / 25, 0, 1) * (1 - socket) / length)[:, None]
        length = np.linalg.norm(q, axis=1)
        moved = np.abs(turn) > 1e-6
        low = moved & (socket < 0.3) & (length < radius + 1.3)
        q[low] *= ((radius + 1.3) / length[low])[:, None]
        d = q - p
        d[~moved] = 0
        return d

    def close_lid(
        self, vertices: Array, side: int, centre: Array, margins: Margins, radius: float = EYE_RADIUS
    ) -> Array:
        """Displacement [fine,3] at which the lids of one eye meet, on the eyeball, a little above the lower
        margin."""
        out = self.lid_field(vertices, side, centre, margins, radius, close=0.88, raise_lower=0.12)
        pairs = self.contact.lids[side]
        closed = vertices + out
        middle = closed[pairs].mean(1) - centre
        length = np.linalg.norm(middle, axis=1, keepdims=True)
        middle = centre + middle * np.maximum(length, radius + 1.35) / length
        fix = {int(i): middle[k] - closed[i] for k, pair in enumerate(pairs) for i in pair}
        return out + self._spread(fix, 2)


STILL_NOSE = [
    4,
    1,
    2,
    5,
    195,
    197,
    6,
    168,
    94,
    19,
    97,
    326,
    98,
    327,
    64,
    294,
    48,
    278,
    44,
    274,
    49,
    279,
    129,
    358,
]
"""Nose landmarks that mouth shapes do not move."""

__all__ = ["EYE_RIGHT", "STILL_NOSE", "Closure", "Contact", "contact_pairs", "with_sealed_lips"]
