"""Live Link Face, ARKit mode: one UDP datagram a frame, version 6.

Layout: i32 LE version (6), 37 bytes of UUID text beginning with '$', i32 BE name length, name, i32 BE
frame, f32 BE subframe, i32 BE fps, i32 BE denominator, u8 count (61), 61 x f32 BE. The first 52 values
are ARKit's controls in ARKit's order, then head yaw/pitch/roll and two eyes' yaw/pitch/roll in radians.
Source: the formats that PyLiveLinkFace and the VRCFaceTracking Live Link module read.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT
from likeness.tracking.face import Float32, TrackedFace, full_confidence
from likeness.tracking.rotation import axis_angle_from_yaw_pitch_roll

PORT: Final = 11111
_VALUES: Final = 61
_MAX_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class LiveLinkPacket:
    """One datagram: phone id, subject's name, frame number, frames per second, values [61]."""

    device: str
    subject: str
    frame: int
    fps: float
    values: Float32


def parse(data: bytes) -> LiveLinkPacket:
    """Read one datagram; raises InputError for anything that is not exactly one packet."""
    if len(data) < 45:
        raise InputError(f"Live Link Face: {len(data)} bytes are too few for a packet.")
    (version,) = struct.unpack_from("<i", data, 0)
    if version != 6 or data[4:5] != b"$":
        raise InputError(
            f"Live Link Face: version {version} is not 6 (ARKit mode); choose 'Live Link (ARKit)' in the app."
        )
    (name_length,) = struct.unpack_from(">i", data, 41)
    if not 0 <= name_length <= _MAX_NAME or len(data) != 45 + name_length + 17 + 4 * _VALUES:
        raise InputError(f"Live Link Face: {len(data)} bytes do not hold a name and {_VALUES} values.")
    offset = 45 + name_length
    frame, _subframe, fps, denominator = struct.unpack_from(">ifii", data, offset)
    if data[offset + 16] != _VALUES:
        raise InputError(f"Live Link Face: {data[offset + 16]} values instead of {_VALUES}.")
    values = np.frombuffer(data, ">f4", _VALUES, offset + 17).astype(np.float32)
    if not np.isfinite(values).all() or np.abs(values).max() > 10:
        raise InputError("Live Link Face: a value is not a number or out of range.")
    try:
        device = data[4:41].decode("ascii").lstrip("$")
        subject = data[45:offset].decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("Live Link Face: the device id or name is not text.") from None
    return LiveLinkPacket(device, subject, frame, fps / max(denominator, 1), values)


def to_face(packet: LiveLinkPacket) -> TrackedFace:
    """The packet as a TrackedFace; ARKit's yaw/pitch/roll become this project's axis-angle."""
    v = packet.values
    yaw, pitch, roll = (float(x) for x in v[52:55])
    left, right = v[55:58], v[58:61]
    # Live Link Face: + yaw turns the head to the person's own right, + pitch tilts it down.
    gaze = np.array([[left[1], -left[0]], [right[1], -right[0]]], np.float32)
    return TrackedFace(
        controls=np.clip(v[:CONTROL_COUNT], 0, 1),
        confidence=full_confidence(head=True, gaze=True),
        head_rotation=axis_angle_from_yaw_pitch_roll(-yaw, pitch, -roll),
        gaze=gaze,
        time=packet.frame / packet.fps if packet.fps else float(packet.frame),
    )
