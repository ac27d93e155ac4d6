"""The desktop tracker: a drawn face on film, MediaPipe in its own environment, and what the face did.

Needs `likeness track --setup`, or LIKENESS_TRACKING_PYTHON; left out where there is neither, unless
LIKENESS_REQUIRE_TRACKER=1 makes that a failure.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage.data import astronaut, chelsea

from likeness.cli.bench.face_camera import BARE, FaceCamera
from likeness.cli.bench.face_script import MOVES, REST, Moment
from likeness.cli.bench.film import write_y4m
from likeness.cli.bench.tracking import close, pictures_of
from likeness.cli.track import track
from likeness.errors import InputError, MachineError
from likeness.head import CONTROL_COUNT, CONTROL_INDEX, load_head
from likeness.performance import Take
from likeness.tracking.landmark_solver import LandmarkSolver
from likeness.tracking.media_pipe import track_mesh, tracking_python

JAW_OPEN = CONTROL_INDEX["jawOpen"]
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
    loop = close(moments, pictures_of(FaceCamera("woman"), moments), LandmarkSolver(load_head("open")))
    for move in SHOWN:
        assert loop.correlation(move) > 0.75, move


async def test_an_empty_room_a_dark_one_and_a_film_that_is_none(tmp_path: Path) -> None:
    camera = FaceCamera("woman", without=BARE)
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


PORTRAIT = astronaut()[0:300, 80:380]
"""NASA's portrait of Eileen Collins, in the public domain: a real face."""
CAT = chelsea()[:300, :450]


async def seen_in(film: Path) -> list[float | None]:
    """Where the tracked face is in each picture of a film, from the left; None where there is none."""
    stream = await track_mesh(video=film)
    return [None if f.points is None else float(f.points[:, 0].mean()) async for f in stream.frames]


async def test_a_cat_is_nobody(tmp_path: Path) -> None:
    write_y4m(tmp_path / "cat.y4m", [CAT] * 8)
    assert set(await seen_in(tmp_path / "cat.y4m")) == {None}


async def test_a_face_that_leaves_in_the_dark_and_returns(tmp_path: Path) -> None:
    dark, empty = PORTRAIT // 200, np.full_like(PORTRAIT, 90)
    write_y4m(
        tmp_path / "film.y4m", [PORTRAIT] * 4 + [dark] * 4 + [PORTRAIT] * 4 + [empty] * 4 + [PORTRAIT] * 4
    )
    seen = [place is not None for place in await seen_in(tmp_path / "film.y4m")]
    assert seen[1:4] == seen[9:12] == seen[17:20] == [True] * 3
    assert seen[5:8] == seen[13:16] == [False] * 3


async def test_whoever_is_followed_stays_so_when_someone_larger_comes(tmp_path: Path) -> None:
    nearer = np.asarray(Image.fromarray(PORTRAIT[30:270, 30:270]).resize((300, 300)))
    wall = np.full((320, 640, 3), 100, np.uint8)
    first, both, second = wall.copy(), wall.copy(), wall.copy()
    first[10:310, 10:310] = both[10:310, 10:310] = PORTRAIT
    both[10:310, 330:630] = second[10:310, 330:630] = nearer
    write_y4m(tmp_path / "film.y4m", [first] * 4 + [both] * 12 + [second] * 6)
    seen = await seen_in(tmp_path / "film.y4m")
    half = 0.5 * 640 / 320
    assert all(place is not None and place < half for place in seen[1:16]), seen
    assert seen[-1] is not None
    assert seen[-1] > half, "the other one's turn when the first has gone"


@pytest.mark.parametrize("rate", [10, 60])
def test_a_slow_and_a_fast_film_move_a_character_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int
) -> None:
    monkeypatch.setenv("LIKENESS_TRACKING_PYTHON", str(tracking_python()))
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path / "data"))
    camera, calm = FaceCamera("woman", without=BARE), np.zeros(CONTROL_COUNT, np.float32)
    wide = calm.copy()
    wide[JAW_OPEN] = 0.8
    shut, open_ = camera.see(calm), camera.see(wide)
    at = np.arange(2 * rate) / rate
    write_y4m(tmp_path / "film.y4m", [open_ if 1.4 <= t < 1.7 else shut for t in at], rate)
    ran = CliRunner().invoke(
        track, ["--video", str(tmp_path / "film.y4m"), "-c", "curie", "-o", str(tmp_path / "take.npz")]
    )
    assert ran.exit_code == 0, ran.output
    jaw = np.array([f.jaw[0] for f in map(Take.load(tmp_path / "take.npz").frame, range(0, 120, 6))])
    moment = np.arange(0, 120, 6) / 60
    assert jaw[(moment > 1.5) & (moment < 1.7)].min() > 0.1
    assert abs(jaw[(moment > 0.5) & (moment < 1.3)]).max() < 0.05


def test_a_film_without_a_face_makes_no_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_TRACKING_PYTHON", str(tracking_python()))
    write_y4m(tmp_path / "cat.y4m", [CAT] * 6)
    ran = CliRunner().invoke(
        track, ["--video", str(tmp_path / "cat.y4m"), "-c", "curie", "-o", str(tmp_path / "take.npz")]
    )
    assert isinstance(ran.exception, InputError)
    assert "no face was found" in str(ran.exception)
    assert not (tmp_path / "take.npz").exists()
