"""Write protos/vectors/: golden frames and datagrams that every language must decode alike.

Usage: python -m tools.vectors [--check]     (--check: write nothing, fail when a file would change)
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from likeness.head.frame import FlameFrame, Float32, Hand
from likeness.performance import client_packets as client
from likeness.performance import packet

FOLDER = Path(__file__).parents[1] / "protos" / "vectors"
Json = dict[str, Any]
TOLERANCE = {
    "expression": 1e-6,
    "eyelids": 1e-6,
    "angle": 1e-6,
    "metre": 1e-6,
    "quaternion": 1e-5,
    "weight": 1e-6,
}
"""Largest difference from the values here: the bytes leave room for float32 rounding only."""


def frames() -> Json:
    """protos/vectors/frames.json."""
    rng = np.random.default_rng(20)
    scales = np.linspace(4.0, 0.5, 50, dtype=np.float32) / 32767
    few = np.array([1 / 8192, 3 / 32767, 2e-4], np.float32)
    many = np.full(100, 2.5 / 32767, np.float32)

    def psi(count: int, reach: float = 1.0) -> Float32:
        return rng.uniform(-reach, reach, count).astype(np.float32)

    def hand(x: float, rotation: list[float], grip: float, pinch: float) -> Hand:
        return Hand(np.array([x, -0.45, 0.3], np.float32), np.array(rotation, np.float32), grip, pinch)

    def angles(*values: float) -> Float32:
        return np.array(values, np.float32)

    half = math.sqrt(0.5)
    speaking = FlameFrame(
        sample=48_000 * 61,
        expression=psi(50, 0.4),
        eyelids=angles(0.25, 0.3),
        jaw=angles(0.21, -0.01, 0.02),
        neck=angles(0.05, 0.12, -0.03),
        eyes=np.array([[0.04, -0.2, 0], [0.04, -0.14, 0]], np.float32),
        head_rotation=angles(0.1, -1.2, 0.05),
        head_translation=angles(0.4, 1.62, -2.5),
        voiced=True,
        epoch=7,
        driver=1,
    )
    handed = replace(
        speaking,
        hands=(hand(0.25, [0.1, 0.7, -0.2, 0.67], 1.0, 0.4), hand(-0.25, [0.9, 0.1, 0.2, -0.3], 0.0, 1.0)),
        tracked=True,
        driver=3,
    )
    turned = replace(
        handed,
        hands=(hand(0.2, [half, 0, 0, -half], 0.5, 0.5), hand(-3.99, [-0.02, 0.03, -0.99, 0.1], 0.2, 0.0)),
    )
    extreme = replace(
        speaking,
        expression=(np.where(np.arange(50) % 2, 32767, -32768) * scales).astype(np.float32),
        eyelids=angles(0, 1),
        jaw=angles(math.pi, -math.pi, 0),
        neck=angles(-math.pi, math.pi, math.pi),
        eyes=np.array([[math.pi, -math.pi, 0], [-math.pi, math.pi, 0]], np.float32),
        head_rotation=angles(math.pi, 0, -math.pi),
        head_translation=angles(15.99951171875, -16, 0),
    )
    clipped = replace(
        speaking,
        expression=(np.where(np.arange(50) % 3, 9.0, -9.0)).astype(np.float32),
        eyelids=angles(-0.5, 1.5),
        jaw=angles(9, -9, 0),
        neck=angles(4, -4, 0),
        head_translation=angles(100, -100, 20),
    )
    unsound = replace(speaking, expression=np.full(3, np.nan, np.float32), jaw=angles(np.nan, 0.1, 0))

    cases: list[tuple[str, FlameFrame, int, int, Float32, bool]] = [
        ("neutral", FlameFrame(0, np.zeros(50, np.float32)), 1, 0, scales, False),
        ("speaking", speaking, 3, 3660, scales, False),
        ("hands", handed, 3, 3661, scales, False),
        ("hands, other components left out, far away", turned, 65535, 3662, scales, False),
        ("extremes", extreme, 4, 5, scales, False),
        ("clipped to the range", clipped, 4, 6, scales, False),
        ("not a number becomes zero", unsound, 4, 7, few, False),
        ("no components (E = 0)", replace(handed, expression=psi(0)), 9, 1, scales[:0], False),
        ("most components (E = 100), last frame", replace(handed, expression=psi(100)), 9, 2, many, True),
        ("three components", replace(speaking, expression=psi(3, 0.3)), 10, 2**31, few, False),
        ("last sequence before it wraps", replace(speaking, epoch=65535), 2, 2**32 - 1, scales, False),
        ("sequence wrapped", replace(speaking, epoch=0), 2, 2**32, scales, False),
        ("largest sample", replace(speaking, sample=2**48 - 1), 2, 1, scales, False),
    ]
    good: list[Json] = []
    for name, frame, avatar, sequence, steps, end in cases:
        data = packet.encode_frame(frame, avatar, sequence, steps, end=end)
        decoded, _ = packet.decode_frame(data, steps)
        good.append(
            {"name": name, "hex": data.hex(), "scales": _numbers(steps), "values": _frame_values(decoded)}
        )
    whole = packet.encode_frame(handed, 3, 3661, scales)
    plain = packet.encode_frame(speaking, 3, 3660, scales)

    def patched(data: bytes, at: int, value: int) -> bytes:
        return data[:at] + bytes([value]) + data[at + 1 :]

    bad: list[tuple[str, bytes]] = [
        ("empty", b""),
        ("one byte", b"\x01"),
        ("cut in the head", whole[:51]),
        ("cut in the expression", whole[:151]),
        ("cut in the hands", whole[:-1]),
        ("hands announced, none there", patched(plain, 1, plain[1] | 1)),
        ("another kind", patched(plain, 0, 0x02)),
        ("a later version", patched(plain, 0, 0x11)),
        ("reserved flag 4", patched(plain, 1, plain[1] | 0x10)),
        ("reserved flag 7", patched(plain, 1, plain[1] | 0x80)),
        ("101 components", patched(plain, 6, 101) + bytes(200)),
        ("a byte too many", plain + b"\x00"),
        ("the second frame cut", plain + whole[:-4]),
        ("half a component less than announced", plain[:-1]),
    ]
    pair = packet.split_datagrams([plain, whole])
    return {
        "about": "Golden motion frames (docs/protocol.md). `values` are what `hex` means; decoders must "
        "agree within `tolerance`. Each of `refused` is a datagram that must be refused whole. "
        "The frame in `mismatched` must be refused because its components are not those of `scales`. "
        "`datagram` holds several frames. Written by tools/vectors.py.",
        "tolerance": TOLERANCE,
        "frames": good,
        "datagram": {
            "hex": pair[0].hex(),
            "sizes": [len(plain), len(whole)],
            "sequences": [3660, 3661],
        },
        "refused": [{"reason": reason, "hex": data.hex()} for reason, data in bad],
        "mismatched": {"hex": plain.hex(), "scales": _numbers(few)},
        "newer_epoch": [
            {"epoch": a, "than": b, "newer": packet.newer_epoch(a, b)}
            for a, b in [(1, 0), (0, 0), (0, 1), (0, 65535), (65535, 0), (40000, 1), (32768, 0), (32767, 0)]
        ],
    }


def datagrams() -> Json:
    """protos/vectors/datagrams.json."""

    def vector(*values: float) -> Float32:
        return np.array(values, np.float32)

    def hand(x: float, grip: float) -> client.PoseHand:
        return client.PoseHand(vector(x, 1.1, -0.3), vector(0.5, -0.5, 0.5, 0.5), grip, 0.2)

    weights = np.linspace(0, 1, 52, dtype=np.float32)
    pose = client.Pose(12, vector(0.1, 1.6, 0.5), vector(0, 0.6, 0, 0.8))
    good: list[tuple[str, client.ClientDatagram]] = [
        ("stop", client.Stop(3, 8)),
        ("stop, epoch wraps", client.Stop(65535, 65536)),
        ("pose without hands", pose),
        ("pose with hands", replace(pose, sequence=2**32 - 1, hands=(hand(0.2, 1.0), hand(-0.2, 0.0)))),
        ("controls", client.ControlsIn(99, weights, vector(0.1, -0.2, 0.3), vector(-0.05, 0.2))),
        ("voice, PCM", client.Voice(1, 0, 2**40 + 7, np.arange(-480, 480, dtype="<i2").tobytes())),
        ("voice, Opus", client.Voice(2, 5, 960, bytes(range(60)))),
        ("ping", client.Ping(4_000_000_000, 123456.789)),
        ("pong", client.Pong(17, -1.5, 1.7e12)),
    ]
    stop, ping = client.encode_client(good[0][1]), client.encode_client(good[7][1])
    head, controls = client.encode_client(good[2][1]), client.encode_client(good[4][1])
    unsound = client.encode_client(replace(pose, position=vector(np.nan, 0, 0)))
    bad: list[tuple[str, bytes]] = [
        ("empty", b""),
        ("unknown kind", b"\x7f" + stop[1:]),
        ("kind 0", bytes(6)),
        ("stop, short", stop[:-1]),
        ("stop, long", stop + b"\0"),
        ("stop, reserved byte", stop[:1] + b"\1" + stop[2:]),
        ("pose, hands announced, none there", head[:1] + b"\1" + head[2:]),
        ("pose, reserved flag", head[:1] + b"\2" + head[2:]),
        ("pose, not a number", unsound),
        ("pose, 17 m away", client.encode_client(replace(pose, position=vector(0, 17, 0)))),
        ("pose, no rotation", client.encode_client(replace(pose, rotation=vector(0, 0, 0, 0)))),
        ("controls, short", controls[:-2]),
        ("voice without sound", client.encode_client(client.Voice(1, 0, 0, b""))),
        ("voice, half a sample", client.encode_client(client.Voice(1, 0, 0, b"abc"))),
        ("voice, codec 3", client.encode_client(client.Voice(3, 0, 0, b"ab"))),
        ("voice, PCM too long", client.encode_client(client.Voice(1, 0, 0, bytes(client.MAX_PCM + 2)))),
        ("voice, Opus too long", client.encode_client(client.Voice(2, 0, 0, bytes(client.MAX_OPUS + 1)))),
        ("ping, infinite time", client.encode_client(client.Ping(1, math.inf))),
        ("ping, cut", ping[:-3]),
    ]
    return {
        "about": "Client datagrams (docs/protocol.md): `values` are what `hex` means, within `tolerance`; "
        "each of `refused` must be refused. Written by tools/vectors.py.",
        "tolerance": TOLERANCE,
        "datagrams": [
            {"name": name, "hex": client.encode_client(d).hex(), "values": _datagram_values(d)}
            for name, d in good
        ],
        "refused": [{"reason": reason, "hex": data.hex()} for reason, data in bad],
    }


def _frame_values(decoded: packet.DecodedFrame) -> Json:
    frame = decoded.frame
    hands = [
        {
            "position": _numbers(hand.position),
            "rotation": _numbers(hand.rotation),
            "grip": hand.grip,
            "pinch": hand.pinch,
        }
        for hand in frame.hands or ()
    ]
    return {
        "avatar": decoded.avatar,
        "sequence": decoded.sequence,
        "end": decoded.end,
        "voiced": frame.voiced,
        "tracked": frame.tracked,
        "epoch": frame.epoch,
        "driver": frame.driver,
        "sample": frame.sample,
        "eyelids": _numbers(frame.eyelids),
        "jaw": _numbers(frame.jaw),
        "neck": _numbers(frame.neck),
        "leftEye": _numbers(frame.eyes[0]),
        "rightEye": _numbers(frame.eyes[1]),
        "headRotation": _numbers(frame.head_rotation),
        "headTranslation": _numbers(frame.head_translation),
        "expression": _numbers(frame.expression),
        "hands": hands,
    }


def _datagram_values(datagram: client.ClientDatagram) -> Json:
    """What the wire carries: through the decoder, so that rounding is in it."""
    back = client.decode_client(client.encode_client(datagram))
    values: Json = {"type": type(back).__name__.removesuffix("In").lower()}
    match back:
        case client.Stop():
            values |= {"avatar": back.avatar, "epoch": back.epoch}
        case client.Pose():
            values |= {
                "sequence": back.sequence,
                "position": _numbers(back.position),
                "rotation": _numbers(back.rotation),
                "hands": [
                    {"position": _numbers(h.position), "rotation": _numbers(h.rotation)}
                    | {"grip": h.grip, "pinch": h.pinch}
                    for h in back.hands or ()
                ],
            }
        case client.ControlsIn():
            values |= {"sequence": back.sequence, "controls": _numbers(back.controls)}
            values |= {"head": _numbers(back.head), "gaze": _numbers(back.gaze)}
        case client.Voice():
            values |= {"codec": back.codec, "avatar": back.avatar, "sample": back.sample}
            values |= {"payload": back.payload.hex()}
        case client.Ping():
            values |= {"nonce": back.nonce, "clientTime": back.client_time}
        case client.Pong():
            values |= {"nonce": back.nonce, "clientTime": back.client_time, "serverTime": back.server_time}
    return values


def _numbers(values: Float32) -> list[float]:
    return [float(f"{v:.9g}") for v in np.asarray(values, np.float64)]


FILES: dict[str, Callable[[], Json]] = {"frames.json": frames, "datagrams.json": datagrams}


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them."""
    stale = 0
    for name, make in FILES.items():
        text = json.dumps(make(), indent=1) + "\n"
        path = FOLDER / name
        if "--check" in arguments:
            stale += not path.is_file() or path.read_text() != text
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"{path}: {len(text)} bytes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
