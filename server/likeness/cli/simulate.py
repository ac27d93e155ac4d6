"""`likeness simulate`: a bad network between a real client and a real server, and what a viewer notices."""

import asyncio
import random
import sys
import time
from typing import Final

import click
import numpy as np

from likeness.cli.bench.browser import ServedProcess, a_server
from likeness.cli.bench.figure import Figure, at_most, print_figures
from likeness.cli.bench.room_seat import GrpcSeat, RtcSeat
from likeness.cli.bench.server_use import grpc_address, load_note
from likeness.cli.lossy_relay import LossyRelay
from likeness.cli.progress import progress_bar
from likeness.performance.packet import read_head, split_frames
from likeness.v1.room_pb2 import ClientMessage, Hello, Say

SETTLE: Final = 1.0
SETTINGS: Final = "[stage]\nresume_seconds = 30\n"
DEAD: Final = 3.0
"""Seconds of silence after which a client opens a new connection (docs/protocol.md)."""
RETRY: Final = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
GIVE_UP: Final = 40.0
TEXT: Final = "This sentence is said over a bad network, again and again, so that there is something to see. "


class Viewer:
    """Somebody who watches one avatar through a relay, and comes back when the line is dead."""

    def __init__(self, url: str, loss: float, jitter: float, seed: int) -> None:
        self._url, self._loss, self._jitter = url, loss, jitter
        self._random = random.Random(seed)
        self.relay: LossyRelay | None = None
        self.seat: RtcSeat | None = None
        self.arrived: list[tuple[float, int, int]] = []
        """Arrival, sequence and epoch of each frame."""
        self.connections = 0

    async def open(self, hello: Hello) -> None:
        """Connect through a relay of its own. Raises LikenessError."""
        relay = LossyRelay(self._loss, self._jitter, self._random)
        port = await relay.start()
        server: list[int] = []

        def port_of(real: int) -> int:
            server.append(real)
            return port

        seat = RtcSeat(0, self._url, self._motion, port_of)
        opening = asyncio.create_task(seat.open(hello))
        while not server and not opening.done():
            await asyncio.sleep(0.005)
        if server:
            await relay.connect(server[0])
        await opening
        self.relay, self.seat = relay, seat
        self.connections += 1

    async def close(self) -> None:
        """Leave."""
        if self.seat is not None:
            await self.seat.cut()
        if self.relay is not None:
            self.relay.close()

    async def come_back(self, token: str) -> float:
        """Wait until the line is dead, as a client does, and resume; seconds from now to the first frame."""
        started = time.perf_counter()
        while time.perf_counter() - max(self.arrived[-1][0], started) < DEAD:
            await asyncio.sleep(0.02)
        before = len(self.arrived)
        await self.close()
        for pause in RETRY:
            await asyncio.sleep(pause)
            await self.open(Hello(resume=token))
            until = time.perf_counter() + 5
            while len(self.arrived) == before and time.perf_counter() < until:
                await asyncio.sleep(0.005)
            if len(self.arrived) > before:
                return self.arrived[before][0] - started
        return float("nan")

    def _motion(self, number: int, when: float, datagram: bytes) -> None:
        del number
        if datagram[0] == 1:
            for frame in split_frames(datagram):
                head = read_head(frame)
                self.arrived.append((when, head.sequence, head.epoch))


async def run(
    server: ServedProcess, loss: float, jitter: float, seconds: float, stall: float, kill: bool, seed: int
) -> list[Figure]:
    """Watch for `seconds`; then, where they are wanted, the stall and the cut."""
    speaker = GrpcSeat(1, grpc_address(server), lambda number, when, data: None)
    await speaker.open(Hello(character="einstein"))
    viewer = Viewer(server.url, loss, jitter, seed)
    try:
        await viewer.open(Hello(room=speaker.welcome.room, want_voice=True))
        await asyncio.sleep(SETTLE)
        talking = asyncio.create_task(_talk(speaker))
        begun = time.perf_counter()
        with progress_bar(f"{100 * loss:g} % loss, {1000 * jitter:g} ms jitter") as done:
            while (elapsed := time.perf_counter() - begun) < seconds:
                done(elapsed / seconds)
                await asyncio.sleep(0.1)
        figures = _motion_figures(viewer, begun, loss, jitter)
        if stall:
            figures.append(await _stall(viewer, stall))
        if kill:
            figures += await _kill(viewer)
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        return figures
    finally:
        await viewer.close()
        await speaker.cut()


