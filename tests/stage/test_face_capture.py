"""A person's own face drives their avatar only while they allow it."""

import numpy as np
import pytest

from likeness.head import CONTROL_INDEX, load_character, load_head
from likeness.stage.engine import Batch, Engine
from likeness.tracking.face import TrackedFace, full_confidence, no_face
from likeness.tracking.landmarks import LandmarkFrame
from tests.tracking.test_landmarks import Camera


def frames(engine: Engine, row: int, first: int, count: int) -> np.ndarray:
    """The controls [count, 52] of consecutive frames."""
    seen = []
    for n in range(first, first + count):
        batch = Batch([row], [1], [800 * n], [n], [], [], None, [], None)
        seen.append(engine.frames(batch)[1][0])
    return np.array(seen)


@pytest.fixture(scope="module")
def camera():
    return Camera(load_head("open"))


@pytest.fixture
def engine():
    return Engine(2)


def test_landmarks_move_the_face_after_a_second_of_calibration(engine, camera) -> None:
    row, _, _ = engine.add(load_character("plain"), 1)
    neutral, opened = camera.see({}), camera.see({"jawOpen": 0.9})
    jaw = CONTROL_INDEX["jawOpen"]
    for n in range(75):
        engine.set_landmarks(row, LandmarkFrame(n, n * 17, 1.0, neutral))
        before = frames(engine, row, n, 1)
    assert before[0, jaw] < 0.05
    for n in range(75, 110):
        engine.set_landmarks(row, LandmarkFrame(n, n * 17, 1.0, opened))
        after = frames(engine, row, n, 1)
    assert after[0, jaw] > 0.6
    engine.forget_face(row)
    assert frames(engine, row, 110, 40)[-1, jaw] < 0.05


def test_a_trackers_face_is_taken_and_let_go(engine) -> None:
    row, _, _ = engine.add(load_character("plain"), 1)
    controls = np.zeros(52, np.float32)
    controls[CONTROL_INDEX["mouthSmileLeft"]] = 1
    face = TrackedFace(controls, full_confidence(head=False, gaze=False))
    for n in range(30):
        engine.set_face(row, face)
        smiling = frames(engine, row, n, 1)
    assert smiling[0, CONTROL_INDEX["mouthSmileLeft"]] > 0.7
    engine.set_face(row, no_face())
    assert frames(engine, row, 30, 60)[-1, CONTROL_INDEX["mouthSmileLeft"]] < 0.1


@pytest.mark.parametrize("rate", [10, 60])
def test_a_slow_and_a_fast_camera_move_the_face_alike(engine, camera, rate: int) -> None:
    row, _, _ = engine.add(load_character("plain"), 1)
    neutral, opened = camera.see({}), camera.see({"jawOpen": 0.9})
    jaw = CONTROL_INDEX["jawOpen"]

    def follow(points: np.ndarray, first: int, ticks: int) -> np.ndarray:
        seen = []
        for n in range(first, first + ticks):
            if n % (60 // rate) == 0:
                engine.set_landmarks(row, LandmarkFrame(n, round(n * 1000 / 60), 1.0, points))
            seen.append(frames(engine, row, n, 1)[0, jaw])
        return np.array(seen)

    assert follow(neutral, 0, 120)[-1] < 0.05
    opening = follow(opened, 120, 60)
    assert opening[-1] > 0.6
    assert (np.diff(opening) > -0.05).all(), "between two pictures it does not fall back"
