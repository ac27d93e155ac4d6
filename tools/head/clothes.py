"""Clothes: shells lofted around the solid of neck and shoulders."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tools.head import solid
from tools.head.falloff import Array, bump, smoothstep
from tools.head.look import ClothesLook
from tools.head.part import grid_faces
from tools.head.topology import Faces, vertex_normals

AROUND = 72
AXIS_Z = -104.0


@dataclass(frozen=True, slots=True)
class Cloth:
    """A garment: vertices, normals, faces, linear colours, and the neckline height over the angle for hiding skin below it."""

    vertices: Array
    normals: Array
    faces: Faces
    colour: Array


def loft(
    top: Array, offset: Callable[[Array, float], Array], rows: int, bottom: float = -300.0, smoothing: int = 4
) -> Array:
    """A closed shell [rows,AROUND,3] around the neck and shoulders, found by marching outwards in the solid.

    Args:
        top: neckline height per angle; offset: distance from the solid (mm) per angle at t = 0 (top) .. 1 (bottom).
    """
    theta = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    way = np.c_[np.sin(theta), 0 * theta, np.cos(theta)]
    out = []
    for k in range(rows):
        t = k / (rows - 1)
        y = top + (bottom - top) * t**1.15
        low, high = np.zeros(AROUND), np.full(AROUND, 330.0)
        thick = offset(theta, t)
        for _ in range(22):
            middle = (low + high) / 2
            p = np.c_[way[:, 0] * middle, y, AXIS_Z + way[:, 2] * middle]
            inside = solid.head(p) < thick
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        out.append(np.c_[way[:, 0] * low, y, AXIS_Z + way[:, 2] * low])
    shell = np.array(out)
    for _ in range(smoothing):
        mean = (shell[4:] + shell[2:-2] + np.roll(shell[3:-1], 1, 1) + np.roll(shell[3:-1], -1, 1)) / 4
        shell[3:-1] += 0.5 * (mean - shell[3:-1])
    return shell


def _closed(shell: Array, colour: Array) -> Cloth:
    rows = len(shell)
    v = shell.reshape(-1, 3)
    f = grid_faces(rows, AROUND, True)
    return Cloth(v, vertex_normals(v, f), f, colour.reshape(-1, 3))


def _with_hem(shell: Array, depth: float = 6.0) -> Array:
    """The shell with its upper edge folded inwards."""
    inner = shell[0] * [0.965, 1, 1]
    inner[:, 2] = AXIS_Z + (inner[:, 2] - AXIS_Z) * 0.965
    inner[:, 1] -= depth
    return np.concatenate([inner[None], shell])


def sweater(look: ClothesLook) -> list[Cloth]:
    """A knitted crew-neck sweater."""
    theta = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    c = np.cos(theta)
    top = -163 - 26 * np.clip(c, 0, 1) ** 2 + 12 * np.clip(-c, 0, 1)

    def offset(a: Array, t: float) -> Array:
        roll = 3.2 * np.exp(-(((t - 0.04) / 0.035) ** 2))
        return (
            3.0 + 5.0 * smoothstep(0, 0.10, t) + roll + 1.3 * np.sin(3 * a + 9 * t) * smoothstep(0.2, 0.6, t)
        )

    shell = _with_hem(loft(top, offset, 26))
    rib = np.where(np.arange(AROUND) % 2 == 0, 1.0, 0.78)[None, :, None] * np.ones((len(shell), 1, 1))
    rib[5:] = 0.94 + 0.06 * rib[5:]
    colour = np.array(look.colour) * rib
    colour[0] *= 0.4
    return [_closed(shell, colour * np.ones((1, AROUND, 1)))]


def high_collar(look: ClothesLook) -> list[Cloth]:
    """A dark dress with a standing collar edged in lace, a pleated yoke."""
    theta = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    c = np.cos(theta)
    top = -141 - 12 * np.clip(c, 0, 1) ** 2 + 8 * np.clip(-c, 0, 1)

    def offset(a: Array, t: float) -> Array:
        collar = 2.2 + 1.4 * bump(t - 0.22, 0.05)
        pleat = 0.9 * np.sin(a * 18) * smoothstep(0.25, 0.45, t) * smoothstep(0.4, 0.9, np.cos(a))
        return (
            collar
            + 5.5 * smoothstep(0.20, 0.42, t)
            + pleat
            + 1.2 * np.sin(3 * a + 7 * t) * smoothstep(0.4, 0.8, t)
        )

    shell = _with_hem(loft(top, offset, 30, smoothing=2), 5)
    tone = np.ones((len(shell), AROUND, 1))
    tone[1:9:2] *= 0.8
    colour = np.array(look.colour) * tone
    colour[0] *= 0.4
    dress = _closed(shell, colour)
    # lace: a frilled band that stands above the collar
    rows = 4
    frill = []
    for k in range(rows):
        t = k / (rows - 1)
        wave = 1.0 * np.sin(theta * 24) * t
        ring = shell[1].copy()
        out = ring - [0, 0, AXIS_Z]
        out[:, 1] = 0
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        frill.append(ring + out * (0.6 + 1.2 * t + wave)[:, None] + np.array([0, -3.0 + 8.0 * t, 0]))
    lace = np.array(frill)
    tint = np.array(look.second) * (0.75 + 0.25 * np.cos(theta * 24))[None, :, None] * np.ones((rows, 1, 1))
    return [dress, _closed(lace[::-1], tint)]


GARMENTS: dict[str, Callable[[ClothesLook], list[Cloth]]] = {"sweater": sweater, "high_collar": high_collar}
"""Garments by name."""
