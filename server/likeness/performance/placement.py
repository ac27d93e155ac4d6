"""Placement: where a performer's head is in the scene, seated or following a person's head.

A person's head turns and tilts on their neck while the shoulders stay behind: of a rotation the neck joint
takes what the body does not, and the body follows with its yaw only. Positions mean the point between the
eyes, as a headset reports it; the translation of the root follows from it.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, Hand
from likeness.performance import quaternion
from likeness.performance.columns import Columns, Rows
from likeness.performance.quaternion import Signal

_DT: Final = 1.0 / FRAME_RATE
_LIVE: Final = SAMPLE_RATE
"""A pose older than this is no longer the person's: the avatar stays, idle life takes the head over."""
_SMOOTH: Final = 1.0 - math.exp(-_DT / 0.012)
_RETURN: Final = 1.0 - math.exp(-_DT / 0.35)
_BODY: Final = 1.0 - math.exp(-_DT / 0.45)
_REST: Final = 1e-6
_IDENTITY: Final = np.array([0, 0, 0, 1], np.float32)
_TWIST: Final = math.radians(55)
"""Yaw between head and body beyond which the body is dragged along."""


class Placements:
    """Where the heads of many performers are."""

    def __init__(self) -> None:
        self._c = Columns(
            eyes=((3,), np.float32),  # rest positions of the eyes' middle, the neck and the root joint
            neck=((3,), np.float32),
            root=((3,), np.float32),
            seat_turn=((4,), np.float32),
            seat=((3,), np.float32),
            goal_turn=((4,), np.float32),
            goal=((3,), np.float32),
            turn=((4,), np.float32),
            place=((3,), np.float32),
            yaw=((), np.float32),
            live=((), np.float32),
            upright=((), np.float32),
            posed=((), np.bool_),
            still=((), np.bool_),  # back in the seat, and everything has come to rest
            until=((), np.int64),
            has_hands=((), np.bool_),
            hand_place=((2, 3), np.float32),
            hand_turn=((2, 4), np.float32),
            grip=((2,), np.float32),
            pinch=((2,), np.float32),
        )

    def add(self, row: int, joints: Signal) -> None:
        """A performer at the scene's origin; joints [5, 3]: rest positions of the head's joints."""
        c = self._c
        c.clear(row)
        c["eyes"][row] = joints[3:5].mean(0)
        c["neck"][row], c["root"][row] = joints[1], joints[0]
        for name in ("seat_turn", "goal_turn", "turn"):
            c[name][row, 3] = 1.0
        for name in ("seat", "goal", "place"):
            c[name][row] = c["eyes"][row]

    def seat(self, row: int, rotation: Signal, position: Signal) -> None:
        """Where the performer is without a person's head: axis-angle [3], position [3] of the eyes, m."""
        c = self._c
        c["seat_turn"][row] = quaternion.from_axis_angle(rotation)
        c["seat"][row] = position
        c["still"][row] = False
        if not c["posed"][row]:
            c["turn"][row], c["place"][row] = c["seat_turn"][row], c["seat"][row]
            c["yaw"][row] = _yaw(c["seat_turn"][row][None])[0]

    def pose(
        self,
        row: int,
        now: int,
        rotation: Signal | None,
        position: Signal | None,
        hands: tuple[Hand, Hand] | None,
    ) -> None:
        """A person's head and hands (relative to their head), or None: back to the seat."""
        c = self._c
        if rotation is None or position is None:
            c["posed"][row] = False
            c["has_hands"][row] = False
            return
        turn = quaternion.from_axis_angle(rotation)
        if not c["posed"][row] or now > c["until"][row]:
            # The first pose of a person is where they are: no gliding through the room.
            c["turn"][row], c["place"][row] = turn, position
            c["yaw"][row] = _yaw(turn[None])[0]
            c["upright"][row] = 1.0
        c["goal_turn"][row], c["goal"][row] = turn, position
        c["posed"][row], c["until"][row] = True, now + _LIVE
        c["still"][row] = False
        c["has_hands"][row] = hands is not None
        for side, hand in enumerate(hands or ()):
            c["hand_place"][row, side], c["hand_turn"][row, side] = hand.position, hand.rotation
            c["grip"][row, side], c["pinch"][row, side] = hand.grip, hand.pinch

    def eyes(self, rows: Rows) -> Signal:
        """The point between the eyes [N, 3], scene space, as of the last step."""
        return self._c["place"][rows]

    def step(self, rows: Rows, now: NDArray[np.int64]) -> tuple[Signal, Signal, Signal]:
        """The body's rotation [N, 4], the head's on it [N, 4], and how far a person moves it [N], 0..1."""
        c = self._c
        turn, place = c["turn"][rows], c["place"][rows]
        if c["still"][rows].all():  # nearly everybody, nearly always
            return turn.copy(), np.broadcast_to(_IDENTITY, turn.shape), np.zeros(len(turn), np.float32)
        posed = c["posed"][rows]
        live = posed & (now <= c["until"][rows])
        weight = np.clip(c["live"][rows] + np.where(live, 4.0, -2.0) * _DT, 0.0, 1.0).astype(np.float32)
        c["live"][rows] = weight
        gain = np.where(posed, _SMOOTH, _RETURN).astype(np.float32)[:, None]
        goal_turn = np.where(posed[:, None], c["goal_turn"][rows], c["seat_turn"][rows])
        goal = np.where(posed[:, None], c["goal"][rows], c["seat"][rows])
        same = np.where((turn * goal_turn).sum(1, keepdims=True) < 0, -goal_turn, goal_turn)
        turn = quaternion.normalised(turn + gain * (same - turn))
        place = place + gain * (goal - place)
        c["turn"][rows], c["place"][rows] = turn, place

        yaw = c["yaw"][rows]
        behind = _wrapped(_yaw(turn) - yaw)
        step = np.clip(_BODY * behind, behind - _TWIST, behind + _TWIST)
        yaw = _wrapped(yaw + step)
        c["yaw"][rows] = yaw
        # A person's head tilts on the neck; a seat may be tilted as a whole.
        upright = np.clip(c["upright"][rows] + np.where(posed, 8.0, -2.0) * _DT, 0.0, 1.0)
        c["upright"][rows] = upright
        zero = np.zeros_like(yaw)
        straight = quaternion.turn(zero, yaw, zero)
        straight = np.where((straight * turn).sum(1, keepdims=True) < 0, -straight, straight)
        body = quaternion.normalised(turn + upright.astype(np.float32)[:, None] * (straight - turn))
        seated = ~posed & (weight == 0) & (upright == 0)
        if seated.any():
            near = (np.abs(turn - same) < _REST).all(1) & (np.abs(place - goal) < _REST).all(1)
            c["still"][rows] = seated & near
        return body, quaternion.multiply(quaternion.inverse(body), turn), weight

    def translation(self, rows: Rows, body: Signal, head: Signal, sway: Signal) -> Signal:
        """The root's translation [N, 3] that brings the eyes to their place, moved by `sway` [N, 3] in the
        body's frame. `body`, `head` [N, 4] as `step` gave them: what the idle neck does beyond that moves the
        eyes, as it should."""
        c = self._c
        pivot, root = c["neck"][rows], c["root"][rows]
        on_neck = quaternion.rotate(head, c["eyes"][rows] - pivot) + pivot - root
        wish = c["place"][rows] + quaternion.rotate(body, sway)
        return wish - root - quaternion.rotate(body, on_neck)

    def hands(
        self, rows: Rows, translation: Signal
    ) -> tuple[NDArray[np.bool_], Signal, Signal, Signal, Signal]:
        """Whether there are hands [N], their positions [N, 2, 3] relative to `translation` [N, 3], rotations
        [N, 2, 4], grip and pinch [N, 2]."""
        c = self._c
        position = c["hand_place"][rows] + (c["place"][rows] - translation)[:, None]
        return c["has_hands"][rows], position, c["hand_turn"][rows], c["grip"][rows], c["pinch"][rows]


def _yaw(turn: Signal) -> Signal:
    """Heading of the face's direction [N]."""
    x, y, z, w = turn.T
    return np.arctan2(2.0 * (x * z + w * y), 1.0 - 2.0 * (x * x + y * y)).astype(np.float32)


def _wrapped(angle: Signal) -> Signal:
    return ((angle + math.pi) % (2 * math.pi) - math.pi).astype(np.float32)
