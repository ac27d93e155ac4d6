"""Gaze: where the eyes look, saccade by saccade, and how far the head goes with them.

A listener is looked at most of the time, with breaks that are more frequent while speaking (Argyle & Cook
1976, "Gaze and mutual gaze"); a look at a face wanders between its eyes and mouth. Eyes move in saccades that
last the longer the larger they are (Bahill, Clark & Stark 1975, "The main sequence"); the head follows large
shifts, later and slower, and the eyes turn back against it, so that the gaze stays where it is (the
vestibulo-ocular reflex). Directions are (pitch, yaw) in rad, + down and + to the performer's left.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import FRAME_RATE, SAMPLE_RATE
from likeness.performance.columns import Columns, Rows, row_of
from likeness.performance.quaternion import Signal

_DT: Final = 1.0 / FRAME_RATE
_RAD: Final = math.pi / 180

HEAD_LIMIT: Final = np.array([24, 46], np.float32) * _RAD
"""How far the head turns by itself."""
_HEAD_SPEED: Final = 6.5
"""Natural frequency of the head's movement, rad/s: it arrives about 0.6 s after the eyes."""
_JUMP: Final = 3.5 * _RAD
"""A target that moves further than this within a tick is a new target: a saccade, not pursuit."""
_WITH_BLINK: Final = 13 * _RAD
_PURSUIT: Final = 1.0 - math.exp(-_DT / 0.06)


@dataclass(frozen=True, slots=True)
class Look:
    """What the gaze asks of N performers.

    goal [N, 2]: direction of the gaze; head [N, 2]: where the head has turned by itself; both in the frame of
    the body. distance [N], m; blink [N]: a shift so large that a blink goes with it; engaged [N]: looking at
    the listener.
    """

    goal: Signal
    head: Signal
    distance: Signal
    blink: NDArray[np.bool_]
    engaged: NDArray[np.bool_]


