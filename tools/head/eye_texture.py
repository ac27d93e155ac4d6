"""The eye's texture: sclera with faint vessels, limbus, fibrous iris, pupil; laid out by angle from the eye's
axis."""

import numpy as np

from tools.head.face import EYE_RADIUS
from tools.head.falloff import bump, smoothstep
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


def eye_texture(look: EyeLook, size: int = 512, seed: int = 3) -> bytes:
    """The texture as JPEG."""
    rng = np.random.default_rng(seed)
    g = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(g, -g)
    r = np.hypot(x, y)
    arc = r / 0.5 * EYE_TEXTURE_ANGLE * EYE_RADIUS  # mm along the surface
    around = np.arctan2(y, x)
    fibre = np.zeros_like(r)
    for k in range(40):
        f = 3 + 2 * k
        fibre += rng.normal() * np.cos(
            f * around + rng.uniform(0, 6.28) + 1.2 * np.sin(arc * rng.uniform(0.5, 1.5))
        )
    fibre /= 7
    iris = np.array(look.iris)
    collarette = bump(arc - 3.1, 0.8)
    tone = (0.80 + 0.35 * fibre) * (0.75 + 0.55 * bump(arc - 3.6, 1.6)) + 0.25 * collarette
    warm = iris * [1.25, 1.0, 0.75]
    colour = iris[None, None] * tone[..., None] + (warm - iris)[None, None] * collarette[..., None]
    # light gathers in the lower half of an iris, the lid shades the upper
    colour *= (1.0 + 0.55 * smoothstep(0.02, -0.11, y) - 0.35 * smoothstep(0.0, 0.11, y))[..., None]
    white = np.array(look.white)[None, None] * np.ones((size, size, 1))
    white = white * (1 - 0.16 * smoothstep(7.5, 16, arc))[..., None]
    white = white * [1, 1, 1] - np.array([0.0, 0.06, 0.07]) * smoothstep(9, 17, arc)[..., None]
    vessel = np.zeros_like(r)
    for _ in range(26):
        a0, w = rng.uniform(-np.pi, np.pi), rng.uniform(0.006, 0.014)
        path = (
            a0
            + 0.10 * np.sin(arc * rng.uniform(0.4, 1.0) + rng.uniform(0, 6.28))
            + 0.02 * np.sin(arc * 3 + a0)
        )
        d = np.abs(np.angle(np.exp(1j * (around - path))))
        vessel += bump(d, w) * smoothstep(8.0, 15, arc) * rng.uniform(0.2, 0.7)
    white = white * (1 - np.array([0.10, 0.42, 0.42]) * np.clip(vessel, 0, 1)[..., None])
    edge = smoothstep(5.55, 6.35, arc)[..., None]
    colour = np.clip(colour, 0.004, 1) * (1 - edge) + white * edge
    limbus = (0.80 * bump(arc - 5.75, 0.62))[..., None]
    colour = colour * (1 - limbus) + iris * 0.18 * limbus
    pupil = (1 - smoothstep(1.75, 2.05, arc))[..., None]
    return jpeg(srgb((colour * (1 - pupil) + 0.003 * pupil).astype(np.float32)), 90)
