"""People enter, speak, are stopped, leave and return; what they see is sealed, what they did is logged."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import DeniedError, InputError, LimitError, NotFoundError, SealError
from likeness.performance.client_packets import ControlsIn, Ping, Pose, Stop, encode_client
from likeness.performance.packet import decode_frame, read_head
from likeness.provenance import SealChain, read_session, verify_ledger
from likeness.speech import EspeakVoice
from likeness.stage.room import Room
from likeness.stage.session import Session
from likeness.stage.stage import Stage
from likeness.v1 import room_pb2, stream_pb2
from likeness.v1.room_pb2 import AudioIn, ClientMessage, Consent, Listener, Microphone, Override
from tests.stage.conftest import BareVoice, Ear, enter, say, until

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def recording() -> np.ndarray:
    voice = EspeakVoice(processes=1)
    await voice.start()
    try:
        from likeness.head import VoiceSettings

        chunks = [c.pcm async for c in voice.speak("Bob may map my boat, papa.", VoiceSettings())]
        return np.concatenate(chunks)
    finally:
        await voice.aclose()


async def test_a_sentence_is_said_with_a_moving_sealed_mouth(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    header = welcome.headers[0]
    assert header.self
    assert header.tag.generated
    assert header.tag.portrays == "Albert Einstein"
    await session.handle(say("Mama may open a big box."))
    await until(lambda: "FINISHED" in ear.phases(1))
    assert ear.phases(1) == ["QUEUED", "STARTED", "FINISHED"]
    scales = np.array(header.scales, np.float32)
    frames = [decode_frame(f, scales)[0] for f in ear.frames()]
    jaws = np.array([d.frame.jaw[0] for d in frames])
    started = ear.of("speech")[1].speech.sample
    spoken = np.array([started < d.frame.sample < started + 48_000 for d in frames])
    assert jaws[spoken].max() > 0.05
    assert jaws[np.array([d.frame.sample < started - 6000 for d in frames])].max(initial=0) < 0.01
    sequences = ear.sequences(welcome.avatar)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    samples = [d.frame.sample for d in frames]
    assert set(np.diff(samples)) == {800}
    chain = SealChain(header.certificate, welcome.avatar, welcome.server_key)
    for frame in ear.frames():
        chain.frame(read_head(frame).sequence, frame)
    for message in ear.of("seal"):
        chain.seal(message.seal)
    assert chain.verified >= len(frames) - 12
    assert [m.mark.tag.driven_by for m in ear.of("mark")][:1] == ["text"]
    loud = ear.loud(welcome.avatar)
    assert loud[0].sample >= started - 960
    assert {p.sample % 960 for p in ear.voice} == {0}
    await stage.end(session, "done")


async def test_frames_come_before_the_voice_they_belong_to(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    await session.handle(say("Hello."))
    await until(lambda: len(ear.loud(welcome.avatar)) > 3)
    newest_frame = max(read_head(f).sample for f in ear.frames())
    assert newest_frame + 800 >= ear.voice[-1].sample + 960
    await stage.end(session, "done")


async def test_texts_wait_for_each_other_and_too_many_are_refused(stage: Stage) -> None:
    session, ear, _ = await enter(stage)
    for id in range(1, 7):
        await session.handle(say("One.", id))
    await until(lambda: "FINISHED" in ear.phases(3))
    assert any("FAILED" in ear.phases(id) for id in (5, 6))
    starts = [m.speech for m in ear.of("speech") if m.speech.phase == room_pb2.SpeechState.STARTED]
    ends = [m.speech for m in ear.of("speech") if m.speech.phase == room_pb2.SpeechState.FINISHED]
    assert starts[1].sample >= ends[0].sample
    await stage.end(session, "done")


async def test_stop_is_taken_once_and_history_holds_what_was_heard(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    await session.handle(say("This is a very long sentence that nobody is ever going to hear to its end.", 1))
    await session.handle(say("Nor this one.", 2))
    await until(lambda: len(ear.loud(welcome.avatar)) > 20)
    assert session.performer is not None
    heard = session.performer.heard
    for _ in range(5):
        session.handle_datagram(encode_client(Stop(0, 1)))
    await session.handle(ClientMessage(stop=room_pb2.Stop(epoch=1)))
    assert ear.phases(1)[-1] == ear.phases(2)[-1] == "STOPPED"
    await until(lambda: ear.voice[-1].sample > heard + 9600)
    after = [p for p in ear.voice if p.sample > heard]
    assert not any(p.pcm.any() for p in after)
    assert read_head(ear.frames()[-1]).epoch == 1
    assert session.speaker is not None
    (said,) = session.speaker.history
    assert not said.whole
    assert "This is a very long sentence that nobody".startswith(said.text[:20])
    assert len(said.text) < 60
    await session.handle(say("Again.", 3))
    await until(lambda: "FINISHED" in ear.phases(3))
    await stage.end(session, "done")


async def talk(session: Session, pcm: np.ndarray) -> None:
    """Speak a recording through a microphone, in real time."""
    await session.handle(ClientMessage(microphone=Microphone(open=True)))
    start = asyncio.get_running_loop().time()
    for k in range(len(pcm) // 960):
        data = pcm[k * 960 : (k + 1) * 960].tobytes()
        await session.handle(ClientMessage(audio=AudioIn(pcm16=data, sample=k * 960, sample_rate=48_000)))
        await asyncio.sleep(max(0, start + (k + 1) * 0.02 - asyncio.get_running_loop().time()))


def lip_sync_of(ear: Ear, welcome: room_pb2.Welcome) -> float:
    """How the jaw follows the loudness of the sound that carries the same samples: a correlation."""
    scales = np.array(welcome.headers[-1].scales, np.float32)
    frames = [decode_frame(f, scales)[0].frame for f in ear.frames() if read_head(f).avatar == welcome.avatar]
    assert {f.driver for f in frames[-5:]} == {stream_pb2.DRIVER_VOICE}
    loudness = {
        p.sample: float(np.abs(p.pcm.astype(np.float32)).mean())
        for p in ear.voice
        if p.avatar == welcome.avatar
    }
    pairs = [(f.jaw[0], loudness[f.sample // 960 * 960]) for f in frames if f.sample // 960 * 960 in loudness]
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


async def test_a_live_voice_moves_the_mouth_and_carries_the_same_sample(stage: Stage) -> None:
    session, ear, welcome = await enter(stage, character="curie")
    listener, other, _ = await enter(stage, character="", room=welcome.room)
    await talk(session, await recording())
    await until(lambda: sum(len(p.pcm) for p in other.loud(welcome.avatar)) > 20_000)
    assert not ear.loud(welcome.avatar), "one's own voice does not come back unless it is asked for"
    assert lip_sync_of(other, welcome) > 0.3
    await stage.end(listener, "done")
    await stage.end(session, "done")


async def test_where_few_of_many_speak_they_are_heard_before_the_tick_and_miss_no_frame(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.stage.stage.CROWD", 2)
    asked: list[str] = []
    post = stage.engine.post

    def noted(name: str, *args: object) -> None:
        asked.append(name)
        post(name, *args)

    monkeypatch.setattr(stage.engine, "post", noted)
    first, ear, welcome = await enter(stage)
    second, _, _ = await enter(stage, room=welcome.room)
    speaker, _, spoken = await enter(stage, character="curie", room=welcome.room)
    await talk(speaker, await recording())
    await until(lambda: sum(len(p.pcm) for p in ear.loud(spoken.avatar)) > 20_000)
    assert "hear" in asked
    assert lip_sync_of(ear, spoken) > 0.3
    for avatar in (welcome.avatar, spoken.avatar):
        sequences = ear.sequences(avatar)
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    voice = [p.sample for p in ear.voice if p.avatar == spoken.avatar]
    assert voice == list(range(voice[0], voice[0] + 960 * len(voice), 960))
    await stage.end(second, "done")  # no crowd any more: eager again, and nothing that was heard is lost
    before = len(ear.sequences(spoken.avatar))
    await until(lambda: len(ear.sequences(spoken.avatar)) > before + 30)
    sequences = ear.sequences(spoken.avatar)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    await stage.end(speaker, "done")
    await stage.end(first, "done")


async def test_a_voice_that_does_not_know_its_phones_is_listened_to(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "voice", BareVoice(stage.voice))
    session, ear, welcome = await enter(stage)
    await session.handle(say("Are all animals far apart?"))
    await until(lambda: "FINISHED" in ear.phases(1))
    scales = np.array(welcome.headers[0].scales, np.float32)
    frames = [decode_frame(f, scales)[0].frame for f in ear.frames()]
    started = ear.of("speech")[1].speech.sample
    jaw = np.array([f.jaw[0] for f in frames if f.sample >= started])
    assert jaw.max() > 0.05
    assert max(f.jaw[0] for f in frames if f.sample < started - 4800) < 0.01
    await stage.end(session, "done")


async def test_opus_is_made_only_for_those_who_want_it(stage: Stage) -> None:
    first, plain, welcome = await enter(stage)
    await first.handle(say("Hello."))
    await until(lambda: len(plain.loud(1)) > 2)
    assert not any(p.opus for p in plain.voice)
    second, opus, _ = await enter(stage, opus=True, room=welcome.room, character="")
    await first.handle(say("Hello again.", 2))
    await until(lambda: len(opus.loud(1)) > 2)
    assert all(p.opus for p in opus.voice)
    await stage.end(second, "done")
    await stage.end(first, "done")


async def test_everyone_in_a_room_sees_everyone_and_is_told_who_comes_and_goes(stage: Stage) -> None:
    first, first_ear, welcome = await enter(stage, character="einstein")
    second, second_ear, second_welcome = await enter(stage, character="curie", room=welcome.room)
    assert [h.self for h in second_welcome.headers] == [False, True]
    assert [m.header.character for m in first_ear.of("header")] == ["curie"]
    await until(lambda: first_ear.sequences(2) and second_ear.sequences(1))
    assert all(len(d) <= 1100 for d in first_ear.motion)
    await stage.end(second, "enough")
    assert first_ear.of("left")[0].left.avatar == second_welcome.avatar
    await stage.end(first, "done")
    assert welcome.room not in stage.rooms


async def test_a_lost_person_resumes_the_same_session_and_misses_nothing(stage: Stage, data: Path) -> None:
    session, ear, welcome = await enter(stage)
    session.detach(ear)
    other, _, _ = await enter(stage, character="curie", room=welcome.room)
    again, second = await stage.hello(room_pb2.Hello(resume=welcome.resume), "test")
    assert again is session
    assert second.resumed
    assert {h.character for h in second.headers} == {"einstein", "curie"}
    returned = Ear()
    again.attach(returned)
    await until(lambda: len(returned.frames()) > 5)
    await stage.end(other, "done")
    await stage.end(session, "done")
    kinds = [e.kind for e in read_session(data, session.id).entries]
    assert kinds == ["open", "lost", "resumed", "close"]


async def test_who_does_not_return_is_closed_and_the_token_dies(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    session.detach(ear)
    await until(lambda: session.id not in stage.sessions)
    with pytest.raises(DeniedError, match="over"):
        await stage.hello(room_pb2.Hello(resume=welcome.resume), "test")


async def test_who_says_hello_and_never_comes_is_closed_too(stage: Stage) -> None:
    session, _ = await stage.hello(room_pb2.Hello(character="plain"), "test")
    await until(lambda: session.id not in stage.sessions)
    assert session.closed


async def test_a_second_connection_replaces_the_first(stage: Stage) -> None:
    session, ear, _ = await enter(stage)
    newer = Ear()
    session.attach(newer)
    assert "replaced" in ear.closed
    session.detach(ear)  # the old connection notices late: that must not end the new one
    assert session.outlet is newer
    await stage.end(session, "done")


async def test_a_client_that_pinged_and_fell_silent_is_lost(stage: Stage) -> None:
    session, ear, _ = await enter(stage)
    session.handle_datagram(encode_client(Ping(7, 1.5)))
    assert ear.motion[-1][0] == 0x0A
    await until(lambda: ear.closed)
    assert "no sign of life" in ear.closed
    await stage.end(session, "done")


@pytest.mark.parametrize(
    ("hello", "error", "words"),
    [
        ({"character": "napoleon"}, NotFoundError, "einstein"),
        ({"scene": "moon"}, InputError, "study"),
        ({"room": "No Spaces!"}, InputError, "room name"),
        ({"resume": "guess"}, DeniedError, "over"),
    ],
)
async def test_a_hello_that_cannot_be_is_refused_in_words(
    stage: Stage, hello: dict[str, str], error: type[Exception], words: str
) -> None:
    before = len(stage.sessions)
    with pytest.raises(error, match=words):
        await enter(stage, **hello)
    assert len(stage.sessions) == before


async def test_a_full_room_and_a_full_server_say_so(stage: Stage) -> None:
    sessions = [(await enter(stage, character="", room="crowd"))[0] for _ in range(4)]
    with pytest.raises(LimitError, match="4 seats"):
        await enter(stage, room="crowd")
    sessions += [(await enter(stage, character=""))[0] for _ in range(12 - len(stage.sessions))]
    with pytest.raises(LimitError, match="12 sessions"):
        await enter(stage)
    await asyncio.gather(*(stage.end(s, "done") for s in sessions))
    assert not stage.sessions


@pytest.mark.parametrize(
    "message",
    [
        ClientMessage(),
        say(""),
        say("\x00\x01"),
        say("a" * 1_000_000),
        ClientMessage(audio=AudioIn(pcm16=b"123", sample_rate=48_000)),
        ClientMessage(audio=AudioIn(pcm16=b"12", sample_rate=1)),
        ClientMessage(audio=AudioIn(pcm16=b"12", sample_rate=95_999)),
        ClientMessage(listener=Listener(x=float("nan"))),
        ClientMessage(override=Override(controls={"nose": 1.0})),
        ClientMessage(override=Override(expression=[0.0] * 101)),
        ClientMessage(stop=room_pb2.Stop(avatar=77)),
        ClientMessage(hello=room_pb2.Hello()),
    ],
)
async def test_a_wrong_message_is_answered_and_ends_nothing(stage: Stage, message: ClientMessage) -> None:
    session, ear, _ = await enter(stage)
    await session.handle(message)
    notice = ear.of("notice")[0].notice
    assert notice.text
    assert not notice.fatal
    before = len(ear.frames())
    await until(lambda: len(ear.frames()) > before)
    await stage.end(session, "done")


async def test_an_observer_moves_nobody(stage: Stage) -> None:
    session, ear, welcome = await enter(stage, character="")
    assert welcome.avatar == 0
    for message in (say("Hello."), ClientMessage(microphone=Microphone(open=True))):
        await session.handle(message)
    assert {m.notice.code for m in ear.of("notice")} == {"bad_input"}
    await stage.end(session, "done")


async def test_random_bytes_disturb_nobody(stage: Stage) -> None:
    victim, ear, welcome = await enter(stage)
    session, _, _ = await enter(stage, character="curie", room=welcome.room)
    rng = np.random.default_rng(11)
    kinds = [0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A]
    for k in range(40_000):
        data = rng.bytes(int(rng.integers(0, 120)))
        session.handle_datagram(bytes([kinds[k % 8]]) + data if k % 2 else data)
        if k % 100 == 0:
            await asyncio.sleep(0.005)
    assert session.rejected > 10_000
    before = len(ear.frames())
    await until(lambda: len(ear.frames()) > before + 30)
    await victim.handle(say("Still here.", 9))
    await until(lambda: "FINISHED" in ear.phases(9))
    await stage.end(session, "done")
    await stage.end(victim, "done")


async def test_a_tracked_face_and_a_manual_layer_show(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    scales = np.array(welcome.headers[0].scales, np.float32)
    controls = np.zeros(52, np.float32)
    controls[17] = 1.0
    zero = np.zeros(3, np.float32)
    await session.handle(ClientMessage(consent=Consent(face_capture=True)))
    for k in range(30):
        session.handle_datagram(encode_client(ControlsIn(k, controls, zero, zero[:2])))
        await asyncio.sleep(0.02)
        await until(lambda: not stage.engine.pending)
    newest = decode_frame(ear.frames()[-1], scales)[0].frame
    assert newest.jaw[0] > 0.1
    assert newest.driver == stream_pb2.DRIVER_TRACKING
    await session.handle(ClientMessage(override=Override(controls={"jawOpen": 0.0, "eyeBlinkLeft": 1.0})))
    await until(lambda: decode_frame(ear.frames()[-1], scales)[0].frame.eyelids[0] > 0.8)
    place, turn = np.array([0.2, 1.5, 0.1], np.float32), np.array([0, 0, 0, 1], np.float32)
    session.handle_datagram(encode_client(Pose(1, place, turn)))
    await until(lambda: abs(decode_frame(ear.frames()[-1], scales)[0].frame.head_translation[0] - 0.2) < 0.15)
    await stage.end(session, "done")


async def test_the_log_tells_the_session_and_holds_no_text(stage: Stage, data: Path) -> None:
    session, ear, _ = await enter(stage)
    await session.handle(say("Nobody needs to know this."))
    await until(lambda: "FINISHED" in ear.phases(1))
    await session.handle(ClientMessage(bye=room_pb2.Bye(reason="home")))
    history = read_session(data, session.id)
    kinds = [entry.kind for entry in history.entries]
    assert kinds[0] == "open"
    assert kinds[-1] == "close"
    assert {"said", "driver"} <= set(kinds)
    assert all(history.proven)
    assert history.summary.state == "closed"
    assert "Nobody needs" not in "\n".join(history.lines())
    assert verify_ledger(data / "ledger.sqlite").ok


@pytest.mark.parametrize("part", ["seal", "log"])
async def test_when_sealing_or_logging_fails_that_stream_stops_and_the_others_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    other, other_ear, welcome = await enter(stage)
    session, ear, mine = await enter(stage, character="curie", room=welcome.room)
    await until(ear.frames)

    def seal(sequence: int, packet: bytes) -> None:
        raise OSError("no space left")

    async def log(kind: str, data: object) -> None:
        raise SealError("no space left")

    if part == "seal":
        monkeypatch.setattr(session.record, "add", seal)
    else:
        monkeypatch.setattr(session.record._entry, "event", log)  # pyright: ignore[reportPrivateUsage]
        await session.handle(say("This cannot be logged."))
    await until(lambda: ear.closed)
    assert ear.of("notice")[-1].notice.fatal
    count = len(other_ear.sequences(mine.avatar))
    before = len(other_ear.sequences(welcome.avatar))
    await until(lambda: len(other_ear.sequences(welcome.avatar)) > before + 10)
    assert len(other_ear.sequences(mine.avatar)) == count
    assert session.id not in stage.sessions
    await stage.end(other, "done")


async def lose_the_engine(stage: Stage) -> None:
    """Kill the engine's process, and wait for the next one."""
    process = stage.engine.process_id
    assert process is not None
    os.kill(process, signal.SIGKILL)
    await until(lambda: stage.engine.process_id not in (None, process) and stage.ready, 60)


