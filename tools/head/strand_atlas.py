"""The strand texture: grey clumps with alpha for cards, a fringe for lashes, short hairs for brows, an opaque
weave."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tools.head.falloff import Array
from tools.head.raster import png

SIZE = 1024
SCALE = 2
COLUMNS = 8
CARD_HEIGHT = 0.6875
"""Cards use v 0 (root) to 0.6875 (tip) of eight columns: 0-3 full, 4-5 wavy, 6-7 sparse."""
FRINGE_ROWS = (0.6875, 0.75)
"""Where hair begins: single roots at the top, closed below; repeats in u."""
LASH_ROWS = (0.75, 0.875)
WEAVE = (0.02, 0.89, 0.46, 0.10)
"""Opaque streaks (u, v, width, height)."""
BROW_COLUMNS = tuple((0.5 + 0.125 * k, 0.875, 0.125, 0.125) for k in range(4))
"""Tiles (u, v, width, height) of a few short hairs, roots at the top."""


def card_uv(column: Array, across: Array, along: Array) -> Array:
    """Texture coordinates on cards: column 0..7, across 0..1, along 0 (root) .. 1 (tip)."""
    return np.stack([(column + 0.04 + 0.92 * across) / COLUMNS, 0.004 + (CARD_HEIGHT - 0.012) * along], -1)


def fringe_uv(along: Array, inside: Array) -> Array:
    """Texture coordinates on the fringe: along the hairline (1 repeats), inside 0 (bare) .. 1 (closed)."""
    top, bottom = FRINGE_ROWS
    return np.stack([along, top + 0.004 + (bottom - top - 0.010) * np.clip(inside, 0, 1)], -1)


def lash_uv(across: Array, along: Array) -> Array:
    """Texture coordinates on the lash fringe; along 0 root, 1 tip."""
    top, bottom = LASH_ROWS
    return np.stack([across, bottom - 0.004 - (bottom - top - 0.012) * along], -1)


def short_uv(pick: NDArray[np.int64], along: Array) -> Array:
    """Texture coordinates [N,K,2,2] of cards with a few short hairs: tile 0..3 of each card, along [K] 0 root
    .. 1 tip."""
    tile = np.array(BROW_COLUMNS)[pick]
    across = np.array([0.06, 0.94])
    uv = np.zeros((len(pick), len(along), 2, 2))
    uv[..., 0] = tile[:, None, None, 0] + tile[:, None, None, 2] * across[None, None, :]
    uv[..., 1] = tile[:, None, None, 1] + tile[:, None, None, 3] * (0.02 + 0.95 * along)[None, :, None]
    return uv


def is_fine(uv: Array) -> NDArray[np.bool_]:
    """Which texture coordinates lie on single hairs, that a cut-off would eat or make jagged: sparse clumps,
    the fringe, the short ones."""
    u, v = uv.T
    sparse = (v < CARD_HEIGHT) & (u > 6 / COLUMNS)
    return sparse | ((v > FRINGE_ROWS[0]) & (v < FRINGE_ROWS[1])) | ((v > LASH_ROWS[1]) & (u > 0.5))


class _Painter:
    """Draws strands into a grey and an alpha image at twice the final size."""

    def __init__(self) -> None:
        self.shade = Image.new("L", (SIZE * SCALE, SIZE * SCALE), 200)
        self.alpha = Image.new("L", (SIZE * SCALE, SIZE * SCALE), 0)
        self._draw = (ImageDraw.Draw(self.shade), ImageDraw.Draw(self.alpha))

    def strand(self, points: Array, start: float, end: float, tone: float) -> None:
        """A tapering stroke, fine where it begins: widths in final pixels."""
        steps = 7
        cut = np.linspace(0, len(points) - 1, steps + 1).astype(int)
        for k in range(steps):
            piece = points[cut[k] : cut[k + 1] + 1]
            if len(piece) < 2:
                continue
            width = max(1, round((start + (end - start) * k / (steps - 1)) * (1.0 if k else 0.6) * SCALE))
            path = [(float(x) * SCALE, float(y) * SCALE) for x, y in piece]
            for d, fill in zip(self._draw, (int(255 * tone), 255), strict=True):
                d.line(path, fill=fill, width=width, joint="curve")

    def block(self, box: tuple[float, float, float, float], tone: float) -> None:
        """An opaque rectangle."""
        for d, fill in zip(self._draw, (int(255 * tone), 255), strict=True):
            d.rectangle([v * SCALE for v in box], fill=fill)

    def encoded(self) -> bytes:
        size = (SIZE, SIZE)
        shade = np.array(self.shade.resize(size, Image.Resampling.BOX))
        alpha = np.array(self.alpha.resize(size, Image.Resampling.BOX))
        out = np.dstack(
            [shade // 6 * 6] * 3 + [np.minimum((alpha.astype(int) + 8) // 16 * 16, 255).astype(np.uint8)]
        )
        return png(out.astype(np.uint8))


@cache
def strand_atlas(seed: int = 5) -> bytes:
    """The texture as PNG."""
    rng = np.random.default_rng(seed)
    painter = _Painter()
    for column in range(COLUMNS):
        _clump(painter, column, 0 if column < 4 else 1 if column < 6 else 2, rng)
    _lashes(painter, rng)
    _short_hairs(painter, rng)
    _weave(painter, rng)
    _fringe(painter, rng)
    return painter.encoded()


def _clump(painter: _Painter, column: int, kind: int, rng: np.random.Generator) -> None:
    """Kind 0 full, 1 wavy, 2 sparse: strands in a few locks that part and end at different lengths."""
    height = SIZE * CARD_HEIGHT
    t = np.linspace(0, 1, 40)
    locks = (5, 4, 4)[kind]
    centre = np.linspace(24, 104, locks) + rng.normal(size=locks) * 5
    sway = rng.normal(size=locks) * (7, 11, 9)[kind]
    phase = rng.uniform(0, 6.28, locks)
    order = rng.permutation((150, 120, 44)[kind])
    for k in order:
        lock = int(k) % locks
        spread = rng.normal() * (13, 12, 11)[kind]
        gather = rng.uniform(0.25, 0.75)
        x = centre[lock] + spread * (1 - gather * t**1.2) + sway[lock] * np.sin(t * 3.5 + phase[lock]) * t
        x = x + (1.5, 7, 4)[kind] * np.sin(phase[lock] + t * 8) * t + rng.normal() * 4 * t**2
        reach = 1 - (0.34, 0.36, 0.5)[kind] * rng.random() ** 1.3 * (
            0.55 + 0.45 * abs(centre[lock] - 64) / 40
        )
        keep = (t <= reach) & (t >= 0.12 * rng.random() ** 1.4)
        points = np.c_[column * 128 + np.clip(x, 4, 124), t * height][keep]
        tone = float(np.clip(rng.normal(0.84, 0.13), 0.45, 1.0))
        painter.strand(points, float(rng.uniform(1.7, 2.9)) if kind < 2 else 1.9, 0.7, tone)


def _lashes(painter: _Painter, rng: np.random.Generator) -> None:
    """Lashes: tapered, in little groups, slightly crossing."""
    top, bottom = LASH_ROWS[0] * SIZE + 3, LASH_ROWS[1] * SIZE - 1
    for k in range(100):
        group = np.sin(k * 2.1) * 5  # tips lean together in twos and threes
        x = (k + rng.uniform(-0.3, 0.3)) / 100 * SIZE
        s = np.linspace(0, rng.uniform(0.5, 1.0), 14)
        points = np.c_[x + (group + rng.normal() * 6) * s**1.5, bottom - (bottom - top) * s]
        painter.strand(points, 8.0, 0.5, 0.9)


def _short_hairs(painter: _Painter, rng: np.random.Generator) -> None:
    for k, tile in enumerate(BROW_COLUMNS):
        x0, y0, w, h = (v * SIZE for v in tile)
        for hair in range(4):
            x = x0 + w * (0.16 + 0.226 * hair + rng.uniform(-0.06, 0.06))
            s = np.linspace(0.12 * rng.random(), rng.uniform(0.6, 1), 14)
            lean = rng.normal() * 9 + (k - 1.5) * 5
            points = np.c_[np.clip(x + lean * s**1.6, x0 + 4, x0 + w - 4), y0 + 3 + (h - 8) * s]
            painter.strand(points, 6.5, 0.9, float(rng.uniform(0.75, 1.0)))


def _weave(painter: _Painter, rng: np.random.Generator) -> None:
    u, v, w, h = (x * SIZE for x in WEAVE)
    painter.block((u - 14, v - 12, u + w + 14, v + h + 12), 0.78)
    s = np.linspace(0, 1, 14)
    for _ in range(500):
        x = u - 6 + (w + 12) * rng.random()
        points = np.c_[np.clip(x + rng.normal() * 6 * s, u - 12, u + w + 12), v - 8 + (h + 16) * s]
        painter.strand(points, float(rng.uniform(1.2, 2.6)), 1.2, float(rng.uniform(0.6, 1.0)))


def _fringe(painter: _Painter, rng: np.random.Generator) -> None:
    """Strands that begin one by one and close to a mat; those that leave at one side come in at the other."""
    top, bottom = (v * SIZE for v in FRINGE_ROWS)
    painter.block((0, top + 0.86 * (bottom - top), SIZE, bottom - 1), 0.75)
    for _ in range(1150):
        start = top + 2 + (bottom - top) * 0.92 * rng.random() ** 0.6
        s = np.linspace(0, 1, 8)
        x = rng.uniform(0, SIZE) + rng.normal() * 9 * s + rng.normal() * 3 * s**2
        y = start + (bottom - 1 - start) * s
        tone, width = float(rng.uniform(0.6, 1.0)), float(rng.uniform(1.0, 2.2))
        for shift in (-SIZE, 0, SIZE):
            if -20 < x[0] + shift < SIZE + 20:
                painter.strand(np.c_[x + shift, y], 0.8, width, tone)