def _motion_figures(viewer: Viewer, begun: float, loss: float, jitter: float) -> list[Figure]:
    seen = [(when, sequence) for when, sequence, _ in viewer.arrived if when >= begun]
    newest, shown = -1, list[float]()
    for when, sequence in seen:
        if sequence > newest:  # an overtaken frame is not drawn
            newest = sequence
            shown.append(when)
    gaps = np.diff(np.array(shown)) * 1000
    expected = max(sequence for _, sequence in seen) - min(sequence for _, sequence in seen) + 1
    assert viewer.relay is not None
    total = viewer.relay.forwarded + viewer.relay.lost
    note = f"p99 {np.percentile(gaps, 99):.0f} ms; {load_note()}"
    promised = loss <= 0.05 and jitter <= 0.02
    name = "longest time without a newer frame"
    longest = float(gaps.max())
    return [
        at_most(name, longest, 60.0, "ms", note) if promised else Figure(name, longest, "ms", note=note),
        Figure("frames that came", 100 * len({s for _, s in seen}) / expected, "%"),
        Figure("frames that were new when they came", 100 * len(shown) / expected, "%"),
        Figure("datagrams that the network lost", 100 * viewer.relay.lost / total, "%", note=f"of {total:,}"),
    ]


async def _stall(viewer: Viewer, seconds: float) -> Figure:
    """Nothing passes for a while; then it does again. What came late must not be shown late."""
    relay, seat = viewer.relay, viewer.seat
    assert relay is not None
    assert seat is not None
    relay.down = True
    await asyncio.sleep(seconds)
    before = len(viewer.arrived)
    relay.down = False
    started = time.perf_counter()
    if seconds >= DEAD:
        back = await viewer.come_back(seat.welcome.resume)
    else:
        while len(viewer.arrived) == before and time.perf_counter() - started < GIVE_UP:
            await asyncio.sleep(0.002)
        back = viewer.arrived[before][0] - started if len(viewer.arrived) > before else float("nan")
    return at_most(f"a stall of {seconds:g} s: motion again after it", back, 2.0, "s")


async def _kill(viewer: Viewer) -> list[Figure]:
    """The line is cut for good: the client notices by itself and resumes over a new one."""
    relay, seat = viewer.relay, viewer.seat
    assert relay is not None
    assert seat is not None
    relay.down = True
    total = await viewer.come_back(seat.welcome.resume)
    return [
        at_most("a cut: new connection to first frame", total - DEAD, 2.0, "s", f"noticed after {DEAD:g} s"),
        Figure("a cut: without motion in all", total, "s"),
    ]


async def _talk(seat: GrpcSeat) -> None:
    for k in range(1, 1 << 30):
        await seat.send(ClientMessage(say=Say(text=TEXT, id=k)))
        await asyncio.sleep(5.0)


@click.command()
@click.option("--loss", default=5.0, show_default=True, type=click.FloatRange(0, 60), help="Lost, %.")
@click.option("--jitter", default=20.0, show_default=True, type=click.FloatRange(0, 500), help="Up to, ms.")
@click.option("--seconds", default=15.0, show_default=True, type=click.FloatRange(2, 600), help="Watched.")
@click.option("--stall", default=1.0, show_default=True, type=click.FloatRange(0, 25), help="s; 0: none.")
@click.option("--kill/--no-kill", default=True, show_default=True, help="Cut the line at the end.")
@click.option("--seed", default=1, show_default=True, help="The same seed loses the same datagrams.")
def simulate(loss: float, jitter: float, seconds: float, stall: float, kill: bool, seed: int) -> None:
    """A bad network: how long motion stands still, how soon it is back.

    A server is started, somebody speaks in a room, and a viewer watches over WebRTC through a relay in this
    process that loses datagrams and delays each by a random time, both ways. Then nothing gets through for
    --stall seconds; in the end the line is cut and the viewer resumes the session over a new one.

    \b
    Examples:
      likeness simulate
      likeness simulate --loss 20 --jitter 80 --no-kill
      likeness simulate --loss 0 --jitter 0 --stall 5
    """
    with a_server(SETTINGS) as server:
        figures = asyncio.run(run(server, loss / 100, jitter / 1000, seconds, stall, kill, seed))
    if not print_figures(f"{loss:g} % loss, up to {jitter:g} ms of jitter", figures):
        sys.exit(1)
