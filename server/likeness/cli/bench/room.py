"""`likeness bench room`: one room, many seats, real clients on loopback.

The server runs in a process of its own; this process is everybody in the room. Both share this machine's
cores, so the figures are for a machine that also carries its audience.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.browser import ServedProcess, a_server
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.cli.bench.motion_tally import MotionTally
from likeness.cli.bench.room_seat import GrpcSeat, Inbox, RoomSeat, RtcSeat
from likeness.cli.bench.server_use import grpc_address, load_note, processor_seconds
from likeness.cli.bench.speech_sample import speech_samples
from likeness.cli.progress import progress_bar
from likeness.errors import MachineError
from likeness.performance.client_packets import ControlsIn, Stop, encode_client
from likeness.stage.outlet import BLOCK
from likeness.stage.voice_encoder import VoiceEncoder
from likeness.v1 import stream_pb2
from likeness.v1.room_pb2 import Bye, ClientMessage, Consent, Hello, Microphone

SETTINGS: Final = "[limits]\nsessions = 512\nrooms = 64\nseats = 512\nhellos_per_second = 1000\n"
SETTLE: Final = 3.0
"""Seconds before counting begins: connections are being made."""
FACE_RATE: Final = 30
"""Faces that each person sends a second, as a tracker would."""
ORDER_SECONDS: Final = 0.37
"""Between two orders whose way to all seats is timed."""
WHOLE_SECONDS: Final = 20.0
"""A newcomer who has not seen everybody by then never will."""
STEP: Final = 10
MOST: Final = 100
STEP_SECONDS: Final = 8.0


@dataclass(slots=True)
class Stay:
    """What a room of some seats was like."""

    seats: int
    tally: MotionTally
    dropped: list[str]
    voices: float
    """Voice packets a second at each seat."""
    server: float
    clients: float
    """Cores that were used."""
    late_join: float = float("nan")
    resume: float = float("nan")

    @property
    def rates(self) -> NDArray[np.float64]:
        """Frames a second of each avatar at each seat."""
        return np.array([pair.rate for pair in self.tally.pairs.values()])

    @property
    def floor(self) -> float:
        """Seconds of the quickest way from an order to a frame that obeys it."""
        return min((r for _, _, r in self.tally.reactions), default=float("nan"))

    @property
    def holds(self) -> bool:
        """30 frames a second of everybody to everybody, in time, and nobody lost."""
        return not self.dropped and self.rates.min() >= 29 and self.floor + self.tally.late(99) <= 0.025


class Crowd:
    """The people of one room. `open_seat` makes a client, given its number and where its motion goes."""

    def __init__(self, open_seat: Callable[[int, Callable[[int, float, bytes], None]], RoomSeat]) -> None:
        self.tally = MotionTally()
        self.seats: list[RoomSeat] = []
        self._open_seat = open_seat
        self._tasks: list[asyncio.Task[None]] = []
        self._epochs: dict[int, int] = {}

    async def fill(self, count: int) -> None:
        """Let people in until there are `count`."""
        while len(self.seats) < count:
            seat = self._open_seat(len(self.seats), self.tally.add)
            await seat.open(self._hello())
            self.seats.append(seat)
            await seat.send(ClientMessage(consent=Consent(face_capture=True)))
            self._tasks.append(asyncio.create_task(self._move(seat, len(self.seats))))

    async def talk(self, number: int, packets: list[tuple[bytes, bytes]]) -> None:
        """Let one person speak, again and again."""
        seat = self.seats[number]
        self.tally.speakers.add(seat.welcome.avatar)
        await seat.send(ClientMessage(microphone=Microphone(open=True)))
        self._tasks.append(asyncio.create_task(self._speak(seat, packets)))

    async def late_join(self) -> float:
        """Seconds from nothing to having seen everybody, for one more person."""
        started = time.perf_counter()
        seen: set[int] = set()
        seat = self._open_seat(len(self.seats), _collect(seen))
        await seat.open(self._hello())
        everybody = {header.avatar for header in seat.welcome.headers}
        seconds = await _until_all(seen, everybody, started)
        self.seats.append(seat)
        return seconds

    async def resume(self) -> float:
        """Seconds from a cut to having seen everybody again, for the person who came last."""
        seat = self.seats.pop()
        token, everybody = seat.welcome.resume, {header.avatar for header in seat.welcome.headers}
        started = time.perf_counter()
        cutting = asyncio.create_task(seat.cut())
        seen: set[int] = set()
        again = self._open_seat(len(self.seats), _collect(seen))
        await again.open(Hello(resume=token))
        seconds = await _until_all(seen, everybody, started)
        await cutting
        self.seats.append(again)
        return seconds

    async def order(self, seconds: float, done: Callable[[float], None]) -> None:
        """For some seconds, one person after another orders a stop; its way to all seats is timed."""
        begun = time.perf_counter()
        turn = 0
        while (elapsed := time.perf_counter() - begun) < seconds:
            done(elapsed / seconds)
            number = turn % len(self.seats)
            turn += 1
            seat = self.seats[number]
            epoch = self._epochs[seat.welcome.avatar] = self._epochs.get(seat.welcome.avatar, 0) + 1
            self.tally.expect(seat.welcome.avatar, epoch, time.perf_counter())
            await seat.send_datagram(encode_client(Stop(0, epoch)))
            await asyncio.sleep(ORDER_SECONDS)

    async def leave(self) -> None:
        """Everybody goes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for seat in self.seats:
            await seat.send(ClientMessage(bye=Bye(reason="done")))
        await asyncio.sleep(0.2)
        await asyncio.gather(*(seat.cut() for seat in self.seats))

    def _hello(self) -> Hello:
        room = self.seats[0].welcome.room if self.seats else ""
        cast = ("einstein", "curie", "plain")
        return Hello(
            character=cast[len(self.seats) % len(cast)],
            room=room,
            want_voice=True,
            voice_codec=stream_pb2.VoiceChunk.OPUS,
            batch_seals=True,
            bundles=True,
        )

    async def _move(self, seat: RoomSeat, number: int) -> None:
        """Send a face that moves, as a tracker does."""
        random = np.random.default_rng(number)
        controls = np.zeros(52, np.float32)
        begun = time.perf_counter() + random.uniform(0, 1 / FACE_RATE)
        for k in range(1 << 30):
            await asyncio.sleep(max(0.0, begun + k / FACE_RATE - time.perf_counter()))
            phase = k / FACE_RATE + number
            controls[17] = 0.3 + 0.3 * np.sin(5 * phase)
            turn = np.array([0.05 * np.sin(phase), 0.2 * np.sin(0.7 * phase), 0], np.float32)
            await seat.send_datagram(encode_client(ControlsIn(k, controls, turn, turn[:2])))

    async def _speak(self, seat: RoomSeat, packets: list[tuple[bytes, bytes]]) -> None:
        begun = time.perf_counter()
        for k in range(1 << 30):
            await asyncio.sleep(max(0.0, begun + k * 0.02 - time.perf_counter()))
            await seat.send_voice(k * BLOCK, *packets[k % len(packets)])


