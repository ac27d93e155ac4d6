"""What a client sends on the motion channel (docs/protocol.md): stop, pose, controls, voice, ping, pong.

Landmarks (0x06) belong to likeness.tracking.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.head.controls import CONTROL_COUNT, CONTROLS
from likeness.head.frame import Float32, Hand
from likeness.performance import quaternion
from likeness.performance.packet import ANGLE, PacketError
from likeness.tracking.face import with_gaze

STOP, POSE, LANDMARKS, CONTROLS_IN, VOICE, PING, PONG = 0x02, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A
PCM16, OPUS = 1, 2
_LOOKS: Final = np.array([i for i, name in enumerate(CONTROLS) if name.startswith("eyeLook")], np.intp)

REACH: Final = 16.0
"""Metres from the scene's origin within which a head or a hand may be."""
MAX_PCM: Final = 2 * 9600
"""Bytes of PCM in one datagram: 200 ms."""
MAX_OPUS: Final = 1275
"""Bytes of the largest Opus packet (RFC 6716, section 3.4)."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop speaking. `epoch`: the newest seen + 1; the server takes each epoch once."""

    avatar: int
    epoch: int


@dataclass(frozen=True, slots=True)
class PoseHand:
    """A hand in scene space: position [3] m, unit quaternion [4] x, y, z, w, grip and pinch 0..1."""

    position: Float32
    rotation: Float32
    grip: float
    pinch: float


@dataclass(frozen=True, slots=True)
class Pose:
    """A person's head, and hands where they are tracked, in scene space."""

    sequence: int
    position: Float32
    rotation: Float32
    """Unit quaternion [4] x, y, z, w."""
    hands: tuple[PoseHand, PoseHand] | None = None

    def head_rotation(self) -> Float32:
        """Axis-angle [3], rad."""
        return quaternion.to_axis_angle(self.rotation)

    def hands_from_head(self) -> tuple[Hand, Hand] | None:
        """The hands as a FlameFrame has them: positions relative to the head's."""
        if self.hands is None:
            return None
        left, right = (Hand(h.position - self.position, h.rotation, h.grip, h.pinch) for h in self.hands)
        return left, right


@dataclass(frozen=True, slots=True)
class ControlsIn:
    """A person's own face.

    controls: [52] 0..1; head: rotation [3] axis-angle rad; gaze: [2] rad of both eyes, pitch (+ down) and yaw
    (+ to the person's left).
    """

    sequence: int
    controls: Float32
    head: Float32
    gaze: Float32

    @property
    def looking(self) -> Float32:
        """The controls [52]; where all eight eyeLook ones are 0, the gaze says where both eyes look."""
        # Lists: for so few numbers an array operation costs more than all of this, and each face asks.
        if any(self.controls.take(_LOOKS).tolist()) or not any(self.gaze.tolist()):
            return self.controls
        return with_gaze(self.controls, np.concatenate([self.gaze, self.gaze]).reshape(2, 2))


