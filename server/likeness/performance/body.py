"""Breath, sway and shifts of weight: a body that is never quite still and never repeats itself."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.character import IdleTemperament
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE
from likeness.performance.columns import Columns, Rows, row_of
from likeness.performance.quaternion import Signal

_DT: Final = 1.0 / FRAME_RATE
_RAD: Final = math.pi / 180

# Per channel: pitch, yaw, roll (rad), x, y, z (m). Small drift of the balance, larger shifts of weight.
_DRIFT: Final = np.array([0.45 * _RAD, 0.55 * _RAD, 0.40 * _RAD, 0.0015, 0.0006, 0.0015], np.float32)
_SHIFT: Final = np.array([0.9 * _RAD, 1.3 * _RAD, 1.5 * _RAD, 0.009, 0.002, 0.005], np.float32)
_STIFFNESS: Final = np.array([3.2, 1.5], np.float32)[:, None]
"""Natural frequency of the springs, rad/s: drift, shift."""
_BREATH: Final = np.array([-0.55 * _RAD, 0.0, 0.0, 0.0, 0.0018, 0.0008], np.float32)
"""Head and chest at the top of a full breath."""


class Bodies:
    """The bodies of many performers."""

    def __init__(self) -> None:
        self._c = Columns(
            place=((2, 6), np.float32),
            speed=((2, 6), np.float32),
            goal=((2, 6), np.float32),
            next=((2,), np.int64),
            sway=((), np.float32),
            energy=((), np.float32),
            breath_start=((), np.int64),
            breath_length=((), np.float32),
            breath_in=((), np.float32),
            breath_depth=((), np.float32),
        )

    def add(self, row: int, now: int, temperament: IdleTemperament, rng: np.random.Generator) -> None:
        """A performer at rest at sample `now`, somewhere in a breath."""
        c = self._c
        c.clear(row)
        c["sway"][row], c["energy"][row] = temperament.sway, temperament.energy
        c["next"][row] = now + (rng.uniform(0.1, 2.0, 2) * SAMPLE_RATE).astype(np.int64)
        self._breathe(row, now, False, rng)

    def step(
        self,
        rows: Rows,
        now: NDArray[np.int64],
        speaking: NDArray[np.bool_],
        rngs: Sequence[np.random.Generator],
    ) -> tuple[Signal, Signal]:
        """Offsets [N, 6] (pitch, yaw, roll in rad, x, y, z in m) and the breath [N], 0 out .. 1 in."""
        c = self._c
        for i in np.nonzero((now[:, None] >= c["next"][rows]).any(1))[0].tolist():
            self._move(row_of(rows, i), int(now[i]), bool(speaking[i]), rngs[i])
        # Critically damped springs: places without jumps, speeds without kinks.
        place, speed = c["place"][rows], c["speed"][rows]
        speed = speed + _DT * (_STIFFNESS * _STIFFNESS * (c["goal"][rows] - place) - 2.0 * _STIFFNESS * speed)
        place = place + _DT * speed
        c["place"][rows], c["speed"][rows] = place, speed

        since = (now - c["breath_start"][rows]).astype(np.float32) / c["breath_length"][rows]
        for i in np.nonzero(since >= 1.0)[0].tolist():
            self._breathe(row_of(rows, i), int(now[i]), bool(speaking[i]), rngs[i])
            since[i] = 0.0
        share = c["breath_in"][rows]
        rise = np.clip(since / share, 0.0, 1.0)
        fall = np.clip((since - share) / (1.0 - share), 0.0, 1.0)
        # Breath leaves fast at first, then trails off.
        breath = c["breath_depth"][rows] * rise * rise * (3.0 - 2.0 * rise) * (1.0 - fall) ** 1.7
        return place.sum(1) + breath[:, None] * _BREATH, breath

    def _move(self, row: int, now: int, speaking: bool, rng: np.random.Generator) -> None:
        """Choose where the balance drifts to, or the weight shifts to."""
        c = self._c
        energy = float(c["energy"][row]) * (1.5 if speaking else 1.0)
        for kind, scale, gain, median in (
            (0, _DRIFT, 0.5 + energy, 0.8),
            (1, _SHIFT, 2.0 * float(c["sway"][row]), 5.5 - 2.5 * min(energy, 1.0)),
        ):
            if now >= c["next"][row, kind]:
                c["goal"][row, kind] = gain * scale * np.clip(rng.normal(size=6), -2.2, 2.2)
                wait = median * math.exp(0.5 * float(np.clip(rng.normal(), -2.5, 2.5)))
                c["next"][row, kind] = now + int(wait * SAMPLE_RATE)

    def _breathe(self, row: int, now: int, speaking: bool, rng: np.random.Generator) -> None:
        """Begin a breath: quick and deep while speaking, quiet otherwise."""
        c = self._c
        length, share, depth = (5.0, 0.14, 1.25) if speaking else (4.1, 0.40, 0.8)
        c["breath_start"][row] = now
        c["breath_length"][row] = length * math.exp(float(rng.normal(0, 0.18))) * SAMPLE_RATE
        c["breath_in"][row] = float(np.clip(rng.normal(share, 0.04), 0.08, 0.5))
        c["breath_depth"][row] = max(0.3, depth * float(rng.normal(1.0, 0.15)))
