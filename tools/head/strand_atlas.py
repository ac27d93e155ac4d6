"""The strand texture: grey clumps with alpha for cards, a fringe for lashes, short hairs for brows, an opaque weave."""

import numpy as np
from PIL import Image, ImageDraw
from tools.head.falloff import Array
from tools.head.raster import png

SIZE = 1024
COLUMNS = 8
CARD_HEIGHT = 0.75
"""Cards use v 0 (root) to 0.75 (tip) of eight columns: 0-3 full, 4-5 wavy, 6-7 sparse."""
LASH_ROWS = (0.75, 0.875)
WEAVE = (0.02, 0.89, 0.46, 0.10)
"""Opaque streaks (u, v, width, height)."""
BROW_COLUMNS = tuple((0.5 + 0.125 * k, 0.875, 0.125, 0.125) for k in range(4))
"""Tiles (u, v, width, height) of a few short hairs, roots at the top."""


def card_uv(column: Array, across: Array, along: Array) -> Array:
    """Texture coordinates on cards: column 0..7, across 0..1, along 0 (root) .. 1 (tip)."""
    return np.stack([(column + 0.04 + 0.92 * across) / COLUMNS, 0.004 + (CARD_HEIGHT - 0.012) * along], -1)


def lash_uv(across: Array, along: Array) -> Array:
    """Texture coordinates on the lash fringe; along 0 root, 1 tip."""
    top, bottom = LASH_ROWS
    return np.stack([across, bottom - 0.004 - (bottom - top - 0.012) * along], -1)


def strand_atlas(seed: int = 5) -> bytes:
    """The texture as PNG."""
    rng = np.random.default_rng(seed)
    scale = 2
    big = SIZE * scale
    shade = Image.new("L", (big, big), 190)
    alpha = Image.new("L", (big, big), 0)
    draw = (ImageDraw.Draw(shade), ImageDraw.Draw(alpha))

    def strand(points: Array, width: float, tone: float) -> None:
        path = [(float(x) * scale, float(y) * scale) for x, y in points]
        for d, fill in zip(draw, (int(255 * tone), 255), strict=True):
            d.line(path, fill=fill, width=max(1, round(width * scale)), joint="curve")

    height = SIZE * CARD_HEIGHT
    t = np.linspace(0, 1, 28)
    for column in range(COLUMNS):
        kind = 0 if column < 4 else 1 if column < 6 else 2
        count = (110, 80, 34)[kind]
        left = column * 128
        bend = rng.uniform(-8, 8)
        phase = rng.uniform(0, 6.28)
        for _ in range(count):
            start = 64 + rng.normal() * (25, 24, 26)[kind]
            start = float(np.clip(start, 8, 120))
            reach = 1 - (0.30, 0.35, 0.5)[kind] * rng.random() ** 1.5 * (1 + abs(start - 64) / 64) / 1.5
            gather = 0.45 + 0.35 * rng.random()
            x = start + (64 - start) * gather * t**1.3 + bend * np.sin(t * 3) * t
            x = x + (0, 9, 5)[kind] * np.sin(phase + t * 9 + 0.5 * rng.normal()) * t + rng.normal() * 5 * t**2
            x = left + np.clip(x, 3, 125)
            keep = t <= reach
            width = float(rng.uniform(1.0, 2.3) if kind < 2 else rng.uniform(0.9, 1.7))
            points = np.c_[x, t * height][keep]
            cut = max(2, int(0.7 * len(points)))
            tone = float(rng.uniform(0.50, 1.0))
            strand(points[:cut], width, tone)
            strand(points[cut - 1 :], width * 0.6, tone)
    for k in range(150):  # lashes: tapered, fanned, slightly crossing
        x = (k + rng.uniform(-0.35, 0.35)) / 150 * SIZE
        top, bottom = LASH_ROWS[0] * SIZE + 3, LASH_ROWS[1] * SIZE - 1
        reach = rng.uniform(0.62, 1.0)
        s = np.linspace(0, reach, 10)
        lean = rng.normal() * 7
        points = np.c_[x + lean * s**1.5, bottom - (bottom - top) * s]
        for a in range(9):
            strand(points[a : a + 2], 2.0 * (1 - a / 10) + 0.4, 0.9)
    for k, tile in enumerate(BROW_COLUMNS):
        x0, y0, w, h = (v * SIZE for v in tile)
        for _ in range(9):
            x = x0 + w * rng.uniform(0.15, 0.85)
            lean = rng.normal() * 10 + (k - 1.5) * 5
            s = np.linspace(0, rng.uniform(0.6, 1), 8)
            points = np.c_[np.clip(x + lean * s**1.6, x0 + 3, x0 + w - 3), y0 + 3 + (h - 8) * s]
            for a in range(7):
                strand(points[a : a + 2], 3.0 * (1 - a / 8) + 0.5, float(rng.uniform(0.7, 1.0)))
    u, v, w, h = (x * SIZE for x in WEAVE)
    for d, fill in zip(draw, (185, 255), strict=True):
        d.rectangle(
            [(u - 16) * scale, (v - 12) * scale, (u + w + 16) * scale, (v + h + 12) * scale], fill=fill
        )
    for _ in range(420):
        x = u + w * rng.random()
        s = np.linspace(0, 1, 6)
        strand(
            np.c_[x + rng.normal() * 5 * s, v - 8 + (h + 16) * s],
            float(rng.uniform(1, 2)),
            float(rng.uniform(0.5, 1.0)),
        )
    rgba = Image.merge("RGBA", (shade, shade, shade, alpha)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    out = np.array(rgba)
    out[..., :3] = np.where(out[..., 3:] > 8, out[..., :3], 185)
    out[..., :3] = out[..., :3] // 6 * 6  # fewer levels compress better and nobody sees it
    out[..., 3] = np.clip((out[..., 3].astype(int) + 4) // 8 * 8, 0, 255)
    return png(out)
