"""Idle life: what a face does when nobody tells it to. Nothing in it is periodic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.character import IdleTemperament
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.frame import SAMPLE_RATE
from likeness.performance.blink import Blinks
from likeness.performance.body import Bodies
from likeness.performance.columns import Columns, Rows, row_of
from likeness.performance.gaze import Gazes, Look
from likeness.performance.quaternion import Signal

_HOLD: Final = int(0.6 * SAMPLE_RATE)
"""Silence within speech up to which a performer still counts as speaking."""


@dataclass(frozen=True, slots=True)
class IdleLife:
    """Idle life of N performers at one tick.

    controls [N, 52] (brows, lids, corners of the mouth; no blink, no gaze); blink [N, 2] lid closure;
    body [N, 6]: head pitch, yaw, roll (rad) and x, y, z (m); breath [N]; speaking [N].
    """

    controls: Signal
    blink: Signal
    look: Look
    body: Signal
    breath: Signal
    speaking: NDArray[np.bool_]


class Idle:
    """Idle life of many performers."""

    def __init__(self) -> None:
        self._blinks = Blinks()
        self._gazes = Gazes()
        self._bodies = Bodies()
        self._c = Columns(
            pose=((CONTROL_COUNT,), np.float32),
            start=((), np.int64),
            attack=((), np.float32),
            hold=((), np.float32),
            release=((), np.float32),
            next=((), np.int64),
            energy=((), np.float32),
            voiced=((), np.int64),
        )

    def add(self, row: int, now: int, temperament: IdleTemperament, rng: np.random.Generator) -> None:
        """A performer who comes to life at sample `now`."""
        self._blinks.add(row, now, temperament.blink_rate, rng)
        self._gazes.add(row, now, temperament.gaze, temperament.energy, rng)
        self._bodies.add(row, now, temperament, rng)
        c = self._c
        c.clear(row)
        c["energy"][row] = temperament.energy
        c["voiced"][row] = now - 10 * SAMPLE_RATE
        c["attack"][row] = c["hold"][row] = c["release"][row] = 1
        c["start"][row] = now - 10 * SAMPLE_RATE
        c["next"][row] = now + int(rng.uniform(2.0, 6.0) * SAMPLE_RATE)

    def step(
        self,
        rows: Rows,
        now: NDArray[np.int64],
        voiced: NDArray[np.bool_],
        cue: NDArray[np.bool_],
        listener: Signal,
        distance: Signal,
        attended: NDArray[np.bool_],
        rngs: Sequence[np.random.Generator],
    ) -> IdleLife:
        """One tick; `listener` [N, 2] direction, `distance` [N] m, `attended` [N]: there is a listener."""
        c = self._c
        c["voiced"][rows] = np.where(voiced, now, c["voiced"][rows])
        speaking = now - c["voiced"][rows] < _HOLD
        look = self._gazes.step(rows, now, listener, distance, attended, speaking, rngs)
        blink = self._blinks.step(rows, now, speaking, cue | look.blink, rngs)
        body, breath = self._bodies.step(rows, now, speaking, rngs)
        for i in np.nonzero(now >= c["next"][rows])[0].tolist():
            self._expression(row_of(rows, i), int(now[i]), rngs[i])
        since = (now - c["start"][rows]).astype(np.float32)
        rise = np.clip(since / c["attack"][rows], 0.0, 1.0)
        fall = np.clip((since - c["attack"][rows] - c["hold"][rows]) / c["release"][rows], 0.0, 1.0)
        level = rise * rise * (3 - 2 * rise) * (1 - fall * fall * (3 - 2 * fall))
        controls = level[:, None] * c["pose"][rows]
        # A blink draws the brow and the cheek a little; an open lid widens with the breath.
        shut = 0.5 * (blink[:, 0] + blink[:, 1])[:, None]
        controls += shut * _BLINK_TENSION + breath[:, None] * _BREATH_TENSION
        return IdleLife(controls, blink, look, body, breath, speaking)

    def _expression(self, row: int, now: int, rng: np.random.Generator) -> None:
        """Begin a passing expression, small and short."""
        c = self._c
        energy = float(c["energy"][row])
        pose = _PASSING[int(rng.integers(len(_PASSING)))]
        strength = (0.5 + energy) * float(rng.uniform(0.4, 1.0))
        lopsided = np.where(_SIDE != 0, 1.0 + _SIDE * rng.uniform(-0.35, 0.35), 1.0)
        c["pose"][row] = np.clip(strength * pose * lopsided, 0.0, 1.0)
        c["start"][row] = now
        attack, hold, release = rng.uniform([0.18, 0.3, 0.35], [0.45, 1.8, 0.9]) * SAMPLE_RATE
        c["attack"][row], c["hold"][row], c["release"][row] = attack, hold, release
        wait = 5.0 * math.exp(0.6 * float(rng.normal())) / (0.5 + energy)
        c["next"][row] = now + int(attack + hold + release + wait * SAMPLE_RATE)


def _pose(**controls: float) -> Signal:
    out = np.zeros(CONTROL_COUNT, np.float32)
    for name, value in controls.items():
        for full in (name, f"{name}Left", f"{name}Right"):
            if full in CONTROL_INDEX:
                out[CONTROL_INDEX[full]] = value
    return out


_PASSING: Final = (
    _pose(browInnerUp=0.16, browOuterUp=0.12),
    _pose(browDown=0.14, eyeSquint=0.08),
    _pose(mouthSmile=0.12, cheekSquint=0.07),
    _pose(mouthPress=0.16, mouthDimple=0.08),
    _pose(eyeSquint=0.16, cheekSquint=0.06),
    _pose(browInnerUp=0.10, mouthShrugLower=0.10),
    _pose(mouthRollLower=0.10, mouthPress=0.10),
)
_BLINK_TENSION: Final = _pose(browDown=0.035, eyeSquint=0.06, cheekSquint=0.03)
_BREATH_TENSION: Final = _pose(noseSneer=0.012, browInnerUp=0.012)
_SIDE: Final = np.array(
    [1.0 if n.endswith("Left") else -1.0 if n.endswith("Right") else 0.0 for n in CONTROL_INDEX], np.float32
)
