"""Prosody: what the melody of a voice does to brows, lids and head.

A speaking face with still brows and a still head looks dead. People raise their brows and nod on the
syllables they stress, tilt and turn the head from phrase to phrase, blink where a phrase ends, and open
wider when they are loud (Busso et al., "Rigid head motion in expressive speech animation", 2007; Graf et
al., "Visual prosody: facial movements accompanying speech", 2002). All of it is read from loudness and
pitch as they come in; nothing is periodic, and silence brings everything back to exactly zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX

Float32 = NDArray[np.float32]
Slots = Sequence[int] | NDArray[np.int64]

FRAME: Final = 800
"""Samples a step takes: one frame at 60 Hz of 48 kHz sound."""


@dataclass(frozen=True, slots=True)
class ProsodyFrame:
    """One instant of N speakers.

    controls: float32[N, 52] to add (brows, squint, lid widening; 0 in silence); head: float32[N, 3] rad to
    add, axis-angle; blink: bool[N], a moment at which people blink; voiced: bool[N], the speaker is
    speaking (short gaps bridged); level: float32[N] loudness 0..1; effort: float32[N] -1 (soft) .. 1
    (loud) against the speaker's usual loudness, by which a jaw opens more or less; pitch: float32[N] Hz, 0
    where there is none.
    """

    controls: Float32
    head: Float32
    blink: NDArray[np.bool_]
    voiced: NDArray[np.bool_]
    level: Float32
    effort: Float32
    pitch: Float32


class Prosody:
    """Reads the prosody of many speakers at once, in step with their frames. Not thread-safe.

    Every speaker has random numbers of its own, drawn from `random` at `open`: what it does depends on its
    sound alone, never on who else is speaking.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._free: list[int] = []
        self._state = np.zeros((0, _COLUMNS), np.float32)
        self._sound = np.zeros((0, _HISTORY), np.float32)
        self._seed = np.zeros(0, np.uint64)
        self._draws = np.zeros(0, np.uint64)

    def open(self) -> int:
        """A slot for a new speaker."""
        if not self._free:
            old = len(self._state)
            more = max(8, old)
            self._state = np.concatenate((self._state, np.zeros((more, _COLUMNS), np.float32)))
            self._sound = np.concatenate((self._sound, np.zeros((more, _HISTORY), np.float32)))
            self._seed = np.concatenate((self._seed, np.zeros(more, np.uint64)))
            self._draws = np.concatenate((self._draws, np.zeros(more, np.uint64)))
            self._free = list(range(old + more - 1, old - 1, -1))
        slot = self._free.pop()
        self.reset(slot)
        self._seed[slot] = self._random.integers(0, 2**63, dtype=np.uint64)
        self._draws[slot] = 0
        return slot

    def close(self, slot: int) -> None:
        """Give a slot back; closing twice does nothing."""
        if slot not in self._free and 0 <= slot < len(self._state):
            self._free.append(slot)

    def reset(self, slot: int) -> None:
        """Forget what a speaker said: everything is at rest."""
        self._state[slot] = _REST
        self._sound[slot] = 0.0

    def step(self, slots: Slots, pcm: NDArray[Any]) -> ProsodyFrame:
        """One frame of sound per slot: pcm float [N, 800] in -1..1 (or int16). Slots must differ."""
        index = np.asarray(slots, np.int64)
        sound = np.asarray(pcm)
        sound = sound.astype(np.float32) / 32768.0 if sound.dtype.kind == "i" else sound.astype(np.float32)
        if sound.shape != (len(index), FRAME):
            raise ValueError(f"pcm must be [{len(index)}, {FRAME}], not {list(sound.shape)}")
        if not len(index):
            return _empty()
        state = self._state[index]
        loud_db = self._loudness(sound)
        pitch = self._pitch(index, sound)
        frame = self._follow(index, state, loud_db, pitch)
        self._state[index] = state
        return frame

    def _loudness(self, sound: Float32) -> Float32:
        power = np.einsum("ij,ij->i", sound, sound) / FRAME
        return (10.0 * np.log10(power + 1e-10)).astype(np.float32)

    def _pitch(self, index: NDArray[np.int64], sound: Float32) -> Float32:
        """Fundamental frequency in Hz, 0 where the sound is not periodic.

        Autocorrelation of 52 ms at 4.8 kHz, divided by the window's (Boersma 1993); of nearly equal peaks
        the shortest lag wins, which avoids octave errors.
        """
        coarse = sound.reshape(len(index), FRAME // _DECIMATE, _DECIMATE) @ _AVERAGE
        history = np.concatenate((self._sound[index, coarse.shape[1] :], coarse), axis=1)
        self._sound[index] = history
        centred = (history - history.mean(axis=1, keepdims=True)) * _WINDOW
        spectrum = np.fft.rfft(centred, _FFT, axis=1)
        correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _FFT, axis=1)[:, : _LAG_HIGH + 2]
        energy = correlation[:, :1]
        likeness = correlation / (energy + 1e-9) * _WINDOW_GAIN
        inner = likeness[:, _LAG_LOW:_LAG_HIGH]
        before, after = likeness[:, _LAG_LOW - 1 : _LAG_HIGH - 1], likeness[:, _LAG_LOW + 1 : _LAG_HIGH + 1]
        peak = (inner >= before) & (inner > after)
        best = np.where(peak, inner, 0.0).max(axis=1, keepdims=True)
        first = np.argmax(peak & (inner >= 0.88 * best), axis=1)
        rows = np.arange(len(index))
        y0, y1, y2 = before[rows, first], inner[rows, first], after[rows, first]
        bend = y0 - 2 * y1 + y2
        shift = np.where(np.abs(bend) > 1e-9, 0.5 * (y0 - y2) / np.where(bend == 0, 1, bend), 0.0)
        lag = _LAG_LOW + first + np.clip(shift, -0.5, 0.5)
        periodic = (best[:, 0] > 0.5) & (energy[:, 0] > 1e-5)
        return np.where(periodic, 4800.0 / lag, 0.0).astype(np.float32)

    def _follow(self, index: NDArray[np.int64], s: Float32, loud_db: Float32, pitch: Float32) -> ProsodyFrame:
        count = len(index)
        # Speaking or not: loudness over the room's noise, with a hang over short gaps.
        quiet = loud_db < s[:, _FLOOR]
        s[:, _FLOOR] += np.where(quiet, 0.2, 0.0015) * (np.maximum(loud_db, -80.0) - s[:, _FLOOR])
        sounding = (loud_db > s[:, _FLOOR] + 9.0) & (loud_db > -52.0)
        s[:, _GAP] = np.where(sounding, 0.0, s[:, _GAP] + _DT)
        was = s[:, _SPEAKING] > 0
        speaking = np.where(was, s[:, _GAP] < _HANG, sounding)
        starts, ends = speaking & ~was, was & ~speaking
        s[:, _SPEAKING] = speaking
        s[:, _SPOKEN] = np.where(speaking, np.where(starts, 0.0, s[:, _SPOKEN]) + _DT, s[:, _SPOKEN])

        # Loudness against the speaker's usual, pitch against the phrase's, in semitones.
        s[:, _USUAL] += np.where(sounding, 0.004, 0.0) * (loud_db - s[:, _USUAL])
        s[:, _LOUD] += 0.35 * (loud_db - s[:, _LOUD])
        effort = np.where(sounding, np.clip((s[:, _LOUD] - s[:, _USUAL]) / 12.0, -1.0, 1.0), 0.0)
        s[:, _EFFORT] += 0.08 * (effort - s[:, _EFFORT])
        # A single frame of pitch, or one that jumped, is a consonant's noise.
        ratio = np.maximum(pitch, 1.0) / np.maximum(s[:, _LAST], 1.0)
        has_pitch = (pitch > 0) & sounding & (ratio > 0.8) & (ratio < 1.25)
        s[:, _LAST] = pitch
        tone = np.where(has_pitch, 12.0 * np.log2(np.maximum(pitch, 1.0) / 100.0), s[:, _TONE])
        s[:, _TONE] = np.where(s[:, _KNOWN] > 0, s[:, _TONE] + 0.4 * (tone - s[:, _TONE]), tone)
        rate = np.where(s[:, _KNOWN] < 0.3, 0.1, 0.012)
        s[:, _BASE] += np.where(has_pitch, rate, 0.0) * (tone - s[:, _BASE])
        s[:, _BASE] = np.where((s[:, _KNOWN] == 0) & has_pitch, tone, s[:, _BASE])
        s[:, _KNOWN] += np.where(has_pitch, _DT, 0.0)
        rise = np.where(has_pitch, np.clip(s[:, _TONE] - s[:, _BASE], -8.0, 8.0), 0.0)

        # An accent: pitch and loudness rise together over what they were a moment ago.
        swell = np.clip(s[:, _LOUD] - s[:, _SLOW], 0.0, 12.0)
        s[:, _SLOW] += 0.06 * (s[:, _LOUD] - s[:, _SLOW])
        weight = np.clip(0.16 * rise + 0.10 * swell + 0.35 * s[:, _EFFORT], 0.0, 1.6).astype(np.float32)
        s[:, _REST_LEFT] = np.maximum(s[:, _REST_LEFT] - _DT, 0.0)
        accent = speaking & has_pitch & (weight > 0.62) & (s[:, _REST_LEFT] <= 0)
        occasion = bool((accent | starts | ends).any())
        draw = self._random_numbers(index, 8, occasion)
        s[:, _REST_LEFT] = np.where(accent, 0.28 + 0.35 * draw[:, 0], s[:, _REST_LEFT])
        if occasion:
            self._gesture(s, accent, starts, ends, weight, draw)
        blink = (ends & (s[:, _SPOKEN] > 0.5) & (draw[:, 6] < 0.7)) | (accent & (draw[:, 6] < 0.06))

        # Everything that moves is a critically damped spring towards a target that fades by itself.
        s[:, _BROW_TO:_TURN_TO] *= _FADES
        s[:, _TURN_TO:_BROW] *= np.where(speaking[:, None], 1.0, _TURN_FADES)
        targets = s[:, _BROW_TO:_BROW].copy()
        targets[:, _SQUINT_TO - _BROW_TO] += 0.25 * np.maximum(s[:, _EFFORT] - 0.35, 0.0)
        melody = np.where(speaking, np.clip(-0.006 * rise, -0.03, 0.03), 0.0)
        targets[:, _NOD_TO - _BROW_TO] += melody
        _spring(s[:, _BROW:_COLUMNS:2], s[:, _BROW + 1 : _COLUMNS : 2], targets)
        self._settle(s, speaking)

        controls = np.zeros((count, CONTROL_COUNT), np.float32)
        brow, outer, squint = s[:, _BROW], s[:, _OUTER], s[:, _SQUINT]
        controls[:, _INNER_UP] = np.clip(brow, 0.0, 1.0)
        left = np.clip(outer * (1.0 + s[:, _SIDE]), 0.0, 1.0)
        right = np.clip(outer * (1.0 - s[:, _SIDE]), 0.0, 1.0)
        controls[:, _OUTER_UP[0]], controls[:, _OUTER_UP[1]] = left, right
        for side in (0, 1):
            controls[:, _WIDE[side]] = np.clip(0.30 * brow, 0.0, 0.3)
            controls[:, _SQUINTS[side]] = np.clip(squint, 0.0, 0.5)
            controls[:, _CHEEKS[side]] = np.clip(0.5 * squint, 0.0, 0.3)
            controls[:, _DOWN[side]] = np.clip(0.6 * squint, 0.0, 0.4)
        head = s[:, _TURN : _TURN + 6 : 2].copy()
        head[:, 0] += s[:, _NOD]
        level = np.where(sounding, np.clip((loud_db + 55.0) / 45.0, 0.0, 1.0), 0.0).astype(np.float32)
        return ProsodyFrame(
            controls,
            head,
            blink,
            speaking.copy(),
            level,
            s[:, _EFFORT].copy(),
            np.where(has_pitch, pitch, 0.0),
        )

    def _gesture(
        self,
        s: Float32,
        accent: NDArray[np.bool_],
        starts: NDArray[np.bool_],
        ends: NDArray[np.bool_],
        weight: Float32,
        draw: Float32,
    ) -> None:
        """New targets where an accent, a phrase start or a phrase end falls."""
        # Most accents move the head, fewer the brows; the strong ones both.
        brows = accent & (draw[:, 1] < 0.10 + 0.40 * weight)
        raised = weight * (0.45 + 0.55 * draw[:, 2])
        s[:, _BROW_TO] = np.where(brows, np.maximum(s[:, _BROW_TO], raised), s[:, _BROW_TO])
        s[:, _OUTER_TO] = np.where(brows, np.maximum(s[:, _OUTER_TO], 0.8 * raised), s[:, _OUTER_TO])
        s[:, _SIDE] = np.where(brows, 0.5 * (draw[:, 3] - 0.5), s[:, _SIDE])
        nods = accent & (draw[:, 4] < 0.75)
        depth = weight * (0.05 + 0.09 * draw[:, 5])
        s[:, _NOD_TO] = np.where(nods, np.maximum(s[:, _NOD_TO], depth), s[:, _NOD_TO])
        frown = accent & ~brows & (weight > 0.8)
        s[:, _SQUINT_TO] = np.where(frown, 0.3 * draw[:, 2], s[:, _SQUINT_TO])
        # A phrase has a posture of its own; a strong accent within it may change it.
        shift = starts | (accent & (draw[:, 7] < 0.22))
        for axis, reach in enumerate((0.045, 0.075, 0.050)):
            new = reach * (2.0 * draw[:, 1 + axis] - 1.0)
            s[:, _TURN_TO + axis] = np.where(shift, new, s[:, _TURN_TO + axis])
        # At a phrase's end the head comes down a little.
        s[:, _NOD_TO] = np.where(ends & (s[:, _SPOKEN] > 0.5), 0.05 * draw[:, 4], s[:, _NOD_TO])

    def _settle(self, s: Float32, speaking: NDArray[np.bool_]) -> None:
        """In silence, what can no longer be seen becomes exactly nothing."""
        moving = s[:, _MOVING:]
        small = ~speaking & (np.abs(moving).max(axis=1) < 2e-3)
        s[small, _MOVING:] = 0.0
        s[small, _EFFORT] = 0.0

    def _random_numbers(self, index: NDArray[np.int64], count: int, needed: bool) -> Float32:
        """Uniform numbers [N, count] of each slot's own sequence (splitmix64, Steele et al. 2014); it goes on
        where they are not needed, too."""
        if not needed:
            self._draws[index] += np.uint64(count)
            return np.zeros((len(index), count), np.float32)
        with np.errstate(over="ignore"):
            counter = self._draws[index][:, None] + np.arange(1, count + 1, dtype=np.uint64)
            z = self._seed[index][:, None] + counter * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
            self._draws[index] += np.uint64(count)
        return ((z >> np.uint64(40)).astype(np.float32)) / np.float32(1 << 24)


