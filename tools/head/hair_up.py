"""Hair that is put up: a knot on the crown, a middle parting with coils over the ears."""

import numpy as np
from numpy.typing import NDArray

from tools.head.cards import Hair, cards, joined_hair, mixed_colours, no_ribbon
from tools.head.falloff import Array, smoothstep
from tools.head.hair_growth import arc_to, cap, edge_hairs, outward_of, smooth_noise, unit
from tools.head.look import HairLook
from tools.head.strand_atlas import WEAVE
from tools.head.surface import Surface


def _crosses_ear(curves: Array) -> NDArray[np.bool_]:
    """Which curves [N,K,3] run over an ear."""
    x, y, z = np.moveaxis(curves, -1, 0)
    return ((np.abs(x) > 60) & (np.abs(y + 20) < 34) & (np.abs(z + 80) < 25)).any(1)


def updo(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
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
    curves = arc_to(roots, goal, puff, surface, 9, rng.uniform(0.6, 1.0, len(roots)))
    clear = ~_crosses_ear(curves)
    curves, roots, vertex, above = curves[clear], roots[clear], vertex[clear], above[clear]
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
    edge = edge_hairs(
        surface, mask, look, rng, 170, 24, lambda p, t: surface.normal_at(p) * 0.25 + unit(knot - p)
    )
    return joined_hair(
        [
            cap(surface, mask, 2.0, look.colour),
            body,
            knot_of_hair(knot, vertex[:1], look, rng, 35.0),
            _curls(surface, mask, look, rng),
            edge,
        ]
    )


def knot_of_hair(
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
        rng.uniform(1.5, 3.5, count),
        rng.integers(6, 8, count),
        colour,
        vertex,
        taper=0.6,
    )


def parted(surface: Surface, mask: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Parted in the middle, smooth over the temples, gathered into coils over the ears."""
    coil = {
        s: surface.cleared(np.array([[s * 74.0, -6.0, -88.0]]), 15.0)[0] + np.array([s * 3.0, 0, 0])
        for s in (-1, 1)
    }
    roots, _, vertex = surface.scatter(820, mask * smoothstep(-58, -40, surface.neutral[:, 1]), rng)
    neutral = surface.neutral[vertex]
    side = np.where(neutral[:, 0] >= 0, 1, -1)
    goal = np.where((side > 0)[:, None], coil[1], coil[-1]) + rng.normal(size=roots.shape) * 6
    away = smoothstep(2, 40, np.abs(neutral[:, 0]))
    puff = 2.5 + 5 * (1 - away) + 2 * rng.random(len(roots))
    curves = arc_to(roots, goal, puff, surface, 9, rng.uniform(0.75, 1.0, len(roots)))
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
        knot_of_hair(coil[s], vertex[:1], look, rng, 27.0, unit(np.array([s * 0.95, 0.1, 0.2])))
        for s in (-1, 1)
    ]
    edge = edge_hairs(
        surface,
        mask * smoothstep(8, 22, np.abs(surface.neutral[:, 0])),
        look,
        rng,
        90,
        20,
        lambda p, t: (
            surface.normal_at(p) * 0.1
            + np.stack([0.8 * np.sign(p[:, 0]), -0.25 + 0 * p[:, 0], -0.5 + 0 * p[:, 0]], 1)
        ),
    )
    return joined_hair([cap(surface, mask, 1.6, look.colour), body, edge, *coils])
