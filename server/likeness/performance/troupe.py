"""Troupe: all performers of a stage, stepped together: layers in, one FlameFrame each out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likeness.errors import InputError
from likeness.head.character import Character
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, CONTROLS
from likeness.head.frame import Float32, Hand
from likeness.head.load import Head
from likeness.head.rig import Rig
from likeness.performance import quaternion
from likeness.performance.columns import Columns, Rows, row_selection
from likeness.performance.frames import Frames
from likeness.performance.idle import Idle, IdleLife
from likeness.performance.layers import (
    HEAD,
    Emotions,
    Overrides,
    Speech,
    Tracks,
    blend,
    keep_sealed,
)
from likeness.performance.placement import Placements
from likeness.performance.quaternion import Signal

MAX_EXPRESSION: Final = 100
IDLE_DRIVER: Final = 6
"""likeness.v1.Driver.DRIVER_IDLE"""


class Prosody(Protocol):
    """What the rhythm of speech adds (likeness.speech.prosody.ProsodyFrame)."""

    @property
    def controls(self) -> Float32:
        """[N, 52] to add to brows and lids."""
        ...

    @property
    def head(self) -> Float32:
        """[N, 3] pitch, yaw, roll, rad."""
        ...

    @property
    def blink(self) -> NDArray[np.bool_]:
        """[N] a good moment to blink."""
        ...

    @property
    def effort(self) -> Float32:
        """[N] -1 (soft) .. 1 (loud) against the speaker's usual loudness."""
        ...


