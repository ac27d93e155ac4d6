"""Hairstyles: where hair grows, which way it lies, and the cap under it that hides the scalp."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tools.head.cards import Hair, cards, joined_hair, mixed_colours, no_ribbon
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
    chosen = (mask[surface.coarse] > 0.55).all(1) & surface.outer[surface.coarse].all(1)
    faces = surface.coarse[chosen]
    used, packed = np.unique(faces, return_inverse=True)
    p, n = surface.vertices[used], surface.normals[used]
    low = smoothstep(-88, -30, surface.neutral[used][:, 1])  # thin where it ends on the neck
    v = p + n * (0.3 + lift * soft[used] * (0.15 + 0.85 * low))[:, None]
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


def _edge_hairs(
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
    roots, _, vertex = surface.scatter(count, edge, rng)
    curves = flow(surface, roots, length * rng.uniform(0.6, 1.2, len(roots)), way, lambda t: 0.5 + 1.5 * t, 5)
    colour = mixed_colours(len(roots), 5, look.colour, look.second, look.share, rng, 0.8)
    return cards(
        curves,
        outward_of(curves),
        rng.uniform(4, 7, len(roots)),
        rng.integers(6, 8, len(roots)),
        colour,
        vertex,
        taper=0.9,
    )


def _short(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Short, side-parted, combed over and back."""
    roots, _, vertex = surface.scatter(1300, mask, rng)
    _, y, z = surface.neutral[vertex].T
    part = 24.0
    front = smoothstep(-45, 5, z) * smoothstep(35, 70, y)
    length = 26 + 24 * smoothstep(15, 80, y) - 13 * smoothstep(0, -60, y) + rng.uniform(-5, 5, len(roots))
    length = length * (1 - 0.15 * front)
    lock = smooth_noise(roots, 16, rng)
    stray = rng.normal(size=roots.shape) * 0.08

    def comb(p: Array, t: float) -> Array:
        n = surface.normal_at(p)
        over = np.where(p[:, 0] > part, 1.0, -0.9)
        top = smoothstep(40, 80, p[:, 1])
        aim = np.stack([over * (0.25 + 0.65 * top), -0.80 + 0.90 * top, -0.80 + 0.10 * top], 1)
        tangent = unit(aim - n * (aim * n).sum(1, keepdims=True))
        lift = (0.62 * top + 0.08) * (1 - 1.35 * t)
        return tangent + n * lift[:, None] - np.array([0, 0.25 * t, 0])

    curves = flow(
        surface,
        roots,
        length,
        lambda p, t: comb(p, t) + 0.24 * lock + stray,
        lambda t: 0.8 + 3.2 * np.sin(np.pi * min(t + 0.1, 1)),
        7,
    )
    colour = mixed_colours(len(roots), 7, look.colour, look.second, look.share, rng, 0.6)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(8, 13, len(roots)),
        rng.integers(0, 6, len(roots)),
        colour,
        vertex,
        taper=0.8,
    )
    edge = _edge_hairs(surface, mask, look, rng, 150, 15, comb)
    return joined_hair([cap(surface, mask, 1.6, look.colour), body, edge])


