"""Hairstyles: where hair grows, which way it lies, and the cap under it that hides the scalp."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tools.head.cards import Hair, cards, joined_hair, mixed_colours
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
        return np.clip(np.maximum(np.maximum(top, back), side), 0, 1)


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
    chosen = (mask[surface.faces] > 0.3).all(1) & surface.outer[surface.faces].all(1)
    faces = surface.faces[chosen]
    used, packed = np.unique(faces, return_inverse=True)
    p, n = surface.vertices[used], surface.normals[used]
    v = p + n * (0.3 + lift * soft[used])[:, None]
    angle = np.arctan2(p[:, 0], p[:, 2] + 75) / np.pi
    u0, v0, w, h = WEAVE
    uv = np.c_[u0 + w * (0.5 + 0.5 * angle), v0 + h * (0.5 + 0.45 * np.sin(p[:, 1] / 40))]
    tint = np.array(colour) * (0.30 + 0.25 * soft[used])[:, None] / 0.75
    return Hair(v, n, packed.reshape(-1, 3), uv, tint, used)


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


def _short(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Short, side-parted, combed over and back."""
    roots, _, vertex = surface.scatter(1150, mask, rng)
    neutral = surface.neutral[vertex]
    part = 24.0
    x, y, z = neutral.T
    front = smoothstep(-45, 5, z) * smoothstep(35, 70, y)
    length = 30 + 22 * smoothstep(20, 85, y) - 12 * smoothstep(10, -70, y) + rng.uniform(-5, 5, len(roots))
    length = length * (1 - 0.25 * front)
    lock = smooth_noise(roots, 16, rng)
    stray = rng.normal(size=roots.shape) * 0.10

    def way(p: Array, t: float) -> Array:
        n = surface.normal_at(p)
        over = np.where(p[:, 0] > part, 1.0, -0.9)
        top = smoothstep(45, 85, p[:, 1])
        comb = np.stack([over * (0.35 + 0.65 * top), -0.75 + 0.85 * top, -0.85 + 0.15 * top], 1)
        tangent = unit(comb - n * (comb * n).sum(1, keepdims=True))
        lift = (0.50 * top + 0.10) * (1 - 1.2 * t)
        return tangent + n * lift[:, None] + 0.28 * lock + stray - np.array([0, 0.25 * t, 0])

    curves = flow(surface, roots, length, way, lambda t: 1.0 + 4.0 * np.sin(np.pi * min(t + 0.1, 1)), 7)
    colour = mixed_colours(len(roots), 7, look.colour, look.second, look.share, rng, 0.6)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(8, 13, len(roots)),
        rng.integers(0, 6, len(roots)),
        colour,
        vertex,
        taper=0.7,
    )
    return joined_hair([cap(surface, mask, 2.4, look.colour), body])


def _wild(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """A white mane that stands off to the sides and back."""
    roots, normal, vertex = surface.scatter(900, mask, rng)
    x, y, z = surface.neutral[vertex].T
    low = smoothstep(5, -60, y)
    length = rng.uniform(52, 84, len(roots)) * (1 - 0.42 * low) * (1 - 0.18 * smoothstep(60, 100, y))
    length *= 1 + 0.15 * smoothstep(30, 65, np.abs(x)) * smoothstep(80, 20, y)
    lock = smooth_noise(roots, 15, rng) * 0.55 + smooth_noise(roots, 7, rng) * 0.25
    stray = rng.normal(size=roots.shape) * 0.12
    side = np.sign(x) * smoothstep(5, 50, np.abs(x))
    begin = normal * 0.55 + np.stack(
        [0.42 * side, 0.22 * smoothstep(20, 85, y), -0.75 * smoothstep(-135, 10, z) - 0.1], 1
    )

    def way(p: Array, t: float) -> Array:
        down = np.array([0, -0.75 * t**1.5, 0])
        return unit(begin) + (0.5 + 0.6 * t) * lock + stray * (0.6 + t) + down

    curves = flow(surface, roots, length, way, lambda t: 2.0 + 7.0 * t, 7)
    colour = mixed_colours(len(roots), 7, look.colour, look.second, look.share, rng, 0.55)
    kind = np.where(
        rng.random(len(roots)) < 0.55, rng.integers(0, 4, len(roots)), rng.integers(4, 6, len(roots))
    )
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(12, 20, len(roots)),
        kind,
        colour,
        vertex,
        taper=0.55,
        roll=rng.normal(size=len(roots)) * 0.35,
    )
    few, fn, fv = surface.scatter(150, mask, rng)
    reach = rng.uniform(70, 105, len(few)) * (1 - 0.4 * smoothstep(5, -60, surface.neutral[fv][:, 1]))
    wander = rng.normal(size=few.shape) * 0.35
    aim = fn * 0.8 + np.stack([0.5 * np.sign(few[:, 0]), 0.25 + 0 * few[:, 0], -0.35 + 0 * few[:, 0]], 1)
    loose = flow(
        surface,
        few,
        reach,
        lambda p, t: unit(aim) + wander * (0.5 + t) - np.array([0, 0.6 * t**2, 0]),
        lambda t: 2.0 + 8 * t,
        7,
    )
    tint = mixed_colours(len(few), 7, look.colour, look.second, look.share, rng, 0.6)
    wisps = cards(
        loose,
        outward_of(loose),
        rng.uniform(9, 15, len(few)),
        rng.integers(6, 8, len(few)),
        tint,
        fv,
        taper=0.8,
        roll=rng.normal(size=len(few)) * 0.8,
    )
    return joined_hair([cap(surface, mask, 4.0, look.colour), body, wisps])


