"""What a measured face does: every control of a tracker by itself, then all of them together, at random."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.head.controls import CONTROL_INDEX
from likeness.head.frame import Float32
from likeness.tracking.rotation import axis_angle_from_yaw_pitch_roll

REST: Final = "rest"
MIXED: Final = "mixed"
_BOTH: Final = ("Left", "Right")
_RISE: Final = (0.25, 0.5, 0.75, 1.0, 0.6, 0.3)
_SWING: Final = (0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5)


def _pair(name: str) -> tuple[str, ...]:
    return tuple(name + side for side in _BOTH)


MOVES: Final[Mapping[str, Sequence[str]]] = {
    "jawOpen": ("jawOpen",),
    "eyeBlinkLeft": ("eyeBlinkLeft",),
    "eyeBlinkRight": ("eyeBlinkRight",),
    "eyeBlink": _pair("eyeBlink"),
    "mouthSmileLeft": ("mouthSmileLeft",),
    "mouthSmileRight": ("mouthSmileRight",),
    "mouthSmile": _pair("mouthSmile"),
    "browInnerUp": ("browInnerUp",),
    "browDown": _pair("browDown"),
    "browOuterUp": _pair("browOuterUp"),
    "mouthPucker": ("mouthPucker",),
    "mouthFunnel": ("mouthFunnel",),
    "mouthFrown": _pair("mouthFrown"),
    "mouthStretch": _pair("mouthStretch"),
    "mouthUpperUp": _pair("mouthUpperUp"),
    "mouthLowerDown": _pair("mouthLowerDown"),
    "mouthLeft": ("mouthLeft",),
    "mouthRight": ("mouthRight",),
    "jawLeft": ("jawLeft",),
    "jawRight": ("jawRight",),
    "eyeWide": _pair("eyeWide"),
    "eyeSquint": _pair("eyeSquint"),
    "noseSneer": _pair("noseSneer"),
    "cheekPuff": ("cheekPuff",),
}
"""Moves by themselves: name, and the controls that go from 0 to 1 and back."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One picture's face: what is moving, controls [52], head yaw (+ to the person's left), pitch (+ down)
    and roll in rad."""

    move: str
    controls: Float32
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def turn(self) -> Float32:
        """The head's rotation [3], axis-angle rad."""
        return axis_angle_from_yaw_pitch_roll(self.yaw, self.pitch, self.roll)


def script(seed: int = 5, mixed: int = 90) -> list[Moment]:
    """Each move alone with rest between, head turns, gaze, then `mixed` pictures of everything at once."""
    moments = [Moment(REST, _controls({}))] * 6
    for move, names in MOVES.items():
        moments += [Moment(move, _controls(dict.fromkeys(names, amount))) for amount in _RISE]
        moments.append(Moment(REST, _controls({})))
    for side in (0, 1):
        for amount in _SWING:
            angles = (0.45 * amount, 0.0) if side == 0 else (0.0, 0.28 * amount)
            moments.append(Moment(("head yaw", "head pitch")[side], _controls({}), *angles))
        moments.append(Moment(REST, _controls({})))
    for move, sideways in (("gaze yaw", True), ("gaze pitch", False)):
        moments += [Moment(move, _controls(_look(a, 0.0) if sideways else _look(0.0, a))) for a in _SWING]
        moments.append(Moment(REST, _controls({})))
    return moments + _together(np.random.default_rng(seed), mixed)


def _together(rng: np.random.Generator, count: int) -> list[Moment]:
    """Everything at once, each by its own slow random walk; what excludes each other takes turns."""

    def walk(low: float, high: float) -> Float32:
        knots = max(2, count // 6)
        values = np.clip(rng.uniform(1.4 * low - 0.4 * high, 1.4 * high - 0.4 * low, knots), low, high)
        return np.interp(np.linspace(0, knots - 1, count), np.arange(knots), values).astype(np.float32)

    jaw, blink, smile, brow, frown, pucker = (walk(0, 1) for _ in range(6))
    yaw, pitch, look, tilt = walk(-0.4, 0.4), walk(-0.22, 0.22), walk(-0.8, 0.8), walk(-0.8, 0.8)
    found: list[Moment] = []
    for i in range(count):
        values = _look(float(look[i]), float(tilt[i]))
        values |= {"jawOpen": 0.8 * jaw[i], "browInnerUp": brow[i], "mouthPucker": pucker[i]}
        for side, share in (("Left", 1.0), ("Right", 0.8)):
            values[f"eyeBlink{side}"] = blink[i]
            values[f"mouthSmile{side}"] = share * smile[i] * (1 - pucker[i])
            values[f"browDown{side}"] = frown[i] * (1 - brow[i])
        found.append(Moment(MIXED, _controls(values), float(yaw[i]), float(pitch[i])))
    return found


def _look(left: float, up: float) -> dict[str, float]:
    """Both eyes to the person's left (or, negative, right) and up."""
    values = {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookInLeft": -left,
        "eyeLookOutRight": -left,
    }
    values |= {f"eyeLookUp{side}": up for side in _BOTH} | {f"eyeLookDown{side}": -up for side in _BOTH}
    return {name: max(value, 0.0) for name, value in values.items()}


def _controls(values: Mapping[str, float]) -> Float32:
    controls = np.zeros(len(CONTROL_INDEX), np.float32)
    for name, value in values.items():
        controls[CONTROL_INDEX[name]] = value
    return controls
