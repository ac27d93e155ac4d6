"""iFacialMocap's text protocol (UDP 49983).

One datagram: `name-percent|...|=head#rx,ry,rz,px,py,pz|rightEye#...|leftEye#...|`.
Version 2 separates name and value by `&`, version 1 by `-`; weights are integer percent, angles degrees.
"""

from typing import Final

import numpy as np

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.tracking.face import TrackedFace, full_confidence
from likeness.tracking.rotation import axis_angle_from_yaw_pitch_roll

PORT: Final = 49983
_MAX_BYTES: Final = 8192


def parse(data: bytes, time: float = 0.0) -> TrackedFace:
    """Read one datagram; raises InputError for anything else. Unknown names are ignored."""
    if len(data) > _MAX_BYTES:
        raise InputError(f"iFacialMocap: {len(data)} bytes are more than {_MAX_BYTES}.")
    try:
        weights_text, mark, pose_text = data.decode("ascii").partition("=")
    except UnicodeDecodeError:
        raise InputError("iFacialMocap: the datagram is not text.") from None
    if not mark:
        raise InputError("iFacialMocap: no pose part ('=head#...') in the datagram.")
    controls = np.zeros(CONTROL_COUNT, np.float32)
    seen = 0
    for item in filter(None, weights_text.split("|")):
        name, separator, value = item.partition("&") if "&" in item else item.rpartition("-")
        index = CONTROL_INDEX.get(_full_name(name))
        if index is None:
            continue
        controls[index] = np.clip(_number(value) / 100, 0, 1)
        seen += bool(separator)
    if not seen:
        raise InputError("iFacialMocap: no known blend shape in the datagram.")
    poses: dict[str, str] = {}
    for item in pose_text.split("|"):
        name, _, numbers = item.partition("#")
        poses[name] = numbers
    head = [_number(v) for v in poses.get("head", "").split(",") if v]
    eyes = [[_number(v) for v in poses.get(eye, "").split(",") if v] for eye in ("leftEye", "rightEye")]
    rotation = None
    if len(head) >= 3:
        pitch, yaw, roll = np.radians(head[:3])
        rotation = axis_angle_from_yaw_pitch_roll(float(-yaw), float(pitch), float(-roll))
    gaze = None
    if all(len(e) >= 2 for e in eyes):
        gaze = np.array([[np.radians(e[0]), -np.radians(e[1])] for e in eyes], np.float32)
    return TrackedFace(controls, full_confidence(head=rotation is not None, gaze=gaze is not None),
                       head_rotation=rotation, gaze=gaze, time=time)  # fmt: skip


def _full_name(name: str) -> str:
    if name.endswith("_L"):
        return name[:-2] + "Left"
    if name.endswith("_R"):
        return name[:-2] + "Right"
    return name


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"iFacialMocap: '{text[:20]}' is not a number.") from None
    if not np.isfinite(value) or abs(value) > 1e4:
        raise InputError(f"iFacialMocap: {text[:20]} is out of range.")
    return value
