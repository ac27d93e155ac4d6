"""A whole stage with its real parts, in a data folder of its own."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from likeness.head import VoiceSettings
from likeness.performance.packet import read_head, split_frames
from likeness.speech import EspeakVoice, Voice, VoiceChunk
from likeness.stage.config import LimitConfig, ServerConfig, StageConfig
from likeness.stage.engine_process import EngineProcess
from likeness.stage.outlet import VoicePacket
from likeness.stage.record import open_archive
from likeness.stage.session import Session
from likeness.stage.stage import Stage
from likeness.v1.room_pb2 import ClientMessage, Hello, Say, ServerMessage, SpeechState, Welcome


class Ear:
    """An outlet that remembers everything."""

    def __init__(self, opus: bool = False) -> None:
        self.want_voice = True
        self.want_opus = opus
        self.motion: list[bytes] = []
        self.messages: list[ServerMessage] = []
        self.voice: list[VoicePacket] = []
        self.closed = ""

    def send_motion(self, datagram: bytes) -> None:
        self.motion.append(datagram)

    def send_control(self, message: ServerMessage) -> None:
        self.messages.append(message)

    def send_voice(self, packet: VoicePacket) -> None:
        self.voice.append(packet)

    def close(self, reason: str) -> None:
        self.closed = reason

    def of(self, body: str) -> list[ServerMessage]:
        return [m for m in self.messages if m.WhichOneof("body") == body]

    def frames(self) -> list[bytes]:
        return [frame for datagram in self.motion if datagram[0] == 1 for frame in split_frames(datagram)]

    def sequences(self, avatar: int) -> list[int]:
        return [h.sequence for h in map(read_head, self.frames()) if h.avatar == avatar]

    def phases(self, id: int) -> list[str]:
        return [SpeechState.Phase.Name(m.speech.phase) for m in self.of("speech") if m.speech.id == id]

    def loud(self, avatar: int) -> list[VoicePacket]:
        return [p for p in self.voice if p.avatar == avatar and abs(p.pcm.astype(int)).max() > 300]


async def until(condition: object, seconds: float = 60.0) -> None:
    """Wait for something to become true, for as long as a slow machine may need."""
    assert callable(condition)
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


async def enter(stage: Stage, opus: bool = False, **hello: object) -> tuple[Session, Ear, Welcome]:
    """Say hello and attach an ear."""
    given = {"character": "einstein", **hello}
    session, welcome = await stage.hello(Hello(**given), "test")  # pyright: ignore[reportArgumentType]
    ear = Ear(opus)
    session.attach(ear)
    return session, ear, welcome


class BareVoice:
    """A voice that does not know its phones, as neural engines do not."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    async def start(self) -> None:
        await self._voice.start()

    async def aclose(self) -> None:
        await self._voice.aclose()

    async def speak(self, text: str, settings: VoiceSettings) -> AsyncGenerator[VoiceChunk, None]:
        async for chunk in self._voice.speak(text, settings):
            yield VoiceChunk(chunk.first, chunk.pcm, (), chunk.final)


def say(text: str, id: int = 1) -> ClientMessage:
    return ClientMessage(say=Say(text=text, id=id))


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def stage(data: Path) -> AsyncIterator[Stage]:
    config = ServerConfig(
        data=data,
        stage=StageConfig(resume_seconds=4.0),
        limits=LimitConfig(
            hellos_per_second=1000, sessions=12, seats=4, queued_says=3, messages_per_second=10_000
        ),
    )
    running = Stage(config, voice=EspeakVoice(), engine=EngineProcess(16), archive=open_archive(data))
    await running.start()
    yield running
    await running.stop()
    running.archive.close()
