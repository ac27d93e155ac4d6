"""Brows, moustaches and beards as cards that move with the face."""

import numpy as np

from tools.head.cards import Hair, cards, joined_hair, mixed_colours
from tools.head.falloff import Array, bump, smoothstep
from tools.head.hair_growth import smooth_noise, unit
from tools.head.look import BeardLook, BrowLook
from tools.head.strand_atlas import BROW_COLUMNS
from tools.head.surface import Surface

BROW_LINE = [(55, 107), (65, 66), (52, 105), (53, 63), (46, 70)]
"""Landmark pairs below and above the brow, from its inner end outwards (right side)."""


def brow_path(landmarks: Array) -> Array:
    """Middle line [5,3] of the left brow on a head's landmarks."""
    path = np.array([(landmarks[a] + landmarks[b]) / 2 for a, b in BROW_LINE])
    path[:, 0] *= -1
    return path


def brow_mask(points: Array, landmarks: Array, look: BrowLook) -> Array:
    """How much brow covers each point, for the tint painted under the hairs."""
    path = brow_path(landmarks)
    ax = np.abs(points[:, 0])
    line = np.interp(ax, path[:, 0], path[:, 1])
    u = np.clip((ax - path[0, 0]) / (path[-1, 0] - path[0, 0]), -0.2, 1.2)
    half = look.thickness * np.interp(u, [0, 0.25, 0.7, 1], [0.8, 1.0, 0.85, 0.45])
    on = smoothstep(-0.10, 0.06, u) * smoothstep(1.06, 0.85, u) * (points[:, 2] > -12)
    return np.clip(bump((points[:, 1] - line) / half, 0.9) * on * look.density, 0, 1)


def brows(surface: Surface, landmarks: Array, look: BrowLook, rng: np.random.Generator) -> Hair:
    """Both brows."""
    path = brow_path(landmarks)
    count = int(130 * look.density)
    pieces = []
    for side in (1, -1):
        t = (np.arange(count) + rng.random(count)) / count * 4
        i = np.minimum(t.astype(int), 3)
        f = (t - i)[:, None]
        p = path[i] * (1 - f) + path[i + 1] * f
        tangent = unit(path[i + 1] - path[i])
        u = t / 4
        off = (
            rng.uniform(-0.8, 0.75, count)
            * look.thickness
            * np.interp(u, [0, 0.25, 0.7, 1], [0.8, 1.0, 0.8, 0.4])
        )
        p[:, 1] += off
        p[:, 0] *= side
        tangent[:, 0] *= side
        vertex = surface.nearest(p)
        n = surface.normals[vertex]
        p = p - n * (((p - surface.vertices[vertex]) * n).sum(1) - 0.15)[:, None]
        rise = np.interp(u, [0, 0.2, 0.5, 1], [1.1, 0.55, 0.15, -0.15]) - off / look.thickness * 0.35
        way = tangent * np.interp(u, [0, 0.2, 1], [0.45, 0.9, 1.0])[:, None] + np.stack(
            [0 * u, rise, 0 * u], 1
        )
        way = way - n * (way * n).sum(1, keepdims=True)
        way = unit(unit(way) + n * (0.22 + 0.5 * look.disorder) + rng.normal(size=(count, 3)) * look.disorder)
        length = (
            look.length
            * rng.uniform(0.75, 1.1, count)
            * np.interp(u, [0, 0.2, 0.8, 1], [0.7, 1.0, 0.95, 0.7])
        )
        s = np.linspace(0, 1, 4)
        curves = p[:, None] + length[:, None, None] * (
            way[:, None] * s[:, None] - n[:, None] * (0.22 * s**2)[:, None]
        )
        colour = mixed_colours(count, 4, look.colour, look.colour, 0, rng, 0.9)
        pick = rng.integers(0, 4, count)
        tiles = np.array(BROW_COLUMNS)[pick]
        across = np.array([0.08, 0.92])
        uv = np.zeros((count, 4, 2, 2))
        uv[..., 0] = tiles[:, None, None, 0] + tiles[:, None, None, 2] * across[None, None, :]
        uv[..., 1] = tiles[:, None, None, 1] + tiles[:, None, None, 3] * (0.02 + 0.95 * s)[None, :, None]
        out = np.repeat(n[:, None], 4, 1)
        pieces.append(
            cards(
                curves,
                out,
                rng.uniform(2.2, 3.4, count),
                pick,
                colour,
                vertex,
                taper=0.9,
                bend=0.2,
                uv=uv,
                dip=0.0,
            )
        )
    return joined_hair(pieces)


