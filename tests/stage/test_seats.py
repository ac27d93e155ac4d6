"""People in one room do not sit in each other's laps."""

import itertools

import numpy as np

from likeness.stage.room import Room, seat_place


def test_the_first_seat_is_the_middle() -> None:
    rotation, position = seat_place(0)
    assert not rotation.any()
    assert not position.any()


def test_neighbours_are_an_arm_apart_and_face_the_visitor() -> None:
    seats = [seat_place(k) for k in range(7)]
    for (_, a), (_, b) in itertools.combinations(seats, 2):
        assert np.linalg.norm(a - b) > 0.6
    visitor = np.array([0, 0, 1.6])
    for rotation, position in seats:
        facing = np.array([np.sin(rotation[1]), 0, np.cos(rotation[1])])
        towards = (visitor - position) / np.linalg.norm(visitor - position)
        assert facing @ towards > 0.999


def test_an_empty_room_gives_the_middle_seat() -> None:
    assert Room("abc", "study").free_seat() == 0
