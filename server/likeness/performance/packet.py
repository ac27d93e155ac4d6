"""Motion frames on the wire, version 1 (docs/protocol.md): fixed layout, little-endian, no deltas."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likeness.errors import InputError
from likeness.head.frame import FlameFrame, Float32, Hand
from likeness.performance.frames import Frames
from likeness.performance.smallest_three import pack_rotation, unpack_rotation

MOTION_KIND: Final = 0x01
DATAGRAM_LIMIT: Final = 1100
MAX_COMPONENTS: Final = 100
HEAD_SIZE: Final = 52
HAND_SIZE: Final = 12

HANDS, VOICED, TRACKED, END = 1, 2, 4, 8
ANGLE: Final = math.pi / 32767
"""Radians of one step of an angle."""
METRE: Final = 1 / 2048
HAND_METRE: Final = 1 / 8192


class PacketError(InputError):
    """Bytes that are not what docs/protocol.md says."""

    code = "bad_packet"


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame as it came off the wire; `frame.controls` are zero (they do not travel)."""

    avatar: int
    sequence: int
    end: bool
    frame: FlameFrame


@dataclass(frozen=True, slots=True)
class FrameHead:
    """What a frame says about itself, read without its scales."""

    avatar: int
    epoch: int
    components: int
    sequence: int
    sample: int
    size: int


def encode_frame(
    frame: FlameFrame, avatar: int, sequence: int, scales: Float32, *, end: bool = False
) -> bytes:
    """One frame's bytes. `scales` [E]: value of one step per component (StreamHeader.scales).

    Values outside the wire's range are clipped, not-a-number becomes 0. Sequence and epoch wrap.
    """
    return encode_frames(Frames.of(frame, end), [avatar], [sequence], scales)[0]


def encode_frames(frames: Frames, avatars: ArrayLike, sequences: ArrayLike, scales: Float32) -> list[bytes]:
    """One `bytes` for each row, encoded at once.

    avatars, sequences: [N]; scales: [E], or [N, E] where the rows' heads differ (entries beyond a row's
    components are not used).
    """
    count, most = frames.expression.shape
    if count == 0:
        return []
    if most > MAX_COMPONENTS:
        raise PacketError(f"A frame carries at most {MAX_COMPONENTS} expression components, not {most}.")
    head = np.zeros(count, _HEAD)
    head["kind"] = MOTION_KIND
    head["flags"] = (
        frames.has_hands * HANDS + frames.voiced * VOICED + frames.tracked * TRACKED + frames.ended * END
    )
    head["avatar"] = avatars
    head["epoch"] = frames.epoch & 0xFFFF
    head["components"] = frames.components
    head["driver"] = frames.driver
    head["sequence"] = np.asarray(sequences, np.int64) & 0xFFFFFFFF
    sample = frames.sample & 0xFFFFFFFFFFFF
    head["sample_low"], head["sample_high"] = sample & 0xFFFFFFFF, sample >> 32
    # All angles of a row side by side: one rounding for jaw, neck, eyes and head.
    angles = np.concatenate(
        [frames.jaw, frames.neck, frames.eyes[:, 0, :2], frames.eyes[:, 1, :2], frames.head_rotation], axis=1
    )
    head["angles"] = _int16(angles / ANGLE)
    head["eyelids"] = _byte(frames.eyelids)
    head["translation"] = _int16(frames.head_translation / METRE)

    steps = np.where(scales > 0, scales, np.float32(np.inf))
    width = HEAD_SIZE + 2 * most
    hands = bool(frames.has_hands.any())
    rows = np.empty((count, width + 2 * HAND_SIZE * hands), np.uint8)
    rows[:, :HEAD_SIZE] = head.view(np.uint8).reshape(count, HEAD_SIZE)
    rows[:, HEAD_SIZE:width] = (
        _int16(frames.expression / steps[..., :most]).astype("<i2", copy=False).view(np.uint8)
    )
    if hands:
        rows[:, width:] = _hand_bytes(frames)
    if hands or (frames.components != most).any():
        return [
            _cut(rows[i], int(frames.components[i]), width, bool(frames.has_hands[i])) for i in range(count)
        ]
    blob = rows.tobytes()
    return [blob[at : at + width] for at in range(0, count * width, width)]


def decode_frame(data: bytes, scales: Float32, offset: int = 0) -> tuple[DecodedFrame, int]:
    """The frame at `offset` and its size in bytes.

    Raises PacketError when the bytes are short, of another kind, use reserved flags, or when the number of
    components is not that of `scales` [E].
    """
    head = read_head(data, offset)
    if head.components != len(scales):
        raise PacketError(
            f"The frame of avatar {head.avatar} has {head.components} components; "
            f"its stream header announced {len(scales)}."
        )
    flags, driver = data[offset + 1], data[offset + 7]
    i16 = np.frombuffer(data, "<i2", 16, offset + 20).astype(np.float32)
    angles = i16[:13] * np.float32(ANGLE)
    eyes = np.zeros((2, 3), np.float32)
    eyes[:, :2] = angles[6:10].reshape(2, 2)
    psi = np.frombuffer(data, "<i2", head.components, offset + HEAD_SIZE).astype(np.float32)
    hands = None
    if flags & HANDS:
        at = offset + HEAD_SIZE + 2 * head.components
        hands = (_read_hand(data, at), _read_hand(data, at + HAND_SIZE))
    frame = FlameFrame(
        sample=head.sample,
        expression=psi * np.asarray(scales, np.float32),
        eyelids=np.array([data[offset + 18], data[offset + 19]], np.float32) / np.float32(255),
        jaw=angles[0:3],
        neck=angles[3:6],
        eyes=eyes,
        head_rotation=angles[10:13],
        head_translation=i16[13:16] * np.float32(METRE),
        hands=hands,
        voiced=bool(flags & VOICED),
        tracked=bool(flags & TRACKED),
        epoch=head.epoch,
        driver=driver,
    )
    return DecodedFrame(head.avatar, head.sequence, bool(flags & END), frame), head.size


