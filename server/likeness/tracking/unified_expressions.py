"""Unified Expressions over OSC, as VRCFaceTracking sends them (UDP, 127.0.0.1:9000).

Addresses end in `v2/<Shape>` with one float; eyes come as v2/EyeLeftX, EyeLeftY, EyeRightX, EyeRightY and
lids as v2/EyeLidLeft, EyeLidRight (0.75 open plus 0.25 wide); head as v2/Head/Yaw, Pitch, Roll in units
of 90 degrees. Only changed values are sent, so the state of a face is kept between packets.
The map to ARKit's controls is ours, by what the names mean.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle import ParseError as BundleError
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as MessageError

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.tracking.face import Float32, TrackedFace, full_confidence
from likeness.tracking.rotation import axis_angle_from_yaw_pitch_roll

PORT: Final = 9000
MAX_DATAGRAM: Final = 16_384
MAX_DEPTH: Final = 4
_EYE_RANGE: Final = 0.6  # rad of gaze at X or Y = 1

_SIDED: Final[Mapping[str, Mapping[str, float]]] = {
    "eyeSquint": {"EyeSquint": 1},
    "eyeWide": {"EyeWide": 1},
    "cheekSquint": {"CheekSquint": 1},
    "noseSneer": {"NoseSneer": 1},
    "browDown": {"BrowLowerer": 0.75, "BrowPinch": 0.25},
    "browOuterUp": {"BrowOuterUp": 1},
    "mouthSmile": {"MouthCornerPull": 0.8, "MouthCornerSlant": 0.2},
    "mouthFrown": {"MouthFrown": 1},
    "mouthDimple": {"MouthDimple": 1},
    "mouthStretch": {"MouthStretch": 1},
    "mouthPress": {"MouthPress": 1},
    "mouthLowerDown": {"MouthLowerDown": 1},
    "mouthUpperUp": {"MouthUpperUp": 1},
}
_CENTRAL: Final[Mapping[str, Mapping[str, float]]] = {
    "jawOpen": {"JawOpen": 1},
    "jawForward": {"JawForward": 1},
    "jawLeft": {"JawLeft": 1},
    "jawRight": {"JawRight": 1},
    "mouthClose": {"MouthClosed": 1},
    "mouthFunnel": {f"LipFunnel{p}": 0.25 for p in ("UpperLeft", "UpperRight", "LowerLeft", "LowerRight")},
    "mouthPucker": {f"LipPucker{p}": 0.25 for p in ("UpperLeft", "UpperRight", "LowerLeft", "LowerRight")},
    "mouthRollUpper": {"LipSuckUpperLeft": 0.5, "LipSuckUpperRight": 0.5},
    "mouthRollLower": {"LipSuckLowerLeft": 0.5, "LipSuckLowerRight": 0.5},
    "mouthShrugUpper": {"MouthRaiserUpper": 1},
    "mouthShrugLower": {"MouthRaiserLower": 1},
    "mouthLeft": {"MouthUpperLeft": 0.5, "MouthLowerLeft": 0.5},
    "mouthRight": {"MouthUpperRight": 0.5, "MouthLowerRight": 0.5},
    "browInnerUp": {"BrowInnerUpLeft": 0.5, "BrowInnerUpRight": 0.5},
    "cheekPuff": {"CheekPuffLeft": 0.5, "CheekPuffRight": 0.5},
    "tongueOut": {"TongueOut": 1},
}
# What VRCFaceTracking sends in place of the parts, for avatars with fewer parameters.
_SIMPLE: Final[Mapping[str, tuple[str, ...]]] = {
    "JawX": (),
    "LipFunnel": ("LipFunnelUpperLeft", "LipFunnelUpperRight", "LipFunnelLowerLeft", "LipFunnelLowerRight"),
    "LipPucker": ("LipPuckerUpperLeft", "LipPuckerUpperRight", "LipPuckerLowerLeft", "LipPuckerLowerRight"),
    "LipSuckUpper": ("LipSuckUpperLeft", "LipSuckUpperRight"),
    "LipSuckLower": ("LipSuckLowerLeft", "LipSuckLowerRight"),
    "MouthUpperUp": ("MouthUpperUpLeft", "MouthUpperUpRight"),
    "MouthLowerDown": ("MouthLowerDownLeft", "MouthLowerDownRight"),
    "MouthSmileLeft": ("MouthCornerPullLeft", "MouthCornerSlantLeft"),
    "MouthSmileRight": ("MouthCornerPullRight", "MouthCornerSlantRight"),
    "BrowDownLeft": ("BrowLowererLeft", "BrowPinchLeft"),
    "BrowDownRight": ("BrowLowererRight", "BrowPinchRight"),
    "BrowInnerUp": ("BrowInnerUpLeft", "BrowInnerUpRight"),
    "CheekPuff": ("CheekPuffLeft", "CheekPuffRight"),
}


def parse(data: bytes) -> dict[str, float]:
    """The `v2/` parameters of one OSC packet by name; raises InputError for anything that is not OSC."""
    if len(data) > MAX_DATAGRAM:
        raise InputError(
            f"OSC: {len(data)} bytes are more than the {MAX_DATAGRAM} that one datagram may hold."
        )
    found: dict[str, float] = {}
    try:
        for message in _messages(data):
            _, mark, name = message.address.rpartition("/v2/")
            values = list(message.params)
            if not mark or len(values) != 1 or isinstance(values[0], str | bytes | list | tuple):
                continue
            value = float(values[0])
            if np.isfinite(value) and abs(value) <= 10:
                found[name] = value
    except InputError:
        raise
    except (
        MessageError,
        BundleError,
        ValueError,
        TypeError,
        IndexError,
        RecursionError,
        OverflowError,
    ) as error:
        raise InputError(f"OSC: not a well-formed packet ({error}).") from None
    return found


class UnifiedFace:
    """The face that a stream of Unified Expressions adds up to."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def update(self, parameters: Mapping[str, float], time: float) -> TrackedFace:
        """Take changed parameters and return the whole face; unknown names are ignored."""
        for name, value in parameters.items():
            for part in _SIMPLE.get(name, (name,)):
                self._values[part] = value
        v = self._values
        c = np.zeros(CONTROL_COUNT, np.float32)
        for side in ("Left", "Right"):
            for control, parts in _SIDED.items():
                c[CONTROL_INDEX[control + side]] = sum(w * v.get(p + side, 0.0) for p, w in parts.items())
            lid = v.get(f"EyeLid{side}")
            if lid is not None:
                c[CONTROL_INDEX[f"eyeBlink{side}"]] = 1 - lid / 0.75
                c[CONTROL_INDEX[f"eyeWide{side}"]] = max((lid - 0.75) / 0.25, v.get(f"EyeWide{side}", 0.0))
            elif f"EyeClosed{side}" in v:
                c[CONTROL_INDEX[f"eyeBlink{side}"]] = v[f"EyeClosed{side}"]
        for control, parts in _CENTRAL.items():
            c[CONTROL_INDEX[control]] = sum(w * v.get(p, 0.0) for p, w in parts.items())
        sideways = v.get("JawX", 0.0)
        c[CONTROL_INDEX["jawRight"]] += max(sideways, 0.0)
        c[CONTROL_INDEX["jawLeft"]] += max(-sideways, 0.0)
        gaze = self._gaze()
        head = [v.get(f"Head/{axis}") for axis in ("Yaw", "Pitch", "Roll")]
        turned = any(a is not None for a in head)
        yaw, pitch, roll = ((a or 0.0) * np.pi / 2 for a in head)
        return TrackedFace(
            controls=np.clip(c, 0, 1),
            confidence=full_confidence(head=turned, gaze=gaze is not None),
            head_rotation=axis_angle_from_yaw_pitch_roll(-yaw, -pitch, -roll) if turned else None,
            gaze=gaze,
            time=time,
        )

    def _gaze(self) -> Float32 | None:
        v = self._values
        if not any(f"Eye{side}{axis}" in v for side in ("Left", "Right") for axis in "XY"):
            return None
        rows = [
            # X + looks to the person's right, Y + looks up.
            [-v.get(f"Eye{side}Y", 0.0) * _EYE_RANGE, -v.get(f"Eye{side}X", 0.0) * _EYE_RANGE]
            for side in ("Left", "Right")
        ]
        return np.array(rows, np.float32)


def _messages(data: bytes, depth: int = 0) -> Iterator[OscMessage]:
    if depth > MAX_DEPTH:
        raise InputError(f"OSC: bundles nested deeper than {MAX_DEPTH}.")
    if OscBundle.dgram_is_bundle(data):
        yield from _bundle_messages(OscBundle(data), depth)
    elif OscMessage.dgram_is_message(data):
        yield OscMessage(data)
    else:
        raise InputError("OSC: neither a message nor a bundle.")


def _bundle_messages(bundle: OscBundle, depth: int) -> Iterator[OscMessage]:
    if depth > MAX_DEPTH:
        raise InputError(f"OSC: bundles nested deeper than {MAX_DEPTH}.")
    for content in bundle:
        if isinstance(content, OscBundle):
            yield from _bundle_messages(content, depth + 1)
        else:
            yield content