_DT: Final = 1.0 / 60.0
_HANG: Final = 0.22
"""Seconds of silence that still belong to a phrase: longer than a stop's closure."""
_DECIMATE: Final = 10
_AVERAGE: Final = np.full(_DECIMATE, 1.0 / _DECIMATE, np.float32)
_HISTORY: Final = 250
_FFT: Final = 320
_LAG_LOW, _LAG_HIGH = 11, 69  # 436 Hz .. 70 Hz at 4.8 kHz
_WINDOW: Final = np.hanning(_HISTORY + 2)[1:-1].astype(np.float32)
_OF_WINDOW: Final = np.correlate(_WINDOW, _WINDOW, "full")[_HISTORY - 1 :][: _LAG_HIGH + 2]
_WINDOW_GAIN: Final = (_OF_WINDOW[0] / _OF_WINDOW).astype(np.float32)

# Columns of a speaker's state: first what is known of the voice, then what moves (position, velocity).
(
    _FLOOR, _USUAL, _LOUD, _SLOW, _GAP, _SPEAKING, _SPOKEN, _TONE, _BASE, _KNOWN, _EFFORT, _REST_LEFT,
    _SIDE, _LAST,
) = range(14)  # fmt: skip
_MOVING: Final = 14
_BROW_TO, _OUTER_TO, _SQUINT_TO, _NOD_TO, _TURN_TO = 14, 15, 16, 17, 18  # _TURN_TO has three
_BROW, _OUTER, _SQUINT, _NOD, _TURN = 21, 23, 25, 27, 29  # each with its velocity; _TURN has three
_COLUMNS: Final = 35
_REST: Final = np.zeros(_COLUMNS, np.float32)
_REST[[_FLOOR, _USUAL, _LOUD, _SLOW]] = (-60.0, -26.0, -80.0, -80.0)