@dataclass(frozen=True, slots=True)
class Voice:
    """A piece of voice. `codec` PCM16 (mono int16, 48 kHz) or OPUS (one packet); `sample` of its start."""

    codec: int
    avatar: int
    sample: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a Pong; `client_time` in ms of the client's own clock."""

    nonce: int
    client_time: float


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a Ping; times in ms, each of its own clock."""

    nonce: int
    client_time: float
    server_time: float


ClientDatagram = Stop | Pose | ControlsIn | Voice | Ping | Pong


def encode_client(datagram: ClientDatagram) -> bytes:
    """The datagram's bytes. Values outside the wire's range are clipped."""
    match datagram:
        case Stop():
            return _STOP.pack(STOP, 0, datagram.avatar, datagram.epoch & 0xFFFF)
        case Pose():
            flags = 0 if datagram.hands is None else 1
            head = _POSE.pack(
                POSE, flags, 0, datagram.sequence & 0xFFFFFFFF, *datagram.position, *datagram.rotation
            )
            return head + b"".join(
                _POSE_HAND.pack(*h.position, *h.rotation, _u8(h.grip), _u8(h.pinch))
                for h in datagram.hands or ()
            )
        case ControlsIn():
            weights = np.clip(np.rint(datagram.controls * 255), 0, 255).astype(np.uint8)
            angles = np.concatenate([datagram.head, datagram.gaze]) / ANGLE
            return (
                _CONTROLS.pack(CONTROLS_IN, 0, 0, datagram.sequence & 0xFFFFFFFF)
                + weights.tobytes()
                + np.clip(np.rint(angles), -32768, 32767).astype("<i2").tobytes()
            )
        case Voice():
            low, high = datagram.sample & 0xFFFFFFFF, datagram.sample >> 32 & 0xFFFF
            return _VOICE.pack(VOICE, datagram.codec, datagram.avatar, low, high) + datagram.payload
        case Ping():
            return _PING.pack(PING, 0, 0, datagram.nonce & 0xFFFFFFFF, datagram.client_time)
        case Pong():
            return _PONG.pack(
                PONG, 0, 0, datagram.nonce & 0xFFFFFFFF, datagram.client_time, datagram.server_time
            )


def decode_client(data: bytes) -> ClientDatagram:
    """What a client sent; raises PacketError for an unknown kind, a wrong length or a value out of range."""
    if not data:
        raise PacketError("An empty client datagram.")
    decoder = _DECODERS.get(data[0])
    if decoder is None:
        raise PacketError(f"0x{data[0]:02x} is not a kind of client datagram.")
    return decoder(data)


def _decode_stop(data: bytes) -> Stop:
    _expect(data, _STOP.size, "stop")
    _, zero, avatar, epoch = _STOP.unpack(data)
    _reserved(zero, "stop")
    return Stop(avatar, epoch)


def _decode_pose(data: bytes) -> Pose:
    if len(data) < _POSE.size:
        raise PacketError(f"A pose has at least {_POSE.size} bytes, not {len(data)}.")
    _, flags, zero, sequence, *numbers = _POSE.unpack_from(data)
    _reserved((flags & 0xFE) | zero, "pose")
    _expect(data, _POSE.size + 2 * _POSE_HAND.size * flags, "pose")
    position, rotation = _place(numbers[:3], "head"), _orientation(numbers[3:], "head")
    if not flags:
        return Pose(sequence, position, rotation)
    left, right = (_decode_hand(data, _POSE.size + side * _POSE_HAND.size) for side in (0, 1))
    return Pose(sequence, position, rotation, (left, right))


def _decode_hand(data: bytes, at: int) -> PoseHand:
    *numbers, grip, pinch = _POSE_HAND.unpack_from(data, at)
    return PoseHand(_place(numbers[:3], "hand"), _orientation(numbers[3:], "hand"), grip / 255, pinch / 255)


def _decode_controls(data: bytes) -> ControlsIn:
    _expect(data, _CONTROLS.size + CONTROL_COUNT + 10, "controls")
    _, first, second, sequence = _CONTROLS.unpack_from(data)
    _reserved(first | second, "controls")
    weights = np.frombuffer(data, np.uint8, CONTROL_COUNT, _CONTROLS.size).astype(np.float32) / np.float32(
        255
    )
    angles = np.frombuffer(data, "<i2", 5, _CONTROLS.size + CONTROL_COUNT).astype(np.float32) * np.float32(
        ANGLE
    )
    return ControlsIn(sequence, weights, angles[:3], angles[3:])


def _decode_voice(data: bytes) -> Voice:
    if len(data) <= _VOICE.size:
        raise PacketError(f"A voice datagram of {len(data)} bytes has no sound.")
    _, codec, avatar, low, high = _VOICE.unpack_from(data)
    payload = data[_VOICE.size :]
    match codec:
        case 1:
            if len(payload) % 2 or len(payload) > MAX_PCM:
                raise PacketError(f"PCM of {len(payload)} bytes; whole int16, at most {MAX_PCM} bytes.")
        case 2:
            if len(payload) > MAX_OPUS:
                raise PacketError(f"An Opus packet of {len(payload)} bytes; at most {MAX_OPUS}.")
        case _:
            raise PacketError(f"Voice codec {codec}; 1 (PCM16) and 2 (Opus) are known.")
    return Voice(codec, avatar, low | high << 32, payload)


def _decode_ping(data: bytes) -> Ping:
    _expect(data, _PING.size, "ping")
    _, first, second, nonce, client_time = _PING.unpack(data)
    _reserved(first | second, "ping")
    _finite([client_time], "ping")
    return Ping(nonce, client_time)


def _decode_pong(data: bytes) -> Pong:
    _expect(data, _PONG.size, "pong")
    _, first, second, nonce, client_time, server_time = _PONG.unpack(data)
    _reserved(first | second, "pong")
    _finite([client_time, server_time], "pong")
    return Pong(nonce, client_time, server_time)


_STOP: Final = struct.Struct("<BBHH")
_POSE: Final = struct.Struct("<BBHI3f4f")
_POSE_HAND: Final = struct.Struct("<3f4fBB")
_CONTROLS: Final = struct.Struct("<BBHI")
_VOICE: Final = struct.Struct("<BBHIH")
_PING: Final = struct.Struct("<BBHId")
_PONG: Final = struct.Struct("<BBHIdd")
_DECODERS: Final[dict[int, Callable[[bytes], ClientDatagram]]] = {
    STOP: _decode_stop,
    POSE: _decode_pose,
    CONTROLS_IN: _decode_controls,
    VOICE: _decode_voice,
    PING: _decode_ping,
    PONG: _decode_pong,
}


def _expect(data: bytes, size: int, name: str) -> None:
    if len(data) != size:
        raise PacketError(f"A {name} datagram has {size} bytes, not {len(data)}.")


def _reserved(value: int, name: str) -> None:
    if value:
        raise PacketError(f"A {name} datagram uses reserved bits.")


def _finite(numbers: list[float], name: str) -> None:
    if not all(map(math.isfinite, numbers)):
        raise PacketError(f"A {name} datagram holds a number that is not finite.")


def _place(numbers: list[float], name: str) -> Float32:
    _finite(numbers, "pose")
    if max(map(abs, numbers)) > REACH:
        raise PacketError(f"A {name} more than {REACH:g} m from the scene's origin.")
    return np.array(numbers, np.float32)


def _orientation(numbers: list[float], name: str) -> Float32:
    _finite(numbers, "pose")
    length = math.sqrt(sum(n * n for n in numbers))
    if not 0.9 < length < 1.1:
        raise PacketError(f"The {name}'s quaternion is {length:.3g} long; 1 is expected.")
    return np.array(numbers, np.float32) / np.float32(length)


def _u8(value: float) -> int:
    return min(max(round(value * 255), 0), 255)
