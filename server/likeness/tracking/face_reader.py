"""FaceReader: how far a face's landmarks moved -> which controls did that.

A small network without biases, learned from films of people who do not exist (`python -m tools.face_reader`):
our own faces, each reshaped into a stranger, drawn in mixed expressions and looked at by MediaPipe, and heads
as a perfect tracker would see them. What is promised holds by construction, whatever was learned:

- a face at rest reads as rest, and twice the movement reads as twice the controls (rectified linear units
  without biases are positively homogeneous): more of a movement never gives less control;
- a mirrored face reads as the mirrored controls: what is said is the mean of a face and its mirror image.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, mirrored
from likeness.tracking.face import Float32
from likeness.tracking.landmarks import COUNT, LANDMARKS, MIRRORED, POSITION

FILE: Final = Path(__file__).with_name("face_reader.npz")
TERMS: Final = 5
MM: Final = np.float32(1 / 4)
"""Movements are in units of 4 mm within the network."""
ACROSS: Final = np.array([-1, 1, 1], np.float32)
"""What a mirror does to x, y, z."""
TERMS_ACROSS: Final = np.array([1, -1, 1, 1, -1], np.float32)
"""And to `turn_terms`."""
PARTNERS: Final = np.array([POSITION[MIRRORED[number]] for number in LANDMARKS])
"""The place of each landmark's partner on the other side of the face."""


@dataclass(frozen=True, slots=True)
class ReaderWeights:
    """What was learned; F = 3 COUNT, H units a layer, K controls.

    controls [K]: their numbers. leak [TERMS,F]: what a turned head seems to move. first [F,H], second [H,H],
    last [H,K], direct [F,K]: the layers, and what goes past them. gate_first, gate_second [TERMS,H]: how far
    a turned head scales the layers.
    """

    controls: NDArray[np.int64]
    leak: Float32
    first: Float32
    second: Float32
    last: Float32
    direct: Float32
    gate_first: Float32
    gate_second: Float32

    @classmethod
    def load(cls, path: Path = FILE) -> "ReaderWeights":
        """Read the learned weights; default the ones that Likeness carries.

        Raises:
            InputError: the file lacks an array or has one of another shape.
        """
        with np.load(path) as stored:
            missing = {field.name for field in fields(cls)} - set(stored.files)
            if missing:
                raise InputError(f"{path} lacks {', '.join(sorted(missing))}; train it anew.")
            weights = cls(
                stored["controls"].astype(np.int64),
                *(stored[field.name].astype(np.float32) for field in fields(cls)[1:]),
            )
        h, k, f = len(weights.second), len(weights.controls), 3 * COUNT
        wanted = ((TERMS, f), (f, h), (h, h), (h, k), (f, k), (TERMS, h), (TERMS, h))
        for field, shape in zip(fields(cls)[1:], wanted, strict=True):
            found = getattr(weights, field.name).shape
            if found != shape:
                raise InputError(f"{path}: {field.name} is {found}, not {shape}; train it anew.")
        return weights


class FaceReader:
    """Reads controls from movements, many faces at once."""

    def __init__(self, weights: ReaderWeights | None = None) -> None:
        self._weights = ReaderWeights.load() if weights is None else weights
        read = self._weights.controls.tolist()
        partner = {CONTROL_INDEX[name]: CONTROL_INDEX[mirrored(name)] for name in CONTROL_INDEX}
        self._swapped = np.array([read.index(partner[number]) for number in read], np.int64)

    def read(self, moved: Float32, terms: Float32) -> Float32:
        """Controls [N,52], 0..1, of N faces; those that no camera can tell, and the gaze's, are 0.

        moved: [N,COUNT,3] mm from the person's own neutral face, in the head's frame. terms: [N,TERMS] of the
        head's turn, less those of the neutral face.
        """
        n = len(moved)
        sides = np.concatenate([moved, moved[:, PARTNERS] * ACROSS]).reshape(2 * n, -1) * MM
        said = self._said(sides, np.concatenate([terms, terms * TERMS_ACROSS]))
        controls = np.zeros((n, CONTROL_COUNT), np.float32)
        mean = 0.5 * (said[:n] + said[n:, self._swapped])
        controls[:, self._weights.controls] = np.clip(mean, 0, 1)
        return controls

    def _said(self, moved: Float32, terms: Float32) -> Float32:
        w = self._weights
        own = moved - terms @ w.leak
        units = np.maximum(own @ w.first, 0) * np.maximum(1 + terms @ w.gate_first, 0)
        units = np.maximum(units @ w.second, 0) * np.maximum(1 + terms @ w.gate_second, 0)
        return (units @ w.last + own @ w.direct).astype(np.float32)


def turn_terms(rotation: Float32) -> Float32:
    """[N,TERMS] of head rotations [N,3] (axis-angle, rad): pitch, yaw, their squares and their product, each
    times 3."""
    pitch, yaw = np.clip(rotation[:, 0], -0.6, 0.6), np.clip(rotation[:, 1], -0.8, 0.8)
    terms = np.stack([pitch, yaw, pitch * pitch, yaw * yaw, pitch * yaw], 1)
    return (3 * terms).astype(np.float32)
