"""TrackedFace: what a tracker saw of a person's face at one instant, whatever the tracker."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, CONTROLS

Float32 = NDArray[np.float32]

REGIONS: Final = ("mouth", "lower_face", "brows", "lids", "gaze", "head")
"""Regions that a tracker may see well or badly on its own; confidences are given per region. The mouth is
lips and jaw, which speech can move; the corners of the mouth belong to the lower face, as a smile does."""

LOOK_RANGE: Final[Mapping[str, float]] = {
    "Down": math.radians(22), "In": math.radians(26), "Out": math.radians(26), "Up": math.radians(20),
}  # fmt: skip
"""Radians by which an eyeLook control at 1 turns an eye."""

_LOOKS: Final = np.array(
    [CONTROL_INDEX[f"eyeLook{way}{side}"] for side in ("Left", "Right") for way in LOOK_RANGE], np.intp
)
_LOOK_ANGLE: Final = np.array([2 * side + axis for side in (0, 1) for axis in (0, 1, 1, 0)], np.intp)
"""For each of them its angle in a flattened gaze [2,2]."""
_LOOK_REACH: Final = np.array(
    [
        sign * LOOK_RANGE[way]
        for outward in (1, -1)
        for way, sign in (("Down", 1), ("In", -outward), ("Out", outward), ("Up", -1))
    ],
    np.float32,
)
"""And the angle at which it is 1: yaw is + to the left, which is outward for the left eye."""


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """One instant of a tracked face.

    controls: [52] 0..1; confidence: [6] 0..1 by REGIONS, 0 = not seen; head_rotation: [3] axis-angle
    rad or None; head_translation: [3] m relative to the person's neutral place or None; gaze: [2,2]
    (left, right) x (pitch + down, yaw + to the person's left) rad or None; time: the tracker's own
    seconds, only for order and filtering.
    """

    controls: Float32
    confidence: Float32
    head_rotation: Float32 | None = None
    head_translation: Float32 | None = None
    gaze: Float32 | None = None
    time: float = 0.0

    @property
    def looking(self) -> Float32:
        """The controls [52] with the eyeLook ones taken from the gaze, where the tracker gives one: trackers
        that know where the eyes point do not all fill in those controls."""
        return self.controls if self.gaze is None else with_gaze(self.controls, self.gaze)


def with_gaze(controls: Float32, gaze: Float32) -> Float32:
    """Controls [52] whose eyeLook ones are those of a gaze [2,2] (see TrackedFace)."""
    controls = controls.copy()
    controls[_LOOKS] = (gaze.ravel().take(_LOOK_ANGLE) / _LOOK_REACH).clip(0.0, 1.0)
    return controls


def region_of(control: str) -> str:
    """The region that a control belongs to (gaze has no controls but the eyeLook ones)."""
    if control.startswith("eyeLook"):
        return "gaze"
    if control.startswith("eye"):
        return "lids"
    if control.startswith("brow"):
        return "brows"
    if control.startswith(("cheek", "nose", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch")):
        return "lower_face"
    return "mouth"


REGION_OF_CONTROL: Final[NDArray[np.intp]] = np.array(
    [REGIONS.index(region_of(c)) for c in CONTROLS], np.intp
)
"""[52] index into REGIONS."""


def full_confidence(*, head: bool, gaze: bool) -> Float32:
    """Confidence 1 everywhere, 0 for head or gaze where the source has none."""
    return np.array([1, 1, 1, 1, float(gaze), float(head)], np.float32)


def no_face() -> TrackedFace:
    """The face was lost: no confidence anywhere."""
    return TrackedFace(np.zeros(CONTROL_COUNT, np.float32), np.zeros(len(REGIONS), np.float32))
