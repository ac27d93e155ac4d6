"""A stranger's datagram drives nobody; a bound source drives exactly one session."""

import asyncio
import socket

import numpy as np
import pytest

from likeness.errors import LimitError, MachineError, NotFoundError
from likeness.head.controls import CONTROL_INDEX
from likeness.tracking.face import TrackedFace
from likeness.tracking.inputs import FORGET_SECONDS, MAX_SOURCES, PORTS, Inputs
from tests.tracking.test_inputs import live_link_packet, open_see_packet, osc


class Room:
    def __init__(self) -> None:
        self.now = 100.0
        self.faces: list[tuple[str, TrackedFace | None]] = []
        self.inputs = Inputs(lambda session, face: self.faces.append((session, face)), lambda: self.now)

    def phone(self, frame: int, *, jaw: float = 0.5, host: str = "127.0.0.1", port: int = 5000) -> None:
        values = np.zeros(61, np.float32)
        values[CONTROL_INDEX["jawOpen"]] = jaw
        self.inputs.take("live-link-face", live_link_packet(values, frame=frame), host, port)
        self.now += 1 / 60


@pytest.fixture
def room() -> Room:
    return Room()


def test_an_unbound_source_drives_nobody_but_is_listed(room: Room) -> None:
    room.phone(1)
    assert room.faces == []
    assert [s.kind for s in room.inputs.sources()] == ["live-link-face"]


def test_a_bound_source_drives_its_session(room: Room) -> None:
    room.phone(1)
    room.inputs.bind("live-link-face@127.0.0.1:5000", "s1")
    room.phone(2, jaw=0.7)
    ((session, face),) = room.faces
    assert session == "s1"
    assert face is not None
    assert face.controls[CONTROL_INDEX["jawOpen"]] == pytest.approx(0.7)


def test_a_source_cannot_be_taken_over(room: Room) -> None:
    room.phone(1)
    room.inputs.bind("live-link-face@127.0.0.1:5000", "s1")
    with pytest.raises(LimitError, match="drives session s1"):
        room.inputs.bind("live-link-face@127.0.0.1:5000", "s2")
    with pytest.raises(NotFoundError, match="heard so far"):
        room.inputs.bind("live-link-face@127.0.0.1:1", "s2")


def test_addresses_outside_the_allow_list_are_only_counted(room: Room) -> None:
    room.phone(1, host="10.0.0.9")
    assert room.inputs.sources() == []
    assert room.inputs.strangers == 1


def test_replayed_and_reordered_packets_are_refused(room: Room) -> None:
    for frame in (1, 2, 2, 1, 3):
        room.phone(frame)
    (source,) = room.inputs.sources()
    assert (source.received, source.refused) == (3, 2)


def test_a_restarted_phone_is_heard_again(room: Room) -> None:
    room.phone(5000)
    room.phone(1)
    (source,) = room.inputs.sources()
    assert source.received == 2


def test_malformed_packets_keep_the_source_and_say_why(room: Room) -> None:
    room.phone(1)
    room.inputs.take("live-link-face", b"x" * 400, "127.0.0.1", 5000)
    (source,) = room.inputs.sources()
    assert source.refused == 1
    assert "Live Link Face" in source.last_problem


def test_a_silent_source_lets_go_of_the_face_once(room: Room) -> None:
    room.phone(1)
    room.inputs.bind("live-link-face@127.0.0.1:5000", "s1")
    room.phone(2)
    room.now += 2
    room.inputs.tick()
    room.inputs.tick()
    assert [face is None for _, face in room.faces] == [False, True]


def test_a_flood_is_limited_and_sources_are_bounded(room: Room) -> None:
    values = np.zeros(61, np.float32)
    for n in range(2000):
        room.inputs.take("live-link-face", live_link_packet(values, frame=n), "127.0.0.1", 5000)
    (source,) = room.inputs.sources()
    assert source.received <= 240
    for port in range(1, 500):
        room.phone(1, port=port)
    assert len(room.inputs.sources()) <= MAX_SOURCES


def test_forgotten_sources_make_room(room: Room) -> None:
    room.phone(1)
    room.now += FORGET_SECONDS + 1
    assert room.inputs.sources() == []


async def test_real_sockets_of_every_kind() -> None:
    faces: list[str] = []
    inputs = Inputs(lambda session, face: faces.append(session), asyncio.get_running_loop().time)
    ports = await inputs.listen(ports=dict.fromkeys(PORTS, 0))
    try:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        packets = {
            "live-link-face": live_link_packet(np.zeros(61, np.float32)),
            "vrcft": osc({"JawOpen": 0.3}),
            "open-see-face": open_see_packet(),
            "ifacialmocap": b"jawOpen&30|=head#0,0,0,0,0,0|",
        }
        for kind, data in packets.items():
            sender.sendto(data, ("127.0.0.1", ports[kind]))
        for _ in range(2000):
            await asyncio.sleep(0.01)
            if len(inputs.sources()) == len(packets):
                break
        assert {s.kind for s in inputs.sources()} == set(packets)
        assert all(s.received == 1 for s in inputs.sources())
        with pytest.raises(MachineError, match="cannot be opened"):
            await inputs.listen(ports=ports)
    finally:
        inputs.close()
        sender.close()