class Gazes:
    """The gaze of many performers."""

    def __init__(self) -> None:
        self._c = Columns(
            target=((2,), np.float32),
            origin=((2,), np.float32),
            offset=((2,), np.float32),
            start=((), np.int64),
            length=((), np.float32),
            follow=((2,), np.float32),
            head=((2,), np.float32),
            speed=((2,), np.float32),
            engaged=((), np.bool_),
            centre=((2,), np.float32),
            next_shift=((), np.int64),
            next_mode=((), np.int64),
            shifted=((), np.bool_),
            interest=((), np.float32),
            energy=((), np.float32),
        )

    def add(self, row: int, now: int, interest: float, energy: float, rng: np.random.Generator) -> None:
        """A performer looking straight ahead; `interest` 0..1: how much they look at a listener."""
        c = self._c
        c.clear(row)
        c["interest"][row], c["energy"][row] = interest, energy
        c["start"][row], c["length"][row] = now - SAMPLE_RATE, 1
        c["engaged"][row] = True
        c["next_shift"][row] = now + int(rng.uniform(0.2, 0.9) * SAMPLE_RATE)
        c["next_mode"][row] = now + int(rng.uniform(1.0, 4.0) * SAMPLE_RATE)

    def step(
        self,
        rows: Rows,
        now: NDArray[np.int64],
        target: Signal,
        distance: Signal,
        attended: NDArray[np.bool_],
        speaking: NDArray[np.bool_],
        rngs: Sequence[np.random.Generator],
    ) -> Look:
        """One tick. target [N, 2]: the listener's direction, or straight ahead; attended [N]."""
        c = self._c
        # A target that walks is followed smoothly; one that jumps is looked at with a saccade.
        before = c["target"][rows]
        moved = target - before
        jumped = np.abs(moved).max(1) > _JUMP
        after = np.where(jumped[:, None], target, before + _PURSUIT * moved)
        c["target"][rows] = after
        for i in np.nonzero(jumped)[0].tolist():
            row = row_of(rows, i)
            now_offset = self._offset(row, int(now[i])) + before[i] - after[i]
            c["engaged"][row], c["centre"][row] = True, 0.0
            self._saccade(row, int(now[i]), now_offset, np.zeros(2), follow=1.0)
            c["next_mode"][row] = now[i] + self._stay(row, bool(speaking[i]), bool(attended[i]), rngs[i])
        due = (now >= c["next_shift"][rows]) | (now >= c["next_mode"][rows])
        for i in np.nonzero(due)[0].tolist():
            self._shift(
                row_of(rows, i),
                int(now[i]),
                float(distance[i]),
                bool(attended[i]),
                bool(speaking[i]),
                rngs[i],
            )
        blink = c["shifted"][rows].copy()
        c["shifted"][rows] = False

        share = np.clip((now - c["start"][rows]) / c["length"][rows], 0.0, 1.0).astype(np.float32)
        ease = _minimum_jerk(share)[:, None]
        origin = c["origin"][rows]
        goal = after + origin + ease * (c["offset"][rows] - origin)

        wish = np.clip(0.78 * after + c["follow"][rows], -HEAD_LIMIT, HEAD_LIMIT)
        head, speed = c["head"][rows], c["speed"][rows]
        speed = speed + _DT * (_HEAD_SPEED * _HEAD_SPEED * (wish - head) - 2.0 * _HEAD_SPEED * speed)
        head = head + _DT * speed
        c["head"][rows], c["speed"][rows] = head, speed
        return Look(goal, head, distance, blink, attended & c["engaged"][rows])

    def _offset(self, row: int, now: int) -> NDArray[np.float32]:
        """The gaze of one row relative to its target, in the middle of a saccade too."""
        c = self._c
        share = np.clip((now - c["start"][row]) / c["length"][row], 0.0, 1.0)
        ease = float(_minimum_jerk(np.float32(share)))
        return c["origin"][row] + ease * (c["offset"][row] - c["origin"][row])

    def _saccade(
        self, row: int, now: int, origin: NDArray[np.float32], offset: NDArray[np.float64], follow: float
    ) -> None:
        c = self._c
        size = float(np.hypot(*(offset - origin)))
        c["origin"][row], c["offset"][row] = origin, offset
        c["start"][row] = now
        c["length"][row] = (0.021 + 0.0022 * size / _RAD) * SAMPLE_RATE
        c["follow"][row] = follow * np.asarray(offset)
        c["shifted"][row] = bool(c["shifted"][row]) or size > _WITH_BLINK

    def _stay(self, row: int, speaking: bool, attended: bool, rng: np.random.Generator) -> int:
        """Samples until the gaze leaves the listener, or comes back."""
        c = self._c
        share = 0.50 + 0.45 * float(c["interest"][row]) - (0.18 if speaking else 0.0)
        away = 1.2 if attended else 1.8
        median = away * min(share, 0.95) / (1.0 - min(share, 0.95)) if c["engaged"][row] else away
        return int(max(median * 0.85 * math.exp(0.55 * float(rng.normal())), 0.35) * SAMPLE_RATE)

    def _shift(
        self,
        row: int,
        now: int,
        distance: float,
        attended: bool,
        speaking: bool,
        rng: np.random.Generator,
    ) -> None:
        """The next saccade: away from the listener or back, or a small one where the gaze is."""
        c = self._c
        follow = 0.0
        if now >= c["next_mode"][row]:
            away = bool(c["engaged"][row])
            c["engaged"][row] = not away
            c["next_mode"][row] = now + self._stay(row, speaking, attended, rng)
            c["centre"][row] = _aside(attended, speaking, rng) if away else 0.0
            follow = 0.35
        centre = c["centre"][row].astype(np.float64)
        if c["engaged"][row] and attended:
            offset = centre + _face_point(distance, rng)
        else:
            spread = 1.6 if c["engaged"][row] else 1.1
            offset = centre + rng.normal(0.0, spread * _RAD, 2)
        tiny = follow == 0.0 and rng.random() < 0.45
        origin = self._offset(row, now)
        if tiny:  # a micro-saccade about where the gaze rests
            offset = origin + rng.normal(0.0, 0.22 * _RAD, 2)
        follow = 0.35 if float(np.hypot(*centre)) > 4 * _RAD else follow
        self._saccade(row, now, origin, offset, follow)
        wait = 0.62 * math.exp(0.6 * float(rng.normal())) / (0.7 + 0.6 * float(c["energy"][row]))
        c["next_shift"][row] = now + int(max(wait, 0.15) * SAMPLE_RATE)


def _aside(attended: bool, speaking: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """A direction to look away to: mostly to the side and down, sometimes up in thought."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    yaw = side * rng.uniform(7, 19)
    fate = rng.random()
    if fate < (0.28 if speaking else 0.12):
        pitch = -rng.uniform(4, 10)
    elif fate < 0.7:
        pitch = rng.uniform(4, 12)
    else:
        pitch = rng.normal(0, 2)
    if not attended:
        pitch *= 0.6
    return np.array([pitch, yaw]) * _RAD


def _face_point(distance: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A point of the listener's face: an eye or the mouth."""
    place = rng.random()
    x, y = (0.032, 0.0) if place < 0.37 else (-0.032, 0.0) if place < 0.74 else (0.0, 0.065)
    reach = max(distance, 0.35)
    point = np.array([math.atan2(y, reach), math.atan2(x, reach)])
    return point + rng.normal(0.0, 0.25 * _RAD, 2)


def _minimum_jerk(share: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    return np.asarray(share * share * share * (10.0 + share * (-15.0 + 6.0 * share)), np.float32)
