"""Layers: what is heard, tracked and set by hand, blended by region of the face and by confidence."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE
from likeness.performance import quaternion
from likeness.performance.columns import Columns, Rows
from likeness.performance.quaternion import Signal
from likeness.tracking.face import REGION_OF_CONTROL, REGIONS

_DT: Final = 1.0 / FRAME_RATE

MOUTH, LOWER_FACE, BROWS, LIDS, GAZE, HEAD = range(len(REGIONS))
_IS: Final = [np.where(region == REGION_OF_CONTROL, 1.0, 0.0).astype(np.float32) for region in range(6)]
FACE_BELOW: Final = _IS[MOUTH] + _IS[LOWER_FACE]
"""[52] 1 for what speech may move."""
_JAW_OPEN: Final = CONTROL_INDEX["jawOpen"]
_SEAL: Final = CONTROL_INDEX["mouthClose"]

_RELEASE: Final = math.exp(-_DT / 0.075)
_EMOTION: Final = 1.0 - math.exp(-_DT / 0.22)
_HAND_SET: Final = _DT / 0.10
_FADE_IN: Final = _DT / 0.12
_FADE_OUT: Final = _DT / 0.25
_SURE: Final = np.ones(len(REGIONS), np.float32)
_STILL: Final = np.zeros(3, np.float32)
_CAMERA: Final = 1 / 30
"""Seconds between pictures until it is known better."""
_REACH: Final = np.float32(0.15)
"""Metres by which a tracked head may leave its seat: more is another seat, or a tracker's mistake."""
_STALE: Final = 0.30
"""Seconds: a tracker that is silent for longer, and for twice as long as it usually is, has lost the face."""
_LONGEST_PAUSE: Final = 1.5
"""Seconds between two pictures of the slowest tracker that is waited for."""
_LINGER: Final = np.array([_DT / 0.24, _DT / 0.5], np.float32)
"""By how much of its range the latest extremes of a jaw, the tracked and the spoken one, close in on it in a
tick: stillness is seen within 0.3 s, and a voice goes on between two syllables."""
_STILL_JAW: Final = 0.04
_SPEAKING_JAW: Final = 0.12
_HUSH_IN: Final = _DT / 0.15
_HUSH_OUT: Final = _DT / 0.10


@dataclass(frozen=True, slots=True)
class Spoken:
    """What speech does to N performers.

    controls [N, 52]: the mouth; busy [N]: how far it owns the lips, 0..1, letting go of them slowly; extra
    [N, 52] and head [N, 3]: prosody's controls to add, and pitch, yaw, roll in rad; voiced [N]: voice sounds.
    """

    controls: Signal
    busy: Signal
    extra: Signal
    head: Signal
    voiced: NDArray[np.bool_]


class Speech:
    """The mouth as speech moves it. Where speech ends, or its source changes, the difference dies away
    within a quarter of a second: the face never stops half open."""

    def __init__(self) -> None:
        self._c = Columns(
            goal=((CONTROL_COUNT,), np.float32),
            shown=((CONTROL_COUNT,), np.float32),
            gap=((CONTROL_COUNT,), np.float32),
            extra=((CONTROL_COUNT,), np.float32),
            head=((3,), np.float32),
            fresh=((), np.bool_),
            active=((), np.bool_),
            voiced=((), np.bool_),
            busy=((), np.float32),
        )

    def add(self, row: int) -> None:
        """A silent performer."""
        self._c.clear(row)

    def set(self, rows: Rows, controls: Signal, voiced: NDArray[np.bool_]) -> None:
        """Controls [N, 52] of this tick."""
        c = self._c
        c["goal"][rows], c["voiced"][rows], c["fresh"][rows] = controls, voiced, True

    def set_prosody(self, rows: Rows, extra: Signal, head: Signal) -> None:
        """Prosody of this tick: controls [N, 52] to add, head [N, 3] pitch, yaw, roll in rad."""
        self._c["extra"][rows], self._c["head"][rows] = extra, head

    def step(self, rows: Rows) -> Spoken:
        """One tick."""
        c = self._c
        fresh = c["fresh"][rows]
        goal = np.where(fresh[:, None], c["goal"][rows], np.float32(0))
        # A voice that is cut goes to exact rest from one tick to the next, as if nothing had been set.
        active = goal.any(1)
        switched = active != c["active"][rows]
        gap = np.where(switched[:, None], c["shown"][rows] - goal, _RELEASE * c["gap"][rows])
        shown = goal + gap
        c["shown"][rows], c["gap"][rows], c["active"][rows] = shown, gap, active
        voiced = fresh & c["voiced"][rows]
        extra, head = c["extra"][rows].copy(), c["head"][rows].copy()
        # Unless prosody is set again before the next tick, it fades.
        c["extra"][rows] = _RELEASE * extra
        c["head"][rows] = _RELEASE * head
        c["fresh"][rows] = False
        moving = np.clip(4.0 * np.abs(shown).max(1), 0.0, 1.0)
        busy = np.maximum(moving, c["busy"][rows] - _DT / 0.5)
        c["busy"][rows] = busy
        return Spoken(shown, busy, extra, head, voiced)


