"""The 52 expression controls: ARKit's names in ARKit's order, each 0..1."""

from typing import Final

_EYE = ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide")

CONTROLS: Final[tuple[str, ...]] = (
    *(f"{name}Left" for name in _EYE),
    *(f"{name}Right" for name in _EYE),
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
"""Names in ARKit's order (ARFaceAnchor.BlendShapeLocation, as Live Link Face sends them)."""

CONTROL_COUNT: Final = len(CONTROLS)
CONTROL_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(CONTROLS)}


def mirrored(name: str) -> str:
    """The control on the other side of the face; the same name where there is none."""
    if name.endswith("Left"):
        return name[:-4] + "Right"
    if name.endswith("Right"):
        return name[:-5] + "Left"
    return name
