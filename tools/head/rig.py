"""The open head's rig: how the 52 controls reach its components, eyelids and joints."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likeness.head.controls import CONTROLS
from tools.head import jaw
from tools.head.falloff import Array

LOOK = {"Down": 22.0, "Up": 20.0, "In": 26.0, "Out": 26.0}
"""Eye rotation in degrees at weight 1."""


@dataclass(frozen=True, slots=True)
class Rig:
    """The matrices of the head file's rig_* keys."""

    expression: Array
    corrective: Array
    pairs: NDArray[np.int64]
    jaw: Array
    eyelids: Array
    eyes: Array


def build_rig(components: list[str]) -> Rig:
    """The rig for components named like the controls that drive them, plus the correctives."""
    controls = list(CONTROLS)
    row = {name: k for k, name in enumerate(components)}
    column = {name: k for k, name in enumerate(controls)}
    expression = np.zeros((len(components), len(controls)))
    for name in controls:
        if name in row:
            expression[row[name], column[name]] = 1
    pairs: list[tuple[int, int]] = []
    effects: list[dict[str, float]] = []

    def corrective(a: str, b: str, **effect: float) -> None:
        pairs.append((column[a], column[b]))
        effects.append(effect)

    corrective("mouthClose", "jawOpen", mouthCloseJawOpen=1)
    corrective("mouthPucker", "jawOpen", puckerJawOpen=1)
    corrective("mouthFunnel", "jawOpen", puckerJawOpen=0.4)
    for side in ("Left", "Right"):
        corrective(f"mouthSmile{side}", "jawOpen", **{f"smileJawOpen{side}": 1})
        # a lid that is shut is shut: gaze, squint and stare must not push it past or off the eyeball
        for lid in ("eyeLookDown", "eyeLookUp", "eyeWide"):
            corrective(f"eyeBlink{side}", f"{lid}{side}", **{f"{lid}{side}": -1})
        corrective(
            f"eyeBlink{side}", f"eyeSquint{side}", **{f"eyeSquint{side}": -1, f"cheekSquint{side}": 0.5}
        )
        corrective(f"mouthSmile{side}", "mouthPucker", **{f"mouthSmile{side}": -0.5})
        corrective(
            f"mouthSmile{side}", f"mouthFrown{side}", **{f"mouthSmile{side}": -0.3, f"mouthFrown{side}": -0.3}
        )
    matrix = np.zeros((len(components), len(pairs)))
    for k, effect in enumerate(effects):
        for name, value in effect.items():
            matrix[row[name], k] = value
    turn = np.zeros((3, len(controls)))
    turn[0, column["jawOpen"]] = jaw.OPEN_ANGLE
    turn[1, column["jawLeft"]], turn[1, column["jawRight"]] = jaw.SIDE_ANGLE, -jaw.SIDE_ANGLE
    eyelids = np.zeros((2, len(controls)))
    eyes = np.zeros((2, 3, len(controls)))
    for k, (side, outward) in enumerate((("Left", 1), ("Right", -1))):
        eyelids[k, column[f"eyeBlink{side}"]] = 1
        eyes[k, 0, column[f"eyeLookDown{side}"]] = np.radians(LOOK["Down"])
        eyes[k, 0, column[f"eyeLookUp{side}"]] = -np.radians(LOOK["Up"])
        eyes[k, 1, column[f"eyeLookOut{side}"]] = outward * np.radians(LOOK["Out"])
        eyes[k, 1, column[f"eyeLookIn{side}"]] = -outward * np.radians(LOOK["In"])
    return Rig(expression, matrix, np.array(pairs, np.int64), turn, eyelids, eyes)