def _collect(seen: set[int]) -> Callable[[int, float, bytes], None]:
    def motion(number: int, when: float, datagram: bytes) -> None:
        del number, when
        if datagram[0] == 1:
            tally = MotionTally()
            tally.begin()
            tally.add(0, 0.0, datagram)
            seen.update(avatar for _, avatar in tally.pairs)

    return motion


async def _until_all(seen: set[int], everybody: set[int], started: float) -> float:
    while not everybody <= seen:
        if time.perf_counter() - started > WHOLE_SECONDS:
            return float("nan")
        await asyncio.sleep(0.002)
    return time.perf_counter() - started


async def stay(
    crowd: Crowd, seats: int, seconds: float, pid: int | None, done: Callable[[float], None]
) -> Stay:
    """Fill the room up to `seats` and watch it."""
    await crowd.fill(seats)
    crowd.tally.reset()
    await asyncio.sleep(SETTLE)
    crowd.tally.begin()
    used, own, begun = processor_seconds(pid), time.process_time(), time.perf_counter()
    voices = sum(seat.voices for seat in crowd.seats)
    await crowd.order(seconds, done)
    crowd.tally.end()
    elapsed = time.perf_counter() - begun
    return Stay(
        seats,
        deepcopy(crowd.tally),  # the next, larger room counts anew in the same one
        [f"seat {k}: {seat.ended}" for k, seat in enumerate(crowd.seats) if seat.ended],
        (sum(seat.voices for seat in crowd.seats) - voices) / elapsed / len(crowd.seats),
        (processor_seconds(pid) - used) / elapsed,
        (time.process_time() - own) / elapsed,
    )


