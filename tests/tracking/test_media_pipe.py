"""The desktop tracker: a drawn face on film, MediaPipe in its own environment, and what the face did.

Needs `likeness track --setup`, or LIKENESS_TRACKING_PYTHON; left out where there is neither, unless
LIKENESS_REQUIRE_TRACKER=1 makes that a failure.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from likeness.cli.bench.face_camera import FaceCamera
from likeness.cli.bench.face_script import MOVES, REST, Moment
from likeness.cli.bench.film import write_y4m
from likeness.cli.bench.tracking import close, pictures_of
from likeness.errors import InputError, MachineError
from likeness.head import CONTROL_COUNT, CONTROL_INDEX, load_head
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.media_pipe import track_mesh, tracking_python

SHOWN = ("jawOpen", "mouthSmile", "browInnerUp", "mouthPucker", "eyeBlink")


@pytest.fixture(autouse=True, scope="module")
def _needs_tracker() -> None:
    try:
        tracking_python()
    except MachineError as error:
        if os.environ.get("LIKENESS_REQUIRE_TRACKER") == "1":
            pytest.fail(f"the desktop tracker is required here: {error}")
        pytest.skip(f"desktop tracker left out: {error}")


def test_a_filmed_face_is_tracked_back_to_what_it_did() -> None:
    rest = Moment(REST, np.zeros(CONTROL_COUNT, np.float32))
    moments = [rest] * 6
    for move in SHOWN:
        for amount in (0.5, 1.0, 0.5):
            controls = rest.controls.copy()
            controls[[CONTROL_INDEX[name] for name in MOVES[move]]] = amount
            moments.append(Moment(move, controls))
        moments.append(rest)
    loop = close(moments, pictures_of("woman", moments), LandmarkSolver(load_head("open")))
    for move in SHOWN:
        assert loop.correlation(move) > 0.75, move


async def test_an_empty_room_a_dark_one_and_a_film_that_is_none(tmp_path: Path) -> None:
    camera = FaceCamera("woman", bare=True)
    away, rest = (5.0, 0.0, 0.0), np.zeros(CONTROL_COUNT, np.float32)
    pictures = (
        [camera.see(rest, offset=away)] * 3 + [camera.see(rest, light=0.0)] * 3 + [camera.see(rest)] * 6
    )
    write_y4m(tmp_path / "film.y4m", pictures)
    stream = await track_mesh(video=tmp_path / "film.y4m")
    found = [frame.points is not None async for frame in stream.frames]
    assert found[:6] == [False] * 6
    assert found[-1], "a face that comes back is found again"
    (tmp_path / "none.mp4").write_bytes(b"no film")
    with pytest.raises(InputError, match="cannot be opened"):
        await track_mesh(video=tmp_path / "none.mp4")