def read_head(data: bytes, offset: int = 0) -> FrameHead:
    """The fixed part of the frame at `offset`; raises PacketError unless the whole frame is there."""
    left = len(data) - offset
    if offset < 0 or left < HEAD_SIZE:
        raise PacketError(
            f"A motion frame has at least {HEAD_SIZE} bytes; {max(left, 0)} are left at {offset}."
        )
    kind, flags, avatar, epoch, components, _, sequence, low, high = _FIXED.unpack_from(data, offset)
    if kind != MOTION_KIND:
        raise PacketError(f"Byte {offset} is 0x{kind:02x}; a motion frame of version 1 starts with 0x01.")
    if flags & 0xF0:
        raise PacketError(f"The frame at {offset} uses reserved flags (0x{flags:02x}).")
    if components > MAX_COMPONENTS:
        raise PacketError(f"The frame at {offset} claims {components} components; {MAX_COMPONENTS} at most.")
    size = HEAD_SIZE + 2 * components + 2 * HAND_SIZE * (flags & HANDS)
    if left < size:
        raise PacketError(f"The frame at {offset} should have {size} bytes; {left} are left.")
    return FrameHead(avatar, epoch, components, sequence, low | high << 32, size)


def split_frames(datagram: bytes) -> list[bytes]:
    """The frames of a datagram, still encoded; raises PacketError when they do not fill it exactly."""
    frames: list[bytes] = []
    at = 0
    while at < len(datagram):
        size = read_head(datagram, at).size
        frames.append(datagram[at : at + size])
        at += size
    if not frames:
        raise PacketError("An empty datagram carries no motion.")
    return frames


def decode_datagram(datagram: bytes, scales: Mapping[int, Float32]) -> list[DecodedFrame]:
    """All frames of a datagram; `scales` by avatar. Frames of avatars without scales are passed over."""
    decoded: list[DecodedFrame] = []
    for frame in split_frames(datagram):
        known = scales.get(read_head(frame).avatar)
        if known is not None:
            decoded.append(decode_frame(frame, known)[0])
    return decoded


def split_datagrams(frames: Sequence[bytes], limit: int = DATAGRAM_LIMIT) -> list[bytes]:
    """Frames in order, joined into datagrams of at most `limit` bytes; a frame is never cut."""
    datagrams: list[bytes] = []
    batch: list[bytes] = []
    size = 0
    for frame in frames:
        if len(frame) > limit:
            raise PacketError(f"A frame of {len(frame)} bytes does not fit a datagram of {limit}.")
        if size + len(frame) > limit:
            datagrams.append(b"".join(batch))
            batch, size = [], 0
        batch.append(frame)
        size += len(frame)
    if batch:
        datagrams.append(b"".join(batch))
    return datagrams


def newer_epoch(epoch: int, than: int) -> bool:
    """Whether a u16 epoch is newer than another, by serial number arithmetic (RFC 1982)."""
    return 0 < ((epoch - than) & 0xFFFF) < 0x8000


_FIXED: Final = struct.Struct("<BBHHBBIIH")
_HAND: Final = struct.Struct("<3hIBB")
_HEAD: Final = np.dtype(
    [
        ("kind", "u1"), ("flags", "u1"), ("avatar", "<u2"), ("epoch", "<u2"), ("components", "u1"),
        ("driver", "u1"), ("sequence", "<u4"), ("sample_low", "<u4"), ("sample_high", "<u2"),
        ("eyelids", "u1", 2), ("angles", "<i2", 13), ("translation", "<i2", 3),
    ]
)  # fmt: skip
_HANDS: Final = np.dtype([("position", "<i2", 3), ("rotation", "<u4"), ("grip", "u1"), ("pinch", "u1")])
assert _HEAD.itemsize == HEAD_SIZE
assert _HANDS.itemsize == _HAND.size == HAND_SIZE


def _cut(row: NDArray[np.uint8], components: int, width: int, hands: bool) -> bytes:
    """A row's bytes without the padding of rows with more components or with hands."""
    body = row[: HEAD_SIZE + 2 * components].tobytes()
    return body + row[width:].tobytes() if hands else body


def _int16(values: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    with np.errstate(invalid="ignore"):
        clipped = np.clip(np.rint(values), -32768, 32767)
    return np.where(np.isnan(clipped), 0, clipped).astype(np.int16)


def _byte(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    clipped = np.clip(np.rint(values * 255), 0, 255)
    return np.where(np.isnan(clipped), 0, clipped).astype(np.uint8)


def _hand_bytes(frames: Frames) -> NDArray[np.uint8]:
    hands = np.zeros((len(frames), 2), _HANDS)
    hands["position"] = _int16(frames.hand_position / HAND_METRE)
    hands["rotation"] = pack_rotation(frames.hand_rotation)
    hands["grip"] = _byte(frames.hand_grip)
    hands["pinch"] = _byte(frames.hand_pinch)
    return hands.view(np.uint8).reshape(len(frames), 2 * HAND_SIZE)


def _read_hand(data: bytes, at: int) -> Hand:
    x, y, z, rotation, grip, pinch = _HAND.unpack_from(data, at)
    position = np.array([x, y, z], np.float32) * np.float32(HAND_METRE)
    return Hand(position, unpack_rotation(rotation), grip / 255, pinch / 255)
