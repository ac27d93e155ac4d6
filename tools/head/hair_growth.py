"""What all hairstyles share: hairlines, growing curves along a direction field, the cap under the cards."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.head.cards import Hair, cards, joined_hair, mixed_colours, no_ribbon
from tools.head.falloff import Array, bump, smoothstep
from tools.head.look import HairLook
from tools.head.strand_atlas import WEAVE, card_uv, fringe_uv, short_uv
from tools.head.surface import Surface

CENTRE = np.array([0.0, 22.0, -75.0])
"""Middle of the skull."""


@dataclass(frozen=True, slots=True)
class Hairline:
    """Front hairline height over |x|, and how far forward and down hair grows at the side and back."""

    front: tuple[float, ...] = (66, 67, 64, 54, 30, 4, -6)
    side: tuple[float, float] = (-50, -62)
    side_low: tuple[float, float] = (-30, -16)
    back_low: tuple[float, float] = (-84, -70)

    def inside(self, p: Array) -> Array:
        """How far inside the hair neutral-head points lie, mm; negative on bare skin."""
        x, y, z = p.T
        top = y - np.interp(np.abs(x), [0, 20, 38, 52, 62, 70, 80], self.front)
        # behind the ear the hairline runs backwards and down to the nape
        behind = np.interp(y, [-80, -55, -38, -10], [-122, -108, -98, -64]) - z
        back = np.minimum(behind, y - sum(self.back_low) / 2)
        side = np.minimum(sum(self.side) / 2 - z, y - sum(self.side_low) / 2)
        ear = np.where(np.abs(x) > 50, 25 * (np.hypot((y + 20) / 33, (z + 80) / 22) - 1.1), 99)
        return np.minimum(np.maximum(np.maximum(top, back), side), ear)

    def mask(self, p: Array) -> Array:
        """How much hair grows at neutral-head points, 0..1."""
        return smoothstep(-3, 3, self.inside(p))


@dataclass(frozen=True, slots=True)
class Scalp:
    """Where hair grows on a dense skin: `mask` 0..1 per vertex, `inside` mm from the hairline (negative
    outside)."""

    mask: Array
    inside: Array


@dataclass(frozen=True, slots=True)
class Style:
    """A hairline and the function that grows the hair."""

    hairline: Hairline
    grow: Callable[[Surface, Scalp, HairLook, np.random.Generator], Hair]


def unit(v: Array) -> Array:
    """Rows scaled to length one."""
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


def smooth_noise(p: Array, scale: float, rng: np.random.Generator, waves: int = 10) -> Array:
    """A smooth random vector field [N,3] of about unit size: neighbours agree, so hair falls in locks."""
    out = np.zeros_like(p)
    for _ in range(waves):
        k = rng.normal(size=3) / scale
        out += np.cos(p @ k + rng.uniform(0, 6.28))[:, None] * rng.normal(size=3)
    return out / np.sqrt(waves / 2) / 1.5


def outward_of(curves: Array) -> Array:
    """Directions away from the skull's middle for every curve point."""
    return unit(curves - CENTRE)


def cap(surface: Surface, scalp: Scalp, lift: float, colour: tuple[float, float, float]) -> Hair:
    """A shell a little above the scalp where hair grows; at the hairline it thins out to single roots."""
    inside = scalp.inside
    chosen = (inside[surface.coarse] > -5).any(1) & surface.outer[surface.coarse].all(1)
    faces = surface.coarse[chosen]
    border = (inside[faces] < 9).any(1)
    return joined_hair(
        [
            _shell(surface, f, inside, lift, colour, b)
            for f, b in ((faces[border], True), (faces[~border], False))
        ]
    )


def _shell(
    surface: Surface,
    faces: NDArray[np.int64],
    inside: Array,
    lift: float,
    colour: tuple[float, float, float],
    border: bool,
) -> Hair:
    used, packed = np.unique(faces, return_inverse=True)
    p, n, depth = surface.vertices[used], surface.normals[used], inside[used]
    low = smoothstep(-88, -30, surface.neutral[used][:, 1])  # thin where it ends on the neck
    v = p + n * (0.35 + lift * smoothstep(1, 16, depth) * (0.15 + 0.85 * low))[:, None]
    angle = np.arctan2(p[:, 0], p[:, 2] + 75)
    if border:
        uv = fringe_uv((75 * np.abs(angle) - p[:, 1]) / 110, (depth + 4.5) / 13)
    else:
        u0, v0, w, h = WEAVE
        over = np.arctan2(p[:, 0], p[:, 1] - CENTRE[1])  # combed back
        uv = np.c_[u0 + w * (0.5 + 0.5 * over / np.pi), v0 + h * (0.5 + 0.45 * np.sin(p[:, 2] / 40))]
    tint = np.array(colour) * (0.70 - 0.12 * smoothstep(0, 14, depth))[:, None] / 0.75
    return Hair(v, n, packed.reshape(-1, 3), uv, tint, used, no_ribbon(len(used)))


