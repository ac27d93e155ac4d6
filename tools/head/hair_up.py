"""Hair that is put up: a knot on the crown, a middle parting with coils over the ears."""

import numpy as np
from numpy.typing import NDArray

from tools.head.cards import Hair, cards, joined_hair, mixed_colours, no_ribbon
from tools.head.falloff import Array, bump, smoothstep
from tools.head.hair_growth import (
    Scalp,
    arc_to,
    cap,
    columns,
    edge_hairs,
    fine_roots,
    outward_of,
    over_cap,
    smooth_noise,
    unit,
)
from tools.head.look import HairLook
from tools.head.strand_atlas import WEAVE
from tools.head.surface import Surface


def _crosses_ear(curves: Array) -> NDArray[np.bool_]:
    """Which curves [N,K,3] run over an ear."""
    x, y, z = np.moveaxis(curves, -1, 0)
    return ((np.abs(x) > 60) & (np.abs(y + 20) < 34) & (np.abs(z + 80) < 25)).any(1)


def updo(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """Hair drawn up loosely into a knot on the crown, with fine hair that escaped."""
    mask = scalp.mask
    top = surface.vertices[np.argmax(surface.vertices[:, 1])]
    knot = surface.cleared(np.array([[0.0, top[1] + 4.0, -108.0]]), 16.0)[0]
    nx, ny, nz = surface.neutral.T
    beside_ear = (np.abs(nx) > 46) & (ny < 14) & (nz > -108)
    roots, _, vertex = surface.scatter(1250, mask * ~beside_ear, rng)
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
        np.sin(
            t * 13 + 3 * smooth_noise(roots, 22, rng)[:, None, :1] + rng.uniform(0, 1.2, (len(roots), 1, 1))
        )
        * smooth_noise(roots, 25, rng)[:, None]
        * 3.2
    )
    curves = curves + (lock[:, None] * 3.5 + wave) * np.sin(np.pi * t) * above[:, None, None]
    colour = mixed_colours(len(roots), 9, look.colour, look.second, look.share, rng, 0.62)
    colour = colour * 0.5 + colour.mean(0) * 0.5  # one head of hair: its ribbons must not stand out
    width = fine_roots(scalp, vertex, rng.uniform(7, 12, len(roots)) * (0.6 + 0.4 * above))
    body = cards(
        curves,
        outward_of(curves),
        width,
        columns(scalp, vertex, 3, 6, rng),
        colour,
        vertex,
        taper=0.8,
        roll=rng.normal(size=len(roots)) * 0.15,
        dip=over_cap(scalp, vertex, 1.0),
    )
    edge = edge_hairs(
        surface, scalp, look, rng, 170, 24, lambda p, t: surface.normal_at(p) * 0.25 + unit(knot - p)
    )
    return joined_hair(
        [
            cap(surface, scalp, 1.0, look.colour),
            body,
            knot_of_hair(knot, vertex[:1], look, rng, 35.0),
            _wisps(surface, scalp, knot, look, rng),
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


def _wisps(surface: Surface, scalp: Scalp, knot: Array, look: HairLook, rng: np.random.Generator) -> Hair:
    """Fine, crinkled hairs that escaped along the hairline and stand off the crown like a haze."""
    _, y, z = surface.neutral.T
    edge = bump(scalp.inside - 3, 5) * smoothstep(-75, -40, z) * smoothstep(0, 20, y)
    crown = 0.16 * scalp.mask * smoothstep(20, 60, y)
    roots, normal, vertex = surface.scatter(200, edge + crown, rng)
    count, points = len(roots), 8
    length = rng.uniform(16, 38, count)
    t = np.linspace(0, 1, points)
    begin = unit(normal * 0.55 + unit(knot - roots) * 0.8 + rng.normal(size=roots.shape) * 0.28)
    across = unit(np.cross(begin, normal + rng.normal(size=normal.shape) * 0.2))
    up = np.cross(across, begin)
    wind = rng.uniform(5, 11, count)[:, None] * t + rng.uniform(0, 6.28, (count, 1))
    radius = rng.uniform(0.6, 1.6, count)[:, None, None]
    crinkle = across[:, None] * np.sin(wind)[..., None] + up[:, None] * np.cos(wind)[..., None]
    curves = (
        roots[:, None]
        + length[:, None, None] * (begin[:, None] * t[:, None] - np.array([0, 0.25, 0]) * (t**2)[:, None])
        + radius * crinkle * np.minimum(1, 3 * t)[:, None]
    )
    lift = 1.0 + 9.0 * smoothstep(20, 60, surface.neutral[vertex][:, 1]) * smoothstep(
        4, 16, scalp.inside[vertex]
    )
    clear = surface.cleared(curves[:, 1:].reshape(-1, 3), np.repeat(lift, points - 1))
    curves[:, 1:] = clear.reshape(count, points - 1, 3)
    colour = mixed_colours(count, points, look.colour, look.second, look.share, rng, 0.85)
    return cards(
        curves,
        outward_of(curves),
        rng.uniform(1.6, 4.0, count),
        rng.integers(6, 8, count),
        colour,
        vertex,
        taper=0.8,
    )


def parted(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """Parted in the middle, smooth over the temples, gathered into coils over the ears."""
    mask = scalp.mask
    coil = {
        s: surface.cleared(np.array([[s * 74.0, -6.0, -88.0]]), 15.0)[0] + np.array([s * 3.0, 0, 0])
        for s in (-1, 1)
    }
    grown = mask * smoothstep(-58, -40, surface.neutral[:, 1])
    roots, _, vertex = surface.scatter(820, grown, rng)
    line, _, beside = surface.scatter(  # close along the parting, so that it stays a line
        190, grown * bump(surface.neutral[:, 0], 5) * smoothstep(-135, -115, surface.neutral[:, 2]), rng
    )
    roots, vertex = np.concatenate([roots, line]), np.r_[vertex, beside]
    neutral = surface.neutral[vertex]
    side = np.where(roots[:, 0] >= 0, 1, -1)
    goal = np.where((side > 0)[:, None], coil[1], coil[-1]) + rng.normal(size=roots.shape) * 6
    away = smoothstep(2, 40, np.abs(neutral[:, 0]))
    puff = 1.0 + 5.0 * away + 1.2 * rng.random(len(roots))
    curves = arc_to(roots, goal, puff, surface, 9, rng.uniform(0.75, 1.0, len(roots)))
    lock = smooth_noise(roots, 14, rng)
    t = np.linspace(0, 1, 9)[None, :, None]
    curves = curves + lock[:, None] * 1.6 * np.sin(np.pi * t)
    colour = mixed_colours(len(roots), 9, look.colour, look.second, look.share, rng, 0.65)
    body = cards(
        curves,
        outward_of(curves),
        fine_roots(scalp, vertex, rng.uniform(9, 13, len(roots))),
        columns(scalp, vertex, 0, 4, rng),
        colour,
        vertex,
        taper=0.85,
        dip=over_cap(scalp, vertex, 0.5),
    )
    coils = [
        knot_of_hair(coil[s], vertex[:1], look, rng, 27.0, unit(np.array([s * 0.95, 0.1, 0.2])))
        for s in (-1, 1)
    ]
    edge = edge_hairs(
        surface,
        scalp,
        look,
        rng,
        90,
        20,
        lambda p, t: (
            surface.normal_at(p) * 0.1
            + np.stack([0.8 * np.sign(p[:, 0]), -0.25 + 0 * p[:, 0], -0.5 + 0 * p[:, 0]], 1)
        ),
        smoothstep(2, 10, np.abs(surface.neutral[:, 0])),
    )
    return joined_hair([cap(surface, scalp, 0.5, look.colour), body, edge, *coils])
