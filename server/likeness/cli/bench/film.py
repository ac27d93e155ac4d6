"""A film of pictures as uncompressed y4m: what Chromium's fake camera and OpenCV both read."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def write_y4m(path: Path, pictures: Iterable[Picture], rate: int = 30) -> int:
    """Write pictures [H,W,3] (even sides, all alike) at `rate` a second; returns how many there were."""
    count = 0
    with path.open("wb") as out:
        for picture in pictures:
            height, width = picture.shape[:2]
            if not count:
                out.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420mpeg2\n".encode())
            out.write(b"FRAME\n" + _planes(picture))
            count += 1
    return count


def _planes(picture: Picture) -> bytes:
    """Y, then U and V at half size (BT.601, 16..235)."""
    r, g, b = np.moveaxis(picture.astype(np.float32), 2, 0)
    y = 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255
    u = 128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255
    v = 128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255
    height, width = y.shape
    half = [p.reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for p in (u, v)]
    return b"".join(np.clip(np.rint(p), 0, 255).astype(np.uint8).tobytes() for p in (y, *half))