class Emotions:
    """A slowly changing expression under everything else."""

    def __init__(self) -> None:
        self._c = Columns(goal=((CONTROL_COUNT,), np.float32), shown=((CONTROL_COUNT,), np.float32))

    def add(self, row: int) -> None:
        """A performer without emotion."""
        self._c.clear(row)

    def set(self, row: int, controls: Signal | None) -> None:
        """The expression [52] to ease to; None: none."""
        self._c["goal"][row] = 0.0 if controls is None else checked_controls(controls)

    def step(self, rows: Rows) -> Signal:
        """Controls [N, 52]."""
        c = self._c
        shown = c["shown"][rows]
        shown = shown + _EMOTION * (c["goal"][rows] - shown)
        c["shown"][rows] = shown
        return shown


class Tracks:
    """A person's own face, each region as far as its tracker is sure of it.

    The mouth is also given to speech while a voice opens and shuts the jaw and the tracked one keeps still: a
    hand, a cup or a microphone is before it, a mask on it, or the voice is not the person's own. A tracker
    shows such a mouth as a shut one and is sure of it.
    """

    def __init__(self) -> None:
        self._c = Columns(
            goal=((CONTROL_COUNT,), np.float32),
            shown=((CONTROL_COUNT,), np.float32),
            head_goal=((3,), np.float32),
            head=((3,), np.float32),
            place_goal=((3,), np.float32),
            place=((3,), np.float32),
            sure=((6,), np.float32),
            weight=((6,), np.float32),
            seen=((), np.int64),
            interval=((), np.float32),
            pause=((), np.float32),
            any=((), np.bool_),
            jaws=((2, 2), np.float32),
            hush=((), np.float32),
        )
        self._new: dict[int, tuple[Signal, Signal, Signal | None, Signal | None] | None] = {}
        """What was set and not taken yet, by row."""

    def add(self, row: int) -> None:
        """A performer whom nobody tracks."""
        self._c.clear(row)
        self._new.pop(row, None)

    def set(
        self,
        row: int,
        controls: Signal | None,
        sure: Signal | None,
        head: Signal | None,
        place: Signal | None = None,
    ) -> None:
        """What a tracker sees: controls [52], confidence [6] by REGIONS, head [3] axis-angle in rad, and its
        place [3] from the neutral one, m. It counts from the next step on; the newest is taken."""
        if controls is None:
            self._new[row] = None
            return
        goal = _finite_controls(controls)
        confidence = _SURE if sure is None else np.asarray(sure, np.float32)
        if confidence.shape != (6,) or not np.isfinite(confidence).all():
            raise InputError(f"Confidence has a number for each of {', '.join(REGIONS)}.")
        if head is not None and not np.isfinite(head).all():
            raise InputError("The tracked head rotation is not finite.")
        if place is not None and not np.isfinite(place).all():
            place = None
        self._new[row] = goal, confidence, head, place

    def take(self, now: NDArray[np.int64]) -> None:
        """All that was set since the last time, together. now: the media sample of every row, by row."""
        if not self._new:
            return
        c = self._c
        for row in [row for row, seen in self._new.items() if seen is None]:
            c["sure"][row], c["seen"][row] = 0.0, now[row]
        faces = {row: seen for row, seen in self._new.items() if seen is not None}
        self._new.clear()
        if not faces:
            return
        rows = np.array(list(faces), np.int64)
        goals, sures, heads, places = zip(*faces.values(), strict=True)
        goal, sure = np.clip(np.stack(goals), 0.0, 1.0), np.clip(np.stack(sures), 0.0, 1.0)
        turned = np.array([head is not None for head in heads])
        sure[~turned, HEAD] = 0.0
        rotation = np.array([_STILL if head is None else head for head in heads], np.float32)
        angles = np.stack(quaternion.to_turn(quaternion.from_axis_angle(rotation)), 1)
        c["head_goal"][rows] = np.where(turned[:, None], angles, c["head_goal"][rows])
        place = np.array([_STILL if place is None else place for place in places], np.float32)
        c["place_goal"][rows] = np.clip(place, -_REACH, _REACH)
        # Nothing of an earlier face must show while this one fades in.
        fresh = ~c["weight"][rows].any(1)
        new = rows[fresh]
        c["shown"][new], c["head"][new] = goal[fresh], c["head_goal"][new]
        c["place"][new] = c["place_goal"][new]
        known = c["any"][rows]
        pause = (now[rows] - c["seen"][rows]) / SAMPLE_RATE
        usual = 0.5 * (c["pause"][rows] + np.minimum(pause, _LONGEST_PAUSE))
        c["pause"][rows] = np.where(known, usual, 0.0)
        interval = 0.5 * (c["interval"][rows] + np.clip(pause, 0.008, 0.15))
        c["interval"][rows] = np.where(known, interval, _CAMERA)
        c["goal"][rows], c["sure"][rows], c["seen"][rows], c["any"][rows] = goal, sure, now[rows], True

    def step(
        self, rows: Rows, now: NDArray[np.int64], spoken: Signal
    ) -> tuple[Signal, Signal, Signal, Signal]:
        """Controls [N, 52], head [N, 3], its place [N, 3] and the weight [N, 6] of each region, beside the
        controls [N, 52] of speech."""
        c = self._c
        weight = c["weight"][rows]
        if not c["any"][rows].any():
            return c["shown"][rows], c["head"][rows], c["place"][rows], weight
        silent = (now - c["seen"][rows]) / SAMPLE_RATE
        lost = silent > np.maximum(_STALE, 2 * c["pause"][rows])
        sure = np.where(lost[:, None], np.float32(0), c["sure"][rows])
        weight = weight + np.clip(sure - weight, -_FADE_OUT, _FADE_IN)
        c["weight"][rows] = weight
        # Between two pictures of a slow camera the face moves on, rather than in steps.
        gain = (1.0 - np.exp(-_DT / np.clip(0.4 * c["interval"][rows], 0.003, 0.05)))[:, None]
        shown, head, place = c["shown"][rows], c["head"][rows], c["place"][rows]
        shown = shown + gain * (c["goal"][rows] - shown)
        head = head + gain * (c["head_goal"][rows] - head)
        place = place + gain * (c["place_goal"][rows] - place)
        c["shown"][rows], c["head"][rows], c["place"][rows] = shown, head, place
        return shown, head, place, self._hushed(rows, weight, shown, spoken)

    def _hushed(self, rows: Rows, weight: Signal, shown: Signal, spoken: Signal) -> Signal:
        """The weight, less the mouth where the voice moves and the tracked jaw does not."""
        c = self._c
        jaw = np.stack([shown[:, _JAW_OPEN], spoken[:, _JAW_OPEN]], 1)
        jaws = c["jaws"][rows]
        span = _LINGER * (jaws[:, :, 1] - jaws[:, :, 0])
        jaws[:, :, 0] = np.minimum(jaws[:, :, 0] + span, jaw)
        jaws[:, :, 1] = np.maximum(jaws[:, :, 1] - span, jaw)
        still, speaking = (jaws[:, :, 1] - jaws[:, :, 0]).T
        unseen = (still < _STILL_JAW) & (speaking > _SPEAKING_JAW)
        # Below 0 nothing is seen of it: a word's first movement may reach the camera later than the ear.
        hush = c["hush"][rows] + np.where(unseen, _HUSH_IN, -_HUSH_OUT)
        hush = np.clip(hush, -1.0, 1.0).astype(np.float32)
        c["jaws"][rows], c["hush"][rows] = jaws, hush
        if hush.max() <= 0:
            return weight
        weight = weight.copy()
        weight[:, MOUTH] *= 1.0 - np.maximum(hush, 0.0)
        return weight


