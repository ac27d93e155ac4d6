"""A film before one browser's camera moves Einstein in another browser, also after the connection was cut."""

from typing import Any

import numpy as np
import pytest

from likeness.cli.bench.browser import ServedProcess, visit
from likeness.cli.bench.face_camera import BARE, FaceCamera, Picture
from likeness.head import CONTROL_COUNT, CONTROL_INDEX
from tests.e2e.shown import shown

pytestmark = pytest.mark.browser
RATE = 10
"""A slow camera; a tracker without a GPU is slower."""
TURN = 0.35
"""Radians that the filmed head turns aside."""
PATIENCE = 400
"""Seconds for each thing that is waited for, of pages that draw without a GPU on a busy machine."""
SERVER = "[stage]\nresume_seconds = 900\n"
"""A session waits for a page that a busy machine holds up."""
SHUT, AHEAD = (-0.001, 0.004), (-0.14, 0.14)
WANTED = {
    "calm": {"lip": SHUT, "brow": (-0.001, 0.0008), "yaw": AHEAD},
    "mouth": {"lip": (0.005, 0.1), "yaw": AHEAD},
    "brow": {"lip": SHUT, "brow": (0.001, 0.02), "yaw": AHEAD},
    "left": {"lip": SHUT, "yaw": (0.15, 0.6)},
    "right": {"lip": SHUT, "yaw": (-0.6, -0.15)},
}
"""Of each face that is filmed, between what the mesh in the other browser is to lie: lips parted (m), brow
above that of the calm face (m), head turned (rad). No mesh fits two of them."""


def pictures() -> dict[str, Picture]:
    camera = FaceCamera("man", 320, 240, without=BARE)

    def face(*names: str, yaw: float = 0.0) -> Picture:
        controls = np.zeros(CONTROL_COUNT, np.float32)
        controls[[CONTROL_INDEX[name] for name in names]] = 0.9
        return camera.see(controls, (0.0, yaw, 0.0))

    return {
        "calm": face(),
        "mouth": face("jawOpen"),
        "brow": face("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
        "left": face(yaw=TURN),
        "right": face(yaw=-TURN),
    }


@pytest.fixture(scope="module")
def followed(server: ServedProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    result = visit(
        "followed",
        server,
        timeout=3 * PATIENCE,
        patience=1000 * PATIENCE,
        viewport={"width": 320, "height": 260},
        wanted=WANTED,
        **shown(tmp_path_factory.mktemp("shown"), pictures(), RATE),
    )
    assert result["problems"] == []
    print("seconds:", result["steps"])
    return result


def test_a_cut_connection_returns_as_the_same_person(followed: dict[str, Any]):
    before, after = followed["before"], followed["after"]
    assert after["state"] == "live"
    assert after["resumed"] > before["resumed"]
    assert after["session"] == before["session"]
    assert after["self"] == before["self"] == followed["avatar"]


def test_another_browser_draws_what_the_camera_saw(followed: dict[str, Any]):
    """Distinct faces, measured on the mesh while each was filmed; the later ones after the cut."""
    drawn = followed["drawn"]
    print({name: {key: round(value, 5) for key, value in each.items()} for name, each in drawn.items()})
    again = [f"{name} again" for name in ("calm", "brow", "left", "right", "mouth")]
    assert list(drawn) == ["calm", "mouth", *again]
    frames = [each["frames"] for each in drawn.values()]
    assert frames == sorted(set(frames)), "each in later pictures than the last"
    lips = {name: 1000 * each["lip"] for name, each in drawn.items()}
    shut = max(lips[name] for name in lips if not name.startswith("mouth"))
    assert min(lips["mouth"], lips["mouth again"]) > shut + 2
    assert drawn["brow again"]["brow"] > drawn["calm again"]["brow"] + 0.0002
    assert drawn["left again"]["yaw"] > drawn["right again"]["yaw"] + 0.25


def test_the_other_browser_reads_that_a_person_drives_it(followed: dict[str, Any]):
    assert "GEN - Albert Einstein - driven by: tracking" in followed["mark"].splitlines()
