"""Unit quaternions in 32 bits: the largest component left out, the other three in 10 bits each."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import Float32
from likeness.performance.quaternion import normalised

_ROOT: Final = math.sqrt(2.0)
_REST: Final = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
"""The components that stay when x, y, z or w is left out."""


def pack_rotation(rotation: Float32) -> NDArray[np.uint32]:
    """Quaternions [..., 4] as x, y, z, w, of any length, to integers [...] (docs/protocol.md).

    A quaternion without direction (zero, not finite) is packed as no rotation.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        q = normalised(rotation)
    # Where two components tie, rounding noise must not choose which one is left out.
    largest = np.abs(q).round(6).argmax(-1)
    sign = np.where(np.take_along_axis(q, largest[..., None], -1) < 0, -1.0, 1.0)
    three = np.take_along_axis(q, _REST[largest], -1) * sign
    n = np.clip(np.rint((three * _ROOT + 1) / 2 * 1023), 0, 1023).astype(np.uint32)
    return (largest.astype(np.uint32) << 30) | (n[..., 0] << 20) | (n[..., 1] << 10) | n[..., 2]


def unpack_rotation(packed: int) -> Float32:
    """The unit quaternion [4] of an integer."""
    left_out = packed >> 30
    three = [((packed >> shift & 1023) / 1023 * 2 - 1) / _ROOT for shift in (20, 10, 0)]
    squares = sum(v * v for v in three)
    values = [*three]
    values.insert(left_out, math.sqrt(max(0.0, 1.0 - squares)))
    # Three full components are longer than 1 together: any 32 bits must still give a rotation.
    length = math.sqrt(sum(v * v for v in values))
    return np.array(values, np.float32) / np.float32(length)