class Overrides:
    """What somebody sets by hand, above everything else."""

    def __init__(self, components: int) -> None:
        self._c = Columns(
            value=((CONTROL_COUNT,), np.float32),
            wish=((CONTROL_COUNT,), np.float32),
            weight=((CONTROL_COUNT,), np.float32),
            psi_goal=((components,), np.float32),
            psi=((components,), np.float32),
            any=((), np.bool_),
        )

    def add(self, row: int) -> None:
        """A performer left alone."""
        self._c.clear(row)

    def set(self, row: int, controls: Signal | None, expression: Signal | None) -> None:
        """Controls [52], not-a-number where they are left alone; psi [E] to add. None clears."""
        c = self._c
        c["any"][row] = True
        c["wish"][row] = 0.0
        c["psi_goal"][row] = 0.0
        if controls is not None:
            values = np.asarray(controls, np.float32)
            if values.shape != (CONTROL_COUNT,):
                raise InputError(f"An override has {CONTROL_COUNT} controls, not {values.shape}.")
            given = np.isfinite(values)
            c["wish"][row] = given
            c["value"][row] = np.where(given, np.clip(np.nan_to_num(values), 0.0, 1.0), c["value"][row])
        if expression is not None:
            psi = np.asarray(expression, np.float32)
            if psi.ndim != 1 or not np.isfinite(psi).all():
                raise InputError("An override's expression is a list of finite numbers.")
            c["psi_goal"][row, : len(psi)] = np.clip(psi, -10.0, 10.0)

    def step(self, rows: Rows, controls: Signal) -> tuple[Signal, Signal | None]:
        """The controls [N, 52] with the overrides on top, and psi [N, E] to add, if any."""
        c = self._c
        if not c["any"][rows].any():
            return controls, None
        weight, wish = c["weight"][rows], c["wish"][rows]
        weight = weight + np.clip(wish - weight, -_HAND_SET, _HAND_SET)
        psi = c["psi"][rows]
        psi = psi + 0.25 * (c["psi_goal"][rows] - psi)
        c["weight"][rows], c["psi"][rows] = weight, psi
        c["any"][rows] = (
            weight.any(1) | wish.any(1) | (np.abs(psi) > 1e-4).any(1) | c["psi_goal"][rows].any(1)
        )
        return controls + weight * (c["value"][rows] - controls), psi


