"""Rasterises per-vertex attributes into a texture."""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from tools.head.falloff import Array
from tools.head.topology import Faces

Map = NDArray[np.float32]


@lru_cache(4)
def _coverage(uv: bytes, faces: bytes, size: int) -> tuple[NDArray[np.int32], Map]:
    """The triangle over each texel, -1 where none lies, and the barycentric coordinates there; kept, for the
    characters of one head share their layout."""
    corners = np.frombuffer(uv, np.float64).reshape(-1, 2) * size - 0.5
    over = np.full((size, size), -1, np.int32)
    bary = np.zeros((size, size, 3), np.float32)
    for t, face in enumerate(np.frombuffer(faces, np.int64).reshape(-1, 3)):
        q = corners[face]
        x0, y0 = np.maximum(np.floor(q.min(0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(q.max(0)).astype(int), size - 1)
        if x1 < x0 or y1 < y0:
            continue
        (ax, ay), (bx, by), (cx, cy) = q
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if abs(area) < 1e-9:
            continue
        x, y = np.arange(x0, x1 + 1)[None], np.arange(y0, y1 + 1)[:, None]
        a = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area
        b = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area
        c = 1 - a - b
        inside = (a >= -1e-3) & (b >= -1e-3) & (c >= -1e-3)
        over[y0 : y1 + 1, x0 : x1 + 1][inside] = t
        bary[y0 : y1 + 1, x0 : x1 + 1][inside] = np.stack([a, b, c], -1)[inside]
    return over, bary


def rasterise(
    uv: Array, faces: Faces, attributes: Array, size: int, corner_of: Faces
) -> tuple[Map, NDArray[np.bool_]]:
    """Attributes [A,K] interpolated over a size x size texture, and which texels were hit.

    Args:
        uv: texture vertices, v downwards; faces: their triangles; corner_of: the attribute row of each
            corner.
    """
    over, bary = _coverage(
        np.ascontiguousarray(uv, np.float64).tobytes(), np.ascontiguousarray(faces, np.int64).tobytes(), size
    )
    hit = over >= 0
    out = np.zeros((size, size, attributes.shape[1]), np.float32)
    rows, weight, corner = attributes.astype(np.float32), bary[hit], corner_of[over[hit]]
    out[hit] = sum(rows[corner[:, k]] * weight[:, k : k + 1] for k in range(3))
    return out, hit


def bled(image: Map, hit: NDArray[np.bool_]) -> Map:
    """Texels that were not hit take the value of the nearest that was."""
    where = distance_transform_edt(~hit, return_distances=False, return_indices=True)
    return image[tuple(where)]


def srgb(linear: Map) -> NDArray[np.uint8]:
    """Linear light to 8-bit sRGB."""
    c = np.clip(linear, 0, 1)
    return np.round(np.where(c <= 0.0031308, 12.92 * c, 1.055 * c ** (1 / 2.4) - 0.055) * 255).astype(
        np.uint8
    )


def jpeg(image: NDArray[np.uint8], quality: int = 86) -> bytes:
    """JPEG bytes without chroma subsampling."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality, subsampling=0, optimize=True)
    return out.getvalue()


def png(image: NDArray[np.uint8]) -> bytes:
    """PNG bytes."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", optimize=True)
    return out.getvalue()
