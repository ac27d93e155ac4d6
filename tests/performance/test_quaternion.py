"""Rotations against scipy's."""

import numpy as np
from scipy.spatial.transform import Rotation

from likeness.performance import quaternion
from likeness.performance.smallest_three import pack_rotation, unpack_rotation

RNG = np.random.default_rng(4)
VECTORS = RNG.normal(size=(200, 3)).astype(np.float32)
LENGTHS = RNG.uniform(0, np.pi, (200, 1)).astype(np.float32)
AXIS_ANGLES = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True) * LENGTHS
Q = quaternion.from_axis_angle(AXIS_ANGLES)


def test_axis_angles_become_quaternions_and_back() -> None:
    np.testing.assert_allclose(Q, Rotation.from_rotvec(AXIS_ANGLES).as_quat(), atol=1e-6)
    np.testing.assert_allclose(quaternion.to_axis_angle(Q), AXIS_ANGLES, atol=2e-5)
    np.testing.assert_allclose(quaternion.to_axis_angle(-Q), AXIS_ANGLES, atol=2e-5)
    assert not quaternion.to_axis_angle(quaternion.from_axis_angle(np.zeros((2, 3), np.float32))).any()


def test_products_rotations_and_inverses_agree_with_scipy() -> None:
    a, b = Rotation.from_quat(Q), Rotation.from_quat(Q[::-1])
    ours = Rotation.from_quat(quaternion.multiply(Q, Q[::-1]))
    assert ((a * b) * ours.inv()).magnitude().max() < 1e-5
    np.testing.assert_allclose(quaternion.rotate(Q, VECTORS), a.apply(VECTORS), atol=1e-5)
    back = quaternion.rotate(quaternion.inverse(Q), quaternion.rotate(Q, VECTORS))
    np.testing.assert_allclose(back, VECTORS, atol=1e-5)


def test_a_turn_is_yaw_then_pitch_then_roll() -> None:
    pitch, yaw, roll = (RNG.uniform(-1.2, 1.2, 200).astype(np.float32) for _ in range(3))
    ours = quaternion.turn(pitch, yaw, roll)
    scipys = Rotation.from_euler("YXZ", np.stack([yaw, pitch, roll], 1))
    assert (Rotation.from_quat(ours) * scipys.inv()).magnitude().max() < 1e-5
    for value, wanted in zip(quaternion.to_turn(ours), (pitch, yaw, roll), strict=True):
        np.testing.assert_allclose(value, wanted, atol=1e-5)


def test_what_has_no_direction_is_no_rotation() -> None:
    broken = np.array([[0, 0, 0, 0], [np.nan, 0, 0, 1], [np.inf, 0, 0, 1]], np.float32)
    np.testing.assert_array_equal(quaternion.normalised(broken), [[0, 0, 0, 1]] * 3)
    for packed in pack_rotation(broken).tolist():
        np.testing.assert_allclose(unpack_rotation(packed), [0, 0, 0, 1], atol=2e-3)


def test_rotations_survive_32_bits_within_a_fifth_of_a_degree() -> None:
    for q, packed in zip(Q, pack_rotation(Q).tolist(), strict=True):
        back = unpack_rotation(packed)
        assert (Rotation.from_quat(back) * Rotation.from_quat(q).inv()).magnitude() < np.radians(0.25)
    for packed in RNG.integers(0, 2**32, 2000).tolist():
        np.testing.assert_allclose(np.linalg.norm(unpack_rotation(packed)), 1, atol=1e-6)