def blend(below: Signal, spoken: Spoken, tracked: Signal, weight: Signal) -> Signal:
    """The face [N, 52] from what lies below (idle, emotion, prosody), speech, and a tracked face.

    A region whose tracker is sure of it (weight [N, 6] by REGIONS) is the person's own. The rest is speech
    over what lies below. Where a tracker sees the cheeks but not the lips, its smile stays and speech adds.
    """
    unseen = 1.0 - weight[:, MOUTH : MOUTH + 1]
    mouth = spoken.controls * FACE_BELOW * unseen
    # Speech owns the lips: an open-mouthed emotion would hold them open in a p.
    calm = below * (1.0 - _IS[MOUTH] * (spoken.busy[:, None] * unseen))
    each = weight[:, REGION_OF_CONTROL]
    return calm + each * (tracked - calm) + mouth


def keep_sealed(controls: Signal) -> Signal:
    """Controls within 0..1, with mouthClose never beyond jawOpen: lips close onto each other, not through."""
    controls = np.clip(controls, 0.0, 1.0)
    controls[:, _SEAL] = np.minimum(controls[:, _SEAL], controls[:, _JAW_OPEN])
    return controls


def checked_controls(controls: Signal) -> Signal:
    """Controls [52] within 0..1; raises InputError for another shape or numbers that are not finite."""
    return np.clip(_finite_controls(controls), 0.0, 1.0)


def _finite_controls(controls: Signal) -> Signal:
    values = np.asarray(controls, np.float32)
    if values.shape != (CONTROL_COUNT,) or not np.isfinite(values).all():
        raise InputError(f"A face has {CONTROL_COUNT} finite controls.")
    return values