class Troupe:
    """Performers by row. Rows are small integers, reused after `remove`. Not thread-safe.

    What is set stays set, except speech, which is set anew for every tick; without it the mouth eases to
    rest.
    """

    def __init__(self) -> None:
        self._idle = Idle()
        self._speech = Speech()
        self._emotions = Emotions()
        self._tracks = Tracks()
        self._overrides = Overrides(MAX_EXPRESSION)
        self._placements = Placements()
        self._c = Columns(
            alive=((), np.bool_),
            now=((), np.int64),
            kind=((), np.int64),
            listener=((3,), np.float32),
            attended=((), np.bool_),
            posture=((2,), np.float32),
            nod=((), np.float32),
            lively=((), np.float32),
            cue=((), np.bool_),
            driver=((), np.int64),
            epoch=((), np.int64),
            ended=((), np.bool_),
            components=((), np.int64),
            scales=((MAX_EXPRESSION,), np.float32),
            begun=((), np.bool_),
        )
        self._kinds: list[_Kind] = []
        self._characters: dict[int, Character] = {}
        self._rngs: dict[int, np.random.Generator] = {}
        self._free: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._rngs)

    def add(self, character: Character, head: Head, seed: int) -> int:
        """A new performer at rest; returns its row. The same seed gives the same idle life."""
        row = self._free.pop() if self._free else self._size
        self._size = max(self._size, row + 1)
        rng = np.random.default_rng(seed)
        kind = self._kind(character, head)
        c = self._c
        c.clear(row)
        c["alive"][row], c["kind"][row] = True, kind
        c["posture"][row] = character.posture.neck_pitch, character.posture.head_pitch
        c["nod"][row] = 0.4 + 1.2 * character.idle.nod
        c["lively"][row] = 0.5 + 0.6 * character.idle.energy
        c["driver"][row] = IDLE_DRIVER
        scales = self._kinds[kind].scales
        c["components"][row] = len(scales)
        c["scales"][row, : len(scales)] = scales
        identity = character.identity if len(character.identity) else None
        joints = head.model.joint_regressor @ head.model.shaped(identity)
        self._placements.add(row, np.asarray(joints, np.float32))
        for layer in (self._speech, self._emotions, self._tracks, self._overrides):
            layer.add(row)
        self._characters[row] = character
        self._rngs[row] = rng
        return row

    def remove(self, row: int) -> None:
        """Forget a performer; its row may be given to another."""
        self._check(row)
        self._c["alive"][row] = False
        del self._rngs[row], self._characters[row]
        self._free.append(row)

    def components(self, row: int) -> tuple[str, ...]:
        """Names of the expression components of a row's frames: the head's, or the 52 controls where the
        character is a guest model that is fed controls."""
        self._check(row)
        return self._kinds[int(self._c["kind"][row])].names

    def scales(self, rows: ArrayLike) -> Float32:
        """Steps on the wire [N, E] of rows, padded with zeros to the longest."""
        index = np.atleast_1d(np.asarray(rows, np.int64))
        most = int(self._c["components"][index].max(initial=0))
        return self._c["scales"][index, :most]

    def set_speech(
        self, rows: ArrayLike, controls: Float32, voiced: ArrayLike, prosody: Prosody | None = None
    ) -> None:
        """What speech does at the next tick: controls [N, 52], voiced [N], prosody of the same rows."""
        index, c = np.asarray(rows, np.int64), self._c
        if not np.isfinite(controls).all():
            controls = np.nan_to_num(controls, nan=0.0, posinf=0.0, neginf=0.0)
        if prosody is not None:
            # Louder is wider. What seals the lips grows with the jaw, so that they stay sealed.
            controls = controls.copy()
            controls[:, _WIDE] *= (1.0 + _EFFORT * np.clip(prosody.effort, -1.0, 1.0))[:, None]
            c["cue"][index] |= prosody.blink
            self._speech.set_prosody(
                index, c["lively"][index, None] * prosody.controls, c["nod"][index, None] * prosody.head
            )
        self._speech.set(index, controls, np.asarray(voiced, np.bool_))

    def set_emotion(self, row: int, controls: Float32 | None) -> None:
        """An expression [52] to ease to and hold, under speech; None: none."""
        self._check(row)
        self._emotions.set(row, controls)

    def set_tracked(
        self,
        row: int,
        controls: Float32 | None,
        confidence: Float32 | None = None,
        head: Float32 | None = None,
        place: Float32 | None = None,
    ) -> None:
        """A person's own face: controls [52], confidence [6] by tracking.face.REGIONS (None: sure of all),
        head [3] axis-angle, rad, and place [3] of the head, m, relative to their neutral (x to their left, y
        up, z forward). None: the face is lost. Fades out by itself when nothing comes for 0.3 s. Raises
        InputError for numbers that are not finite."""
        self._check(row)
        self._tracks.set(row, controls, confidence, head, place)

    def set_override(self, row: int, controls: Float32 | None, expression: Float32 | None = None) -> None:
        """A manual layer on top: controls [52] with not-a-number where they are left alone, psi [E] to add.

        Raises InputError when the expression has more components than the head.
        """
        self._check(row)
        if expression is not None and len(expression) > self._c["components"][row]:
            raise InputError(
                f"The override has {len(expression)} expression components; the head of "
                f"{self._characters[row].name} has {self._c['components'][row]}."
            )
        self._overrides.set(row, controls, expression)

    def set_listener(self, row: int, position: Float32 | None) -> None:
        """Whom to look at: the point between their eyes [3], scene space, m; None: nobody."""
        self._check(row)
        if position is not None and not np.isfinite(position).all():
            raise InputError("The listener's position is not finite.")
        self._c["attended"][row] = position is not None
        if position is not None:
            self._c["listener"][row] = position

    def set_seat(self, row: int, rotation: Float32, position: Float32) -> None:
        """Where a performer is by themselves: axis-angle [3], rad, and the point between the eyes [3], m."""
        self._check(row)
        self._placements.seat(row, np.asarray(rotation, np.float32), np.asarray(position, np.float32))

    def set_pose(
        self,
        row: int,
        head_rotation: Float32 | None,
        head_translation: Float32 | None,
        hands: tuple[Hand, Hand] | None = None,
    ) -> None:
        """A person's head in the scene: axis-angle [3], rad, the point between the eyes [3], m, and their
        hands relative to that point. None: back to the seat."""
        self._check(row)
        for numbers in (head_rotation, head_translation):
            if numbers is not None and not np.isfinite(numbers).all():
                raise InputError("The pose of the head is not finite.")
        self._placements.pose(row, int(self._c["now"][row]), head_rotation, head_translation, hands)

    def eye_point(self, row: int) -> Float32:
        """The point between a performer's eyes [3], scene space, m: whom others look at."""
        self._check(row)
        return self._placements.eyes(slice(row, row + 1))[0].copy()

    def set_driver(self, row: int, driver: int) -> None:
        """Who drives the performer (likeness.v1.Driver)."""
        self._check(row)
        self._c["driver"][row] = driver

    def set_epoch(self, row: int, epoch: int) -> None:
        """Count of stops that rides in every frame."""
        self._check(row)
        self._c["epoch"][row] = epoch

    def set_ended(self, row: int, ended: bool = True) -> None:
        """Mark the frames from now on as the last of the performance."""
        self._check(row)
        self._c["ended"][row] = ended

    def step(self, rows: ArrayLike, samples: ArrayLike) -> Frames:
        """One tick of 1/60 s: a frame for each of `rows` [N] at its media sample [N]."""
        index = np.atleast_1d(np.asarray(rows, np.int64))
        now = np.broadcast_to(np.asarray(samples, np.int64), index.shape)
        if not len(index):
            return Frames.neutral(0, 0)
        if index.min() < 0 or index.max() >= self._size or not self._c["alive"][index].all():
            raise InputError("A row to step belongs to no performer.")
        at = row_selection(index)
        self._begin(index, now)
        rngs = [self._rngs[row] for row in index.tolist()]
        c = self._c

        self._tracks.take(c["now"])
        body, head, live = self._placements.step(at, now)
        spoken = self._speech.step(at)
        tracked, tracked_head, tracked_place, weight = self._tracks.step(at, now, spoken.controls)
        own = (1.0 - weight[:, HEAD]) * (1.0 - live)
        direction, distance, attended = self._listener(at, body, head, live)
        cue = c["cue"][at].copy()
        c["cue"][at] = False
        idle = self._idle.step(at, now, spoken.voiced, cue, direction, distance, attended, rngs)

        angles = self._head_angles(at, idle, spoken.head, own, live) + weight[:, HEAD, None] * tracked_head
        turn = quaternion.multiply(head, quaternion.turn(*angles.T))

        below = idle.controls + self._emotions.step(at) + spoken.extra
        below[:, _BLINK] = np.maximum(below[:, _BLINK], idle.blink)
        eyes = idle.look.goal - _direction(turn, angles, live)
        self._aim(at, below, eyes, idle.look.distance)
        face = blend(below, spoken, tracked, weight)
        controls, psi = self._overrides.step(at, keep_sealed(face))
        sway = idle.body[:, 3:] * ((1.0 - live) * (1.0 - 0.7 * weight[:, HEAD]))[:, None]
        # A worn headset says where the head is; a camera only how it leans from its neutral place.
        sway = sway + (weight[:, HEAD] * (1.0 - live))[:, None] * tracked_place
        return self._frames(at, now, controls, psi, body, head, turn, sway, spoken.voiced, weight, live)

    def _begin(self, index: NDArray[np.int64], now: NDArray[np.int64]) -> None:
        """Bring new performers to life at their first sample."""
        c = self._c
        fresh = ~c["begun"][index]
        if fresh.any():
            for i in np.nonzero(fresh)[0].tolist():
                row = int(index[i])
                self._idle.add(row, int(now[i]), self._characters[row].idle, self._rngs[row])
                c["begun"][row] = True
        c["now"][index] = now

    def _listener(
        self, at: Rows, body: Signal, head: Signal, live: Signal
    ) -> tuple[Signal, Signal, NDArray[np.bool_]]:
        """Direction [N, 2] of the listener in the body's frame, distance [N], whether they can be seen."""
        c = self._c
        attended = c["attended"][at]
        delta = c["listener"][at] - self._placements.eyes(at)
        local = quaternion.rotate(quaternion.inverse(body), delta)
        x, y, z = local.T
        level = np.sqrt(x * x + z * z)
        distance = np.sqrt(level * level + y * y)
        there = np.stack([-np.arctan2(y, np.maximum(level, 1e-6)), np.arctan2(x, z)], axis=1)
        ahead = _facing(head)
        # A person's own head is not ours to turn: who is out of their eyes' reach is not looked at.
        reach = np.where(live > 0.5, _EYE_REACH, _REACH).astype(np.float32)
        reachable = attended & (np.abs(there - ahead)[:, 1] < reach) & (distance > 0.05)
        rest = np.where((live > 0.5)[:, None], ahead, np.float32(0))
        direction = np.where(reachable[:, None], there, rest).astype(np.float32)
        return direction, np.where(reachable, distance, np.float32(2.0)), reachable

    def _head_angles(self, at: Rows, idle: IdleLife, nods: Signal, own: Signal, live: Signal) -> Signal:
        """Pitch, yaw, roll [N, 3] that the performer's own life gives the neck."""
        angles = own[:, None] * idle.body[:, :3]
        angles[:, :2] += own[:, None] * idle.look.head
        angles[:, 0] += self._c["posture"][at][:, 0] * (1.0 - live)
        # A tracked or worn head nods by itself; a trace of ours keeps the voice in it.
        return angles + (0.15 + 0.85 * own)[:, None] * nods

    def _aim(self, at: Rows, controls: Signal, eyes: Signal, distance: Signal) -> None:
        """Write the eyeLook controls that turn the eyes by [N, 2] (pitch, yaw), converging at `distance`."""
        turned = np.arctan2(_HALF_EYES, np.maximum(distance, 0.25))
        for kind, chosen in self._by_kind(at):
            limits = self._kinds[kind].eye_limits
            pitch, yaw = eyes[chosen].T
            for side, sign in ((0, -1.0), (1, 1.0)):
                # + is to the performer's left: out for the left eye, in for the right one.
                outward = -sign * (yaw + sign * turned[chosen])
                down, inward, out, up = limits[side]
                controls[chosen, _LOOK[side][0]] = pitch / down
                controls[chosen, _LOOK[side][1]] = -outward / inward
                controls[chosen, _LOOK[side][2]] = outward / out
                controls[chosen, _LOOK[side][3]] = -pitch / up
        controls[:, _LOOKS] = np.clip(controls[:, _LOOKS], 0.0, 1.0)

    def _frames(
        self,
        at: Rows,
        now: NDArray[np.int64],
        controls: Signal,
        psi: Signal | None,
        body: Signal,
        head: Signal,
        turn: Signal,
        sway: Signal,
        voiced: NDArray[np.bool_],
        weight: Signal,
        live: Signal,
    ) -> Frames:
        c = self._c
        count = len(now)
        components = c["components"][at].copy()
        expression = np.zeros((count, int(components.max())), np.float32)
        eyelids = np.zeros((count, 2), np.float32)
        jaw = np.zeros((count, 3), np.float32)
        eyes = np.zeros((count, 2, 3), np.float32)
        for kind, chosen in self._by_kind(at):
            rig = self._kinds[kind].rig
            if rig is None:  # a guest model: the controls are its components
                expression[chosen, :CONTROL_COUNT] = controls[chosen]
                continue
            face = rig.apply(controls[chosen].astype(np.float32, copy=False))
            expression[chosen, : rig.expression_count] = face.expression
            eyelids[chosen], jaw[chosen], eyes[chosen] = face.eyelids, face.jaw, face.eyes
        if psi is not None:
            expression += psi[:, : expression.shape[1]]
        bow = c["posture"][at][:, 1] * (1.0 - live)
        zero = np.zeros_like(bow)
        root = quaternion.multiply(body, quaternion.turn(bow, zero, zero))
        translation = self._placements.translation(at, root, head, sway)
        has_hands, hand_place, hand_turn, grip, pinch = self._placements.hands(at, translation)
        return Frames(
            sample=now.copy(),
            components=components,
            expression=expression,
            eyelids=eyelids,
            jaw=jaw,
            neck=quaternion.to_axis_angle(turn),
            eyes=eyes,
            head_rotation=quaternion.to_axis_angle(root),
            head_translation=translation.astype(np.float32),
            controls=controls.astype(np.float32, copy=False),
            voiced=voiced,
            tracked=(weight.max(1) > 0.5) | (live > 0.5),
            ended=c["ended"][at].copy(),
            epoch=c["epoch"][at].copy(),
            driver=c["driver"][at].copy(),
            has_hands=has_hands.copy(),
            hand_position=hand_place.astype(np.float32),
            hand_rotation=hand_turn.astype(np.float32),
            hand_grip=grip.astype(np.float32),
            hand_pinch=pinch.astype(np.float32),
        )

    def _by_kind(self, at: Rows) -> Sequence[tuple[int, Rows]]:
        """The kinds of head among the performers, and whose they are (positions in the selection)."""
        kinds = self._c["kind"][at]
        first = int(kinds[0])
        if len(self._kinds) == 1 or bool((kinds == first).all()):
            return [(first, slice(0, len(kinds)))]
        return [(kind, np.nonzero(kinds == kind)[0]) for kind in np.unique(kinds).tolist()]

    def _kind(self, character: Character, head: Head) -> int:
        guest = character.controls_only
        for number, known in enumerate(self._kinds):
            if known.head is head and known.guest == guest:
                return number
        self._kinds.append(_Kind.of(head, guest))
        return len(self._kinds) - 1

    def _check(self, row: int) -> None:
        if row not in self._rngs:
            raise InputError(f"Row {row} belongs to no performer.")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What performers with the same head share."""

    head: Head
    guest: bool
    rig: Rig | None
    names: tuple[str, ...]
    scales: Float32
    eye_limits: Float32
    """[2, 4] rad that eyeLook Down, In, Out and Up turn the left and the right eye."""

    @staticmethod
    def of(head: Head, guest: bool) -> "_Kind":
        limits = np.empty((2, 4), np.float32)
        for side in (0, 1):
            down, inward, out, up = (head.rig.eyes[side][:, k] for k in _LOOK[side])
            limits[side] = abs(down[0]), abs(inward[1]), abs(out[1]), abs(up[0])
        limits = np.where(limits > 0.02, limits, _EYE_DEFAULT)
        if guest:
            scales = np.full(CONTROL_COUNT, 1 / 32767, np.float32)
            return _Kind(head, True, None, CONTROLS, scales, limits)
        names = tuple(head.model.expression_names)
        return _Kind(head, False, head.rig, names, head.rig.scales, limits)


_BLINK: Final = [CONTROL_INDEX["eyeBlinkLeft"], CONTROL_INDEX["eyeBlinkRight"]]
_LOOK: Final = [
    [CONTROL_INDEX[f"eyeLook{way}{side}"] for way in ("Down", "In", "Out", "Up")]
    for side in ("Left", "Right")
]
_LOOKS: Final = _LOOK[0] + _LOOK[1]
_EYE_DEFAULT: Final = np.radians(np.array([22, 26, 26, 20], np.float32))
_WIDE: Final = [
    CONTROL_INDEX[name] for name in ("jawOpen", "mouthClose", "mouthLowerDownLeft", "mouthLowerDownRight")
]
_EFFORT: Final = 0.25
_HALF_EYES: Final = 0.0315
"""Half the distance between the eyes, m."""
_REACH: Final = np.radians(75.0)
"""Yaw up to which head and eyes together can look at somebody."""
_EYE_REACH: Final = np.radians(24.0)


def _facing(turn: Signal) -> Signal:
    """Direction [N, 2] (pitch, yaw) in which rotated faces point."""
    forward = quaternion.rotate(turn, np.broadcast_to(np.array([0, 0, 1], np.float32), (len(turn), 3)))
    x, y, z = forward.T
    level = np.sqrt(x * x + z * z)
    return np.stack([-np.arctan2(y, np.maximum(level, 1e-6)), np.arctan2(x, z)], axis=1).astype(np.float32)


def _direction(turn: Signal, angles: Signal, live: Signal) -> Signal:
    """Where the head points [N, 2]: its own angles, or the whole rotation where a person moves it."""
    if not live.any():
        return angles[:, :2]
    return np.where((live > 0)[:, None], _facing(turn), angles[:, :2])
