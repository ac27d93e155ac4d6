"""The parts inside the head: eyeballs, teeth with gums, tongue."""

import numpy as np

from tools.head.face import EYE_RADIUS, EYE_RIGHT_CENTRE, SEAM_Y
from tools.head.falloff import Array, bump
from tools.head.part import Part, grid_faces, joined, outward
from tools.head.topology import vertex_normals

EYE_TEXTURE_ANGLE = np.radians(100.0)
"""Angle from the eye's axis at the border of its texture."""
TEETH_TILE, GUM_TILE, TONGUE_TILE = (0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 0.5, 0.5), (0.0, 0.5, 1.0, 0.5)
"""Places (u, v, width, height) in the mouth's texture."""


def sphere(rows: int, columns: int, crowding: float = 1.0) -> tuple[Array, Array, Array]:
    """Unit sphere around +z without a seam: vertices, faces, angle from the axis; crowding > 1 gathers rings
    in front."""
    theta = np.pi * np.linspace(0, 1, rows + 1)[1:-1] ** crowding
    phi = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    ring = np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi),
            np.sin(theta)[:, None] * np.sin(phi),
            np.repeat(np.cos(theta)[:, None], columns, 1),
        ],
        -1,
    )
    v = np.concatenate([ring.reshape(-1, 3), [[0, 0, 1.0], [0, 0, -1.0]]])
    n = len(v)
    j = np.arange(columns)
    k = (j + 1) % columns
    last = (len(theta) - 1) * columns
    f = np.concatenate(
        [
            grid_faces(len(theta), columns, True),
            np.c_[np.full(columns, n - 2), j, k],
            np.c_[np.full(columns, n - 1), last + k, last + j],
        ]
    )
    return v, outward(v, f), np.r_[np.repeat(theta, columns), 0, np.pi]


def eyeball(side: int) -> Part:
    """An eyeball with its cornea's bulge; side +1 is the person's left."""
    v, f, angle = sphere(22, 32, 1.5)
    radius = EYE_RADIUS * 0.995 * (1 + 0.045 * bump(np.degrees(angle), 24))
    r = np.minimum(angle / EYE_TEXTURE_ANGLE, 1) * 0.5
    around = np.arctan2(v[:, 1], v[:, 0])
    uv = np.c_[0.5 + r * np.cos(around), 0.5 - r * np.sin(around)]
    return Part(
        "eye_left" if side > 0 else "eye_right", v * radius[:, None] + EYE_RIGHT_CENTRE * [-side, 1, 1], f, uv
    )


def _tooth(width: float, height: float, depth: float) -> tuple[Array, Array]:
    """A crown whose cutting edge lies at y = 0 and whose neck at y = height."""
    t = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    x = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.55
    z = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.7
    profile = [(0.0, 0.86, 0.35), (0.07, 0.97, 0.50), (0.5, 1.0, 0.92), (1.0, 0.82, 1.0)]
    rings = [np.c_[x * width / 2 * sx, np.full(12, y * height), z * depth / 2 * sz] for y, sx, sz in profile]
    v = np.concatenate([*rings, [[0, -0.02 * height, 0]]])
    cap = np.c_[np.arange(12), (np.arange(12) + 1) % 12, np.full(12, len(v) - 1)]
    f = np.concatenate([grid_faces(4, 12, True), cap])
    centre = v.mean(0)
    if ((vertex_normals(v, f) * (v - centre)).sum(1)).mean() < 0:
        f = f[:, ::-1]
    return v, f


def _arch(
    name: str, widths: list[float], heights: list[float], front: float, bend: float, upper: bool, edge: float
) -> Part:
    """Fourteen teeth along a parabola z = front - bend x^2, and their gum."""
    xs = np.linspace(0, 40, 400)
    along = np.r_[0, np.cumsum(np.hypot(np.diff(xs), np.diff(front - bend * xs**2)))]
    pieces: list[Part] = []
    tile = TEETH_TILE
    for side in (1, -1):
        start = 0.0
        for width, height in zip(widths, heights, strict=True):
            x = float(np.interp(start + width / 2, along, xs))
            start += width
            turn = np.arctan(2 * bend * x)
            v, f = _tooth(width * 0.985, height, min(width * 0.85, 7))
            uv = np.c_[
                tile[0] + tile[2] * (0.1 + 0.8 * (v[:, 0] / width + 0.5)),
                tile[1] + tile[3] * (0.1 + 0.8 * np.clip(v[:, 1] / height, 0, 1)),
            ]
            if not upper:
                v, f = v * [1, -1, 1], f[:, ::-1]
            c, s = np.cos(turn), np.sin(turn)
            v = v @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + [
                x,
                edge + (0.015 * x if upper else 0),
                front - bend * x * x - 3,
            ]
            if side < 0:
                v, f = v * [-1, 1, 1], f[:, ::-1]
            pieces.append(Part(name, v, f, uv))
    x = np.linspace(-1, 1, 31) * np.interp(sum(widths), along, xs)
    turn = np.arctan(2 * bend * x)[:, None]
    a = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    height = edge + (heights[0] + 1.6) * (1 if upper else -1)
    v = np.stack(
        [
            x[:, None] + np.sin(turn) * np.cos(a) * 4.0,
            height + np.sin(a) * 4.6 + 0 * turn,
            front - bend * x[:, None] ** 2 - 3.2 + np.cos(turn) * np.cos(a) * 4.0,
        ],
        -1,
    )
    f = grid_faces(31, 10, True)
    flat = v.reshape(-1, 3)
    if ((vertex_normals(flat, f) * (flat - np.repeat(v.mean(1), 10, 0))).sum(1)).mean() < 0:
        f = f[:, ::-1]
    u, w = np.meshgrid(np.linspace(0.05, 0.95, 31), np.linspace(0.05, 0.95, 10), indexing="ij")
    g = GUM_TILE
    pieces.append(Part(name, flat, f, np.c_[g[0] + g[2] * u.ravel(), g[1] + g[3] * w.ravel()]))
    return joined(name, pieces)


def upper_teeth() -> Part:
    """Upper teeth and gum; they stay with the skull."""
    return _arch(
        "teeth_upper",
        [8.4, 6.6, 7.6, 7, 6.8, 9.5, 9],
        [9.5, 8.6, 9.3, 8, 7.5, 7, 6.5],
        23.2,
        0.030,
        True,
        SEAM_Y - 2.4,
    )


def lower_teeth() -> Part:
    """Lower teeth and gum; they go with the jaw."""
    return _arch(
        "teeth_lower",
        [5.3, 5.9, 6.8, 7, 7, 10, 9],
        [8.5, 8.5, 9, 8, 7.5, 7, 6.5],
        20.8,
        0.031,
        False,
        SEAM_Y + 0.4,
    )


def tongue() -> Part:
    """The tongue at rest, its tip behind the lower teeth."""
    v, f, _ = sphere(16, 22)
    p = np.c_[v[:, 0] * 19 * (1 - 0.25 * np.clip(v[:, 2], 0, 1)), v[:, 1] * 7.5, v[:, 2] * 29]
    p[:, 1] -= 2.2 * bump(v[:, 0], 0.16) * (v[:, 1] > 0)
    t = TONGUE_TILE
    uv = np.c_[
        t[0] + t[2] * (0.05 + 0.9 * (v[:, 0] / 2 + 0.5)), t[1] + t[3] * (0.95 - 0.9 * (v[:, 2] / 2 + 0.5))
    ]
    return Part("tongue", p + np.array([0, SEAM_Y - 7.0, -12]), f, uv)
