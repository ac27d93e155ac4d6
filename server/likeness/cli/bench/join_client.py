"""JoinClient: one seat of a benchmark, which notes when everything arrived and looks at it afterwards."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, Final

import grpc.aio
import numpy as np
from numpy.typing import NDArray

from likeness.performance.packet import read_head, split_frames
from likeness.v1 import room_pb2
from likeness.v1.room_pb2 import AudioIn, Bye, ClientMessage, Hello, Microphone, ServerMessage

PACKET: Final = 960
"""Samples of a microphone packet: 20 ms, as WebRTC and most recorders send them."""
_JOIN: Final = "/likeness.v1.Likeness/Join"


@dataclass(slots=True)
class Seen:
    """What arrived, with its time in seconds of `time.perf_counter`."""

    motion: list[tuple[float, bytes]] = field(default_factory=list[tuple[float, bytes]])
    voice: list[tuple[float, int, bytes]] = field(default_factory=list[tuple[float, int, bytes]])
    others: list[tuple[float, ServerMessage]] = field(default_factory=list[tuple[float, ServerMessage]])

    def frames(self) -> list[tuple[float, int, int]]:
        """Each frame's arrival, sample and sequence, in order of arrival."""
        out: list[tuple[float, int, int]] = []
        for when, datagram in self.motion:
            for frame in split_frames(datagram):
                head = read_head(frame)
                out.append((when, head.sample, head.sequence))
        return out


class JoinClient:
    """Joins, sends a microphone or texts, and records."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call: Any = channel.stream_stream(
            _JOIN,
            request_serializer=ClientMessage.SerializeToString,
            response_deserializer=ServerMessage.FromString,
        )()
        self.seen = Seen()
        self.sent: list[tuple[float, int]] = []
        """When each microphone packet was sent, and the sample that follows its last one."""
        self.welcome = room_pb2.Welcome()
        self._reader: asyncio.Task[None] | None = None

    async def join(self, hello: Hello) -> None:
        """Say hello and start reading."""
        await self._call.write(ClientMessage(hello=hello))
        first = await self._call.read()
        self.welcome = first.welcome
        self._reader = asyncio.create_task(self._read())

    async def send(self, message: ClientMessage) -> None:
        """Send one message."""
        await self._call.write(message)

    async def talk(self, pcm: NDArray[np.int16], start: float, seconds: float, hear_self: bool) -> None:
        """Send a looped recording as a live microphone, one packet when its last sample has been spoken."""
        await self.send(ClientMessage(microphone=Microphone(open=True, hear_self=hear_self)))
        data = np.tile(pcm, int(seconds * 48_000) // len(pcm) + 2).astype("<i2").tobytes()
        for k in range(int(seconds * 48_000) // PACKET):
            due = start + (k + 1) * PACKET / 48_000
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            audio = AudioIn(
                pcm16=data[2 * k * PACKET : 2 * (k + 1) * PACKET], sample=k * PACKET, sample_rate=48_000
            )
            self.sent.append((time.perf_counter(), (k + 1) * PACKET))
            await self._call.write(ClientMessage(audio=audio))

    async def leave(self) -> None:
        """Say bye and wait for the end."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # it ended by itself
            await self._call.write(ClientMessage(bye=Bye(reason="done")))
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=5)
        self._call.cancel()

    async def _read(self) -> None:
        seen, call = self.seen, self._call
        try:
            while isinstance(message := await call.read(), ServerMessage):
                now = time.perf_counter()
                match message.WhichOneof("body"):
                    case "motion":
                        seen.motion.append((now, message.motion))
                    case "voice":
                        seen.voice.append((now, message.voice.sample, message.voice.data))
                    case "seal":
                        pass
                    case _:
                        seen.others.append((now, message))
        except grpc.aio.AioRpcError as error:
            seen.others.append((time.perf_counter(), _lost(error)))


def _lost(error: grpc.aio.AioRpcError) -> ServerMessage:
    text = error.details() or str(error.code())
    return ServerMessage(
        notice=room_pb2.Notice(level=room_pb2.Notice.ERROR, code="lost", text=text, fatal=True)
    )
