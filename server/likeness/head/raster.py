"""Pictures of meshes without a graphics card: an orthographic view by dense sampling of triangles."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from likeness.head.mesh import Floats, Ints, vertex_normals

LIGHTS = ((np.array([-0.45, 0.55, 0.70]), 0.75), (np.array([0.8, 0.1, 0.5]), 0.25))
"""Direction to the light and strength: a key from the upper left, a weak fill from the right."""
AMBIENT = 0.22
BACKGROUND = (0.93, 0.93, 0.92)
OVERSAMPLING = 2


def portray(
    vertices: Floats, faces: Ints, colours: Floats, centre: Floats, height: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """A picture [H,W,3] of a mesh seen along -z.

    Args:
        vertices: [V,3]; faces: [F,3]; colours: [V,3] linear.
        centre: [2 or more] x and y in the middle of the picture; height: metres from bottom to top.
        size: width and height in pixels.
    """
    width, rows = size[0] * OVERSAMPLING, size[1] * OVERSAMPLING
    scale = rows / height
    normals = vertex_normals(vertices, faces)
    shade = AMBIENT + sum(
        strength * np.clip(normals @ (way / np.linalg.norm(way)), 0, None) for way, strength in LIGHTS
    )
    lit = colours * np.asarray(shade)[:, None]
    place = np.stack(
        [(vertices[:, 0] - centre[0]) * scale + width / 2, rows / 2 - (vertices[:, 1] - centre[1]) * scale], 1
    )
    picture = np.tile(np.array(BACKGROUND) ** 2.2, (width * rows, 1))
    pixels, depths, values = _samples(place, vertices[:, 2], lit, faces, width, rows)
    # What is nearest is written last.
    order = np.argsort(depths, kind="stable")
    picture[pixels[order]] = values[order]
    small = picture.reshape(size[1], OVERSAMPLING, size[0], OVERSAMPLING, 3).mean((1, 3))
    return np.round(np.clip(small, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def _samples(
    place: Floats, depth: Floats, lit: Floats, faces: Ints, width: int, rows: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Pixel, depth and colour of points spread over every triangle less than a pixel apart."""
    corners = place[faces]
    flat = (corners[:, 1] - corners[:, 0])[:, 0] * (corners[:, 2] - corners[:, 0])[:, 1]
    flat -= (corners[:, 1] - corners[:, 0])[:, 1] * (corners[:, 2] - corners[:, 0])[:, 0]
    edges = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=2).max(1)
    # The picture's y points down, so a triangle that faces us turns clockwise there.
    inside = (corners.max(1) >= 0).all(1) & (corners.min(1) < (width, rows)).all(1) & (flat < 0)
    # Samples lie at the middles of a grid's cells: edges / steps apart along an edge.
    steps = np.where(inside, np.ceil(np.minimum(edges, 400) * 1.1).astype(int), 0)
    found: list[tuple[NDArray[np.int64], Floats, Floats]] = []
    bounds = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 32, 48, 72, 110, 170, 260, 441]
    for low, high in pairwise(bounds):
        chosen = np.flatnonzero((steps > low) & (steps <= high))
        if not len(chosen):
            continue
        bary = _grid(high)
        values = np.concatenate([corners[chosen], depth[faces[chosen]][..., None], lit[faces[chosen]]], 2)
        spread = np.matmul(bary, values).reshape(-1, 6)
        x, y = spread[:, 0].astype(np.int64), spread[:, 1].astype(np.int64)
        seen = (spread[:, 0] >= 0) & (x < width) & (spread[:, 1] >= 0) & (y < rows)
        found.append(((y * width + x)[seen], spread[seen, 2], spread[seen, 3:]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 3))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))  # pyright: ignore[reportReturnType]


def _grid(steps: int) -> Floats:
    """Barycentric coordinates [N,3] of a triangular grid with `steps` intervals a side."""
    a, b = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    kept = a + b <= steps
    u, v = (a[kept] + 1 / 3) / (steps + 1), (b[kept] + 1 / 3) / (steps + 1)
    return np.stack([u, v, 1 - u - v], 1)