def _arc_to(roots: Array, goal: Array, puff: Array, surface: Surface, points: int, reach: Array) -> Array:
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


def _updo(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Hair drawn up loosely into a knot at the back of the crown, with curls that escaped."""
    top = surface.vertices[np.argmax(surface.vertices[:, 1])]
    knot = np.array([0.0, top[1] - 12.0, -128.0])
    knot = surface.cleared(knot[None], 14.0)[0]
    roots, _, vertex = surface.scatter(760, mask, rng)
    neutral = surface.neutral[vertex]
    front = smoothstep(-70, -10, neutral[:, 2])
    puff = (
        5
        + 12 * front * smoothstep(20, 70, neutral[:, 1])
        + 6 * smoothstep(30, 60, np.abs(neutral[:, 0]))
        + rng.uniform(-2, 3, len(roots))
    )
    goal = knot + rng.normal(size=roots.shape) * 9
    curves = _arc_to(roots, goal, puff, surface, 9, rng.uniform(0.55, 1.0, len(roots)))
    lock = smooth_noise(roots, 12, rng)
    t = np.linspace(0, 1, 9)[None, :, None]
    curves = (
        curves
        + lock[:, None] * 3.5 * np.sin(np.pi * t)
        + np.sin(t * 9 + rng.uniform(0, 6.28, (len(roots), 1, 1))) * rng.normal(size=(len(roots), 1, 3)) * 0.9
    )
    colour = mixed_colours(len(roots), 9, look.colour, look.second, look.share, rng, 0.62)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(9, 15, len(roots)),
        rng.integers(0, 6, len(roots)),
        colour,
        vertex,
        taper=0.8,
    )
    pieces = [cap(surface, mask, 4.5, look.colour), body, _knot(knot, vertex[:1], look, rng)]
    pieces.append(_curls(surface, mask, look, rng))
    return joined_hair(pieces)


def _knot(centre: Array, root: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """A coiled bun: ribbons wound around a flattened ball."""
    count, points = 130, 10
    axis = unit(np.array([0.0, 0.75, -0.65]))
    across = unit(np.cross(axis, [1.0, 0, 0]))
    other = np.cross(axis, across)
    start = rng.uniform(0, 2 * np.pi, count)
    height = rng.uniform(-0.75, 0.95, count)
    sweep = rng.uniform(1.2, 2.4, count)
    t = np.linspace(0, 1, points)
    a = start[:, None] + sweep[:, None] * t
    level = np.clip(height[:, None] + 0.35 * np.sin(a * 1.5) * 0.5 + 0.25 * (t - 0.5), -0.95, 0.98)
    radius = 31 * np.sqrt(1 - level**2) + rng.uniform(-1.5, 2, (count, 1))
    curves = (
        centre
        + axis * (level * 21)[..., None]
        + radius[..., None] * (np.cos(a)[..., None] * across + np.sin(a)[..., None] * other)
    )
    out = unit(curves - centre)
    colour = mixed_colours(count, points, look.colour, look.second, look.share, rng, 0.8)
    ribbons = cards(
        curves,
        out,
        rng.uniform(9, 14, count),
        rng.integers(0, 6, count),
        colour,
        np.full(count, root[0]),
        taper=0.8,
    )
    # the ball under the ribbons
    th, ph = np.meshgrid(np.linspace(0.02, np.pi - 0.02, 9), np.linspace(0, 2 * np.pi, 17), indexing="ij")
    ball = np.stack([np.sin(th) * np.cos(ph), np.sin(th) * np.sin(ph), np.cos(th)], -1).reshape(-1, 3)
    v = centre + (ball[:, :1] * across + ball[:, 1:2] * other) * 28 + ball[:, 2:] * axis * 19
    r, c = np.meshgrid(np.arange(8), np.arange(16), indexing="ij")
    i = (r * 17 + c).ravel()
    faces = np.concatenate([np.c_[i, i + 17, i + 1], np.c_[i + 1, i + 17, i + 18]])
    n = unit(v - centre)
    if (
        np.cross(v[faces[40, 1]] - v[faces[40, 0]], v[faces[40, 2]] - v[faces[40, 0]]) * n[faces[40, 0]]
    ).sum() < 0:
        faces = faces[:, ::-1]
    u0, v0, w, h = WEAVE
    uv = np.c_[u0 + w * ph.ravel() / 6.2832, v0 + h * th.ravel() / np.pi]
    core = Hair(v, n, faces, uv, np.tile(np.array(look.colour) * 0.55, (len(v), 1)), np.full(len(v), root[0]))
    return joined_hair([core, ribbons])


def _curls(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Small loose curls along the hairline."""
    edge = (
        mask
        * (1 - mask)
        * 4
        * smoothstep(-75, -40, surface.neutral[:, 2])
        * smoothstep(-30, 0, surface.neutral[:, 1])
    )
    roots, normal, vertex = surface.scatter(70, edge, rng)
    count, points = len(roots), 9
    length = rng.uniform(14, 34, count)
    t = np.linspace(0, 1, points)
    side = np.sign(roots[:, 0] + 1e-6)
    begin = unit(
        normal * 0.9
        + np.stack([0.3 * side, 0.45 * smoothstep(30, 70, roots[:, 1]) - 0.5, 0 * side], 1)
        + rng.normal(size=roots.shape) * 0.3
    )
    across = unit(np.cross(begin, normal + rng.normal(size=normal.shape) * 0.2))
    turns, radius = rng.uniform(4, 8, count), rng.uniform(1.5, 4.0, count)
    fall = np.array([0, -0.5, 0])
    curves = roots[:, None] + length[:, None, None] * (
        begin[:, None] * (t - 0.25 * t**2)[:, None] + fall * (t**2)[:, None] * 0.7
    )
    up = np.cross(across, begin)
    wind = turns[:, None] * t
    curves = (
        curves
        + radius[:, None, None]
        * (across[:, None] * np.sin(wind)[..., None] + up[:, None] * (np.cos(wind) - 1)[..., None])
        * np.minimum(1, 3 * t)[:, None]
    )
    flat = surface.cleared(curves[:, 1:].reshape(-1, 3), 1.0)
    curves[:, 1:] = flat.reshape(count, points - 1, 3)
    colour = mixed_colours(count, points, look.colour, look.second, look.share, rng, 0.75)
    return cards(
        curves,
        outward_of(curves),
        rng.uniform(3.5, 7, count),
        rng.integers(4, 8, count),
        colour,
        vertex,
        taper=0.6,
    )


STYLES: dict[str, Style] = {
    "short": Style(Hairline(), _short),
    "wild": Style(Hairline(front=(79, 80, 72, 62, 38, 4, -6), side=(-54, -66), side_low=(-36, -20)), _wild),
    "updo": Style(
        Hairline(
            front=(62, 63, 61, 53, 34, 6, -4), side=(-46, -58), side_low=(-34, -18), back_low=(-80, -68)
        ),
        _updo,
    ),
}
"""Styles by name."""
