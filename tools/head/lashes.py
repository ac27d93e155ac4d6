"""Ribbons along the lid margins that turn with the lids: eyelashes, and the lids' soft shadow on the
eyeball."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.head.cage import Cage
from tools.head.closure import subdivided_ring
from tools.head.falloff import Array
from tools.head.part import Part, grid_faces
from tools.head.skin import eye_centre, lid_ring

ROWS = 4


@dataclass(frozen=True, slots=True)
class LidRibbon:
    """Strips as one part, the fine skin vertex each of its vertices hangs on, and the side (+1 left) of
    each."""

    part: Part
    root: NDArray[np.int64]
    side: NDArray[np.int64]

    def follow(self, skin: Array, displacement: Array, turning: bool) -> Array:
        """Displacement of the ribbon under a displacement of the fine skin.

        With `turning`, each vertex also rotates about its eye's x axis by as much as its root moved around
        it.
        """
        move = displacement[self.root]
        if not turning:
            return move
        out = move.copy()
        for side in (-1, 1):
            mine = self.side == side
            centre = eye_centre(side)
            before = skin[self.root[mine]] - centre
            after = before + move[mine]
            turn = np.arctan2(after[:, 1], after[:, 2]) - np.arctan2(before[:, 1], before[:, 2])
            arm = self.part.vertices[mine] - skin[self.root[mine]]
            c, s = np.cos(turn), np.sin(turn)
            rotated = np.c_[arm[:, 0], arm[:, 1] * c + arm[:, 2] * s, -arm[:, 1] * s + arm[:, 2] * c]
            out[mine] += rotated - arm
        return out


def build_lashes(cage: Cage, skin: Array, upper: float = 6.0, lower: float = 2.8) -> LidRibbon:
    """Upper and lower lashes of both eyes on the fine skin [fine,3]; lengths in mm."""
    vertices, faces, uvs, roots, sides = [], [], [], [], []
    start = 0
    for side in (1, -1):
        ring = subdivided_ring(cage.faces, len(cage.vertices), lid_ring(cage, side))
        centre = eye_centre(side)
        for index, length, up in ((ring[0:17], upper, 1.0), ([ring[0], *ring[31:15:-1]], lower, -1.0)):
            root = np.array(index[1:-1])
            p = skin[root]
            t = np.linspace(0, 1, len(root))
            out = p - centre
            out /= np.linalg.norm(out, axis=1, keepdims=True)
            away = np.c_[(p[:, 0] - centre[0]) * 0.045, np.full(len(p), 0.10 * up), np.full(len(p), 0.55)]
            way = out + away
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            # longest beyond the middle towards the outer corner, short at the inner one
            reach = length * np.interp(t, [0, 0.15, 0.4, 0.8, 1], [0.75, 0.95, 1.0, 0.75, 0.4])
            s = np.linspace(0, 1, ROWS)[:, None, None]
            curl = np.array([0, 1.0, 0]) * up
            strip = p - 0.25 * out + reach[:, None] * (way * s + curl * (0.50 if up > 0 else 0.30) * s**2)
            vertices.append(strip.reshape(-1, 3))
            f = grid_faces(ROWS, len(root), False) + start
            faces.append(f if side * up > 0 else f[:, ::-1])
            u, v = np.meshgrid(t, np.linspace(0, 1, ROWS))
            uvs.append(np.c_[u.ravel(), 1 - v.ravel() if up > 0 else 1 - 0.85 * v.ravel()])
            roots.append(np.tile(root, ROWS))
            sides.append(np.full(ROWS * len(root), side))
            start += ROWS * len(root)
    part = Part("lashes", np.concatenate(vertices), np.concatenate(faces), np.concatenate(uvs))
    return LidRibbon(part, np.concatenate(roots), np.concatenate(sides))


def build_lid_shadow(
    cage: Cage, skin: Array, centres: dict[int, Array], radius: float
) -> tuple[LidRibbon, Array]:
    """The shadow that lids throw on the eyeball, as translucent rings in front of it, and its opacity per
    vertex.

    Args:
        centres: eye centre per side (-1, +1); radius: of the eyeball, mm.
    """
    vertices, faces, roots, sides, opacity = [], [], [], [], []
    start = 0
    for side in (1, -1):
        ring = np.array(subdivided_ring(cage.faces, len(cage.vertices), lid_ring(cage, side)))
        off = skin[ring] - centres[side]
        way = off / np.linalg.norm(off, axis=1, keepdims=True)
        middle = way.mean(0)
        upper = np.array([np.sin(np.pi * k / 16) ** 0.5 if 0 < k < 16 else 0.0 for k in range(32)])
        depth = np.where(np.arange(32) <= 16, 0.22 + 0.30 * upper, 0.16)[:, None]
        rows = []
        for row, (t, lift) in enumerate(((0.0, 0.55), (0.45, 0.85), (1.0, 0.85))):
            q = way + t * depth * (middle - way)
            q /= np.linalg.norm(q, axis=1, keepdims=True)
            rows.append(centres[side] + q * (radius + lift))
            opacity.append(np.where(np.arange(32) <= 16, 0.26 + 0.24 * upper, 0.20) * (1.0, 0.40, 0.0)[row])
        vertices.append(np.concatenate(rows))
        f = grid_faces(3, 32, True) + start
        faces.append(f if side < 0 else f[:, ::-1])
        roots.append(np.tile(ring, 3))
        sides.append(np.full(96, side))
        start += 96
    v = np.concatenate(vertices)
    part = Part("lid_shadow", v, np.concatenate(faces), np.zeros((len(v), 2)))
    return LidRibbon(part, np.concatenate(roots), np.concatenate(sides)), np.concatenate(opacity)


def build_tear_line(cage: Cage, skin: Array, centres: dict[int, Array], radius: float) -> LidRibbon:
    """The film of tears between lower lid and eyeball: a thin concave strip that catches the light."""
    vertices, faces, roots, sides = [], [], [], []
    start = 0
    for side in (1, -1):
        ring = subdivided_ring(cage.faces, len(cage.vertices), lid_ring(cage, side))
        root = np.array([ring[0], *ring[31:15:-1]])
        p = skin[root] - centres[side]
        length = np.linalg.norm(p, axis=1, keepdims=True)
        way = p / length
        # up along the eyeball from the lid's margin
        up = np.array([0, 1.0, 0]) - way * way[:, 1:2]
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        height = 0.95 * np.sin(np.pi * np.linspace(0, 1, len(root)))[:, None] ** 0.5
        rows = []
        for t, lift in ((-0.5, 0.75), (0.15, 0.50), (0.55, 0.28), (1.0, 0.10)):
            q = way * radius + up * height * t
            rows.append(
                centres[side] + q / np.linalg.norm(q, axis=1, keepdims=True) * (radius * 1.004 + lift)
            )
        vertices.append(np.concatenate(rows))
        f = grid_faces(len(rows), len(root), False) + start
        faces.append(f if side < 0 else f[:, ::-1])
        roots.append(np.tile(root, len(rows)))
        sides.append(np.full(len(rows) * len(root), side))
        start += len(rows) * len(root)
    v = np.concatenate(vertices)
    part = Part("tear", v, np.concatenate(faces), np.zeros((len(v), 2)))
    return LidRibbon(part, np.concatenate(roots), np.concatenate(sides))
