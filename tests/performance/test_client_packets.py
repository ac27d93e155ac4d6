"""Client datagrams: golden vectors, round trips, and bytes that are none."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.head.controls import CONTROL_INDEX, CONTROLS
from likeness.performance import client_packets as client
from likeness.performance.packet import PacketError
from tools import vectors

VECTORS: dict[str, Any] = json.loads((vectors.FOLDER / "datagrams.json").read_text())


@pytest.mark.parametrize("case", VECTORS["datagrams"], ids=lambda c: c["name"])
def test_a_golden_datagram_means_its_values(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    got, want = client.decode_client(data), case["values"]
    assert type(got).__name__.removesuffix("In").lower() == want["type"]
    assert client.encode_client(got) == data
    match got:
        case client.Stop():
            assert (got.avatar, got.epoch) == (want["avatar"], want["epoch"])
        case client.Pose():
            assert got.sequence == want["sequence"]
            np.testing.assert_allclose(got.position, want["position"], atol=1e-6)
            np.testing.assert_allclose(got.rotation, want["rotation"], atol=1e-5)
            for hand, expected in zip(got.hands or (), want["hands"], strict=True):
                np.testing.assert_allclose(hand.position, expected["position"], atol=1e-6)
                np.testing.assert_allclose(hand.rotation, expected["rotation"], atol=1e-5)
                assert (hand.grip, hand.pinch) == pytest.approx((expected["grip"], expected["pinch"]))
        case client.ControlsIn():
            assert got.sequence == want["sequence"]
            np.testing.assert_allclose(got.controls, want["controls"], atol=1e-6)
            np.testing.assert_allclose(got.head, want["head"], atol=1e-6)
            np.testing.assert_allclose(got.gaze, want["gaze"], atol=1e-6)
        case client.Voice():
            assert (got.codec, got.avatar, got.sample) == (want["codec"], want["avatar"], want["sample"])
            assert got.payload.hex() == want["payload"]
        case client.Ping():
            assert (got.nonce, got.client_time) == (want["nonce"], want["clientTime"])
        case client.Pong():
            assert (got.nonce, got.client_time) == (want["nonce"], want["clientTime"])
            assert got.server_time == want["serverTime"]


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda c: c["reason"])
def test_what_is_no_client_datagram_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(PacketError):
        client.decode_client(bytes.fromhex(case["hex"]))


def test_hands_of_a_pose_are_relative_to_the_head() -> None:
    turn = np.array([0, 0.6, 0, 0.8], np.float32)
    hand = client.PoseHand(np.array([0.3, 1.1, 0.2], np.float32), turn, 0.5, 0.0)
    pose = client.Pose(1, np.array([0.1, 1.6, 0.0], np.float32), turn, (hand, hand))
    hands = pose.hands_from_head()
    assert hands is not None
    np.testing.assert_allclose(hands[0].position, [0.2, -0.5, 0.2], atol=1e-6)
    np.testing.assert_allclose(pose.head_rotation(), [0, 2 * np.arctan2(0.6, 0.8), 0], atol=1e-5)


@given(st.binary(max_size=200), st.sampled_from([2, 5, 7, 8, 9, 10]))
@settings(max_examples=500, deadline=None)
def test_hypothesis_finds_no_bytes_that_crash_the_decoder(data: bytes, kind: int) -> None:
    for attempt in (data, bytes([kind]) + data, bytes([kind, 0, 0, 0]) + data):
        try:
            client.decode_client(attempt)
        except PacketError:
            continue


def test_a_gaze_turns_the_eyes_of_a_person_whose_weights_say_nothing_of_them() -> None:
    smile, out = CONTROL_INDEX["mouthSmileLeft"], CONTROL_INDEX["eyeLookOutLeft"]
    controls = np.zeros(52, np.float32)
    controls[smile] = 0.5

    def looking(controls: np.ndarray, gaze: tuple[float, float]) -> dict[str, float]:
        sent = client.ControlsIn(1, controls, np.zeros(3, np.float32), np.array(gaze, np.float32))
        got = client.decode_client(client.encode_client(sent))
        assert isinstance(got, client.ControlsIn)
        return {name: float(v) for name, v in zip(CONTROLS, got.looking, strict=True) if v > 0.01}

    moved = looking(controls, (0.1, 0.2))
    assert set(moved) == {
        "mouthSmileLeft", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookOutLeft", "eyeLookInRight",
    }  # fmt: skip
    assert moved["eyeLookOutLeft"] == pytest.approx(moved["eyeLookInRight"], abs=1e-3)
    assert set(looking(controls, (0.0, 0.0))) == {"mouthSmileLeft"}
    controls[out] = 0.4
    assert set(looking(controls, (0.1, -0.2))) == {"mouthSmileLeft", "eyeLookOutLeft"}, "weights come first"


def test_a_hundred_thousand_damaged_datagrams_are_decoded_or_refused() -> None:
    rng = np.random.default_rng(6)
    good = [bytes.fromhex(case["hex"]) for case in VECTORS["datagrams"]]
    accepted = 0
    for pick, at, value, cut in rng.integers(0, 1 << 30, (100_000, 4)).tolist():
        data = bytearray(good[pick % len(good)])
        data[at % len(data)] = value % 256
        try:
            decoded = client.decode_client(bytes(data[: len(data) - cut % 2]))
        except PacketError:
            continue
        accepted += 1
        assert not isinstance(decoded, client.Pose) or np.isfinite(decoded.position).all()
    assert 1_000 < accepted < 90_000
