"""What all hairstyles share: hairlines, growing curves along a direction field, the cap under the cards."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.head.cards import Hair, cards, mixed_colours, no_ribbon
from tools.head.falloff import Array, smoothstep
from tools.head.look import HairLook
from tools.head.strand_atlas import WEAVE
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

    def mask(self, p: Array) -> Array:
        """How much hair grows at neutral-head points, 0..1."""
        x, y, z = p.T
        line = np.interp(np.abs(x), [0, 20, 38, 52, 62, 70, 80], self.front)
        top = smoothstep(-3, 3, y - line)
        back = smoothstep(-58, -72, z) * smoothstep(*self.back_low, y)
        side = smoothstep(*self.side, z) * smoothstep(*self.side_low, y)
        ear = 1 - smoothstep(1.25, 0.95, np.hypot((y + 20) / 33, (z + 80) / 22)) * (np.abs(x) > 50)
        return np.clip(np.maximum(np.maximum(top, back), side), 0, 1) * ear


@dataclass(frozen=True, slots=True)
class Style:
    """A hairline and the function that grows the hair."""

    hairline: Hairline
    grow: Callable[[Surface, Array, HairLook, np.random.Generator], Hair]


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


def cap(surface: Surface, mask: Array, lift: float, colour: tuple[float, float, float]) -> Hair:
    """An opaque shell a little above the scalp where hair grows."""
    soft = smoothstep(0.25, 0.8, mask)
    chosen = (mask[surface.coarse] > 0.25).any(1) & surface.outer[surface.coarse].all(1)
    faces = surface.coarse[chosen]
    used, packed = np.unique(faces, return_inverse=True)
    p, n = surface.vertices[used], surface.normals[used]
    low = smoothstep(-88, -30, surface.neutral[used][:, 1])  # thin where it ends on the neck
    # its border dives under the skin, so that it ends along a smooth line
    sunk = 1.4 * (1 - smoothstep(0.15, 0.75, mask[used]))
    v = p + n * (0.3 + lift * soft[used] * (0.15 + 0.85 * low) - sunk)[:, None]
    angle = np.arctan2(p[:, 0], p[:, 2] + 75) / np.pi
    u0, v0, w, h = WEAVE
    uv = np.c_[u0 + w * (0.5 + 0.5 * angle), v0 + h * (0.5 + 0.45 * np.sin(p[:, 1] / 40))]
    tint = np.array(colour) * (0.30 + 0.25 * soft[used])[:, None] / 0.75
    return Hair(v, n, packed.reshape(-1, 3), uv, tint, used, no_ribbon(len(used)))


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
    mask: Array,
    look: HairLook,
    rng: np.random.Generator,
    count: int,
    length: float,
    way: Callable[[Array, float], Array],
) -> Hair:
    """Small sparse cards along the hairline, so that it does not end like a wig."""
    _, y, z = surface.neutral.T
    beside_ear = smoothstep(18, 6, y) * smoothstep(-105, -95, z)
    edge = (mask * (1 - mask) * 4) ** 1.5 * smoothstep(-90, -60, y) * (1 - beside_ear)
    roots, _, vertex = surface.scatter(2 * count, edge, rng)
    curves = flow(surface, roots, length * rng.uniform(0.6, 1.2, len(roots)), way, lambda t: 0.5 + 1.5 * t, 5)
    colour = mixed_colours(len(roots), 5, look.colour, look.second, look.share, rng, 0.85)
    return cards(
        curves,
        outward_of(curves),
        rng.uniform(2.5, 5, len(roots)),
        rng.integers(4, 8, len(roots)),
        colour,
        vertex,
        taper=0.7,
        dip=0.4,
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
                p, 0.8 + puff * np.sin(np.pi * np.clip(k / (points - 1) * 0.85 + 0.06, 0, 1)) if k else 0.3
            )
        )
    return np.stack(out, 1)
