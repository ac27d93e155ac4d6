"""Blinks: when the lids close, and how.

People blink 0.2 to 0.4 times a second, at intervals that are roughly log-normal (Bentivoglio et al. 1997,
"Analysis of blink rate patterns in normal subjects"); speaking raises the rate, large gaze shifts and the end
of a phrase bring a blink with them. A lid closes in about 80 ms, rests a moment and opens in about twice that
time (VanderWerf et al. 2003, "Eyelid movements: behavioral studies of blinking in humans").
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import SAMPLE_RATE
from likeness.performance.columns import Columns, Rows, row_of
from likeness.performance.quaternion import Signal

_SPREAD: Final = 0.55
"""Deviation of the logarithm of the interval."""
_LEAST: Final = 0.45
"""Seconds between two blinks, but for a double one."""
_DOUBLE: Final = 0.09
_PARTIAL: Final = 0.12
_CUED: Final = 0.3
"""Chance that a cue (phrase end, large gaze shift) brings a blink."""
_SPEAKING: Final = 1.05


class Blinks:
    """The lids of many performers."""

    def __init__(self) -> None:
        self._c = Columns(
            next=((), np.int64),
            start=((), np.int64),
            times=((3,), np.float32),  # closing, resting, opening, in samples
            depth=((2,), np.float32),
            rate=((), np.float32),
            free=((), np.int64),
        )

    def add(self, row: int, now: int, rate: float, rng: np.random.Generator) -> None:
        """A performer who blinks `rate` times a second (0: never) from sample `now` on."""
        c = self._c
        c.clear(row)
        c["rate"][row] = rate
        c["start"][row] = now - 10 * SAMPLE_RATE
        c["times"][row] = 1
        c["next"][row] = now + _interval(rate, rng)

    def step(
        self,
        rows: Rows,
        now: NDArray[np.int64],
        speaking: NDArray[np.bool_],
        cue: NDArray[np.bool_],
        rngs: Sequence[np.random.Generator],
    ) -> Signal:
        """Closure [N, 2] of the lids, 0..1; `cue`: something that blinks go with happens now."""
        c = self._c
        for i in np.nonzero((now >= c["next"][rows]) | cue)[0].tolist():
            self._begin(row_of(rows, i), int(now[i]), bool(speaking[i]), rngs[i])
        closing, resting, opening = c["times"][rows].T
        since = (now - c["start"][rows]).astype(np.float32)
        down = np.clip(since / closing, 0.0, 1.0)
        up = np.clip((since - closing - resting) / opening, 0.0, 1.0)
        # Down: slow start, hard stop. Up: fast start, long settling.
        lid = down * down * (2.2 - 1.2 * down) * (1.0 - up) ** 2.2
        return lid[:, None] * c["depth"][rows]

    def _begin(self, row: int, now: int, speaking: bool, rng: np.random.Generator) -> None:
        c = self._c
        rate = float(c["rate"][row])
        due = now >= c["next"][row]
        if not due and (now < c["free"][row] or rate <= 0 or rng.random() > _CUED):
            return
        if rate <= 0:
            c["next"][row] = now + _interval(rate, rng)
            return
        closing, resting, opening = rng.normal([0.078, 0.025, 0.165], [0.010, 0.012, 0.022])
        times = np.array([max(closing, 0.055), max(resting, 0.005), max(opening, 0.110)]) * SAMPLE_RATE
        depth = rng.uniform(0.55, 0.85) if rng.random() < _PARTIAL else 1.0
        c["times"][row] = times
        c["depth"][row] = np.clip(depth * rng.normal(1.0, 0.012, 2), 0.0, 1.0)
        c["start"][row] = now
        length = int(times.sum())
        if rng.random() < _DOUBLE:
            c["next"][row] = now + length + int(rng.uniform(0.02, 0.12) * SAMPLE_RATE)
        else:
            c["next"][row] = now + length + _interval(rate * (_SPEAKING if speaking else 1.0), rng)
        c["free"][row] = now + int(1.1 * SAMPLE_RATE)


def _interval(rate: float, rng: np.random.Generator) -> int:
    """Samples to the next blink: log-normal with mean 1 / rate."""
    if rate <= 0:
        return 3600 * SAMPLE_RATE
    mean = max(1.15 / rate - 0.3, _LEAST)  # double and cued blinks come on top
    median = mean * math.exp(-0.5 * _SPREAD * _SPREAD)
    return int(max(median * math.exp(_SPREAD * rng.normal()), _LEAST) * SAMPLE_RATE)
