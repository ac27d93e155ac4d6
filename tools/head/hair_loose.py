"""Hair that falls or stands by itself: short, wild, a mane, a bob."""

from collections.abc import Callable

import numpy as np

from tools.head.cards import Hair, cards, joined_hair, mixed_colours
from tools.head.falloff import Array, bump, smoothstep
from tools.head.hair_growth import (
    Scalp,
    cap,
    columns,
    edge_hairs,
    fine_roots,
    flow,
    outward_of,
    over_cap,
    smooth_noise,
    unit,
)
from tools.head.look import HairLook
from tools.head.surface import Surface


def short(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """Short, side-parted, combed over and back."""
    mask = scalp.mask
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
        lambda t: 1.5 + 2.8 * np.sin(np.pi * min(t + 0.1, 1)),
        7,
    )
    colour = mixed_colours(len(roots), 7, look.colour, look.second, look.share, rng, 0.6)
    body = cards(
        curves,
        outward_of(curves),
        fine_roots(scalp, vertex, rng.uniform(8, 13, len(roots))),
        columns(scalp, vertex, 0, 6, rng),
        colour,
        vertex,
        taper=0.8,
        dip=over_cap(scalp, vertex, 0.9),
    )
    edge = edge_hairs(surface, scalp, look, rng, 150, 15, comb)
    return joined_hair([cap(surface, scalp, 0.9, look.colour), body, edge])


def wild(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """A white mane: thin and swept back on top, a cloud at the sides and back."""
    mask = scalp.mask
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
    full = rng.random(len(roots)) < 0.35
    kind = np.where(full, columns(scalp, vertex, 0, 4, rng), columns(scalp, vertex, 4, 6, rng))
    body = cards(
        curves,
        outward_of(curves),
        fine_roots(scalp, vertex, rng.uniform(13, 21, len(roots))),
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
        unit(outward_of(loose) + np.array([0, 0.45, 0.55])),
        rng.uniform(12, 20, len(few)),
        rng.integers(6, 8, len(few)),
        tint,
        fv,
        taper=1.0,
        roll=rng.normal(size=len(few)) * 0.8,
    )
    edge = edge_hairs(
        surface,
        scalp,
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
    return joined_hair([cap(surface, scalp, 3.0, look.colour), body, wisps, edge])


def mane(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """Full, tightly waved hair, parted at the side and brushed back into a wide mass."""
    mask = scalp.mask
    roots, normal, vertex = surface.scatter(1250, mask, rng)
    x, y, _ = surface.neutral[vertex].T
    low = smoothstep(0, -60, y)
    length = rng.uniform(46, 70, len(roots)) * (1 - 0.15 * low) * (1 - 0.10 * smoothstep(70, 100, y))
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
    # a streak of the second colour springs from the forehead beside the parting
    streak = bump(x - 16, 15) * smoothstep(45, 75, y) * smoothstep(-90, -40, surface.neutral[vertex][:, 2])
    white = mixed_colours(len(roots), 8, look.second, look.second, 0, rng, 0.7)
    colour = colour + (white - colour) * streak[:, None, None]
    body = cards(
        curves,
        outward_of(curves),
        fine_roots(scalp, vertex, rng.uniform(9, 15, len(roots))),
        columns(scalp, vertex, 4, 6, rng),
        colour,
        vertex,
        taper=1.0,
        roll=rng.normal(size=len(roots)) * 0.4,
    )
    edge = edge_hairs(
        surface, scalp, look, rng, 160, 16, lambda p, t: surface.normal_at(p) * 0.4 + np.array([0, 0.1, -0.9])
    )
    return joined_hair([cap(surface, scalp, 4.0, look.colour), body, edge])


def bob(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """Chin-length hair, parted at the side, turned in at the ends."""
    mask = scalp.mask
    part = -18.0
    roots, _, vertex = surface.scatter(900, mask, rng)
    beside = bump(surface.neutral[:, 0] - part, 5) * smoothstep(-125, -105, surface.neutral[:, 2])
    line, _, close = surface.scatter(130, mask * beside * smoothstep(40, 55, surface.neutral[:, 1]), rng)
    roots, vertex = np.concatenate([roots, line]), np.r_[vertex, close]  # so that the parting stays a line
    neutral = surface.neutral[vertex]
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
                over * (0.7 * crown + 0.10 + 0.6 * face),
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
            + n * (0.18 * crown * (1 - t))[:, None]
            + (0.08 * lock + 0.6 * stray) * free
            + inward
        )

    curves = flow(
        surface, roots, length, way, lambda t: 1.6 + 5.0 * np.sin(np.pi * min(t * 0.85 + 0.08, 1)), 11
    )
    colour = mixed_colours(len(roots), 11, look.colour, look.second, look.share, rng, 0.6)
    body = cards(
        curves,
        outward_of(curves),
        fine_roots(scalp, vertex, rng.uniform(9, 14, len(roots))),
        columns(scalp, vertex, 0, 4, rng),
        colour,
        vertex,
        taper=0.9,
        dip=over_cap(scalp, vertex, 0.8),
    )
    edge = edge_hairs(surface, scalp, look, rng, 110, 22, _from_parting(part))
    return joined_hair([cap(surface, scalp, 0.8, look.colour), body, edge])


def _from_parting(part: float) -> Callable[[Array, float], Array]:
    """Hairs at the front that leave a parting sideways and down."""
    return lambda p, t: np.stack(
        [np.where(p[:, 0] > part, 0.8, -0.8), 0.1 - 0.3 * t + 0 * p[:, 0], -0.9 + 0 * p[:, 0]], 1
    )