_INNER_UP: Final = CONTROL_INDEX["browInnerUp"]
_OUTER_UP: Final = (CONTROL_INDEX["browOuterUpLeft"], CONTROL_INDEX["browOuterUpRight"])
_DOWN: Final = (CONTROL_INDEX["browDownLeft"], CONTROL_INDEX["browDownRight"])
_WIDE: Final = (CONTROL_INDEX["eyeWideLeft"], CONTROL_INDEX["eyeWideRight"])
_SQUINTS: Final = (CONTROL_INDEX["eyeSquintLeft"], CONTROL_INDEX["eyeSquintRight"])
_CHEEKS: Final = (CONTROL_INDEX["cheekSquintLeft"], CONTROL_INDEX["cheekSquintRight"])


def _decay(seconds: float) -> float:
    """Factor per step of something that fades with this time constant."""
    return float(np.exp(-_DT / seconds))


_FADES: Final = np.array([_decay(seconds) for seconds in (0.22, 0.22, 0.30, 0.11)], np.float32)
"""Of the targets of brows, squint and nod, a step."""
_TURN_FADES: Final = _decay(0.5)
_SPEEDS: Final = np.array([16.0, 16.0, 9.0, 17.0, 4.5, 4.5, 4.5], np.float32)
"""Of what moves, rad/s."""
_SPRING_FADES: Final = np.exp(-_SPEEDS * np.float32(_DT))


def _spring(position: Float32, velocity: Float32, target: Float32) -> None:
    """One exact step of critically damped springs towards targets [N, 7], at _SPEEDS; both are written to."""
    offset = position - target
    drift = (velocity + _SPEEDS * offset) * np.float32(_DT)
    position[:] = target + (offset + drift) * _SPRING_FADES
    velocity[:] = (velocity - _SPEEDS * drift) * _SPRING_FADES


def _empty() -> ProsodyFrame:
    none, no = np.zeros(0, np.float32), np.zeros(0, np.bool_)
    return ProsodyFrame(
        np.zeros((0, CONTROL_COUNT), np.float32), np.zeros((0, 3), np.float32), no, no, none, none, none
    )
