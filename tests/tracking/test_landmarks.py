"""Landmarks become controls: alike on both sides, monotone, and relative to the person's own face."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.cli.bench.face_script import Moment
from likeness.cli.bench.tracking import close, meshes_of
from likeness.errors import InputError
from likeness.head import CONTROL_INDEX, CONTROLS, BakedHead, load_head, mirrored
from likeness.head.flame_numpy import rotation_matrices
from likeness.tracking.face import REGIONS
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.landmarks import (
    COUNT,
    LANDMARKS,
    LIPS,
    POSITION,
    LandmarkFrame,
    decode,
    encode,
    from_mesh,
)
from likeness.tracking.person import PersonTracker, track
from likeness.tracking.rotation import axis_angle_from_yaw_pitch_roll
from tools import landmark_vectors

READABLE = (
    "jawOpen",
    "eyeBlinkLeft",
    "mouthSmileLeft",
    "browInnerUp",
    "mouthPucker",
    "mouthFrownRight",
    "jawLeft",
)


@pytest.fixture(scope="module")
def head():
    return load_head("open")


@pytest.fixture(scope="module")
def solver(head):
    return LandmarkSolver(head)


class Camera:
    """Pictures of the open head as a perfect mesh tracker would see it: 300 mm picture height, no noise."""

    def __init__(self, head) -> None:
        self._head = head
        self._baked = BakedHead(head.model)

    def see(self, controls: dict[str, float], rotation=(0.0, 0.0, 0.0), scale=1.0, width=1.0) -> np.ndarray:
        c = np.zeros(52, np.float32)
        for name, value in controls.items():
            c[CONTROL_INDEX[name]] = value
        p = self._head.rig.apply(c[None])
        zero = np.zeros(3, np.float32)
        vertices = self._baked.vertices(
            p.expression[0], p.eyelids[0], p.jaw[0], zero, p.eyes[0], np.array(rotation, np.float32), zero
        )
        faces, bary = self._head.model.mediapipe
        mesh = (vertices[self._head.model.faces[faces]] * bary[:, :, None]).sum(1) * (width, 1, 1)
        full = np.zeros((478, 3))
        full[:468] = mesh
        # The pupils of eyes that look ahead: they turn with the head about its root.
        joints = self._baked.joints.astype(float)
        pupils = joints[[4, 3]] + (0, 0, 0.012)
        turned = (pupils - joints[0]) @ rotation_matrices(np.array([rotation]))[0].T + joints[0]
        full[[468, 473]] = turned * (width, 1, 1)
        pixels = full / 0.3 * scale * (1, -1, -1) + (0.5, 0.5, 0)
        return from_mesh(pixels, 100, 100)


@pytest.fixture(scope="module")
def camera(head):
    return Camera(head)


def frame(sequence: int, points, ms: int) -> LandmarkFrame:
    return LandmarkFrame(sequence, ms, 1.0, points)


def test_the_datagram_is_below_a_kilobyte_and_comes_back(camera) -> None:
    points = camera.see({"jawOpen": 0.5})
    data = encode(LandmarkFrame(7, 1234, 0.9, points))
    back = decode(data)
    assert len(data) <= 1000
    assert back.sequence == 7
    assert back.points is not None
    np.testing.assert_allclose(back.points, points, atol=1 / 16384)


def test_no_face_is_twelve_bytes() -> None:
    assert len(encode(LandmarkFrame(1, 2, 0, None))) == 12
    assert decode(encode(LandmarkFrame(1, 2, 0, None))).points is None


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=1000))
def test_random_bytes_are_refused_in_words(data: bytes) -> None:
    with contextlib.suppress(InputError):
        decode(data)
    with contextlib.suppress(InputError):
        decode(bytes([6, 1, 255, COUNT]) + data)


@pytest.mark.parametrize("name", READABLE)
def test_a_control_alone_is_read_as_itself(solver, camera, name: str) -> None:
    solved = solver.solve(camera.see({name: 1.0})[None]).controls[0]
    assert solved[CONTROL_INDEX[name]] > 0.6
    assert int(np.argmax(solved)) == CONTROL_INDEX[name]


@pytest.mark.parametrize("name", READABLE)
def test_more_movement_never_gives_less(solver, camera, name: str) -> None:
    points = np.stack([camera.see({name: v}) for v in np.linspace(0, 1, 6)])
    values = solver.solve(points).controls[:, CONTROL_INDEX[name]]
    assert (np.diff(values) > -0.02).all()


@pytest.mark.parametrize("name", [n for n in READABLE if n != mirrored(n)])
def test_left_and_right_are_treated_alike(solver, camera, name: str) -> None:
    both = solver.solve(np.stack([camera.see({name: 0.8}), camera.see({mirrored(name): 0.8})])).controls
    swapped = [CONTROL_INDEX[mirrored(c)] for c in CONTROLS]
    np.testing.assert_allclose(both[0], both[1][swapped], atol=0.06)


@pytest.mark.parametrize("angles", [(0.5, 0, 0), (-0.5, 0, 0), (0, 0.3, 0), (0, 0, 0.4), (0.3, -0.2, 0.2)])
def test_the_heads_pose_is_found_and_does_not_leak_into_the_face(solver, camera, angles) -> None:
    rotation = axis_angle_from_yaw_pitch_roll(*angles)
    solved = solver.solve(camera.see({}, rotation, scale=0.7)[None])
    np.testing.assert_allclose(solved.rotation[0], rotation, atol=0.02)
    assert solved.controls[0].max() < 0.15


def test_another_persons_neutral_face_is_neutral_after_a_second(solver, camera) -> None:
    person, ms = PersonTracker(), 0
    for n in range(40):
        (face,) = track(solver, [person], [frame(n, camera.see({"mouthFrownLeft": 0.3}, width=1.12), ms)])
        ms += 33
    assert person.calibrated
    assert face is not None
    assert face.controls.max() < 0.05
    for n in range(40, 60):
        (face,) = track(
            solver, [person], [frame(n, camera.see({"mouthFrownLeft": 0.3, "jawOpen": 0.8}, width=1.12), ms)]
        )
        ms += 33
    assert face is not None
    assert face.controls[CONTROL_INDEX["jawOpen"]] > 0.6


def test_replayed_and_reordered_frames_are_ignored(solver, camera) -> None:
    person = PersonTracker()
    points = camera.see({})
    assert track(solver, [person], [frame(5, points, 100)])[0] is not None
    assert track(solver, [person], [frame(5, points, 100)])[0] is None
    assert track(solver, [person], [frame(4, points, 66)])[0] is None
    assert track(solver, [person], [frame(6, points, 133)])[0] is not None


def test_sequence_numbers_wrap(solver, camera) -> None:
    person = PersonTracker()
    points = camera.see({})
    track(solver, [person], [frame(2**32 - 1, points, 100)])
    assert track(solver, [person], [frame(0, points, 133)])[0] is not None


def test_a_lost_face_has_no_confidence(solver, camera) -> None:
    person = PersonTracker()
    track(solver, [person], [frame(0, camera.see({}), 0)])
    (face,) = track(solver, [person], [frame(1, None, 33)])
    assert face is not None
    assert face.confidence.max() == 0


def test_many_persons_in_one_batch_are_solved_as_each_alone(solver, camera) -> None:
    points = [camera.see({"jawOpen": v}) for v in (0.2, 0.6)]
    together = solver.solve(np.stack(points)).controls
    alone = np.concatenate([solver.solve(p[None]).controls for p in points])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_the_wire_names_each_landmark_once() -> None:
    assert len(set(LANDMARKS)) == COUNT


def test_the_golden_landmarks_are_what_the_tool_writes() -> None:
    assert json.loads(landmark_vectors.TARGET.read_text()) == landmark_vectors.vectors()


def test_leaning_moves_the_head_within_reach_and_turning_alone_does_not(solver, camera) -> None:
    person = PersonTracker()
    for n in range(40):
        track(solver, [person], [frame(n, camera.see({}), 33 * n)])

    def settled(points, first: int):
        for n in range(first, first + 30):
            (face,) = track(solver, [person], [frame(n, points, 33 * n)])
        assert face is not None
        assert face.head_translation is not None
        return face.head_translation

    turned = settled(camera.see({}, axis_angle_from_yaw_pitch_roll(0.4, 0, 0)), 40)
    np.testing.assert_allclose(turned, 0, atol=0.02)
    aside = settled(camera.see({}) + np.array([0.1, 0, 0], np.float32), 70)
    np.testing.assert_allclose(aside, [0.03, 0, 0], atol=0.01)
    nearer = settled(camera.see({}, scale=1.1), 100)
    assert 0.03 < nearer[2] < 0.08
    far = settled(camera.see({}) + np.array([0.9, 0, 0], np.float32), 130)
    np.testing.assert_allclose(far, [0.10, 0, 0], atol=0.005)


@pytest.mark.parametrize(
    ("hides", "hidden"),
    [
        ("covered", ["mouth"]),
        ("below the picture", ["mouth"]),
        ("in profile", ["mouth", "lower_face", "brows", "lids", "gaze"]),
    ],
)
def test_what_the_camera_does_not_see_has_no_confidence(
    solver, camera, hides: str, hidden: list[str]
) -> None:
    person = PersonTracker()
    for n in range(40):
        (seen,) = track(solver, [person], [frame(n, camera.see({}), 33 * n)])
    assert seen is not None
    assert seen.confidence.min() > 0.95
    points = camera.see({}, (0, 1.2, 0) if hides == "in profile" else (0, 0, 0))
    if hides == "below the picture":
        points = points + np.array([0, 1.0 - float(points[list(LIPS), 1].min()) + 0.01, 0], np.float32)
    (face,) = track(solver, [person], [LandmarkFrame(40, 1320, 1.0, points, hides != "covered")])
    assert face is not None
    for region, sure in zip(REGIONS, face.confidence.tolist(), strict=True):
        assert (sure < 0.05) == (region in hidden), region


def test_covered_lips_are_said_in_the_datagram(camera) -> None:
    points = camera.see({})
    assert decode(encode(LandmarkFrame(1, 2, 1.0, points, False))).lips_seen is False
    assert decode(encode(LandmarkFrame(1, 2, 1.0, points))).lips_seen is True


def test_both_eyes_look_where_the_irises_went(head, solver) -> None:
    moments = [Moment("rest", np.zeros(52, np.float32))] * 2
    for ways in (
        ("OutLeft", "InRight"),
        ("InLeft", "OutRight"),
        ("UpLeft", "UpRight"),
        ("DownLeft", "DownRight"),
    ):
        controls = np.zeros(52, np.float32)
        controls[[CONTROL_INDEX[f"eyeLook{way}"] for way in ways]] = 0.8
        moments.append(Moment("look", controls))
    loop = close(moments, meshes_of(head, moments), solver)
    looks = [i for i, name in enumerate(CONTROLS) if name.startswith("eyeLook")]
    np.testing.assert_allclose(loop.found[2:, looks], loop.true[2:, looks], atol=0.15)


@pytest.mark.parametrize("shut", [("Left",), ("Right",), ("Left", "Right")])
def test_behind_a_shut_lid_an_eye_looks_where_the_other_does_or_where_it_looked(solver, camera, shut) -> None:
    person, ms = PersonTracker(), 0

    def show(points, times: int = 15):
        nonlocal ms
        for _ in range(times):
            ms += 33
            (face,) = track(solver, [person], [frame(ms, points, ms)])
        return face

    def irises(points: np.ndarray, left: float, right: float) -> np.ndarray:
        """Moved across by mm."""
        moved = points.copy()
        moved[[POSITION[473], POSITION[468]], 0] += np.array([left, right], np.float32) / 300
        return moved

    show(camera.see({}), 40)
    both = show(irises(camera.see({}), 2.0, 2.0)).gaze[:, 1]
    assert abs(both[0]) > 0.1
    assert both[0] == pytest.approx(both[1], abs=0.02)
    # The tracker puts an iris that it cannot see anywhere.
    lids = camera.see({f"eyeBlink{side}": 1.0 for side in shut})
    guess = {side: -4.0 if side in shut else 2.0 for side in ("Left", "Right")}
    gaze = show(irises(lids, guess["Left"], guess["Right"])).gaze[:, 1]
    np.testing.assert_allclose(gaze, both, atol=0.03)