def moustache(surface: Surface, look: BeardLook, rng: np.random.Generator) -> Hair:
    """A full, combed-down moustache."""
    x, y, z = surface.neutral.T
    grow = smoothstep(31, 26, np.abs(x)) * smoothstep(-63.0, -60.5, y) * smoothstep(-44.5, -48.0, y) * (z > 8)
    roots, normal, vertex = surface.scatter(260, grow, rng)
    neutral = surface.neutral[vertex]
    count, points = len(roots), 5
    side = np.tanh((neutral[:, 0] + rng.normal(size=count) * 1.0) / 4)
    lock = smooth_noise(neutral, 6, rng)
    way = np.stack(
        [side * (0.16 + 0.016 * np.abs(neutral[:, 0])), np.full(count, -0.80), np.full(count, 0.16)], 1
    )
    way = unit(way + normal * 0.55 + lock * 0.24 + rng.normal(size=(count, 3)) * 0.07)
    # the lower edge is trimmed at the middle of the lips
    length = np.clip((neutral[:, 1] + 66.5) * 1.15 + rng.uniform(-2.0, 1.8, count), 6.0, 17)
    length *= 1 + 0.20 * bump(np.abs(neutral[:, 0]) - 22, 8)
    s = np.linspace(0, 1, points)
    curves = roots[:, None] + length[:, None, None] * (
        way[:, None] * s[:, None] + np.array([0, -0.42, -0.16]) * (s**2)[:, None]
    )
    colour = mixed_colours(count, points, look.colour, look.second, look.share, rng, 0.55)
    out = unit(np.repeat(normal[:, None], points, 1) + np.array([0, -0.2, 0.35]))
    return cards(
        curves,
        out,
        rng.uniform(6.0, 9.0, count),
        rng.integers(0, 4, count),
        colour,
        vertex,
        taper=0.7,
        bend=0.3,
    )


def full_beard(surface: Surface, look: BeardLook, rng: np.random.Generator) -> Hair:
    """A moustache joined to a full beard of some length at the chin."""
    x, y, z = surface.neutral.T
    ax = np.abs(x)
    line = np.interp(ax, [0, 18, 30, 44, 56, 66], [-82, -80, -72, -62, -52, -40])
    grow = 1 / (1 + np.exp((y - line) / 1.8)) * smoothstep(-146, -128, y) * smoothstep(-66, -52, z)
    grow = grow * (1 - bump(ax, 15) * bump(y + 80.5, 3.5))
    roots, normal, vertex = surface.scatter(400, grow, rng)
    neutral = surface.neutral[vertex]
    count, points = len(roots), 6
    lock = smooth_noise(neutral, 9, rng)
    chin = smoothstep(48, 10, np.abs(neutral[:, 0])) * smoothstep(-70, -100, neutral[:, 1])
    length = (13 + 26 * chin) * rng.uniform(0.8, 1.1, count)
    way = unit(
        normal * (0.50 + 0.20 * chin)[:, None]
        + np.array([0, -0.85, 0.05])
        + lock * 0.22
        + rng.normal(size=(count, 3)) * 0.08
    )
    s = np.linspace(0, 1, points)
    phase = rng.uniform(0, 6.28, (count, 1))
    kink = np.sin(phase + 11 * s)[..., None] * lock[:, None] * 2.2 * s[:, None]
    curves = (
        roots[:, None]
        + length[:, None, None] * (way[:, None] * s[:, None] + np.array([0, -0.35, -0.10]) * (s**2)[:, None])
        + kink
    )
    colour = mixed_colours(count, points, look.colour, look.second, look.share, rng, 0.6)
    out = unit(np.repeat(normal[:, None], points, 1) + np.array([0, -0.1, 0.25]))
    body = cards(
        curves, out, rng.uniform(9, 15, count), rng.integers(4, 6, count), colour, vertex, taper=0.9, bend=0.3
    )
    return joined_hair([body, moustache(surface, look, rng)])


BEARDS = {"moustache": moustache, "full": full_beard}
"""Facial hair by name."""
