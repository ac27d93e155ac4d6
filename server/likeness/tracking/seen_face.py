"""SeenFace: how MediaPipe sees the controls, and how a turned head seems to move a face that is still.

Measured, not modelled: `python -m tools.seen_face` draws our own cast with each control and each turn, has
MediaPipe look at it, and keeps the mean of what the faces' landmarks did. A tracker reads a lip or a lid in
its own way, and its guess of depth makes a mouth seem to open as the head nods; both are alike for everybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.flame_numpy import BakedHead
from likeness.head.load import Head
from likeness.tracking.face import Float32
from likeness.tracking.landmarks import COUNT, LANDMARKS

FILE: Final = Path(__file__).with_name("seen_face.npz")
TERMS: Final = 5
EYE_RADIUS_MM: Final = 12.0


@dataclass(frozen=True, slots=True)
class SeenFace:
    """controls [52,COUNT,3]: movement of the landmarks, mm in the head's frame, by each control at 1.
    turns [TERMS,COUNT,3]: apparent movement, mm, by each of `turn_terms`."""

    controls: Float32
    turns: Float32


def load_seen_face() -> SeenFace:
    """The measured one that Likeness carries."""
    with np.load(FILE) as stored:
        seen = SeenFace(stored["controls"].astype(np.float32), stored["turns"].astype(np.float32))
    assert seen.controls.shape == (CONTROL_COUNT, COUNT, 3)
    assert seen.turns.shape == (TERMS, COUNT, 3)
    return seen


def turn_terms(rotation: Float32) -> Float32:
    """[N,TERMS] of head rotations [N,3] (axis-angle rad): pitch, yaw, their squares and their product."""
    pitch, yaw = np.clip(rotation[:, 0], -0.6, 0.6), np.clip(rotation[:, 1], -0.8, 0.8)
    return np.stack([pitch, yaw, pitch * pitch, yaw * yaw, pitch * yaw], 1).astype(np.float32)


def modelled_face(head: Head) -> SeenFace:
    """The controls as a perfect tracker would see them: what they do on a head, and nothing by turning."""
    landmarks = head_landmarks(head)
    rest = np.zeros(CONTROL_COUNT, np.float32)
    controls = np.zeros((CONTROL_COUNT, COUNT, 3), np.float32)
    for index in range(CONTROL_COUNT):
        one, before = rest.copy(), rest.copy()
        one[index] = 1
        if index == CONTROL_INDEX["mouthClose"]:
            # Lips together while the jaw is open: what it adds to jawOpen.
            one[CONTROL_INDEX["jawOpen"]] = before[CONTROL_INDEX["jawOpen"]] = 1
        controls[index] = landmarks(one) - landmarks(before)
    return SeenFace(controls, np.zeros((TERMS, COUNT, 3), np.float32))


def head_landmarks(head: Head) -> Callable[[Float32], NDArray[np.float64]]:
    """What maps controls [52] to the landmarks [COUNT,3] mm of a head that looks straight ahead.

    Raises:
        InputError: the head does not say where MediaPipe's landmarks are on it.
    """
    model = head.model
    if model.mediapipe is None:
        raise InputError(f"head {head.name!r} has no MediaPipe landmarks; track with the open head.")
    numbers = np.array([k for k in LANDMARKS if k < 468])
    faces, bary = model.mediapipe
    baked = BakedHead(model)
    zero = np.zeros(3, np.float32)

    def landmarks(controls: Float32) -> NDArray[np.float64]:
        p = head.rig.apply(controls[None])
        vertices = baked.vertices(p.expression[0], p.eyelids[0], p.jaw[0], zero, p.eyes[0], zero, zero)
        corners = vertices[model.faces[faces[numbers]]].astype(np.float64)
        mesh = (corners * bary[numbers][:, :, None]).sum(1)
        irises = baked.joints.astype(np.float64)[[4, 3]] + (0, 0, EYE_RADIUS_MM / 1000)
        return np.concatenate([mesh, irises]) * 1000

    return landmarks