def _wild(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """A white mane: thin and swept back on top, a cloud at the sides and back."""
    roots, normal, vertex = surface.scatter(1150, mask, rng)
    x, y, _ = surface.neutral[vertex].T
    low, high = smoothstep(5, -60, y), smoothstep(55, 95, y)
    side = np.sign(x) * smoothstep(8, 50, np.abs(x))
    length = rng.uniform(48, 78, len(roots)) * (1 - 0.45 * low) * (1 - 0.15 * high)
    length *= 1 + 0.22 * np.abs(side) * smoothstep(85, 30, y) * smoothstep(-30, 10, y)
    lock = smooth_noise(roots, 17, rng) * 0.50 + smooth_noise(roots, 8, rng) * 0.30
    stray = rng.normal(size=roots.shape) * 0.10
    begin = unit(
        normal * (0.62 - 0.20 * high)[:, None]
        + np.stack([0.55 * side, 0.10 + 0.25 * np.abs(side) * smoothstep(-20, 50, y), -0.65 - 0.35 * high], 1)
    )
    across = unit(np.cross(begin, [0.1, 1.0, 0.2]))
    phase, turns = rng.uniform(0, 6.28, len(roots)), rng.uniform(4, 8, len(roots))

    def way(p: Array, t: float) -> Array:
        wave = across * (0.42 * t * np.sin(phase + turns * t))[:, None]
        return begin + (0.35 + 0.75 * t) * lock + stray * (0.5 + t) + wave - np.array([0, 0.85 * t**1.4, 0])

    curves = flow(surface, roots, length, way, lambda t: 2.0 + 5.0 * t, 8)
    colour = mixed_colours(len(roots), 8, look.colour, look.second, look.share, rng, 0.50)
    kind = np.where(
        rng.random(len(roots)) < 0.35, rng.integers(0, 4, len(roots)), rng.integers(4, 6, len(roots))
    )
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(13, 21, len(roots)),
        kind,
        colour,
        vertex,
        taper=0.95,
        roll=rng.normal(size=len(roots)) * 0.4,
    )
    few, fn, fv = surface.scatter(230, mask, rng)
    fx, fy, _ = surface.neutral[fv].T
    reach = rng.uniform(62, 96, len(few)) * (1 - 0.45 * smoothstep(5, -60, fy))
    wander = rng.normal(size=few.shape) * 0.30
    aim = unit(
        fn * 0.7
        + np.stack([0.5 * np.sign(fx) * smoothstep(5, 40, np.abs(fx)), 0.15 + 0 * fx, -0.6 + 0 * fx], 1)
    )
    sway = rng.uniform(0, 6.28, (len(few), 1))
    loose = flow(
        surface,
        few,
        reach,
        lambda p, t: (
            aim
            + wander * (0.5 + t)
            + 0.5 * t * np.sin(sway + 6 * t) * unit(np.cross(aim, [0, 1.0, 0]))
            - np.array([0, 0.7 * t**2, 0])
        ),
        lambda t: 2.0 + 6 * t,
        8,
    )
    tint = mixed_colours(len(few), 8, look.colour, look.second, look.share, rng, 0.6)
    wisps = cards(
        loose,
        outward_of(loose),
        rng.uniform(12, 20, len(few)),
        rng.integers(6, 8, len(few)),
        tint,
        fv,
        taper=1.0,
        roll=rng.normal(size=len(few)) * 0.8,
    )
    edge = _edge_hairs(
        surface,
        mask,
        look,
        rng,
        120,
        26,
        lambda p, t: (
            surface.normal_at(p) * 0.35
            + np.array([0, 0.15, -0.9])
            + np.stack([0.5 * np.sign(p[:, 0]), 0 * p[:, 0], 0 * p[:, 0]], 1)
        ),
    )
    return joined_hair([cap(surface, mask, 3.0, look.colour), body, wisps, edge])


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
    """Hair drawn up loosely into a knot on the crown, with curls that escaped."""
    top = surface.vertices[np.argmax(surface.vertices[:, 1])]
    knot = surface.cleared(np.array([[0.0, top[1] + 4.0, -108.0]]), 16.0)[0]
    nx, ny, nz = surface.neutral.T
    beside_ear = (np.abs(nx) > 46) & (ny < 14) & (nz > -108)
    roots, _, vertex = surface.scatter(950, mask * ~beside_ear, rng)
    neutral = surface.neutral[vertex]
    front = smoothstep(-70, -10, neutral[:, 2])
    above = smoothstep(-25, 25, neutral[:, 1])
    puff = (
        1.5
        + (4 + 8 * front * smoothstep(20, 70, neutral[:, 1]) + 9 * smoothstep(25, 60, np.abs(neutral[:, 0])))
        * above
    )
    puff = puff + rng.uniform(-1.5, 3.5, len(roots)) * above
    goal = knot + rng.normal(size=roots.shape) * 8
    curves = _arc_to(roots, goal, puff, surface, 9, rng.uniform(0.6, 1.0, len(roots)))
    lock = smooth_noise(roots, 12, rng)
    t = np.linspace(0, 1, 9)[None, :, None]
    wave = (
        np.sin(t * 10 + rng.uniform(0, 6.28, (len(roots), 1, 1)))
        * smooth_noise(roots, 25, rng)[:, None]
        * 1.8
    )
    curves = curves + (lock[:, None] * 3.5 + wave) * np.sin(np.pi * t) * above[:, None, None]
    colour = mixed_colours(len(roots), 9, look.colour, look.second, look.share, rng, 0.62)
    width = rng.uniform(9, 15, len(roots)) * (0.6 + 0.4 * above)
    body = cards(curves, outward_of(curves), width, rng.integers(0, 6, len(roots)), colour, vertex, taper=0.8)
    edge = _edge_hairs(
        surface, mask, look, rng, 170, 24, lambda p, t: surface.normal_at(p) * 0.25 + unit(knot - p)
    )
    return joined_hair(
        [
            cap(surface, mask, 2.0, look.colour),
            body,
            _knot(knot, vertex[:1], look, rng, 35.0),
            _curls(surface, mask, look, rng),
            edge,
        ]
    )


