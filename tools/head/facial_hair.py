"""Brows, moustaches and beards as cards that move with the face."""

import numpy as np

from tools.head.cards import Hair, cards, joined_hair, mixed_colours
from tools.head.falloff import Array, bump, smoothstep
from tools.head.hair_growth import smooth_noise, unit
from tools.head.look import BeardLook, BrowLook
from tools.head.strand_atlas import short_uv
from tools.head.surface import Surface

BROW_LINE = [(55, 107), (65, 66), (52, 105), (53, 63), (46, 70)]
"""Landmark pairs below and above the brow, from its inner end outwards (right side)."""


def brow_path(landmarks: Array, arch: float = 0.0) -> Array:
    """Middle line [5,3] of the left brow on a head's landmarks, its arch raised by some mm."""
    path = np.array([(landmarks[a] + landmarks[b]) / 2 for a, b in BROW_LINE])
    path[:, 0] *= -1
    path[:, 1] += arch * np.array([-0.25, 0.15, 0.75, 1.0, 0.0])
    return path


def _half(u: Array) -> Array:
    """Half the thickness of a brow along it, of the look's: full in its body, running out in a fine tail."""
    return np.interp(u, [0, 0.10, 0.32, 0.65, 0.88, 1], [0.72, 1.0, 1.0, 0.72, 0.36, 0.12])


def brow_mask(points: Array, landmarks: Array, look: BrowLook) -> Array:
    """How much brow covers each point, for the tint painted under the hairs."""
    path = brow_path(landmarks, look.arch)
    ax = np.abs(points[:, 0])
    line = np.interp(ax, path[:, 0], path[:, 1])
    u = np.clip((ax - path[0, 0]) / (path[-1, 0] - path[0, 0]), -0.2, 1.2)
    on = smoothstep(-0.12, 0.10, u) * smoothstep(1.05, 0.75, u) * (points[:, 2] > -12)
    return np.clip(bump((points[:, 1] - line) / (look.thickness * _half(u)), 0.85) * on * look.density, 0, 1)


def brows(surface: Surface, landmarks: Array, look: BrowLook, rng: np.random.Generator) -> Hair:
    """Both brows: single hairs that stand up at the inner end, lie outwards in the body, where those below
    rise and those above fall to a common spine, and follow each other in the tail."""
    path = brow_path(landmarks, look.arch)
    count = int(190 * look.density)
    pieces = []
    for side in (1, -1):
        t = ((np.arange(count) + rng.random(count)) / count) ** 1.08 * 3.96
        i = np.minimum(t.astype(int), 3)
        f = (t - i)[:, None]
        p = path[i] * (1 - f) + path[i + 1] * f
        tangent = unit(np.gradient(path, axis=0))
        tangent = unit(tangent[i] * (1 - f) + tangent[i + 1] * f)
        u = t / 4
        v = np.clip(rng.normal(size=count) * 0.62, -1.05, 1.05)
        off = (v - 0.12) * look.thickness * _half(u)
        upward = unit(np.stack([-tangent[:, 1], tangent[:, 0], 0 * u], 1))
        p = p + upward * off[:, None]
        p[:, 0] += rng.normal(size=count) * 0.5
        p[:, 0] *= side
        tangent[:, 0] *= side
        upward[:, 0] *= side
        vertex = surface.nearest(p)
        n = surface.normals[vertex]
        p = p - n * (((p - surface.vertices[vertex]) * n).sum(1) - 0.12)[:, None]
        angle = np.interp(u, [0, 0.10, 0.28, 0.6, 1], [82, 58, 30, 12, -4])
        angle = angle - v * np.interp(u, [0, 0.2, 0.6, 1], [6, 20, 24, 10])
        angle = np.radians(angle + rng.normal(size=count) * (4 + 60 * look.disorder))
        way = tangent * np.cos(angle)[:, None] + upward * np.sin(angle)[:, None]
        way = way - n * (way * n).sum(1, keepdims=True)
        way = unit(unit(way) + n * (0.16 + 0.55 * look.disorder * rng.random(count)[:, None]))
        length = (
            look.length * rng.uniform(0.6, 1.05, count) * np.interp(u, [0, 0.2, 0.75, 1], [0.7, 1, 0.9, 0.55])
        )
        s = np.linspace(0, 1, 4)
        fall = tangent * 0.22 - upward * 0.10
        curves = p[:, None] + length[:, None, None] * (
            way[:, None] * s[:, None] + (fall - n * 0.20)[:, None] * (s**2)[:, None]
        )
        colour = mixed_colours(count, 4, look.colour, look.colour, 0, rng, 0.8)
        colour = colour * rng.uniform(0.55, 1.35, (count, 1, 1))
        pick = rng.integers(0, 4, count)
        out = np.repeat(n[:, None], 4, 1)
        pieces.append(
            cards(
                curves,
                out,
                rng.uniform(0.42, 0.68, count) * look.thickness,
                pick,
                colour,
                vertex,
                taper=0.9,
                bend=0.15,
                uv=short_uv(pick, s),
                dip=0.0,
            )
        )
    return joined_hair(pieces)


