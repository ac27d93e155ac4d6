"""A camera may show anything, be refused or pulled out; of a face is kept what is allowed, while it is."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from likeness.cli.bench.browser import ServedProcess, visit
from likeness.cli.bench.face_camera import BARE, FaceCamera, Picture
from likeness.head import CONTROL_COUNT, CONTROL_INDEX
from likeness.performance import read_head, split_frames
from likeness.stage.face_recording import read_face_recording
from likeness.tracking.landmarks import decode
from tests.e2e.shown import shown, spoken

pytestmark = pytest.mark.browser
RATE = 60
"""A fast camera."""
SIZE = 320, 240
PATIENCE = 600
"""Seconds; a page that draws without a GPU on a busy machine. Only a hang takes so long."""
MOTION, TRACKED = 1, 4
"""Kind of datagram, and flag of a frame (docs/protocol.md)."""
STATES = {
    "two": "following",
    "nobody": "no face",
    "open": "following",
    "dark": "no face",
    "again": "following",
    "cat": "no face",
}
"""What the page says of what its camera shows."""


def pictures() -> dict[str, Picture]:
    """A calm face; another, farther one beside it; nobody; an open mouth; that in the dark; a cat."""
    camera, calm = FaceCamera("man", *SIZE, without=BARE), np.zeros(CONTROL_COUNT, np.float32)
    gaping = calm.copy()
    gaping[CONTROL_INDEX["jawOpen"]] = 0.9
    one, opened, empty = camera.see(calm), camera.see(gaping), camera.see(calm, offset=(9.0, 0.0, 0.0))
    near, far = camera.see(calm, offset=(-0.07, 0.0, 0.0)), camera.see(calm, offset=(0.17, 0.0, -0.5))
    return {
        "one": one,
        "two": np.where((near == empty).all(2, keepdims=True), far, near),
        "nobody": empty,
        "open": opened,
        "dark": opened // 200,
        "again": one,
        "cat": np.asarray(Image.fromarray(data.chelsea()).resize(SIZE), np.uint8),
    }


@pytest.fixture(scope="module")
def faces(server: ServedProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("shown")
    result = visit(
        "faces",
        server,
        timeout=3 * PATIENCE,
        patience=1000 * PATIENCE,
        viewport={"width": 320, "height": 260},
        recording=spoken(folder),
        data=str(server.data),
        states=STATES,
        opened={"lip": (0.005, 0.1)},
        shut={"lip": (-0.001, 0.002)},
        **shown(folder, pictures(), RATE),
    )
    assert result["problems"] == []
    print("seconds:", result["steps"])
    return result


def heights(faces: dict[str, Any], name: str) -> list[float | None]:
    """The height of the face in each picture of a name; None without a face."""
    return [each["height"] for each in faces["found"][name]]


@pytest.mark.parametrize("name", ["one", "open", "again", "back"])
def test_one_face_is_followed_and_found_again(faces: dict[str, Any], name: str):
    assert heights(faces, name)[-1] is not None


def test_of_two_faces_the_nearer_one_drives(faces: dict[str, Any]):
    one, two = heights(faces, "one")[-1], heights(faces, "two")[-1]
    assert one is not None
    assert two is not None
    assert two > 0.85 * one


@pytest.mark.parametrize("name", ["nobody", "dark", "cat"])
def test_what_is_no_face_is_not_followed(faces: dict[str, Any], name: str):
    assert heights(faces, name)[-1] is None


def test_the_character_idles_without_a_face_and_follows_it_when_it_is_back(faces: dict[str, Any]):
    lips = {name: 1000 * each["lip"] for name, each in faces["drawn"].items()}
    print("lips, mm", lips)
    assert min(lips["open"], lips["back"]) > 5
    assert max(lips[name] for name in ("nobody", "dark", "cat")) < 2


def test_once_revoked_nothing_of_the_face_is_sent_and_it_moves_nothing(faces: dict[str, Any]):
    """In the order of what goes over the wire: how soon is counted in the stream's own time."""
    wire = faces["revoked"]["wire"]
    revoked = [
        i for i, each in enumerate(wire) if each["by"] == "page" and "consent" in each.get("message", {})
    ]
    assert len(revoked) == 1
    assert not wire[revoked[0]]["message"]["consent"].get("faceCapture")
    assert [each for each in wire[revoked[0] :] if each["by"] == "page" and "bytes" in each] == []
    marks = [
        i
        for i, each in enumerate(wire)
        if each["by"] == "server" and each.get("message", {}).get("mark", {}).get("avatar") == faces["self"]
    ]
    assert marks
    assert marks[0] > revoked[0]
    # The server says that no face drives it: what still fades is over within a second of the stream.
    after = [(sample, flag) for at, sample, flag in motion(faces) if at > marks[0]]
    assert len(after) > 60
    last = max((sample for sample, flag in after if flag), default=after[0][0])
    assert last - after[0][0] <= 48_000, "the face moves nothing a second later"
    assert not after[-1][1]
    assert "The picture stays in this page" in faces["revoked"]["note"]
    assert faces["revoked"]["camera"] == "ended"


def motion(faces: dict[str, Any]) -> Iterator[tuple[int, int, bool]]:
    """Of each frame of the own avatar: place on the wire, sample, and whether a face moves it."""
    for at, each in enumerate(faces["revoked"]["wire"]):
        payload = base64.b64decode(each.get("bytes", ""))
        if each["by"] != "server" or payload[:1] != bytes([MOTION]):
            continue
        for frame in split_frames(payload):
            head = read_head(frame)
            if head.avatar == faces["self"]:
                yield at, head.sample, bool(frame[1] & TRACKED)


def test_a_camera_that_is_pulled_out_is_named_and_the_voice_goes_on(faces: dict[str, Any]):
    unplugged = faces["unplugged"]
    assert "unplugged" in unplugged["words"]
    assert "Plug it in" in unplugged["words"]
    assert unplugged["button"] == "Use my face"
    assert unplugged["state"] == "live"


def test_a_refused_camera_is_named_and_the_voice_goes_on(faces: dict[str, Any]):
    refused = faces["refused"]
    assert "camera is blocked" in refused["error"]
    assert refused["words"] == refused["error"]
    assert refused["face"] == "off"
    assert refused["speech"][-1] == "FINISHED"


def test_two_tabs_of_one_person_are_two_visits(faces: dict[str, Any]):
    one, other = faces["visits"]
    assert one["state"] == other["state"] == "live"
    assert one["session"] != other["session"]


def test_a_face_is_kept_only_while_that_is_allowed(faces: dict[str, Any]):
    assert faces["before"] is False, "nothing is kept before it is allowed"
    kept = list(read_face_recording(Path(faces["kept"])))
    assert len(kept) > 5, "allowed again, it stays with the session"
    assert kept[0][0] >= faces["again"], "and nothing of the time before is in it"
    found = [decode(datagram) for _, datagram in kept]
    assert {f.points is None for f in found} == {True, False}