def _knot(
    centre: Array,
    root: Array,
    look: HairLook,
    rng: np.random.Generator,
    size: float,
    axis: Array | None = None,
) -> Hair:
    """A coiled bun: ribbons wound around a flattened ball."""
    count, points = 130, 10
    axis = unit(np.array([0.0, 0.85, -0.45])) if axis is None else axis
    across = unit(np.cross(axis, [1.0, 0, 0]))
    other = np.cross(axis, across)
    start = rng.uniform(0, 2 * np.pi, count)
    height = rng.uniform(-0.75, 0.95, count)
    sweep = rng.uniform(1.2, 2.4, count)
    t = np.linspace(0, 1, points)
    a = start[:, None] + sweep[:, None] * t
    level = np.clip(height[:, None] + 0.35 * np.sin(a * 1.5) * 0.5 + 0.25 * (t - 0.5), -0.95, 0.98)
    radius = size * np.sqrt(1 - level**2) + rng.uniform(-1.5, 2, (count, 1))
    curves = (
        centre
        + axis * (level * size * 0.68)[..., None]
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
    v = centre + (ball[:, :1] * across + ball[:, 1:2] * other) * size * 0.9 + ball[:, 2:] * axis * size * 0.6
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
    core = Hair(
        v,
        n,
        faces,
        uv,
        np.tile(np.array(look.colour) * 0.55, (len(v), 1)),
        np.full(len(v), root[0]),
        no_ribbon(len(v)),
    )
    return joined_hair([core, ribbons])


def _curls(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Small loose curls along the hairline."""
    edge = (
        mask
        * (1 - mask)
        * 4
        * smoothstep(-75, -40, surface.neutral[:, 2])
        * smoothstep(12, 26, surface.neutral[:, 1])
    )
    roots, normal, vertex = surface.scatter(60, edge, rng)
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


def _parted(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Parted in the middle, smooth over the temples, gathered into coils over the ears."""
    coil = {
        s: surface.cleared(np.array([[s * 74.0, -6.0, -88.0]]), 15.0)[0] + np.array([s * 3.0, 0, 0])
        for s in (-1, 1)
    }
    roots, _, vertex = surface.scatter(820, mask, rng)
    neutral = surface.neutral[vertex]
    side = np.where(neutral[:, 0] >= 0, 1, -1)
    goal = np.where((side > 0)[:, None], coil[1], coil[-1]) + rng.normal(size=roots.shape) * 6
    away = smoothstep(2, 40, np.abs(neutral[:, 0]))
    puff = 2.5 + 5 * (1 - away) + 2 * rng.random(len(roots))
    curves = _arc_to(roots, goal, puff, surface, 9, rng.uniform(0.75, 1.0, len(roots)))
    lock = smooth_noise(roots, 14, rng)
    t = np.linspace(0, 1, 9)[None, :, None]
    curves = curves + lock[:, None] * 1.6 * np.sin(np.pi * t)
    colour = mixed_colours(len(roots), 9, look.colour, look.second, look.share, rng, 0.65)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(10, 15, len(roots)),
        rng.integers(0, 4, len(roots)),
        colour,
        vertex,
        taper=0.85,
    )
    coils = [
        _knot(coil[s], vertex[:1], look, rng, 27.0, unit(np.array([s * 0.95, 0.1, 0.2]))) for s in (-1, 1)
    ]
    return joined_hair([cap(surface, mask, 1.6, look.colour), body, *coils])


def _mane(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Full, tightly waved hair, parted at the side and brushed back into a wide mass."""
    roots, normal, vertex = surface.scatter(1250, mask, rng)
    x, y, _ = surface.neutral[vertex].T
    low = smoothstep(0, -60, y)
    length = rng.uniform(40, 62, len(roots)) * (1 - 0.30 * low) * (1 - 0.10 * smoothstep(70, 100, y))
    lock = smooth_noise(roots, 11, rng) * 0.35
    stray = rng.normal(size=roots.shape) * 0.16
    part = 30.0
    over = np.where(x > part, 1.0, np.where(x > part - 60, -0.5, -1.0)) * smoothstep(0, 40, np.abs(x - part))
    begin = unit(
        normal * 0.70 + np.stack([0.55 * over, 0.05 + 0 * x, -0.75 - 0.15 * smoothstep(40, 90, y)], 1)
    )
    across = unit(np.cross(begin, [0.2, 1.0, 0.1]))
    up = np.cross(across, begin)
    phase = rng.uniform(0, 6.28, len(roots))

    def way(p: Array, t: float) -> Array:
        kink = across * np.sin(phase + 17 * t)[:, None] + up * np.cos(phase + 17 * t)[:, None]
        return begin + lock * (0.5 + t) + stray + 0.55 * kink - np.array([0, 0.55 * t**1.5, 0.2 * t])

    curves = flow(surface, roots, length, way, lambda t: 2.0 + 6.0 * t, 8)
    colour = mixed_colours(len(roots), 8, look.colour, look.second, look.share, rng, 0.55)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(9, 15, len(roots)),
        rng.integers(4, 6, len(roots)),
        colour,
        vertex,
        taper=1.0,
        roll=rng.normal(size=len(roots)) * 0.4,
    )
    edge = _edge_hairs(
        surface, mask, look, rng, 160, 16, lambda p, t: surface.normal_at(p) * 0.4 + np.array([0, 0.1, -0.9])
    )
    return joined_hair([cap(surface, mask, 4.0, look.colour), body, edge])


def _bob(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Chin-length hair, parted at the side, turned in at the ends."""
    roots, _, vertex = surface.scatter(900, mask, rng)
    neutral = surface.neutral[vertex]
    part = -18.0
    end = -96 + rng.uniform(-8, 8, len(roots))
    length = np.clip(neutral[:, 1] - end, 30, 230) * 0.98 + 26 * smoothstep(50, 100, neutral[:, 1])
    lock = smooth_noise(roots, 18, rng)
    stray = rng.normal(size=roots.shape) * 0.05

    def way(p: Array, t: float) -> Array:
        n = surface.normal_at(p)
        over = np.where(neutral[:, 0] > part, 1.0, -1.0)
        crown = smoothstep(45, 90, p[:, 1])
        face = smoothstep(
            -62, -30, p[:, 2]
        )  # what grows in front is swept behind the cheekbones before it hangs
        aim = np.stack(
            [
                over * (0.9 * crown + 0.15 + 0.6 * face),
                -0.25 - 0.85 * (1 - crown) * (1 - face),
                -0.45 * crown - 1.3 * face,
            ],
            1,
        )
        hang = (smoothstep(30, -20, p[:, 1]) * (1 - face))[:, None]
        tangent = unit(aim - n * (aim * n).sum(1, keepdims=True))
        inward = (
            np.stack([-0.5 * np.sign(p[:, 0]), 0 * over, 0 * over], 1)
            * smoothstep(-70, -100, p[:, 1])[:, None]
        )
        free = (1 - 0.7 * face)[:, None]
        return (
            tangent * (1 - hang)
            + np.array([0, -1.0, 0]) * hang
            + n * (0.30 * crown * (1 - t))[:, None]
            + (0.12 * lock + stray) * free
            + inward
        )

    curves = flow(
        surface, roots, length, way, lambda t: 1.0 + 8.0 * np.sin(np.pi * min(t * 0.85 + 0.08, 1)), 11
    )
    colour = mixed_colours(len(roots), 11, look.colour, look.second, look.share, rng, 0.6)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(9, 14, len(roots)),
        rng.integers(0, 4, len(roots)),
        colour,
        vertex,
        taper=0.9,
    )
    edge = _edge_hairs(surface, mask, look, rng, 110, 22, _from_parting(part))
    return joined_hair([cap(surface, mask, 2.4, look.colour), body, edge])


def _from_parting(part: float) -> Callable[[Array, float], Array]:
    """Hairs at the front that leave a parting sideways and down."""
    return lambda p, t: np.stack(
        [np.where(p[:, 0] > part, 0.8, -0.8), 0.1 - 0.3 * t + 0 * p[:, 0], -0.9 + 0 * p[:, 0]], 1
    )


def _wig(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """A baroque wig: a smooth top and rows of horizontal curls around the sides and back."""
    crown = mask * smoothstep(22, 34, surface.neutral[:, 1])
    roots, _, vertex = surface.scatter(620, crown, rng)
    _, y, z = surface.neutral[vertex].T
    length = rng.uniform(40, 62, len(roots)) + 14 * smoothstep(-20, 20, z)
    lock = smooth_noise(roots, 12, rng)

    def way(p: Array, t: float) -> Array:
        n = surface.normal_at(p)
        aim = np.stack(
            [1.3 * np.tanh(p[:, 0] / 14), -0.55 + 0.5 * smoothstep(60, 100, p[:, 1]), -0.75 + 0 * y], 1
        )
        tangent = unit(aim - n * (aim * n).sum(1, keepdims=True))
        return tangent + n * (0.9 - 1.5 * t) * smoothstep(40, 90, p[:, 1])[:, None] + 0.16 * lock

    curves = flow(surface, roots, length, way, lambda t: 4.0 + 6.0 * np.sin(np.pi * min(t + 0.15, 1)), 7)
    colour = mixed_colours(len(roots), 7, look.colour, look.second, look.share, rng, 0.7)
    body = cards(
        curves,
        outward_of(curves),
        rng.uniform(10, 16, len(roots)),
        rng.integers(0, 6, len(roots)),
        colour,
        vertex,
        taper=0.85,
    )
    rolls = []
    for row in range(7):
        height = 42.0 - 26.0 * row
        for column in np.linspace(-1, 1, 7 if row < 5 else 8):
            angle = np.pi + column * (2.02 + 0.05 * row - (0.0 if row < 4 else 0.10 * (row - 3)))
            radius = 78 + 6 * np.sin(row * 1.1) + 4 * row * (np.abs(column) > 0.6)
            place = np.array(
                [
                    np.sin(angle) * radius * 0.98,
                    height + rng.uniform(-4, 4),
                    -76 + np.cos(angle) * radius * 1.18,
                ]
            )
            lift = 13.0 if height > -80 else 9.0
            place = surface.cleared(place[None], lift)[0]
            tangent = unit(np.array([np.cos(angle), 0.14 * rng.normal(), -np.sin(angle) * 1.18]))
            rolls.append(
                _roll(
                    place,
                    tangent,
                    unit(place - np.array([0, place[1], -76.0])),
                    rng.uniform(26, 32),
                    rng.uniform(12.5, 15),
                    look,
                    vertex[0],
                    rng,
                )
            )
    return joined_hair([cap(surface, mask, 4.0, look.colour), body, *rolls])


def _roll(
    centre: Array,
    axis: Array,
    out: Array,
    half: float,
    radius: float,
    look: HairLook,
    root: int,
    rng: np.random.Generator,
) -> Hair:
    """One sausage curl: a tube tapering at its ends, its hair wound around it."""
    down = np.cross(axis, out)
    s, a = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(0, 2 * np.pi, 13), indexing="ij")
    r = radius * (1 - 0.42 * np.abs(s) ** 3) * (1 + 0.05 * np.sin(3 * a + 5 * s))
    bow = -out * 0.16 * half
    v = (
        centre
        + (s * half)[..., None] * axis
        + (s**2)[..., None] * bow
        + r[..., None] * (np.cos(a)[..., None] * out + np.sin(a)[..., None] * down)
    )
    n = np.cos(a)[..., None] * out + np.sin(a)[..., None] * down + 0.3 * s[..., None] ** 3 * axis
    i, j = np.meshgrid(np.arange(8), np.arange(12), indexing="ij")
    q = (i * 13 + j).ravel()
    faces = np.concatenate([np.c_[q, q + 13, q + 1], np.c_[q + 1, q + 13, q + 14]])
    flat, normals = v.reshape(-1, 3), unit(n.reshape(-1, 3))
    f = faces[40]
    if (np.cross(flat[f[1]] - flat[f[0]], flat[f[2]] - flat[f[0]]) * normals[f[0]]).sum() < 0:
        faces = faces[:, ::-1]
    u0, v0, w, h = WEAVE
    shift = rng.uniform(0, 0.45)
    uv = np.c_[u0 + w * (shift + 0.5 * (s.ravel() + 1) / 2), v0 + h * (0.5 - 0.48 * np.cos(a.ravel() / 2))]
    tone = (0.62 + 0.38 * np.clip(np.cos(a) * 0.7 + 0.5, 0, 1)) * (1 - 0.35 * np.abs(s) ** 4)
    tint = np.array(look.colour) * tone.ravel()[:, None] * rng.uniform(0.9, 1.08) / 0.8
    return Hair(flat, normals, faces, uv, tint, np.full(len(flat), root), no_ribbon(len(flat)))


def _cartoon(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """A smooth, thick shell with a swept tuft: drawn, not grown."""
    shell = cap(surface, mask, 9.0, look.colour)
    bright = Hair(
        shell.vertices,
        shell.normals,
        shell.faces,
        shell.uv,
        np.tile(np.array(look.colour), (len(shell.vertices), 1)),
        shell.root,
        shell.ribbon,
    )
    roots, _, vertex = surface.scatter(46, mask * smoothstep(30, 70, surface.neutral[:, 1]), rng)
    n = surface.normal_at(roots)
    lock = smooth_noise(roots, 30, rng)
    sweep = np.array([0.75, 0.25, 0.15])
    spikes = []
    for k in range(len(roots)):
        t = np.linspace(0, 1, 7)
        path = (
            roots[k]
            + n[k] * 6
            + 46
            * (
                unit(n[k] * 0.5 + sweep + 0.35 * lock[k]) * t[:, None]
                + np.array([0.15, -0.35, 0.1]) * (t**2)[:, None]
            )
        )
        along = unit(np.gradient(path, axis=0))
        a = unit(np.cross(along, n[k] + 1e-3))
        b = np.cross(a, along)
        ring = np.linspace(0, 2 * np.pi, 9)
        r = 13 * (1 - t) ** 0.7
        v = path[:, None] + r[:, None, None] * (
            np.cos(ring)[None, :, None] * a[:, None] + np.sin(ring)[None, :, None] * 0.6 * b[:, None]
        )
        normal = unit(np.cos(ring)[None, :, None] * a[:, None] + np.sin(ring)[None, :, None] * b[:, None])
        i, j = np.meshgrid(np.arange(6), np.arange(8), indexing="ij")
        q = (i * 9 + j).ravel()
        f = np.concatenate([np.c_[q, q + 1, q + 9], np.c_[q + 1, q + 10, q + 9]])
        uv = np.tile([WEAVE[0] + WEAVE[2] / 2, WEAVE[1] + WEAVE[3] / 2], (63, 1))
        tone = (0.8 + 0.35 * t)[:, None, None] * np.ones((7, 9, 1)) * np.array(look.colour)
        spikes.append(
            Hair(
                v.reshape(-1, 3),
                normal.reshape(-1, 3),
                f,
                uv,
                tone.reshape(-1, 3),
                np.full(63, vertex[k]),
                no_ribbon(63),
            )
        )
    return joined_hair([bright, *spikes])


STYLES: dict[str, Style] = {
    "short": Style(Hairline(), _short),
    "wild": Style(Hairline(front=(79, 80, 72, 62, 38, 4, -6), side=(-54, -66), side_low=(-36, -20)), _wild),
    "updo": Style(
        Hairline(
            front=(62, 63, 61, 53, 34, 6, -4), side=(-46, -58), side_low=(-34, -18), back_low=(-72, -58)
        ),
        _updo,
    ),
    "parted": Style(
        Hairline(
            front=(66, 64, 58, 48, 30, 6, -4), side=(-44, -56), side_low=(-30, -14), back_low=(-72, -58)
        ),
        _parted,
    ),
    "mane": Style(Hairline(front=(68, 68, 65, 56, 34, 4, -6), side=(-50, -62), side_low=(-44, -28)), _mane),
    "bob": Style(Hairline(front=(66, 66, 62, 52, 32, 6, -4), side=(-44, -56), side_low=(-30, -14)), _bob),
    "wig": Style(Hairline(front=(64, 64, 61, 52, 34, 8, 0), side=(-40, -52), side_low=(-60, -40)), _wig),
    "cartoon": Style(Hairline(front=(62, 62, 59, 50, 30, 4, -6)), _cartoon),
}
"""Styles by name."""
