"""Rig: maps the 52 controls to one head's FLAME parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.array_file import Array, numbers, whole_numbers
from likeness.head.controls import CONTROL_COUNT
from likeness.head.frame import Float32

WIRE_STEPS: Final = 32767
SMALLEST_RANGE: Final = 4.0
"""psi that every component carries on the wire, however small its reach: manual layers go beyond."""


@dataclass(frozen=True, slots=True)
class FaceParameters:
    """FLAME parameters of N faces."""

    expression: Float32
    """[N,E] psi"""
    eyelids: Float32
    """[N,2] left, right; 0..1, 1 = closed"""
    jaw: Float32
    """[N,3] axis-angle, rad"""
    eyes: Float32
    """[N,2,3] left, right; axis-angle, rad"""


@dataclass(frozen=True, slots=True)
class Rig:
    """Controls -> parameters, affine plus products:

    psi = expression @ c + corrective @ (c[pairs[:,0]] * c[pairs[:,1]]); jaw, eyes linear; eyelids linear,
    then clipped to 0..1.
    """

    expression: Float32
    """[E,52]"""
    corrective: Float32
    """[E,K]"""
    pairs: NDArray[np.int64]
    """[K,2] numbers of controls"""
    jaw: Float32
    """[3,52]"""
    eyelids: Float32
    """[2,52]"""
    eyes: Float32
    """[2,3,52]"""
    error: Float32 | None = None
    """[52] round-trip error of each control where the rig was derived: mean vertex error over size."""
    _matrix: Float32 = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # One matrix product per call: controls and products in, [psi, jaw, eyelids, eyes] out.
        e, k = self.expression.shape[0], self.corrective.shape[1]
        matrix = np.zeros((CONTROL_COUNT + k, e + 11), np.float32)
        matrix[:CONTROL_COUNT, :e] = self.expression.T
        matrix[CONTROL_COUNT:, :e] = self.corrective.T
        matrix[:CONTROL_COUNT, e : e + 3] = self.jaw.T
        matrix[:CONTROL_COUNT, e + 3 : e + 5] = self.eyelids.T
        matrix[:CONTROL_COUNT, e + 5 :] = self.eyes.reshape(6, CONTROL_COUNT).T
        object.__setattr__(self, "_matrix", matrix)

    @property
    def expression_count(self) -> int:
        """E"""
        return self.expression.shape[0]

    @property
    def scales(self) -> Float32:
        """[E] psi per int16 step on the wire: twice the reach of the controls, at least +-4."""
        up = np.maximum(self.expression, 0).sum(1) + np.maximum(self.corrective, 0).sum(1)
        down = np.maximum(-self.expression, 0).sum(1) + np.maximum(-self.corrective, 0).sum(1)
        reach = np.maximum(2 * np.maximum(up, down), SMALLEST_RANGE)
        return (reach / WIRE_STEPS).astype(np.float32)

    def apply(self, controls: Float32) -> FaceParameters:
        """Parameters of N faces from controls [N,52] (0..1)."""
        n, e = len(controls), self.expression_count
        features = np.concatenate(
            [controls, controls[:, self.pairs[:, 0]] * controls[:, self.pairs[:, 1]]], 1
        )
        out = features.astype(np.float32, copy=False) @ self._matrix
        return FaceParameters(
            expression=out[:, :e],
            eyelids=np.clip(out[:, e + 3 : e + 5], 0, 1),
            jaw=out[:, e : e + 3],
            eyes=out[:, e + 5 :].reshape(n, 2, 3),
        )

    def arrays(self) -> dict[str, Array]:
        """The rig by the keys of a head file."""
        out: dict[str, Array] = {
            "rig_expression": self.expression,
            "rig_corrective": self.corrective,
            "rig_pairs": self.pairs,
            "rig_jaw": self.jaw,
            "rig_eyelids": self.eyelids,
            "rig_eyes": self.eyes,
        }
        return out if self.error is None else {**out, "rig_error": self.error}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], expression_count: int, where: str) -> "Rig":
        """The rig of a head file.

        Raises:
            InputError: keys are missing or do not fit the head.
        """
        if "rig_expression" not in arrays:
            raise InputError(
                f"{where} has no rig (how the 52 controls move it). "
                f"Derive one with `likeness heads import {where}`, then use the imported name."
            )
        e, c = expression_count, CONTROL_COUNT
        pairs = whole_numbers(arrays, "rig_pairs", where).reshape(-1, 2)
        if pairs.size and not 0 <= pairs.min() <= pairs.max() < c:
            raise InputError(f"{where}: rig_pairs names controls outside 0..{c - 1}.")
        return cls(
            expression=_floats(arrays, "rig_expression", (e, c), where),
            corrective=_floats(arrays, "rig_corrective", (e, len(pairs)), where),
            pairs=pairs,
            jaw=_floats(arrays, "rig_jaw", (3, c), where),
            eyelids=_floats(arrays, "rig_eyelids", (2, c), where),
            eyes=_floats(arrays, "rig_eyes", (2, 3, c), where),
            error=_floats(arrays, "rig_error", (c,), where) if "rig_error" in arrays else None,
        )


def _floats(arrays: Mapping[str, Array], key: str, shape: tuple[int, ...], where: str) -> Float32:
    value = numbers(arrays, key, where)
    if value.shape != shape:
        raise InputError(f"{where}: {key} has shape {list(value.shape)}; it should be {list(shape)}.")
    return np.ascontiguousarray(value, np.float32)
