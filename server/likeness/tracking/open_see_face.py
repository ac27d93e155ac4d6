"""OpenSeeFace: 1785 bytes a face over UDP, little-endian, several faces one after another.

f64 time, i32 id, 2 x f32 size, f32 right and left eye openness, u8 success, f32 error, 4 x f32
quaternion, 3 x f32 euler, 3 x f32 translation, 68 x f32 confidence, 68 x (f32 y, x), 70 x 3 f32
points, 14 x f32 features. Source: facetracker.py and OpenSee.cs of that project.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.tracking.face import Float32, TrackedFace, no_face
from likeness.tracking.rotation import axis_angle_from_yaw_pitch_roll

PORT: Final = 11573
FACE_BYTES: Final = 1785
MAX_FACES: Final = 16
FEATURES: Final[tuple[str, ...]] = (
    "EyeLeft", "EyeRight",
    "EyebrowSteepnessLeft", "EyebrowUpDownLeft", "EyebrowQuirkLeft",
    "EyebrowSteepnessRight", "EyebrowUpDownRight", "EyebrowQuirkRight",
    "MouthCornerUpDownLeft", "MouthCornerInOutLeft", "MouthCornerUpDownRight", "MouthCornerInOutRight",
    "MouthOpen", "MouthWide",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face of a datagram. euler [3] degrees, landmarks' confidence [68], features [14] about -1..1."""

    time: float
    identity: int
    right_eye_open: float
    left_eye_open: float
    success: bool
    euler: Float32
    confidence: Float32
    features: Float32


def parse(data: bytes) -> list[SeenFace]:
    """Read a datagram; raises InputError when it is not 1..16 whole faces of finite numbers."""
    count, rest = divmod(len(data), FACE_BYTES)
    if rest or not 1 <= count <= MAX_FACES:
        raise InputError(
            f"OpenSeeFace: {len(data)} bytes are not 1..{MAX_FACES} faces of {FACE_BYTES} bytes."
        )
    faces: list[SeenFace] = []
    for offset in range(0, len(data), FACE_BYTES):
        time, identity, _w, _h, right, left, success, _error = struct.unpack_from("<diffffBf", data, offset)
        floats = np.frombuffer(data, "<f4", (FACE_BYTES - 33) // 4, offset + 33)
        euler, confidence, features = floats[4:7], floats[10:78], floats[-14:]
        used = np.concatenate([euler, confidence, features, [time, right, left]])
        if not np.isfinite(used).all():
            raise InputError("OpenSeeFace: a value is not a number.")
        faces.append(
            SeenFace(
                time,
                identity,
                float(np.clip(right, 0, 1)),
                float(np.clip(left, 0, 1)),
                bool(success),
                euler.astype(np.float32),
                confidence.astype(np.float32),
                np.clip(features, -1.5, 1.5).astype(np.float32),
            )
        )
    return faces


def to_face(seen: SeenFace) -> TrackedFace:
    """The features as controls; what this tracker cannot see (cheeks, tongue, rounding) stays at rest."""
    if not seen.success:
        return no_face()
    f: dict[str, float] = dict(zip(FEATURES, (float(v) for v in seen.features), strict=True))
    c = np.zeros(CONTROL_COUNT, np.float32)

    def put(name: str, value: float) -> None:
        c[CONTROL_INDEX[name]] = min(max(value, 0.0), 1.0)

    for side, openness in (("Left", seen.left_eye_open), ("Right", seen.right_eye_open)):
        put(f"eyeBlink{side}", 1 - openness)
        put(f"eyeWide{side}", f[f"Eye{side}"])
        put(f"browDown{side}", -f[f"EyebrowUpDown{side}"])
        put(f"browOuterUp{side}", f[f"EyebrowUpDown{side}"])
        corner_up = f[f"MouthCornerUpDown{side}"]
        # The feature falls when the corner rises (image y grows downwards).
        put(f"mouthSmile{side}", -corner_up)
        put(f"mouthFrown{side}", corner_up)
        put(f"mouthStretch{side}", f[f"MouthCornerInOut{side}"])
    put("browInnerUp", 0.5 * (f["EyebrowUpDownLeft"] + f["EyebrowUpDownRight"]))
    put("jawOpen", f["MouthOpen"])
    put("mouthPucker", -f["MouthWide"])
    seen_well = float(np.clip(seen.confidence.mean(), 0, 1))
    pitch, yaw, roll = (float(np.radians(a)) for a in seen.euler)
    return TrackedFace(
        controls=c,
        confidence=np.array([seen_well, 0.5 * seen_well, seen_well, seen_well, 0, seen_well], np.float32),
        head_rotation=axis_angle_from_yaw_pitch_roll(yaw, _centred(pitch), _centred(roll)),
        time=seen.time,
    )


def _centred(angle: float) -> float:
    """OpenSeeFace's pitch and roll sit around +-180 and 90 degrees for a face that looks ahead."""
    for rest in (0.0, np.pi, -np.pi, np.pi / 2, -np.pi / 2):
        if abs(angle - rest) < np.pi / 4:
            return float(angle - rest)
    return 0.0