def moustache(surface: Surface, look: BeardLook, rng: np.random.Generator, detail: float = 1.0) -> Hair:
    """A full moustache that falls over the lip, parts under the nose, droops and thins out at the corners.

    Under the visible hairs lies a darker, denser bed, so that no skin shows through.
    """
    x, y, z = surface.neutral.T
    ax = np.abs(x)
    top = np.interp(ax, [0, 6, 14, 22, 29], [-46.5, -45.0, -46.0, -49.5, -56.0])
    grow = (
        smoothstep(30, 25, ax) * smoothstep(-64.0, -61.0, y) * smoothstep(top + 0.6, top - 2.2, y) * (z > 8)
    )
    layers = []
    for bed in (True, False):
        count = int((130 if bed else 520) * detail)
        roots, normal, vertex = surface.scatter(count, grow, rng)
        neutral = surface.neutral[vertex]
        count, points = len(roots), 5 if detail > 0.7 else 4
        nx, ny = neutral[:, 0], neutral[:, 1]
        side = np.tanh((nx + rng.normal(size=count) * 1.3) / 5)
        out = np.abs(nx) / 27
        lock = smooth_noise(neutral, 4.5, rng) if not bed else np.zeros((count, 3))
        way = np.stack([side * (0.18 + 0.75 * out**1.2), -0.86 + 0.22 * out, 0.36 - 0.16 * out], 1)
        lift = 0.40 if bed else 0.60
        way = unit(way + normal * lift + lock * 0.24 + rng.normal(size=(count, 3)) * (0.05 if bed else 0.11))
        # the lower edge hangs over the upper lip, uneven, a little lower where the moustache droops
        edge = np.interp(np.abs(nx), [0, 10, 20, 28], [-70.0, -71.5, -74.0, -75.5])
        length = np.clip((ny - edge) * np.interp(out, [0, 1], [1.0, 0.95]), 7.5, 21)
        length = length * (rng.uniform(0.62, 0.85, count) if bed else rng.uniform(0.72, 1.12, count))
        s = np.linspace(0, 1, points)
        sway = (
            np.sin(rng.uniform(0, 6.28, (count, 1)) + 4.5 * s)[..., None]
            * rng.normal(size=(count, 1, 3))
            * 0.45
        )
        curves = roots[:, None] + length[:, None, None] * (
            way[:, None] * s[:, None] + np.array([0, -0.40, -0.20]) * (s**2)[:, None]
        )
        curves = curves + sway * s[:, None]
        colour = mixed_colours(count, points, look.colour, look.second, look.share, rng, 0.50)
        dark = 0.70 if bed else rng.uniform(0.84, 1.12, (count, 1, 1))
        wide = rng.uniform(5.0, 7.0, count) if bed else rng.uniform(2.0, 3.6, count)
        layers.append(
            cards(
                curves,
                unit(np.repeat(normal[:, None], points, 1) + np.array([0, -0.2, 0.35])),
                wide / detail**0.55,
                rng.integers(0, 4, count) if bed else rng.integers(4, 8, count),
                colour * dark,
                vertex,
                taper=0.75,
                bend=0.2,
                roll=rng.normal(size=count) * (0.1 if bed else 0.3),
            )
        )
    return joined_hair(layers)


def full_beard(surface: Surface, look: BeardLook, rng: np.random.Generator, detail: float = 1.0) -> Hair:
    """A moustache joined to a full beard of some length at the chin."""
    x, y, z = surface.neutral.T
    ax = np.abs(x)
    line = np.interp(ax, [0, 18, 30, 44, 56, 66], [-82, -80, -72, -62, -52, -40])
    grow = 1 / (1 + np.exp((y - line) / 1.8)) * smoothstep(-146, -128, y) * smoothstep(-66, -52, z)
    grow = grow * (1 - bump(ax, 15) * bump(y + 80.5, 3.5))
    roots, normal, vertex = surface.scatter(int(520 * min(1.0, 1.4 * detail)), grow, rng)
    neutral = surface.neutral[vertex]
    count, points = len(roots), 6 if detail > 0.7 else 4
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
        curves,
        out,
        rng.uniform(7, 12, count) / detail**0.6,
        rng.integers(4, 7, count),
        colour,
        vertex,
        taper=0.8,
        bend=0.3,
    )
    return joined_hair([body, moustache(surface, look, rng, detail**1.1)])


BEARDS = {"moustache": moustache, "full": full_beard}
"""Facial hair by name."""
