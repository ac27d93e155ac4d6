"""The eye's texture: sclera with faint vessels, limbus, fibrous iris, pupil; laid out by angle from the eye's
axis."""

import numpy as np

from tools.head.face import EYE_RADIUS
from tools.head.falloff import Array, bump, smoothstep
from tools.head.look import EyeLook
from tools.head.organs import EYE_TEXTURE_ANGLE
from tools.head.raster import jpeg, srgb


def drawn_eye_texture(look: EyeLook, size: int = 512) -> bytes:
    """A drawn eye as JPEG: a big two-toned iris in a white ball."""
    g = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(g, -g)
    arc = np.hypot(x, y) / 0.5 * EYE_TEXTURE_ANGLE * EYE_RADIUS
    iris = np.array(look.iris)
    low = smoothstep(0.03, -0.03, y)[..., None]
    colour = iris * (0.75 + 0.9 * low)
    white = np.array(look.white) * np.ones((size, size, 1))
    edge = smoothstep(7.3, 7.55, arc)[..., None]
    colour = colour * (1 - edge) + white * edge
    ring = (smoothstep(6.3, 6.5, arc) * (1 - edge[..., 0]))[..., None]
    colour = colour * (1 - ring) + iris * 0.15 * ring
    pupil = (1 - smoothstep(3.5, 3.75, arc))[..., None]
    return jpeg(srgb((colour * (1 - pupil) + 0.004 * pupil).astype(np.float32)), 92)


def eye_texture(look: EyeLook, size: int = 1024, seed: int = 3) -> bytes:
    """The texture as JPEG."""
    rng = np.random.default_rng(seed)
    g = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(g, -g)
    arc = np.hypot(x, y) / 0.5 * EYE_TEXTURE_ANGLE * EYE_RADIUS  # mm along the surface
    around = np.arctan2(y, x)
    colour = _iris(np.array(look.iris), arc, around, rng)
    # light gathers in the lower half of an iris, the lid shades the upper
    colour *= (1.0 + 0.45 * smoothstep(0.02, -0.11, y) - 0.22 * smoothstep(0.02, 0.12, y))[..., None]
    white = np.array(look.white)[None, None] * np.ones((size, size, 1))
    white = white * (1 - 0.20 * smoothstep(8.5, 17, arc))[..., None]
    white = white * (1 - np.array([0.0, 0.10, 0.14]) * smoothstep(9, 17, arc)[..., None])
    vessel = np.zeros_like(arc)
    for _ in range(26):
        a0, w = rng.uniform(-np.pi, np.pi), rng.uniform(0.006, 0.014)
        path = (
            a0
            + 0.10 * np.sin(arc * rng.uniform(0.4, 1.0) + rng.uniform(0, 6.28))
            + 0.02 * np.sin(arc * 3 + a0)
        )
        d = np.abs(np.angle(np.exp(1j * (around - path))))
        vessel += bump(d, w) * smoothstep(8.5, 15, arc) * rng.uniform(0.2, 0.6)
    white = white * (1 - np.array([0.06, 0.36, 0.36]) * np.clip(vessel, 0, 1)[..., None])
    edge = smoothstep(5.55, 6.45, arc)[..., None]
    colour = np.clip(colour, 0.003, 1) * (1 - edge) + white * edge
    pupil = (1 - smoothstep(PUPIL - 0.12, PUPIL + 0.16, arc))[..., None]
    return jpeg(srgb((colour * (1 - pupil) + 0.0015 * pupil).astype(np.float32)), 90)


PUPIL = 2.35
"""Radius, mm: as in the light of a room."""


def _iris(tone: Array, arc: Array, around: Array, rng: np.random.Generator) -> Array:
    """An iris in linear light: a warm, frilled ring around the pupil, fibres that run to a dark limbus."""
    frill = 3.25 + 0.16 * np.sin(9 * around + 1.0) + 0.10 * np.sin(23 * around)
    fibre, fine = np.zeros_like(arc), np.zeros_like(arc)
    for k in range(26):
        bend = rng.uniform(0, 6.28) + 0.5 * np.sin(arc * rng.uniform(0.6, 1.6) + rng.uniform(0, 6.28))
        fibre += rng.normal() * np.cos((9 + 3 * k) * around + bend)
        fine += rng.normal() * np.cos((61 + 5 * k) * around + 1.6 * bend)
    streak = 1 + 0.34 * np.tanh(fibre / 3.4) + 0.20 * np.tanh(fine / 3.4)
    inner = smoothstep(0.35, -0.25, arc - frill)
    body = bump(arc - 4.1, 1.15)
    light = (0.62 + 0.62 * body + 0.45 * bump(arc - frill, 0.30)) * streak
    light = light * (1 - 0.90 * smoothstep(4.55, 5.65, arc)) * (1 - 0.45 * smoothstep(2.75, 2.1, arc))
    grey = tone.mean()
    vivid = np.maximum(grey + 1.15 * (tone - grey), 0.10 * grey)
    warm = vivid * [1.28, 1.02, 0.72]
    mixed = vivid + (warm - vivid) * (0.75 * inner + 0.20 * (1 - inner) * (streak > 1.1))[..., None]
    return mixed * 0.85 * light[..., None]
