"""Another process's view: Animate, Join and the rest over a real gRPC port."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from likeness.performance.packet import decode_frame, split_frames
from likeness.provenance import SealChain, read_session
from likeness.stage.config import LimitConfig, ServerConfig, StageConfig
from likeness.stage.grant import issue_token
from likeness.transport.server import Server
from likeness.v1 import likeness_pb2, likeness_pb2_grpc, room_pb2
from likeness.v1.likeness_pb2 import AnimateRequest, AnimateResponse, AnimateStart
from likeness.v1.room_pb2 import Bye, ClientMessage, Hello, Say, ServerMessage, SpeechState
from tests.stage.conftest import BareVoice

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVICE = "/likeness.v1.Likeness/"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    config = ServerConfig(
        port=0,
        grpc_port=0,
        data=tmp_path_factory.mktemp("data"),
        stage=StageConfig(slow_seconds=4.0, resume_seconds=10.0),
        limits=LimitConfig(hellos_per_second=1000, animations=2),
    )
    server = Server(config)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel(house: Server) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{house.grpc_port}") as channel:
        yield channel


async def animate(channel: grpc.aio.Channel, *requests: AnimateRequest) -> list[AnimateResponse]:
    async def given() -> AsyncIterator[AnimateRequest]:
        for request in requests:
            yield request

    stub: Any = likeness_pb2_grpc.LikenessStub(channel)
    return [response async for response in stub.Animate(given())]


def start(**fields: Any) -> AnimateRequest:
    return AnimateRequest(start=AnimateStart(**fields))


async def spoken(channel: grpc.aio.Channel, text: str) -> np.ndarray:
    responses = await animate(channel, start(text=text, return_voice=True))
    return np.frombuffer(b"".join(r.voice.data for r in responses), "<i2")


def checked(responses: list[AnimateResponse]) -> list[Any]:
    """The frames of a performance, after checking its form, its tag and its seals."""
    bodies = [r.WhichOneof("body") for r in responses]
    assert bodies[0] == "header"
    assert bodies[-1] == "end"
    header, end = responses[0].header, responses[-1].end
    assert header.tag.generated
    assert header.session == header.tag.session == end.session
    chain = SealChain(header.certificate, header.avatar, header.certificate.server_key)
    scales, frames = np.array(header.scales, np.float32), []
    for response in responses:
        for packet in split_frames(response.packets.frames) if response.HasField("packets") else ():
            frames.append(decode_frame(packet, scales)[0])
            chain.frame(frames[-1].sequence, packet)
        if response.HasField("seal"):
            chain.seal(response.seal)
    assert chain.verified == len(frames) == end.frames
    assert [f.frame.sample for f in frames] == [800 * k for k in range(len(frames))]
    assert [f.end for f in frames] == [False] * (len(frames) - 1) + [True]
    return frames


async def test_a_text_becomes_sealed_frames_and_voice(channel: grpc.aio.Channel, house: Server) -> None:
    responses = await animate(
        channel, start(character="curie", text="My papa may buy a boat.", return_voice=True)
    )
    frames = checked(responses)
    end = responses[-1].end
    voice = np.frombuffer(b"".join(r.voice.data for r in responses), "<i2")
    assert len(voice) == end.samples > 48_000
    jaw = np.array([f.frame.jaw[0] for f in frames])
    assert jaw.max() > 0.05
    assert jaw[-1] < 0.01, "the mouth has come to rest"
    history = read_session(house.config.data, end.session)
    assert [e.kind for e in history.entries] == ["open", "said", "close"]
    assert history.summary.character == "curie"


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
async def test_a_recording_moves_the_face_at_any_rate(channel: grpc.aio.Channel, rate: int) -> None:
    voice = await spoken(channel, "Are all animals far apart?")
    sound = np.interp(np.arange(len(voice) * rate // 48_000) * 48_000 / rate, np.arange(len(voice)), voice)
    data = sound.astype("<i2").tobytes()
    pieces = [AnimateRequest(pcm16=data[k : k + 4000]) for k in range(0, len(data), 4000)]
    responses = await animate(channel, start(sample_rate=rate, controls=True), *pieces)
    frames = checked(responses)
    assert abs(responses[-1].end.samples - len(voice)) <= 48_000 // rate + 1
    controls = np.concatenate([np.array(r.packets.controls) for r in responses if r.HasField("packets")])
    assert controls.reshape(-1, 52).shape[0] == len(frames)
    loud = np.array([np.abs(voice[f.frame.sample :][:800].astype(float)).sum() for f in frames])
    jaw = controls.reshape(-1, 52)[:, 17]
    assert jaw[loud > loud.max() / 4].mean() > 2 * jaw[loud < loud.max() / 50].mean()


async def test_a_voice_without_phones_is_listened_to(
    channel: grpc.aio.Channel, house: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.stage, "voice", BareVoice(house.stage.voice))
    frames = checked(await animate(channel, start(text="Are all animals far apart?")))
    assert max(f.frame.jaw[0] for f in frames) > 0.05


async def test_a_peer_that_vanishes_is_noticed(house: Server, tmp_path: Path) -> None:
    source = (Path(__file__).parents[2] / "examples" / "join.py").read_text()
    script = tmp_path / "join.py"
    script.write_text(source.replace("localhost:50051", f"127.0.0.1:{house.grpc_port}"))
    before = set(house.stage.sessions)
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, "One two three four five six seven eight nine ten. " * 20,
        cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            await asyncio.sleep(0.05)
            fresh = set(house.stage.sessions) - before
            if fresh:
                break
        session = house.stage.sessions[fresh.pop()]
        await asyncio.sleep(1.0)
        process.send_signal(signal.SIGSTOP)
        for _ in range(600):
            if session.lost_at is not None:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("a stopped client was not noticed")
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("length", [2, 1000, 9_000])
async def test_a_very_short_recording_is_a_performance_too(channel: grpc.aio.Channel, length: int) -> None:
    frames = checked(
        await animate(channel, start(sample_rate=48_000), AnimateRequest(pcm16=bytes(2 * length)))
    )
    assert len(frames) >= 1


@pytest.mark.parametrize(
    ("requests", "status", "words"),
    [
        ([], grpc.StatusCode.INVALID_ARGUMENT, "start"),
        ([AnimateRequest(pcm16=b"ab")], grpc.StatusCode.INVALID_ARGUMENT, "start"),
        ([AnimateRequest()], grpc.StatusCode.INVALID_ARGUMENT, "start"),
        ([start(text="x", character="napoleon")], grpc.StatusCode.NOT_FOUND, "einstein"),
        ([start(text=" \x00 ")], grpc.StatusCode.INVALID_ARGUMENT, "spoken"),
        ([start(text="a" * 900_000)], grpc.StatusCode.RESOURCE_EXHAUSTED, "4,000"),
        ([start(sample_rate=500)], grpc.StatusCode.INVALID_ARGUMENT, "500"),
        ([start(sample_rate=95_999)], grpc.StatusCode.INVALID_ARGUMENT, "95999"),
        ([start(sample_rate=16_000)], grpc.StatusCode.INVALID_ARGUMENT, "no audio"),
        (
            [start(sample_rate=16_000), AnimateRequest(pcm16=b"abc")],
            grpc.StatusCode.INVALID_ARGUMENT,
            "3 bytes",
        ),
        ([start(sample_rate=16_000), start(text="x")], grpc.StatusCode.INVALID_ARGUMENT, "pcm16"),
        ([AnimateRequest(pcm16=bytes(2_000_000))], grpc.StatusCode.RESOURCE_EXHAUSTED, "larger"),
    ],
)
async def test_a_wrong_call_is_refused_with_a_status_and_a_reason(
    channel: grpc.aio.Channel, requests: list[AnimateRequest], status: grpc.StatusCode, words: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await animate(channel, *requests)
    assert caught.value.code() == status
    assert words in (caught.value.details() or "")


async def test_too_many_calls_at_once_are_refused_and_a_cancelled_one_frees_its_place(
    channel: grpc.aio.Channel, house: Server
) -> None:
    stub: Any = likeness_pb2_grpc.LikenessStub(channel)
    open_calls = [stub.Animate() for _ in range(2)]
    for call in open_calls:
        await call.write(start(sample_rate=16_000))
        assert (await call.read()).HasField("header")
    with pytest.raises(grpc.aio.AioRpcError, match="2 Animate calls"):
        await animate(channel, start(text="Hello."))
    for call in open_calls:
        call.cancel()
    for _ in range(200):
        try:
            checked(await animate(channel, start(text="Hello.")))
            return
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.05)
    raise AssertionError("the places were not freed")


async def join(channel: grpc.aio.Channel, **hello: Any) -> Any:
    call = channel.stream_stream(
        SERVICE + "Join",
        request_serializer=ClientMessage.SerializeToString,
        response_deserializer=ServerMessage.FromString,
    )()
    await call.write(ClientMessage(hello=Hello(**{"character": "einstein", **hello})))
    return call


async def read_until(call: Any, wanted: Any, most: int = 5000) -> list[ServerMessage]:
    seen: list[ServerMessage] = []
    for _ in range(most):
        message = await asyncio.wait_for(call.read(), 60)
        assert isinstance(message, ServerMessage), "the call ended"
        seen.append(message)
        if wanted(message):
            return seen
    raise AssertionError("it never came")


def finished(message: ServerMessage) -> bool:
    return message.speech.phase == SpeechState.FINISHED


async def test_a_person_joins_says_something_and_leaves(channel: grpc.aio.Channel) -> None:
    call = await join(channel, want_voice=True)
    assert (await call.read()).welcome.avatar == 1
    await call.write(ClientMessage(say=Say(text="Hello everybody.", id=4)))
    seen = await read_until(call, finished)
    kinds = {m.WhichOneof("body") for m in seen}
    assert {"motion", "voice", "seal", "speech", "mark"} <= kinds
    voiced = [m.voice for m in seen if m.HasField("voice")]
    assert all(len(v.data) == 1920 for v in voiced)
    assert [v.sample for v in voiced] == [voiced[0].sample + 960 * k for k in range(len(voiced))]
    await call.write(ClientMessage(bye=Bye(reason="home")))
    await read_until(call, lambda m: m.notice.fatal and m.notice.text == "home")
    assert await call.read() is grpc.aio.EOF  # pyright: ignore[reportAttributeAccessIssue]


async def test_who_asks_for_bundles_gets_motion_voice_and_seals_in_them(
    channel: grpc.aio.Channel,
) -> None:
    call = await join(channel, character="einstein", want_voice=True, bundles=True)
    await call.write(ClientMessage(say=Say(text="Good morning.", id=1)))
    messages = await read_until(call, finished)
    await call.write(ClientMessage(bye=Bye(reason="done")))
    bundles = [message.bundle for message in messages if message.HasField("bundle")]
    assert sum(len(split_frames(bundle.motion)) for bundle in bundles if bundle.motion) > 20
    assert sum(len(bundle.voices) for bundle in bundles) > 10
    assert sum(len(bundle.seals) for bundle in bundles) > 2


async def test_a_cut_connection_resumes_as_the_same_session(house: Server) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{house.grpc_port}") as first:
        call = await join(first)
        welcome = (await call.read()).welcome
    async with grpc.aio.insecure_channel(f"127.0.0.1:{house.grpc_port}") as second:
        call = await join(second, resume=welcome.resume)
        again = (await call.read()).welcome
        assert again.resumed
        assert (again.session, again.avatar, again.room) == (welcome.session, welcome.avatar, welcome.room)
        await read_until(call, lambda m: m.HasField("motion"))
        await call.write(ClientMessage(bye=Bye()))
        await read_until(call, lambda m: m.notice.fatal)


async def test_who_does_not_say_hello_is_told_so(channel: grpc.aio.Channel) -> None:
    call = channel.stream_stream(
        SERVICE + "Join",
        request_serializer=ClientMessage.SerializeToString,
        response_deserializer=ServerMessage.FromString,
    )()
    await call.write(ClientMessage(say=Say(text="x")))
    with pytest.raises(grpc.aio.AioRpcError, match="hello"):
        await call.read()


async def test_a_reader_that_never_reads_is_cut_and_delays_nobody(house: Server) -> None:
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{house.grpc_port}") as lazy_channel,
        grpc.aio.insecure_channel(f"127.0.0.1:{house.grpc_port}") as channel,
    ):
        good = await join(channel)
        room = (await good.read()).welcome.room
        crowd = [await join(channel, room=room, character="curie") for _ in range(6)]
        lazy = await join(lazy_channel, room=room, character="", want_voice=True)
        got: list[ServerMessage] = []
        readers = [asyncio.create_task(_drain(call)) for call in crowd]
        readers.append(asyncio.create_task(_drain(good, got)))
        seen = house.stage.metrics.slow_readers
        async with asyncio.timeout(120):
            while not seen._value.get():  # pyright: ignore[reportPrivateUsage]
                for call in crowd:
                    await call.write(
                        ClientMessage(say=Say(text="This fills the buffers of whoever does not read."))
                    )
                await asyncio.sleep(0.5)
            before = len(got)
            while len(got) < before + 20:
                await asyncio.sleep(0.05)
            with pytest.raises(grpc.aio.AioRpcError, match="too slowly"):
                await _drain(lazy)
        for call in (good, lazy, *crowd):
            call.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _drain(call: Any, got: list[ServerMessage] | None = None) -> None:
    """Read whatever comes, and keep it where there is a list."""
    while isinstance(message := await call.read(), ServerMessage):
        if got is not None:
            got.append(message)


async def test_random_bytes_are_refused_in_words_and_nothing_breaks(channel: grpc.aio.Channel) -> None:
    rng = np.random.default_rng(5)
    plain: dict[str, Any] = {"request_serializer": bytes, "response_deserializer": bytes}
    for k in range(60):
        method = channel.stream_stream(SERVICE + ("Join", "Animate")[k % 2], **plain)
        call = method()
        await call.write(rng.bytes(int(rng.integers(1, 400))))
        assert await call.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
    checked(await animate(channel, start(text="Still here.")))


async def test_random_bytes_within_a_session_do_not_end_it(channel: grpc.aio.Channel) -> None:
    rng = np.random.default_rng(6)
    call = channel.stream_stream(
        SERVICE + "Join", request_serializer=bytes, response_deserializer=ServerMessage.FromString
    )()
    await call.write(ClientMessage(hello=Hello(character="plain")).SerializeToString())
    await call.read()
    for _ in range(2000):
        await call.write(rng.bytes(int(rng.integers(0, 200))))
    await call.write(ClientMessage(ping=room_pb2.Ping(nonce=77)).SerializeToString())
    await asyncio.sleep(2.5)  # the rate limit refills
    await call.write(ClientMessage(ping=room_pb2.Ping(nonce=78)).SerializeToString())
    seen = await read_until(call, lambda m: m.pong.nonce == 78)
    assert any(m.HasField("notice") for m in seen)
    call.cancel()


async def test_the_cast_reflection_and_health_answer(channel: grpc.aio.Channel) -> None:
    stub: Any = likeness_pb2_grpc.LikenessStub(channel)
    cast = await stub.ListCharacters(likeness_pb2.ListCharactersRequest())
    assert {"einstein", "curie", "plain"} <= {c.id for c in cast.characters}
    assert all(c.rights and c.avatar_url for c in cast.characters)
    health: Any = health_pb2_grpc.HealthStub(channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service="likeness.v1.Likeness"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    mirror: Any = reflection_pb2_grpc.ServerReflectionStub(channel)

    async def ask() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    async for response in mirror.ServerReflectionInfo(ask()):
        names = {s.name for s in response.list_services_response.service}
        assert "likeness.v1.Likeness" in names
        break


@pytest.mark.parametrize("example", ["animate.py", "join.py"])
async def test_the_examples_run_in_a_process_of_their_own(
    house: Server, tmp_path: Path, example: str
) -> None:
    source = (Path(__file__).parents[2] / "examples" / example).read_text()
    assert len(source.splitlines()) <= 50
    script = tmp_path / example
    script.write_text(source.replace("localhost:50051", f"127.0.0.1:{house.grpc_port}"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, "Hello.", cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode == 0, out.decode()
    assert "GEN - Albert Einstein - driven by: text" in out.decode()


async def test_tokens_say_who_may_do_what(tmp_path: Path) -> None:
    secret = "a-secret-of-more-than-32-bytes-0123456789"
    server = Server(ServerConfig(port=0, grpc_port=0, data=tmp_path, token_secret=secret))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            for token in ("", "forged"):
                call = await join(channel, token=token)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call.read()
                assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
            call = await join(channel, token=issue_token(secret, "student", room="b2"), room="c3")
            with pytest.raises(grpc.aio.AioRpcError, match="b2"):
                await call.read()
            call = await join(channel, token=issue_token(secret, "student", room="b2"))
            assert (await call.read()).welcome.room == "b2"
            await call.write(ClientMessage(override=room_pb2.Override(controls={"jawOpen": 1.0})))
            seen = await read_until(call, lambda m: m.HasField("notice"))
            assert seen[-1].notice.code == "denied"
            call.cancel()
            with pytest.raises(grpc.aio.AioRpcError, match="token"):
                await animate(channel, start(text="Hello."))
            checked(await animate(channel, start(text="Hello.", token=issue_token(secret, "operator"))))
    finally:
        await server.stop()
