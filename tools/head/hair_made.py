"""Hair that is made, not grown: a baroque wig, a cartoon's shell."""

import numpy as np

from tools.head.cards import Hair, cards, joined_hair, mixed_colours, no_ribbon
from tools.head.falloff import Array, smoothstep
from tools.head.hair_growth import Scalp, cap, flow, outward_of, smooth_noise, unit
from tools.head.look import HairLook
from tools.head.strand_atlas import WEAVE
from tools.head.surface import Surface


def wig(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """A baroque wig: a smooth top and rows of horizontal curls around the sides and back."""
    mask = scalp.mask
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
    return joined_hair([cap(surface, scalp, 4.0, look.colour), body, *rolls])


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
    rows = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 9))  # denser where the ends turn in
    s, a = np.meshgrid(rows, np.linspace(0, 2 * np.pi, 13), indexing="ij")
    r = radius * np.sqrt(1 - 0.985 * np.abs(s) ** 7) * (1 - 0.22 * s**2) * (1 + 0.05 * np.sin(3 * a + 5 * s))
    bow = -out * 0.16 * half
    v = (
        centre
        + (s * half)[..., None] * axis
        + (s**2)[..., None] * bow
        + r[..., None] * (np.cos(a)[..., None] * out + np.sin(a)[..., None] * down)
    )
    n = np.cos(a)[..., None] * out + np.sin(a)[..., None] * down + (0.3 * s**3 + 2.0 * s**9)[..., None] * axis
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


def cartoon(surface: Surface, scalp: Scalp, look: HairLook, rng: np.random.Generator) -> Hair:
    """A smooth, thick shell with a swept tuft: drawn, not grown."""
    mask = scalp.mask
    shell = cap(surface, scalp, 12.0, look.colour)
    bright = Hair(
        shell.vertices,
        shell.normals,
        shell.faces,
        np.tile([WEAVE[0] + WEAVE[2] / 2, WEAVE[1] + WEAVE[3] / 2], (len(shell.vertices), 1)),
        np.tile(np.array(look.colour), (len(shell.vertices), 1)),
        shell.root,
        shell.ribbon,
    )
    roots, _, vertex = surface.scatter(30, mask * smoothstep(35, 75, surface.neutral[:, 1]), rng)
    n = surface.normal_at(roots)
    lock = smooth_noise(roots, 30, rng)
    sweep = np.array([0.75, 0.25, 0.15])
    spikes = []
    for k in range(len(roots)):
        t = np.linspace(0, 1, 7)
        path = (
            roots[k]
            + n[k] * 6
            + 58
            * (
                unit(n[k] * 0.5 + sweep + 0.35 * lock[k]) * t[:, None]
                + np.array([0.15, -0.35, 0.1]) * (t**2)[:, None]
            )
        )
        along = unit(np.gradient(path, axis=0))
        a = unit(np.cross(along, n[k] + 1e-3))
        b = np.cross(a, along)
        ring = np.linspace(0, 2 * np.pi, 9)
        r = 21 * (1 - t) ** 0.7
        v = path[:, None] + r[:, None, None] * (
            np.cos(ring)[None, :, None] * a[:, None] + np.sin(ring)[None, :, None] * 0.6 * b[:, None]
        )
        normal = unit(np.cos(ring)[None, :, None] * a[:, None] + np.sin(ring)[None, :, None] * b[:, None])
        i, j = np.meshgrid(np.arange(6), np.arange(8), indexing="ij")
        q = (i * 9 + j).ravel()
        f = np.concatenate([np.c_[q, q + 1, q + 9], np.c_[q + 1, q + 10, q + 9]])
        uv = np.tile([WEAVE[0] + WEAVE[2] / 2, WEAVE[1] + WEAVE[3] / 2], (63, 1))
        tone = (0.92 + 0.12 * t)[:, None, None] * np.ones((7, 9, 1)) * np.array(look.colour)
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