async def test_an_engine_that_dies_is_replaced_and_the_room_lives(stage: Stage) -> None:
    session, ear, welcome = await enter(stage)
    await until(lambda: len(ear.frames()) > 5)
    await lose_the_engine(stage)
    before = len(ear.frames())
    await until(lambda: len(ear.frames()) > before + 30)
    await session.handle(say("I am back.", 5))
    await until(lambda: "FINISHED" in ear.phases(5))
    sequences = ear.sequences(welcome.avatar)
    assert sequences == sorted(set(sequences))
    await stage.end(session, "done")


async def test_an_engine_that_dies_with_voices_that_were_heard_early_is_replaced_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.stage.stage.CROWD", 2)
    sessions = [await enter(stage)]
    room = sessions[0][2].room
    sessions += [await enter(stage, room=room), await enter(stage, character="curie", room=room)]
    ear, (speaker, _, spoken) = sessions[0][1], sessions[2]
    speaking = asyncio.create_task(talk(speaker, await recording()))
    await until(lambda: ear.loud(spoken.avatar))
    await lose_the_engine(stage)
    before = len(ear.sequences(spoken.avatar))
    await until(lambda: len(ear.sequences(spoken.avatar)) > before + 30)
    await speaking
    sequences = ear.sequences(spoken.avatar)
    assert sequences == sorted(set(sequences))
    for session, _, _ in sessions:
        await stage.end(session, "done")


async def test_rooms_give_ids_that_are_free() -> None:
    assert [Room("a", "study", "kq4mt7", True).next_avatar() for _ in range(2)] == [1, 1]