async def measure(
    own: ServedProcess | None,
    address: str,
    transport: str,
    seats: int,
    speakers: int,
    seconds: float,
    beyond: bool,
) -> tuple[Stay, list[Stay]]:
    """The room that was asked for, then larger ones until the promise breaks."""
    url, pid = (own.url, own.process.pid) if own else ("", None)
    packets = [_packets(pcm) for pcm in _voices()]
    inbox = Inbox()

    def open_seat(number: int, motion: Callable[[int, float, bytes], None]) -> RoomSeat:
        if transport == "grpc":
            return GrpcSeat(number, address, motion, inbox)
        return RtcSeat(number, url, motion)

    crowd = Crowd(open_seat)
    try:
        await crowd.fill(max(speakers, 1))
        for k in range(speakers):
            await crowd.talk(k, packets[k % len(packets)])
        with progress_bar(f"{seats} seats") as done:
            first = await stay(crowd, seats, seconds, pid, done)
        first.late_join = await crowd.late_join()
        first.resume = await crowd.resume()
        more: list[Stay] = []
        while beyond and (more[-1] if more else first).holds and len(crowd.seats) + STEP <= MOST:
            count = (len(crowd.seats) // STEP + 1) * STEP
            with progress_bar(f"{count} seats") as done:
                more.append(await stay(crowd, count, STEP_SECONDS, pid, done))
        return first, more
    finally:
        await crowd.leave()


def figures(first: Stay, more: list[Stay], transport: str) -> list[Figure]:
    """What is printed. Raises MachineError when next to nothing got through."""
    tally, rates = first.tally, first.rates
    if not tally.reactions:
        raise MachineError(
            f"of {first.seats} people over {transport} no order was obeyed: this machine cannot carry the "
            "room and its audience. Try fewer with --seats."
        )
    reactions = np.array([r for _, _, r in tally.reactions])
    floor, seats = first.floor, first.seats
    server = f"server {first.server:.2f} cores, seats {first.clients:.2f} cores; {load_note()}"
    far = [stay for stay in more if stay.holds]
    out = [
        at_most(
            f"server-added motion latency, {seats} seats, p99",
            1000 * (floor + tally.late(99)),
            25.0,
            "ms",
            f"p50 {1000 * (floor + tally.late(50)):.1f}, p99.9 {1000 * (floor + tally.late(99.9)):.1f} ms; "
            f"{tally.frames:,} frames over {transport}",
        ),
        Figure(
            "the same of live voices, beyond their quickest, p99",
            1000 * tally.late(99, speaking=True),
            "ms",
            note="they wait for their sound, and may go 33 ms ahead of their time",
        ),
        Figure(
            "order in -> frame that obeys it, at every seat, p99",
            1000 * float(np.percentile(reactions, 99)),
            "ms",
            note=f"p50 {1000 * float(np.median(reactions)):.1f} ms; the wait for the next frame included",
        ),
        at_least("least frames a second, any avatar at any seat", float(rates.min()), 29.0, "fps"),
        Figure("frames a second, mean", float(rates.mean()), "fps"),
        Figure("longest gap, any avatar at any seat", 1000 * max(p.gap for p in tally.pairs.values()), "ms"),
        at_most("dropped seats", float(len(first.dropped)), 0, "", "; ".join(first.dropped[:2])),
        Figure("voice packets a second and seat", first.voices, note="50 for each voice that is heard"),
        Figure("server's processor time", 100 * first.server, "% of a core", note=server),
        at_most("late join to full picture", first.late_join, 1.5, "s"),
        at_most("resume after a cut", first.resume, 2.0, "s"),
    ]
    if more:
        last = more[-1]
        note = "as far as was tried" if last.holds else f"at {last.seats}: {_why(last)}"
        out.append(Figure("seats for which this holds", float(far[-1].seats if far else seats), note=note))
    return out


def _why(stay: Stay) -> str:
    if stay.dropped:
        return stay.dropped[0]
    p99 = 1000 * (stay.floor + stay.tally.late(99))
    return f"p99 {p99:.0f} ms, least rate {stay.rates.min():.1f} fps, server {stay.server:.2f} cores"


def _voices() -> list[NDArray[np.int16]]:
    """The speakers' voices. Made in a thread: they need an event loop of their own."""
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(speech_samples).result()


def _packets(pcm: NDArray[np.int16]) -> list[tuple[bytes, bytes]]:
    """20 ms each, as samples and as Opus."""
    encoder = VoiceEncoder()
    blocks = pcm[: len(pcm) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return [
        (block.astype("<i2").tobytes(), encoder.encode(block, k * BLOCK, False))
        for k, block in enumerate(blocks)
    ]


@click.command()
@click.option(
    "--seats", default=30, show_default=True, type=click.IntRange(2, MOST), help="People in the room."
)
@click.option("--speakers", default=3, show_default=True, help="How many of them talk all the time.")
@click.option("--seconds", default=20.0, show_default=True, help="How long the room is watched.")
@click.option("--transport", default="grpc", show_default=True, type=click.Choice(["grpc", "webrtc"]))
@click.option("--beyond/--no-beyond", default=True, show_default=True, help="Add seats until it breaks.")
@click.option("--server", default="", help="gRPC host:port of a running server; default: one is started.")
def room(seats: int, speakers: int, seconds: float, transport: str, beyond: bool, server: str) -> None:
    """One room of many seats: motion latency, dropped seats, late join, resume.

    Every seat is a real client that sends a face 30 times a second and receives everybody's motion, seals and
    the voices that the room chose. Server-added latency: how much later than the quickest frame of the same
    avatar a frame reached any seat, plus the quickest way from an order to a frame that obeys it.

    \b
    Examples:
      likeness bench room
      likeness bench room --seats 12 --transport webrtc
      likeness bench room --seats 30 --seconds 600 --no-beyond
    """
    if server and transport != "grpc":
        raise click.UsageError("--server takes a gRPC address; it does not go with --transport webrtc.")
    speakers = min(speakers, seats)
    with nullcontext() if server else a_server(SETTINGS) as own:
        address = server or grpc_address(own)
        first, more = asyncio.run(measure(own, address, transport, seats, speakers, seconds, beyond))
    if not print_figures(f"A room over {transport}", figures(first, more, transport)):
        sys.exit(1)