def over_cap(scalp: Scalp, vertex: NDArray[np.int64], lift: float) -> Array:
    """How far ribbons' roots must sink in, negative, to lie on a cap of that lift: a long ribbon whose first
    piece rose from under it would leave it bare."""
    return -(0.7 + lift * smoothstep(1, 16, scalp.inside[vertex]))


def fine_roots(scalp: Scalp, vertex: NDArray[np.int64], width: Array) -> Array:
    """Widths of ribbons, narrower the nearer they spring to the hairline."""
    return width * (0.35 + 0.65 * smoothstep(0, 14, scalp.inside[vertex]))


def columns(
    scalp: Scalp, vertex: NDArray[np.int64], low: int, high: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The atlas columns [low, high) of ribbons; sparse ones for those that spring near the hairline."""
    thin = scalp.inside[vertex] < rng.uniform(-1, 5, len(vertex))
    return np.where(thin, rng.integers(6, 8, len(vertex)), rng.integers(low, high, len(vertex)))


def flow(
    surface: Surface,
    start: Array,
    length: Array,
    way: Callable[[Array, float], Array],
    clearance: Callable[[float], float],
    points: int,
) -> Array:
    """Curves [N,points,3] grown step by step along a direction field, kept off the skin."""
    curve = [start]
    p = start
    for k in range(1, points):
        t = k / (points - 1)
        p = p + unit(way(p, t)) * (length / (points - 1))[:, None]
        p = surface.cleared(p, clearance(t))
        curve.append(p)
    return np.stack(curve, 1)


def edge_hairs(
    surface: Surface,
    scalp: Scalp,
    look: HairLook,
    rng: np.random.Generator,
    count: int,
    length: float,
    way: Callable[[Array, float], Array],
    where: Array | float = 1.0,
) -> Hair:
    """Single fine hairs along the hairline, so that it does not end like a wig; `where` weighs vertices."""
    _, y, z = surface.neutral.T
    beside_ear = smoothstep(18, 6, y) * smoothstep(-105, -95, z)
    edge = bump(scalp.inside - 2.5, 3.5) * smoothstep(-70, -40, y) * (1 - beside_ear) * where
    roots, _, vertex = surface.scatter(3 * count, edge, rng)
    curves = flow(surface, roots, length * rng.uniform(0.6, 1.2, len(roots)), way, lambda t: 0.9 + 1.6 * t, 5)
    colour = mixed_colours(len(roots), 5, look.colour, look.second, look.share, rng, 0.85)
    pick = rng.integers(0, 4, len(roots))
    single = rng.random(len(roots)) < 0.8
    along = np.linspace(0, 1, 5)
    sparse = card_uv(
        (6.0 + pick % 2)[:, None, None] + np.zeros((1, 5, 2)),
        np.zeros((len(roots), 5, 1)) + np.array([0.0, 1.0]),
        np.zeros((len(roots), 1, 2)) + along[None, :, None],
    )
    return cards(
        curves,
        outward_of(curves),
        np.where(single, rng.uniform(1.8, 3.2, len(roots)), rng.uniform(3.0, 5.0, len(roots))),
        pick,
        colour,
        vertex,
        taper=0.8,
        uv=np.where(single[:, None, None, None], short_uv(pick, along), sparse),
        dip=0.3,
    )


def arc_to(roots: Array, goal: Array, puff: Array, surface: Surface, points: int, reach: Array) -> Array:
    """Curves from roots around the skull towards a goal, lifted by `puff` in their middle."""
    a, b = unit(roots - CENTRE), unit(goal - CENTRE)
    ra, rb = np.linalg.norm(roots - CENTRE, axis=1), np.linalg.norm(goal - CENTRE, axis=1)
    angle = np.arccos(np.clip((a * b).sum(1), -1, 1))
    out = []
    for k in range(points):
        t = k / (points - 1) * reach
        s = np.sin(angle) + 1e-6
        way = (np.sin((1 - t) * angle) / s)[:, None] * a + (np.sin(t * angle) / s)[:, None] * b
        p = CENTRE + unit(way) * ((1 - t) * ra + t * rb)[:, None]
        out.append(
            surface.cleared(
                p,
                1.5 + puff * np.sin(np.pi * np.clip(k / (points - 1) * 0.85 + 0.03, 0, 1)) ** 1.4
                if k
                else 0.0,
            )
        )
    return np.stack(out, 1)
