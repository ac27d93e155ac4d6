"""Motion frames: golden vectors, round trips, and bytes that are not frames."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from likeness.head.frame import FlameFrame, Hand
from likeness.performance import packet
from likeness.performance.frames import Frames
from likeness.performance.packet import PacketError
from tools import vectors

VECTORS: dict[str, Any] = json.loads((vectors.FOLDER / "frames.json").read_text())
TOLERANCE = VECTORS["tolerance"]
KINDS = {
    "expression": "expression", "eyelids": "eyelids", "jaw": "angle", "neck": "angle",
    "head_rotation": "angle", "head_translation": "metre",
}  # fmt: skip


def scales_of(case: dict[str, Any]) -> np.ndarray:
    return np.array(case["scales"], np.float32)


@pytest.mark.parametrize("case", VECTORS["frames"], ids=lambda c: c["name"])
def test_a_golden_frame_means_its_values(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    decoded, size = packet.decode_frame(data, scales_of(case))
    want, got = case["values"], decoded.frame
    assert size == len(data)
    assert (decoded.avatar, decoded.sequence, decoded.end) == (want["avatar"], want["sequence"], want["end"])
    for field in ("sample", "voiced", "tracked", "epoch", "driver"):
        assert getattr(got, field) == want[field]
    camel = {"head_rotation": "headRotation", "head_translation": "headTranslation"}
    for field, kind in KINDS.items():
        np.testing.assert_allclose(
            getattr(got, field), want[camel.get(field, field)], rtol=0, atol=TOLERANCE[kind]
        )
    np.testing.assert_allclose(got.eyes, [want["leftEye"], want["rightEye"]], rtol=0, atol=TOLERANCE["angle"])
    assert len(got.hands or ()) == len(want["hands"])
    for hand, expected in zip(got.hands or (), want["hands"], strict=True):
        np.testing.assert_allclose(hand.position, expected["position"], rtol=0, atol=TOLERANCE["metre"])
        np.testing.assert_allclose(hand.rotation, expected["rotation"], rtol=0, atol=TOLERANCE["quaternion"])
        assert (hand.grip, hand.pinch) == pytest.approx((expected["grip"], expected["pinch"]), abs=1e-6)


@pytest.mark.parametrize("case", VECTORS["frames"], ids=lambda c: c["name"])
def test_what_was_decoded_encodes_to_the_same_bytes(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    decoded, _ = packet.decode_frame(data, scales_of(case))
    again = packet.encode_frame(
        decoded.frame, decoded.avatar, decoded.sequence, scales_of(case), end=decoded.end
    )
    if decoded.frame.hands is None:
        assert again == data
    else:  # a rotation has two spellings where two components tie
        assert again[: -2 * packet.HAND_SIZE] == data[: -2 * packet.HAND_SIZE]


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda c: c["reason"])
def test_bytes_that_are_no_datagram_of_frames_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(PacketError):
        packet.split_frames(bytes.fromhex(case["hex"]))


def test_components_must_be_those_announced() -> None:
    case = VECTORS["mismatched"]
    with pytest.raises(PacketError, match=r"50 components.*announced 3"):
        packet.decode_frame(bytes.fromhex(case["hex"]), scales_of(case))


def test_a_datagram_gives_its_frames_in_order() -> None:
    case = VECTORS["datagram"]
    datagram = bytes.fromhex(case["hex"])
    scales = scales_of(VECTORS["frames"][0])
    assert [len(frame) for frame in packet.split_frames(datagram)] == case["sizes"]
    assert [f.sequence for f in packet.decode_datagram(datagram, {3: scales})] == case["sequences"]
    assert packet.decode_datagram(datagram, {}) == []


@pytest.mark.parametrize("case", VECTORS["newer_epoch"])
def test_epochs_compare_by_serial_arithmetic(case: dict[str, Any]) -> None:
    assert packet.newer_epoch(case["epoch"], case["than"]) is case["newer"]


def test_the_vectors_on_disk_are_what_the_generator_writes() -> None:
    assert vectors.main(["--check"]) == 0


def test_fifty_components_and_both_hands_take_176_bytes() -> None:
    hand = Hand(np.zeros(3, np.float32), np.array([0, 0, 0, 1], np.float32))
    frame = FlameFrame(0, np.zeros(50, np.float32), hands=(hand, hand))
    assert len(packet.encode_frame(frame, 1, 0, np.ones(50, np.float32))) == 176


def test_rows_with_other_heads_and_hands_encode_as_they_would_alone() -> None:
    rng = np.random.default_rng(3)
    frames = Frames.neutral(6, 50)
    frames.components[:] = [50, 30, 0, 50, 12, 50]
    frames.expression[:] = rng.uniform(-1, 1, (6, 50))
    frames.jaw[:] = rng.uniform(-1, 1, (6, 3))
    frames.has_hands[[1, 3]] = True
    frames.hand_position[:] = rng.uniform(-1, 1, (6, 2, 3))
    scales = rng.uniform(1e-4, 2e-4, (6, 50)).astype(np.float32)
    together = packet.encode_frames(frames, np.arange(6), np.arange(6) + 9, scales)
    alone = [
        packet.encode_frame(frames.frame(i), i, i + 9, scales[i, : frames.components[i]]) for i in range(6)
    ]
    assert together == alone


def test_datagrams_hold_whole_frames_within_the_limit() -> None:
    frames = [bytes([i]) * 176 for i in range(20)]
    datagrams = packet.split_datagrams(frames)
    assert b"".join(datagrams) == b"".join(frames)
    assert all(len(d) <= packet.DATAGRAM_LIMIT and len(d) % 176 == 0 for d in datagrams)
    assert len(datagrams) == math.ceil(20 / 6)
    with pytest.raises(PacketError, match="does not fit"):
        packet.split_datagrams([bytes(1101)])
    assert packet.split_datagrams([]) == []


unit = st.floats(0, 1, width=32)
angle = st.floats(-3.125, 3.125, width=32)


@given(
    psi=hnp.arrays(np.float32, st.integers(0, 100), elements=st.floats(-2, 2, width=32)),
    lids=hnp.arrays(np.float32, 2, elements=unit),
    angles=hnp.arrays(np.float32, (3, 3), elements=angle),
    eyes=hnp.arrays(np.float32, (2, 2), elements=angle),
    place=hnp.arrays(np.float32, 3, elements=st.floats(-15.875, 15.875, width=32)),
    turn=hnp.arrays(np.float32, 4, elements=st.floats(-1, 1, width=32)),
    sample=st.integers(0, 2**48 - 1),
    numbers=st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 65535)),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
@settings(max_examples=300, deadline=None)
def test_a_frame_survives_the_wire_within_half_a_step(
    psi: np.ndarray, lids: np.ndarray, angles: np.ndarray, eyes: np.ndarray, place: np.ndarray,
    turn: np.ndarray, sample: int, numbers: tuple[int, int, int], flags: tuple[bool, bool, bool, bool],
) -> None:  # fmt: skip
    avatar, sequence, epoch = numbers
    voiced, tracked, end, handed = flags
    scales = np.full(len(psi), 2.001 / 32767, np.float32)
    eyes3 = np.concatenate([eyes, np.zeros((2, 1), np.float32)], axis=1)
    hand = Hand(place / 8, turn, float(lids[0]), float(lids[1]))
    frame = FlameFrame(
        sample, psi, lids, angles[0], angles[1], eyes3, angles[2], place,
        hands=(hand, hand) if handed else None,
        voiced=voiced, tracked=tracked, epoch=epoch, driver=2,
    )  # fmt: skip
    data = packet.encode_frame(frame, avatar, sequence, scales, end=end)
    assert len(data) == 52 + 2 * len(psi) + 24 * handed
    decoded, size = packet.decode_frame(b"xyz" + data + b"tail", scales, 3)
    got = decoded.frame
    assert size == len(data)
    assert (decoded.avatar, decoded.sequence, decoded.end) == (avatar, sequence, end)
    assert (got.sample, got.epoch, got.voiced, got.tracked) == (sample, epoch, voiced, tracked)
    np.testing.assert_allclose(got.expression, psi, atol=0.51 * 2.001 / 32767)
    np.testing.assert_allclose(got.eyelids, lids, atol=0.51 / 255)
    for value, wanted in zip((got.jaw, got.neck, got.head_rotation), angles, strict=True):
        np.testing.assert_allclose(value, wanted, atol=0.51 * packet.ANGLE)
    np.testing.assert_allclose(got.head_translation, place, atol=0.51 / 2048)
    if got.hands:
        length = float(np.linalg.norm(turn.astype(np.float64)))
        wanted = turn / length if length > 1e-6 else np.array([0, 0, 0, 1.0])
        if length > 1e-6 or length == 0:
            for decoded_hand in got.hands:
                # 10 bits a component: within 0.3 degrees
                assert abs(float(decoded_hand.rotation @ wanted)) > math.cos(math.radians(0.3) / 2)
        np.testing.assert_allclose(got.hands[0].position, place / 8, atol=0.51 / 8192)


@given(st.binary(max_size=400), st.integers(0, 100))
@settings(max_examples=500, deadline=None)
def test_hypothesis_finds_no_bytes_that_crash_the_decoder(data: bytes, components: int) -> None:
    scales = np.ones(components, np.float32)
    for attempt in (data, b"\x01" + data, bytes([1, data[0] & 15 if data else 0]) + data):
        try:
            decoded, size = packet.decode_frame(attempt, scales)
        except PacketError:
            continue
        assert size <= len(attempt)
        assert np.isfinite(decoded.frame.expression).all()


def test_a_hundred_thousand_damaged_datagrams_are_decoded_or_refused() -> None:
    """Random bytes, and real frames with a few bytes changed or cut."""
    rng = np.random.default_rng(5)
    scales = np.ones(50, np.float32)
    frames = [bytes.fromhex(case["hex"]) for case in VECTORS["frames"]]
    noise = rng.integers(0, 256, 1 << 16, dtype=np.uint8).tobytes()
    accepted = 0
    for starts in rng.integers(0, 1 << 30, (100_000, 4)).tolist():
        if starts[0] % 3 == 0:
            at = starts[1] % (1 << 15)
            data = b"\x01" + noise[at : at + starts[2] % 300]
        else:
            whole = bytearray(frames[starts[1] % len(frames)])
            whole[starts[2] % len(whole)] = starts[3] % 256
            data = bytes(whole[: len(whole) - (starts[3] >> 8) % 3])
        try:
            decoded, size = packet.decode_frame(data, scales)
        except PacketError:
            continue
        accepted += 1
        assert 52 <= size <= len(data)
        assert 0 <= decoded.frame.sample < 2**48
    assert 1_000 < accepted < 90_000
