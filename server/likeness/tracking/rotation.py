"""Conversions between rotations, in this project's frame: right-handed, y up, the face towards +z."""

import math

import numpy as np

from likeness.tracking.face import Float32


def axis_angle_from_yaw_pitch_roll(yaw: float, pitch: float, roll: float) -> Float32:
    """Axis-angle [3] rad of R = Ry(yaw) Rx(pitch) Rz(roll).

    yaw + turns to the person's own left, pitch + tilts down, roll + tilts the head to its own right.
    """
    cy, sy = math.cos(yaw / 2), math.sin(yaw / 2)
    cx, sx = math.cos(pitch / 2), math.sin(pitch / 2)
    cz, sz = math.cos(roll / 2), math.sin(roll / 2)
    # quaternion product qy * qx * qz
    w = cy * cx * cz + sy * sx * sz
    x = cy * sx * cz + sy * cx * sz
    y = sy * cx * cz - cy * sx * sz
    z = cy * cx * sz - sy * sx * cz
    return axis_angle_from_quaternion(np.array([x, y, z, w], np.float32))


def axis_angle_from_quaternion(quaternion: Float32) -> Float32:
    """Axis-angle [3] rad, angle <= pi, of a unit quaternion x, y, z, w."""
    q = np.asarray(quaternion, np.float64)
    q = q / np.linalg.norm(q)
    if q[3] < 0:
        q = -q
    sine = float(np.linalg.norm(q[:3]))
    if sine < 1e-9:
        return np.zeros(3, np.float32)
    angle = 2 * math.atan2(sine, float(q[3]))
    return (q[:3] / sine * angle).astype(np.float32)
