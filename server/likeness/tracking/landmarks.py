"""The landmark datagram (kind 0x06): the points of MediaPipe's face mesh that the solver needs, quantised.

Layout, little-endian: kind u8 = 0x06, flags u8 (bit 0: a face was found; bit 1: something covers its lips),
score u8 (/ 255), count u8, sequence u32, time u32 (ms, the sender's clock), then count x 3 x i16: x, y, z of
the landmarks LANDMARKS in that order. x and y are pixels divided by the image's height, z likewise
(MediaPipe's z times the image's width), all times 16384; x grows to the right of an unmirrored picture, y
down, z away from the camera. The count is 0 without a face. At most 12 + 6 * 146 = 888 bytes: the picture
itself never travels.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.tracking.face import Float32

KIND: Final = 0x06
HEAD_BYTES: Final = 12
UNITS: Final = 16384.0

_LIPS: Final = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
_EYE_RIGHT: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_EYE_LEFT: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_BROW_RIGHT: Final = (107, 66, 105, 63, 70, 55, 65, 52, 53, 46)
_BROW_LEFT: Final = (336, 296, 334, 293, 300, 285, 295, 282, 283, 276)
_NOSE: Final = (168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 49, 279, 164)
_CONTOUR: Final = (10, 109, 338, 67, 297, 103, 332, 127, 356, 234, 454, 58, 288, 172, 397, 150, 379, 152)
_CHEEKS: Final = (50, 280, 101, 330, 205, 425, 192, 416, 117, 346, 187, 411, 118, 347, 36, 266)
_CHIN: Final = (199, 200, 18)
_IRISES: Final = (468, 473)

LANDMARKS: Final[tuple[int, ...]] = (
    *_LIPS, *_EYE_RIGHT, *_EYE_LEFT, *_BROW_RIGHT, *_BROW_LEFT, *_NOSE, *_CONTOUR, *_CHEEKS, *_CHIN, *_IRISES,
)  # fmt: skip
"""MediaPipe's numbers of the landmarks on the wire; the last two are the irises' centres (right, left)."""
COUNT: Final = len(LANDMARKS)
POSITION: Final[dict[int, int]] = {number: i for i, number in enumerate(LANDMARKS)}
MIRRORED: Final[dict[int, int]] = {
    **{number: number for number in LANDMARKS},
    **dict(zip(_LIPS[:11], _LIPS[10::-1], strict=True)),
    **dict(zip(_LIPS[11:20], _LIPS[19:10:-1], strict=True)),
    **dict(zip(_LIPS[20:31], _LIPS[30:19:-1], strict=True)),
    **dict(zip(_LIPS[31:], _LIPS[:30:-1], strict=True)),
    **{
        number: other
        for one, two in (
            *zip(_EYE_RIGHT + _BROW_RIGHT, _EYE_LEFT + _BROW_LEFT, strict=True),
            *zip(_CONTOUR[1:17:2], _CONTOUR[2:17:2], strict=True),
            *zip(_CHEEKS[::2], _CHEEKS[1::2], strict=True),
            *zip(_NOSE[8:14:2], _NOSE[9:14:2], strict=True),
            _IRISES,
        )
        for number, other in ((one, two), (two, one))
    },
}  # fmt: skip
"""The landmark on the other side of the face of each landmark; those in the middle are their own."""
LIPS: Final = range(len(_LIPS))
"""Where the lips are on the wire."""
_FOUND, _COVERED = 1, 2


@dataclass(frozen=True, slots=True)
class LandmarkFrame:
    """Landmarks of one camera picture.

    points: [COUNT,3] x right, y down, z away, in units of the picture's height, or None without a face;
    score 0..1; time: the sender's ms; sequence: u32, wraps; lips_seen: nothing covers the lips, as far as the
    sender can tell.
    """

    sequence: int
    time: int
    score: float
    points: Float32 | None
    lips_seen: bool = True


def encode(frame: LandmarkFrame) -> bytes:
    """The datagram of a frame."""
    found = frame.points is not None
    head = struct.pack(
        "<BBBBII",
        KIND,
        (_FOUND if frame.lips_seen else _FOUND | _COVERED) if found else 0,
        round(min(max(frame.score, 0.0), 1.0) * 255),
        COUNT if found else 0,
        frame.sequence & 0xFFFFFFFF,
        frame.time & 0xFFFFFFFF,
    )
    if frame.points is None:
        return head
    steps = np.clip(np.rint(frame.points * UNITS), -32768, 32767).astype("<i2")
    return head + steps.tobytes()


def decode(data: bytes) -> LandmarkFrame:
    """Read one datagram; raises InputError for anything else."""
    if len(data) < HEAD_BYTES or data[0] != KIND or data[1] not in (0, _FOUND, _FOUND | _COVERED):
        raise InputError("Landmarks: not a landmark datagram.")
    _kind, flags, score, count, sequence, time = struct.unpack_from("<BBBBII", data)
    found = flags & _FOUND
    if count != (COUNT if found else 0) or len(data) != HEAD_BYTES + 6 * count:
        raise InputError(f"Landmarks: {count} points in {len(data)} bytes; expected {COUNT} or none.")
    points = None
    if found:
        points = (np.frombuffer(data, "<i2", 3 * COUNT, HEAD_BYTES).reshape(COUNT, 3) / UNITS).astype(
            np.float32
        )
        if np.ptp(points[:, 0]) < 1e-3 or np.ptp(points[:, 1]) < 1e-3:
            raise InputError("Landmarks: all points lie on one line.")
    return LandmarkFrame(sequence, time, score / 255, points, not flags & _COVERED)


def from_mesh(mesh: NDArray[np.floating], width: int, height: int) -> Float32:
    """The wire's points [COUNT,3] of MediaPipe's normalised mesh [478,3]; the picture's size in pixels."""
    points = np.asarray(mesh, np.float32)[list(LANDMARKS)]
    return points * np.array([width / height, 1.0, width / height], np.float32)
