"""Emotions by name: the controls of a face that feels something, to be held under speech and tracking.

After the action units that EMFACS gives for each emotion (Friesen & Ekman 1983), softened to what a face can
wear for minutes; the mouth stays shut, so that speech can be laid over it.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.frame import Float32

_BOTH: Final[Mapping[str, Mapping[str, float]]] = {
    # Names without a side mean both.
    "joy": {"mouthSmile": 0.62, "cheekSquint": 0.45, "eyeSquint": 0.22, "browOuterUp": 0.08,
            "mouthDimple": 0.12},
    "sadness": {
        "browInnerUp": 0.65, "mouthFrown": 0.5, "mouthShrugLower": 0.22, "eyeLookDown": 0.12, "browDown": 0.1,
        "eyeSquint": 0.1, "eyeBlink": 0.1,
    },
    "anger": {"browDown": 0.75, "eyeSquint": 0.4, "eyeWide": 0.15, "mouthPress": 0.5, "noseSneer": 0.25,
              "jawForward": 0.12, "mouthRollUpper": 0.1, "mouthRollLower": 0.12},
    "fear": {"browInnerUp": 0.6, "browOuterUp": 0.35, "browDown": 0.2, "eyeWide": 0.65, "mouthStretch": 0.45},
    "surprise": {"browInnerUp": 0.6, "browOuterUp": 0.7, "eyeWide": 0.5, "jawOpen": 0.1},
    "disgust": {"noseSneer": 0.7, "mouthUpperUp": 0.25, "browDown": 0.35, "eyeSquint": 0.25,
                "mouthFrown": 0.25, "cheekSquint": 0.2},
    "calm": {"mouthSmile": 0.12, "eyeSquint": 0.04, "eyeBlink": 0.08},
}  # fmt: skip

EMOTIONS: Final = tuple(_BOTH)
"""The names that there are."""


def emotion_controls(name: str, weight: float) -> Float32 | None:
    """The controls [52] of an emotion at a weight of 0..1; None where the weight is 0: no emotion.

    Raises:
        InputError: another name, or a weight that is not a number of 0..1.
    """
    if not 0 <= weight <= 1:
        raise InputError(f"an emotion's weight is 0 to 1, not {weight:g}.")
    if weight == 0 and not name:
        return None
    if name not in _BOTH:
        raise InputError(f"no emotion {name[:40]!r}; there are: {', '.join(EMOTIONS)}.")
    if weight == 0:
        return None
    controls = np.zeros(CONTROL_COUNT, np.float32)
    for part, value in _BOTH[name].items():
        sides = [part] if part in CONTROL_INDEX else [f"{part}Left", f"{part}Right"]
        for side in sides:
            controls[CONTROL_INDEX[side]] = value * weight
    return controls
