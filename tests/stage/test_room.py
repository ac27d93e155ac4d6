"""A room seats its people, has a code, and does what its moderator orders; nobody else's orders count."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from google.protobuf.json_format import Parse

from likeness.errors import DeniedError, LimitError, NotFoundError
from likeness.performance.client_packets import ControlsIn, Stop, encode_client
from likeness.performance.packet import decode_frame, read_head
from likeness.provenance import SealChain, read_session
from likeness.stage.grant import Grant, issue_token, read_token
from likeness.stage.outlet import ControlText
from likeness.stage.rate_limit import PeerLimits
from likeness.stage.room_code import DIGITS, LETTERS, as_code, new_room_code
from likeness.stage.seat import VIEWER, every, place_of
from likeness.stage.session import Session
from likeness.stage.stage import GUESSES, Stage
from likeness.v1 import room_pb2
from likeness.v1.room_pb2 import ClientMessage, Consent, Emotion, Microphone, Moderate, RoomState
from tests.stage.conftest import Ear, enter, say, until

pytestmark = pytest.mark.asyncio(loop_scope="package")
SECRET = "a-secret-of-more-than-32-bytes-0123456789"


def order(act: "Moderate.Act", avatar: int = 0, reason: str = "", session: str = "") -> ClientMessage:
    return ClientMessage(moderate=Moderate(act=act, avatar=avatar, reason=reason, session=session))


def newest(ear: Ear) -> RoomState:
    return ear.of("state")[-1].state


def codes(ear: Ear) -> list[str]:
    return [m.notice.code for m in ear.of("notice")]


def go_away(stage: Stage, session: Session, ear: Ear) -> None:
    """Lose the connection, and be waited for however slow the machine is."""
    session.detach(ear)
    session.lost_at = stage.now() + 3600


async def settle(stage: Stage, *ears: Ear) -> None:
    """Wait until the engine has taken what was ordered and made some frames since."""
    await until(lambda: not stage.engine.pending)
    counts = [len(ear.frames()) for ear in ears]
    await until(lambda: all(len(e.frames()) > c + 40 for e, c in zip(ears, counts, strict=True)))


@pytest_asyncio.fixture(loop_scope="package")
async def pair(stage: Stage) -> AsyncIterator[tuple[Session, Ear, Session, Ear]]:
    """A host with Einstein and a guest with Curie, in one room."""
    host, host_ear, welcome = await enter(stage, name="Ms Weber")
    guest, guest_ear, _ = await enter(stage, room=welcome.room, character="curie", name="Ada")
    yield host, host_ear, guest, guest_ear
    for session in (guest, host):
        await stage.end(session, "done")


async def test_whoever_joins_is_told_who_is_here_and_so_are_the_others(
    stage: Stage, pair: tuple[Session, Ear, Session, Ear]
) -> None:
    host, host_ear, guest, guest_ear = pair
    first = guest_ear.messages[0]
    assert first.WhichOneof("body") == "state", "the state comes first, before anything changes"
    await until(lambda: len(newest(host_ear).people) == 2)
    state = newest(host_ear)
    assert (state.room, state.code) == (host.room.id, host.room.code)
    assert [(p.name, p.role, p.moderator) for p in state.people] == [
        ("Ms Weber", "host", True),
        ("Ada", "guest", False),
    ]
    assert [p.self for p in state.people] == [True, False]
    assert [p.self for p in newest(guest_ear).people] == [False, True]
    go_away(stage, guest, guest_ear)
    await until(lambda: newest(host_ear).people[1].away)
    guest.attach(guest_ear)
    await until(lambda: not newest(host_ear).people[1].away)


async def test_a_state_reads_the_same_written_by_hand_or_by_the_library() -> None:
    people = [
        room_pb2.Person(avatar=1, session="S", name='A "B"', role="host", moderator=True),
        room_pb2.Person(session="T", role="observer", muted=True, frozen=True, away=True),
    ]
    message = room_pb2.ServerMessage(state=RoomState(room="r", code="kq4mt7", people=people, floor=3))
    assert Parse(ControlText()(message), room_pb2.ServerMessage()) == message


async def test_a_code_is_spoken_friendly_and_finds_its_room(stage: Stage) -> None:
    host, _, welcome = await enter(stage)
    code = host.room.code
    assert len(code) == 6
    assert set(code) <= set(LETTERS + DIGITS)
    typed = f" {code[:3].upper()}-{code[3:]} "
    guest, _, joined = await enter(stage, room=typed, character="curie")
    assert joined.room == welcome.room
    assert as_code(welcome.room) == "", "an id is never taken for a code"
    await stage.end(guest, "done")
    await stage.end(host, "done")


async def test_codes_cannot_be_tried_one_after_another(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is saved up while a slow machine thinks.
    monkeypatch.setattr(stage, "_guesses", PeerLimits(0.0, GUESSES[1], stage.now))
    host, _, _ = await enter(stage)
    taken = {host.room.code}
    hello = room_pb2.Hello(character="curie")
    refused = 0
    for _ in range(30):
        hello.room = new_room_code(taken)
        with pytest.raises((NotFoundError, LimitError)) as caught:
            await stage.hello(hello, "ipv4:10.9.8.7:1")
        refused += isinstance(caught.value, LimitError)
    assert refused == 20
    hello.room = host.room.code
    with pytest.raises(LimitError, match="codes"):
        await stage.hello(hello, "ipv4:10.9.8.7:2")
    other, _ = await stage.hello(hello, "ipv4:10.9.8.6:1")
    assert other.room is host.room, "another address is not held back"
    await stage.end(other, "done")
    await stage.end(host, "done")


async def test_seats_keep_people_apart_and_let_them_see_each_other() -> None:
    seats = [place_of(k) for k in range(33)]
    assert (seats[0].x, seats[0].z, seats[0].yaw) == (0, 0, 0)
    assert min(a.distance(b) for a, b in itertools.combinations([*seats, VIEWER], 2)) > 0.6
    for seat in seats:
        facing = np.array([np.sin(seat.yaw), np.cos(seat.yaw)])
        inward = np.array([0.0, 1.5]) - [seat.x, seat.z]
        assert facing @ inward / np.linalg.norm(inward) > 0.999
    # Nobody of the first two rings is hidden from the viewer, nor from who sits in the middle.
    for eye in (VIEWER, seats[0]):
        others = [s for s in seats[:25] if s is not eye]
        angles = sorted(np.arctan2(s.x - eye.x, s.z - eye.z) for s in others)
        assert min(np.diff(angles)) > np.radians(0.9)


async def test_the_far_are_sent_less_often_but_nobody_in_a_class_below_30_a_second() -> None:
    seats = [place_of(k) for k in range(30)]
    assert all(every(a.distance(b)) <= 2 for a, b in itertools.combinations([*seats, VIEWER], 2))
    assert all(every(a.distance(b)) == 1 for a, b in itertools.combinations(seats[:9], 2))
    assert every(11.0) == 3


async def test_a_seat_is_given_for_the_stay_and_told_to_all_alike(stage: Stage) -> None:
    first, ear, welcome = await enter(stage)
    second, _, _ = await enter(stage, room=welcome.room, character="curie")
    third, _, third_welcome = await enter(stage, room=welcome.room, character="plain")
    seats = {h.avatar: (h.seat.x, h.seat.z, h.seat.yaw) for h in third_welcome.headers}
    assert len(set(seats.values())) == 3
    told = ear.of("header")[0].header
    assert (told.seat.x, told.seat.z, told.seat.yaw) == seats[told.avatar]
    await stage.end(second, "done")
    fourth, _, fourth_welcome = await enter(stage, room=welcome.room, character="curie")
    again = {h.avatar: (h.seat.x, h.seat.z, h.seat.yaw) for h in fourth_welcome.headers}
    assert again[first.avatar] == seats[first.avatar]
    assert again[third.avatar] == seats[third.avatar]
    assert again[fourth.avatar] == seats[second.avatar], "the free seat is given again"
    for session in (first, third, fourth):
        await stage.end(session, "done")


async def test_mute_stops_a_voice_and_refuses_the_next_until_it_is_lifted(
    stage: Stage, pair: tuple[Session, Ear, Session, Ear], data: Path
) -> None:
    host, host_ear, guest, guest_ear = pair
    await guest.handle(ClientMessage(microphone=Microphone(open=True)))
    await guest.handle(say("This is a long sentence that will not be heard to its end by anybody at all.", 1))
    await until(lambda: host_ear.loud(guest.avatar))
    await host.handle(order(Moderate.MUTE, guest.avatar, "It is Ms Curie's turn."))
    assert guest_ear.phases(1)[-1] == "STOPPED"
    (told,) = guest_ear.of("notice")
    assert told.notice.code == "muted"
    assert "Ms Weber muted you" in told.notice.text
    assert "It is Ms Curie's turn." in told.notice.text
    await guest.handle(say("May I?", 2))
    assert guest_ear.phases(2) == ["FAILED"]
    assert codes(guest_ear)[-1] == "silenced"
    await until(lambda: newest(host_ear).people[1].muted)
    assert guest.performer is not None
    performer = guest.performer
    await until(lambda: performer.microphone is None)
    await host.handle(order(Moderate.UNMUTE, guest.avatar))
    assert performer.microphone is not None, "a microphone that was open is open again"
    await guest.handle(say("Thank you.", 3))
    await until(lambda: "FINISHED" in guest_ear.phases(3))
    entries = read_session(data, guest.id).entries
    orders = [e.data for e in entries if e.kind == "moderated"]
    assert [o["act"] for o in orders] == ["muted", "unmuted"]
    assert orders[0]["by"] == host.id
    assert str(orders[0]["reason"]).startswith("sha256:"), "the log holds nobody's words"


async def test_frozen_means_at_rest_but_alive(stage: Stage, pair: tuple[Session, Ear, Session, Ear]) -> None:
    host, host_ear, guest, guest_ear = pair
    header = stage.header(guest, None)
    scales = np.array(header.scales, np.float32)

    def jaw() -> list[float]:
        mine = [f for f in guest_ear.frames() if read_head(f).avatar == guest.avatar]
        return [float(decode_frame(f, scales)[0].frame.jaw[0]) for f in mine[-30:]]

    controls = np.zeros(52, np.float32)
    controls[17] = 1.0
    zero = np.zeros(3, np.float32)
    face = itertools.count()

    async def move() -> None:
        guest.handle_datagram(encode_client(ControlsIn(next(face), controls, zero, zero[:2])))
        await asyncio.sleep(0.02)

    await guest.handle(ClientMessage(consent=Consent(face_capture=True)))
    for _ in range(500):
        await move()
        if max(jaw(), default=0.0) > 0.1:
            break
    assert max(jaw()) > 0.1
    await host.handle(order(Moderate.FREEZE, guest.avatar))
    assert codes(guest_ear)[-1] == "frozen"
    for _ in range(500):
        await move()
        if max(jaw()) < 0.02:
            break
    assert max(jaw()) < 0.02, "what the person does moves nothing"
    frames = [f for f in guest_ear.frames() if read_head(f).avatar == guest.avatar]
    await settle(stage, guest_ear)
    later = [f for f in guest_ear.frames() if read_head(f).avatar == guest.avatar][len(frames) :]
    necks = np.array([decode_frame(f, scales)[0].frame.neck for f in later])
    assert np.ptp(necks, axis=0).max() > 0, "idle life goes on"
    await guest.handle(say("Hello?", 7))
    assert guest_ear.phases(7) == ["FAILED"]
    await host.handle(order(Moderate.UNFREEZE, guest.avatar))
    for _ in range(500):
        await move()
        if max(jaw()) > 0.1:
            break
    assert max(jaw()) > 0.1
    await until(lambda: not newest(host_ear).people[1].frozen)


async def test_the_floor_belongs_to_one_and_opens_when_they_leave(stage: Stage) -> None:
    host, _, welcome = await enter(stage, name="Ms Weber")
    guest, guest_ear, _ = await enter(stage, room=welcome.room, character="curie", name="Ada")
    other, other_ear, _ = await enter(stage, room=welcome.room, character="plain", name="Bo")
    await host.handle(order(Moderate.GIVE_FLOOR, guest.avatar))
    assert "Ms Weber gave you the floor" in guest_ear.of("notice")[-1].notice.text
    assert "Ms Weber gave Ada the floor" in other_ear.of("notice")[-1].notice.text
    await other.handle(say("Me too!", 1))
    assert other_ear.phases(1) == ["FAILED"]
    assert "Ada has the floor" in other_ear.of("notice")[-1].notice.text
    await guest.handle(say("Now.", 1))
    await host.handle(say("Go on.", 1))
    await until(lambda: "FINISHED" in guest_ear.phases(1))
    await until(lambda: newest(other_ear).floor == guest.avatar)
    await stage.end(guest, "home")
    await until(lambda: newest(other_ear).floor == 0)
    await other.handle(say("At last.", 2))
    await until(lambda: "FINISHED" in other_ear.phases(2))
    for session in (other, host):
        await stage.end(session, "done")


async def test_an_order_to_nobody_is_for_everybody_but_moderators(stage: Stage) -> None:
    host, _, welcome = await enter(stage)
    guests = [await enter(stage, room=welcome.room, character=c) for c in ("curie", "")]
    await host.handle(order(Moderate.MUTE))
    assert [s.muted for s, _, _ in guests] == [True, True]
    assert not host.muted
    await host.handle(order(Moderate.UNMUTE))
    assert not any(s.muted for s, _, _ in guests)
    await host.handle(order(Moderate.REMOVE, session=guests[1][0].id))
    assert guests[1][0].closed, "an observer has no avatar and is named by session"
    await stage.end(guests[0][0], "done")
    await stage.end(host, "done")


async def test_orders_that_come_at_once_are_all_read_also_by_one_who_is_told_of_mistakes(
    pair: tuple[Session, Ear, Session, Ear],
) -> None:
    host, _, guest, guest_ear = pair
    for _ in range(40):
        await guest.handle(ClientMessage())
    mistakes = len(codes(guest_ear))
    assert 0 < mistakes < 40, "the same mistake is not answered every time"
    for _ in range(3):
        for act in (Moderate.MUTE, Moderate.UNMUTE, Moderate.FREEZE, Moderate.UNFREEZE, Moderate.GIVE_FLOOR):
            await host.handle(order(act, guest.avatar))
        await host.handle(order(Moderate.OPEN_FLOOR))
    assert codes(guest_ear)[mistakes:] == ["muted", "unmuted", "frozen", "unfrozen", "floor", "floor"] * 3


async def test_a_flood_of_orders_does_not_flood_those_whom_it_concerns(
    pair: tuple[Session, Ear, Session, Ear],
) -> None:
    host, _, _, guest_ear = pair
    for _ in range(300):
        await host.handle(order(Moderate.OPEN_FLOOR))
    assert 20 < len(codes(guest_ear)) < 250


async def test_who_is_removed_reads_why_and_cannot_resume(
    stage: Stage, pair: tuple[Session, Ear, Session, Ear], data: Path
) -> None:
    host, host_ear, guest, guest_ear = pair
    token = guest.resume_token
    await host.handle(order(Moderate.REMOVE, guest.avatar, "Come back tomorrow."))
    notice = guest_ear.of("notice")[-1].notice
    assert (notice.code, notice.fatal) == ("removed", True)
    assert "Come back tomorrow." in notice.text
    assert guest_ear.closed
    assert host_ear.of("left")[-1].left.avatar
    with pytest.raises(DeniedError, match="over"):
        await stage.hello(room_pb2.Hello(resume=token), "test")
    kinds = [e.kind for e in read_session(data, guest.id).entries]
    assert kinds[-2:] == ["moderated", "close"]


async def test_a_room_that_is_ended_ends_for_all_with_a_reason(stage: Stage) -> None:
    host, host_ear, welcome = await enter(stage, name="Ms Weber")
    guest, guest_ear, _ = await enter(stage, room=welcome.room, character="curie")
    await host.handle(order(Moderate.END_ROOM, reason="The bell has rung."))
    assert "moderator" not in codes(guest_ear)
    for ear in (host_ear, guest_ear):
        notice = ear.of("notice")[-1].notice
        assert (notice.code, notice.fatal) == ("room_ended", True)
        assert "The bell has rung." in notice.text
    assert host.closed
    assert guest.closed
    assert welcome.room not in stage.rooms


@pytest.mark.parametrize("act", [a for a in Moderate.Act.values() if a])
async def test_a_guest_orders_nothing(
    stage: Stage, pair: tuple[Session, Ear, Session, Ear], act: "Moderate.Act"
) -> None:
    host, host_ear, guest, guest_ear = pair
    await guest.handle(order(act, host.avatar))
    assert codes(guest_ear)[-1] == "denied"
    assert "Ms Weber may" in guest_ear.of("notice")[-1].notice.text
    guest.handle_datagram(encode_client(Stop(host.avatar, 1)))
    assert host.performer is not None
    assert host.performer.epoch == 0
    assert not any((host.closed, host.muted, host.frozen, host.room.floor))
    assert not host_ear.of("notice")


@pytest.mark.parametrize(
    "message",
    [
        order(Moderate.ACT_UNSPECIFIED),
        order(Moderate.MUTE, 77),
        order(Moderate.REMOVE),
        order(Moderate.REMOVE, 1),
    ],
)
async def test_an_order_that_cannot_be_is_refused_in_words(
    stage: Stage, pair: tuple[Session, Ear, Session, Ear], message: ClientMessage
) -> None:
    host, host_ear, guest, _ = pair
    await host.handle(message)
    assert codes(host_ear) == ["bad_input"]
    assert not host.closed
    assert not guest.closed


async def test_when_the_host_leaves_the_room_lives_and_the_next_one_moderates(stage: Stage) -> None:
    host, _, welcome = await enter(stage)
    second, second_ear, _ = await enter(stage, room=welcome.room, character="curie")
    third, third_ear, _ = await enter(stage, room=welcome.room, character="plain")
    go_away(stage, second, second_ear)
    await stage.end(host, "home")
    assert codes(third_ear) == ["moderator"], "who is away cannot moderate"
    await third.handle(order(Moderate.MUTE, second.avatar))
    assert second.muted
    for session in (second, third):
        await stage.end(session, "done")


async def test_with_tokens_the_teacher_moderates_and_nobody_inherits(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "config", _with_secret(stage))
    teacher = issue_token(SECRET, "teacher", room="b2", name="Ms Weber")
    student = issue_token(SECRET, "student", room="b2", name="Ada")
    first, first_ear, _ = await enter(stage, token=student, character="curie")
    assert not first.room.moderates(first), "having made the room makes no teacher"
    host, host_ear, _ = await enter(stage, token=teacher)
    await until(lambda: len(newest(host_ear).people) == 2)
    assert [(p.role, p.moderator) for p in newest(host_ear).people] == [("student", False), ("teacher", True)]
    await host.handle(order(Moderate.MUTE, first.avatar))
    await stage.end(host, "home")
    assert first.muted
    await first.handle(order(Moderate.UNMUTE, first.avatar))
    assert codes(first_ear)[-1] == "denied"
    host, _, _ = await enter(stage, token=teacher)
    await host.handle(order(Moderate.REMOVE, first.avatar))
    with pytest.raises(DeniedError, match="removed"):
        await enter(stage, token=student)
    again, _, _ = await enter(stage, token=issue_token(SECRET, "student", room="b2", name="Ada"))
    await stage.end(again, "done")
    await stage.end(host, "done")


def _with_secret(stage: Stage) -> object:
    import dataclasses

    return dataclasses.replace(stage.config, token_secret=SECRET)


async def test_two_teachers_give_each_other_no_orders(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "config", _with_secret(stage))
    one, ear, _ = await enter(stage, token=issue_token(SECRET, "teacher", room="b3"))
    two, _, _ = await enter(stage, token=issue_token(SECRET, "teacher", room="b3"), character="curie")
    await one.handle(order(Moderate.REMOVE, two.avatar))
    assert codes(ear) == ["denied"]
    assert not two.closed
    await stage.end(one, "done")
    await stage.end(two, "done")


async def test_a_token_without_a_name_is_for_many_and_bans_nobody() -> None:
    assert read_token(issue_token(SECRET, "student"), SECRET).id == ""
    assert read_token(issue_token(SECRET, "student", name="Ada"), SECRET).id
    assert Grant("x", frozenset()).id == ""


async def test_an_emotion_lasts_under_speech_and_ends_with_weight_0(stage: Stage) -> None:
    session, ear, welcome = await enter(stage, character="plain")
    header = welcome.headers[0]
    scales = np.array(header.scales, np.float32)

    def effort() -> float:
        return float(np.abs(decode_frame(ear.frames()[-1], scales)[0].frame.expression).sum())

    await settle(stage, ear)
    calm = effort()
    await session.handle(ClientMessage(emotion=Emotion(name="joy", weight=1.0)))
    await until(lambda: effort() > calm + 0.5)
    await session.handle(ClientMessage(emotion=Emotion(name="glee", weight=1.0)))
    assert "joy" in ear.of("notice")[-1].notice.text, "a wrong name is answered with the right ones"
    await session.handle(ClientMessage(emotion=Emotion(name="joy", weight=float("nan"))))
    assert codes(ear)[-1] == "bad_input"
    await session.handle(ClientMessage(emotion=Emotion(weight=0)))
    await until(lambda: effort() < calm + 0.3)
    await stage.end(session, "done")


async def test_batched_seals_prove_every_frame_also_of_those_sent_less_often(stage: Stage) -> None:
    session, ear, welcome = await enter(stage, batch_seals=True)
    other, _, _ = await enter(stage, room=welcome.room, character="curie")
    fan_out = session.room._fan_out  # pyright: ignore[reportPrivateUsage]
    fan_out._rates[session.id] = {other.avatar: 3}  # pyright: ignore[reportPrivateUsage]
    ear.motion.clear()
    await until(lambda: len(ear.sequences(other.avatar)) > 40, 60)
    sequences = ear.sequences(other.avatar)
    assert set(np.diff(sequences)) == {3}
    assert set(np.diff(ear.sequences(session.avatar))) == {1}
    await settle(stage, ear)
    assert not ear.of("seal"), "who takes batches gets no single ones"
    batches = ear.of("seals")
    for who in (session, other):
        header = stage.header(who, None)
        chain = SealChain(header.certificate, header.avatar, welcome.server_key)
        frames = [f for f in ear.frames() if read_head(f).avatar == who.avatar]
        for frame in frames:
            chain.frame(read_head(frame).sequence, frame)
        for batch in batches:
            for seal in batch.seals.seals:
                if seal.avatar == who.avatar:
                    chain.seal(seal)
        assert chain.missing == 0
        assert chain.verified >= len(frames) - 24, "all but the newest, whose seal is under way"
    await stage.end(other, "done")
    await stage.end(session, "done")


async def test_the_code_that_a_person_types_is_understood() -> None:
    assert as_code("KQ4-MT7") == as_code(" kq4 mt7 ") == "kq4mt7"
    for other in ("", "history-7b", "kq4mt", "kqamtc", "404040", "kq4mt7x", "bd4mt7"):
        assert as_code(other) == ""
    assert all(as_code(new_room_code(())) for _ in range(100))
    assert json.dumps(as_code("é" * 6)) == '""'


async def test_two_hundred_who_come_at_once_disturb_nobody_who_is_here(stage: Stage) -> None:
    host, ear, welcome = await enter(stage)
    await until(lambda: len(ear.frames()) > 5)
    hello = room_pb2.Hello(room=welcome.room, character="curie")
    answers = await asyncio.gather(*(stage.hello(hello, "test") for _ in range(200)), return_exceptions=True)
    let_in = [a[0] for a in answers if isinstance(a, tuple)]
    refused = [a for a in answers if isinstance(a, LimitError)]
    assert len(let_in) == 3, "the room has four seats"
    assert len(refused) == 197
    assert all("full" in str(e) for e in refused)
    before = len(ear.sequences(host.avatar))
    await until(lambda: len(ear.sequences(host.avatar)) > before + 30)
    assert set(np.diff(ear.sequences(host.avatar))) == {1}
    assert not ear.of("notice")
    assert len({s.seat for s in [host, *let_in]}) == 4
    for session in (*let_in, host):
        await stage.end(session, "done")


async def test_what_comes_twice_or_late_or_too_large_moves_nothing(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    scales = np.array(welcome.headers[0].scales, np.float32)
    await session.handle(ClientMessage(consent=Consent(face_capture=True)))
    zero = np.zeros(3, np.float32)

    def face(sequence: int, jaw: float) -> bytes:
        controls = np.zeros(52, np.float32)
        controls[17] = jaw
        return encode_client(ControlsIn(sequence, controls, zero, zero[:2]))

    for k in range(400):
        session.handle_datagram(face(100 + k, 0.0))
        session.handle_datagram(face(50, 1.0))  # overtaken: older than what was taken
        await asyncio.sleep(0.005)
    await settle(stage, ear)
    jaws = [abs(decode_frame(f, scales)[0].frame.jaw[0]) for f in ear.frames()]
    assert max(jaws) < 0.02
    before = session.rejected
    session.handle_datagram(face(1000, 1.0) + b"x" * 100_000)
    session.handle_datagram(face(1001, 1.0) + b"x")
    assert session.rejected == before + 2
    await stage.end(session, "done")


async def test_of_two_tabs_with_the_same_token_the_newer_one_wins(stage: Stage) -> None:
    session, first, welcome = await enter(stage)
    hello = room_pb2.Hello(resume=welcome.resume)
    again, second_welcome = await stage.hello(hello, "test")
    second = Ear()
    again.attach(second)
    assert again is session
    assert second_welcome.avatar == welcome.avatar
    assert "replaced" in first.closed
    await until(lambda: len(second.frames()) > 5)
    count = len(first.frames())
    await until(lambda: len(second.frames()) > 30)
    assert len(first.frames()) == count
    assert len(session.room.sessions) == 1
    await stage.end(session, "done")


async def test_an_order_that_went_into_a_dead_connection_is_read_on_returning(stage: Stage) -> None:
    host, _, welcome = await enter(stage)
    guest, dead, _ = await enter(stage, room=welcome.room, character="curie")
    await host.handle(ClientMessage(moderate=Moderate(act=Moderate.MUTE, avatar=guest.avatar)))
    assert [m.notice.code for m in dead.of("notice")] == ["muted"]
    # The page gave up its first connection before anything passed, came back, and had to do so again.
    codes: list[list[str]] = []
    for _ in range(2):
        again, _ = await stage.hello(room_pb2.Hello(resume=guest.resume_token), "test")
        ear = Ear()
        again.attach(ear)
        codes.append([m.notice.code for m in ear.of("notice")])
        again.detach(ear)
    assert codes == [["muted"], ["muted"]]
    for session in (guest, host):
        await stage.end(session, "done")
