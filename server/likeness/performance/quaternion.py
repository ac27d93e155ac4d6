"""Rotations of many performers at once: axis-angle [..., 3], unit quaternions [..., 4] as x, y, z, w."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import Float32

Signal = NDArray[np.floating[Any]]
"""Numbers of any precision: numpy widens a float32 now and then on its way."""

_TINY: Final = 1e-8


def from_axis_angle(rotation: Signal) -> Float32:
    """Unit quaternions of axis-angle vectors (rad)."""
    angle = np.sqrt((rotation * rotation).sum(-1, keepdims=True))
    # sin(a/2)/a tends to 1/2 for small angles.
    scale = np.where(angle > _TINY, np.sin(0.5 * angle) / np.maximum(angle, _TINY), 0.5)
    return np.concatenate([rotation * scale, np.cos(0.5 * angle)], axis=-1).astype(np.float32)


def to_axis_angle(q: Signal) -> Float32:
    """Axis-angle vectors (rad, 0..pi long) of unit quaternions."""
    q = np.where(q[..., 3:] < 0, -q, q)
    sine = np.sqrt((q[..., :3] * q[..., :3]).sum(-1, keepdims=True))
    angle = 2.0 * np.arctan2(sine, q[..., 3:])
    scale = np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2.0)
    return (q[..., :3] * scale).astype(np.float32)


def multiply(a: Signal, b: Signal) -> Float32:
    """a after b: rotates by b first."""
    ax, ay, az, aw = _parts(a)
    bx, by, bz, bw = _parts(b)
    out = np.empty(np.broadcast_shapes(a.shape, b.shape), np.float32)
    out[..., 0] = aw * bx + ax * bw + ay * bz - az * by
    out[..., 1] = aw * by - ax * bz + ay * bw + az * bx
    out[..., 2] = aw * bz + ax * by - ay * bx + az * bw
    out[..., 3] = aw * bw - ax * bx - ay * by - az * bz
    return out


def rotate(q: Signal, v: Signal) -> Float32:
    """Vectors [..., 3] turned by unit quaternions."""
    x, y, z, w = _parts(q)
    a, b, c = v[..., 0], v[..., 1], v[..., 2]
    # v + w t + u x t with t = 2 u x v
    s, t, u = 2.0 * (y * c - z * b), 2.0 * (z * a - x * c), 2.0 * (x * b - y * a)
    out = np.empty((*np.broadcast_shapes(q.shape[:-1], v.shape[:-1]), 3), np.float32)
    out[..., 0] = a + w * s + y * u - z * t
    out[..., 1] = b + w * t + z * s - x * u
    out[..., 2] = c + w * u + x * t - y * s
    return out


def inverse(q: Signal) -> Float32:
    """The opposite rotations of unit quaternions."""
    return q * np.array([-1, -1, -1, 1], np.float32)


def normalised(q: Signal) -> Float32:
    """Unit quaternions; what has no direction (zero, not finite) becomes no rotation."""
    length = np.sqrt((q * q).sum(-1, keepdims=True))
    sound = np.isfinite(length) & (length > _TINY)
    identity = np.array([0, 0, 0, 1], np.float32)
    return np.where(sound, q / np.where(sound, length, 1.0), identity).astype(np.float32)


def turn(pitch: Signal, yaw: Signal, roll: Signal) -> Float32:
    """Quaternions of a head that yaws (y), then pitches (x), then rolls (z) about its own axes, rad."""
    sx, cx = np.sin(0.5 * pitch), np.cos(0.5 * pitch)
    sy, cy = np.sin(0.5 * yaw), np.cos(0.5 * yaw)
    sz, cz = np.sin(0.5 * roll), np.cos(0.5 * roll)
    out = np.empty((*pitch.shape, 4), np.float32)
    out[..., 0] = cy * sx * cz + sy * cx * sz
    out[..., 1] = sy * cx * cz - cy * sx * sz
    out[..., 2] = cy * cx * sz - sy * sx * cz
    out[..., 3] = cy * cx * cz + sy * sx * sz
    return out


def to_turn(q: Signal) -> tuple[Float32, Float32, Float32]:
    """Pitch, yaw and roll (rad) of unit quaternions, as `turn` takes them; pitch within +-90 degrees."""
    x, y, z, w = _parts(q)
    pitch = np.arcsin(np.clip(2.0 * (w * x - y * z), -1.0, 1.0))
    yaw = np.arctan2(2.0 * (x * z + w * y), 1.0 - 2.0 * (x * x + y * y))
    roll = np.arctan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z))
    return pitch.astype(np.float32), yaw.astype(np.float32), roll.astype(np.float32)


def _parts(q: Signal) -> tuple[Signal, Signal, Signal, Signal]:
    return q[..., 0], q[..., 1], q[..., 2], q[..., 3]
