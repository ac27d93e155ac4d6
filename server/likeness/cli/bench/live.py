"""`likeness bench live`: live microphones through the real server, over gRPC or the WebSocket.

The server runs in a process of its own; this process is all of its clients. Both share this machine's cores,
so the figures are for a machine that also carries its audience.
"""

import asyncio
import gc
import sys
import time
from contextlib import nullcontext
from typing import Final
from urllib.parse import urlsplit

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.browser import a_server
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.cli.bench.join_client import PACKET, Seen
from likeness.cli.bench.load_client import LoadClient, connect, microphone_packets, speak_all
from likeness.cli.bench.server_use import grpc_address, load_note, processor_seconds
from likeness.cli.bench.socket_client import SocketClient, connect_socket, socket_packets
from likeness.cli.bench.speech_sample import speech_samples
from likeness.errors import MachineError
from likeness.v1.room_pb2 import Hello
from likeness.v1.stream_pb2 import VoiceChunk

LEAD: Final = 0.060
"""Seconds that frames go out before their sound."""
SETTLE_SECONDS: Final = 20.0
"""A server that is not quiet by then is measured as it is."""
QUIET: Final = 1.0
"""Seconds without sound before anybody speaks: frames of then tell the media clock."""
SETTLE: Final = 1.0
"""Seconds at the start of each stream that are left out: connections are being made."""
AUDIBLE: Final = 300
"""int16 peak from which a block of voice can be told from another."""
SEARCH: Final = 48_000
"""Samples around its expected place where a block is looked for."""
SOCKET_PACE: Final = 0.1
"""Seconds between connections: a page's server takes ten new ones a second from one address."""
SETTINGS: Final = "[limits]\nsessions = 512\nrooms = 512\nhellos_per_second = 1000\n"


Client = LoadClient | SocketClient
"""A microphone on a connection of its own."""


def run(
    streams: int = 50,
    seconds: float = 20.0,
    few: int = 10,
    character: str = "einstein",
    server: str = "",
    transport: str = "grpc",
) -> list[Figure]:
    """Measure latency with `few` streams, then punctuality with `streams`."""
    voices = [voice[: len(voice) // PACKET * PACKET] for voice in speech_samples()]
    with nullcontext() if server else a_server(SETTINGS) as own:
        found = "" if own is None else grpc_address(own) if transport == "grpc" else urlsplit(own.url).netloc
        address = f"{transport}://{server or found}"
        pid = None if own is None else own.process.pid
        _settle(pid)
        latency = asyncio.run(_latency(address, voices, few, min(seconds, 15.0), character))
        figures = [
            at_most(
                f"microphone packet in -> face packet out, {few} streams, p99",
                1000 * float(np.percentile(latency, 99)),
                15.0,
                "ms",
                f"beyond the look-ahead of the lip-sync; p50 {1000 * float(np.median(latency)):.1f} ms, "
                f"{len(latency)} frames",
            )
        ]
        use = Use(pid)
        clients = asyncio.run(_streams(address, voices, streams, seconds, character, False, use))
        punctual = [_on_time(client) for client in clients]
        share = 100 * float(np.mean([p.share for p in punctual]))
        worst = 100 * min(p.share for p in punctual)
        figures += [
            at_least(
                f"frames on time, {streams} live streams at 60 fps",
                share,
                99.0,
                "%",
                f"worst stream {worst:.2f} %",
            ),
            Figure(
                "frames received a second and stream",
                float(np.mean([p.rate for p in punctual])),
                "fps",
                ">= 59.5",
                float(np.mean([p.rate for p in punctual])) >= 59.5,
            ),
            Figure("frames lost", float(sum(p.lost for p in punctual)), "", "", None),
            Figure(
                "spread of arrival against the media clock, p99", 1000 * max(p.spread for p in punctual), "ms"
            ),
        ]
        if pid is not None:
            made = float(np.mean([p.rate for p in punctual])) * streams / 60
            note = (
                f"{100 * use.server:.0f} % of a core for {made:.1f} streams' worth of frames, beside "
                f"{100 * use.clients:.0f} % for the clients; {load_note()}"
            )
            figures.append(
                Figure("server's processor time a stream", 100 * use.server / made, "% of a core", note=note)
            )
        return figures


class Use:
    """Processor time while the streams ran, as shares of one core."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self.server = 0.0
        self.clients = 0.0
        self._then = (0.0, 0.0, 0.0)

    def start(self) -> None:
        """From now on."""
        self._then = (time.perf_counter(), processor_seconds(self._pid), time.process_time())

    def stop(self) -> None:
        """Until now."""
        began, server, clients = self._then
        seconds = time.perf_counter() - began
        self.server = (processor_seconds(self._pid) - server) / seconds
        self.clients = (time.process_time() - clients) / seconds


def _settle(pid: int | None) -> None:
    """Wait until a server that has just started is quiet: it still loads models for recordings."""
    give_up = time.monotonic() + SETTLE_SECONDS
    while pid is not None and time.monotonic() < give_up:
        before = processor_seconds(pid)
        time.sleep(0.5)
        if processor_seconds(pid) - before < 0.05:
            return


class Punctuality:
    """How one stream's frames arrived.

    A frame is on time when it is there before its sound can be: at most the server's lead (60 ms) later,
    by the media clock, than the most punctual frame from before the voice began. Those of a silent performer
    go out at their own media time, never earlier. A frame that never came is not on time. Those that are due
    after the microphone has stopped do not count: they have no sound.

    frames: arrival, sample and sequence of each. spoke, ended: when the first and the last sound was sent.
    """

    def __init__(self, frames: list[tuple[float, int, int]], spoke: float, ended: float) -> None:
        if not frames or frames[-1][0] - frames[0][0] < SETTLE + 0.1:
            raise MachineError("a live stream brought next to nothing: the machine is too busy to measure.")
        when = np.array([f[0] for f in frames])
        sample = np.array([f[1] for f in frames], np.int64)
        sequence = np.array([f[2] for f in frames], np.int64)
        delay = when - sample / 48_000
        if not (when < spoke).any():
            raise MachineError("a live stream brought no frame before it spoke: the machine is too busy.")
        punctual = delay[when < spoke].min()
        kept = (when >= spoke + SETTLE) & (sample / 48_000 + punctual <= ended)
        when, sequence, late = when[kept], sequence[kept], delay[kept] - punctual
        if len(when) < 2 or when[-1] <= when[0]:
            raise MachineError("a live stream brought no frames while it spoke: the machine is too busy.")
        expected = int(sequence[-1] - sequence[0]) + 1
        self.lost = expected - len(when)
        self.share = float(np.sum(late <= LEAD)) / expected
        self.rate = (len(when) - 1) / float(when[-1] - when[0])
        self.spread = float(np.percentile(late, 99))


def _on_time(client: Client) -> Punctuality:
    return Punctuality(client.seen.frames(), client.sent[0][0], client.sent[-1][0])


async def _streams(
    address: str,
    voices: list[NDArray[np.int16]],
    streams: int,
    seconds: float,
    character: str,
    hear_self: bool,
    use: Use | None = None,
) -> list[Client]:
    """Live streams that start at random moments, each on a connection and in a room of its own."""
    transport, _, place = address.partition("://")
    over_socket = transport == "ws"
    packets = [socket_packets(voice) if over_socket else microphone_packets(voice) for voice in voices]
    clients: list[Client] = []
    for _ in range(streams):
        client = await (connect_socket(place) if over_socket else connect(place))
        codec = VoiceChunk.PCM16
        await client.join(
            Hello(character=character, want_voice=hear_self, voice_codec=codec, bundles=not over_socket)
        )
        client.open_microphone(hear_self)
        clients.append(client)
        if over_socket:
            await asyncio.sleep(SOCKET_PACE)
    random = np.random.default_rng(5)
    start = time.perf_counter() + QUIET
    starts = [start + random.uniform(0, 0.5) for _ in clients]
    gc.collect()
    gc.disable()  # what arrives is kept to the end: looking through it again would only cost time
    if use is not None:
        use.start()
    try:
        await speak_all(clients, [packets[k % len(packets)] for k in range(streams)], starts, seconds)
    finally:
        gc.enable()
    if use is not None:
        use.stop()
    gone = [client.words or "no reason was given" for client in clients if client.ended.done()]
    if gone:
        raise MachineError(f"{len(gone)} of {streams} live streams ended before their time: {gone[0]}")
    await asyncio.gather(*(client.leave() for client in clients))
    return clients


async def _latency(
    address: str, voices: list[NDArray[np.int16]], streams: int, seconds: float, character: str
) -> NDArray[np.float64]:
    """Seconds from sending the packet that completes a frame's look-ahead to receiving that frame."""
    from likeness.speech.listener import LOOK_AHEAD

    clients = await _streams(address, voices, streams, seconds, character, hear_self=True)
    out: list[float] = []
    for k, client in enumerate(clients):
        seen = client.seen
        starts, offsets = _offsets(client.sent, seen, voices[k % len(voices)])
        ends = np.array([end for _, end in client.sent])
        times = np.array([when for when, _ in client.sent])
        first, last = times[0] + SETTLE, times[-1]
        for when, sample, _ in seen.frames():
            block = int(np.searchsorted(starts, sample, side="right")) - 1
            if block < 0 or sample >= starts[block] + PACKET:
                continue  # its sound did not come back: it cannot be told which packet it was in
            index = int(np.searchsorted(ends, sample + LOOK_AHEAD - offsets[block]))
            if index < len(times) and first <= times[index] and when <= last:
                out.append(when - times[index])
    if not out:
        raise MachineError(
            f"no frame of {streams} live streams could be matched with the packet that it was made from: the "
            "machine is too busy to measure. Stop what else runs, or try fewer streams with --few."
        )
    return np.array(out)


def _offsets(
    packets: list[tuple[float, int]], seen: Seen, pcm: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the voice blocks that were recognised start, and each one's media less microphone sample.

    The voice comes back sample for sample, so its place is found exactly, also after the server had to put
    silence in or to catch up. Raises MachineError when nothing is recognised.
    """
    last = packets[-1][1]
    sent = np.tile(pcm, last // len(pcm) + 1)[:last].astype(np.float32)
    starts: list[int] = []
    offsets: list[int] = []
    known: int | None = None
    for _, sample, data in seen.voice:
        block = np.frombuffer(data, "<i2").astype(np.float32)
        if np.abs(block).max() < AUDIBLE:
            continue
        if known is None or not _is_at(sent, sample - known, block):
            known = _find(sent, sample, block, known)
        if known is not None:
            starts.append(sample)
            offsets.append(known)
    if not starts:
        raise MachineError(
            "none of the voice that came back is the voice that was sent: the machine is too busy to measure."
            " Stop what else runs, or try fewer streams with --few."
        )
    return np.array(starts), np.array(offsets)


def _is_at(sent: NDArray[np.float32], at: int, block: NDArray[np.float32]) -> bool:
    piece = sent[max(at, 0) : max(at, 0) + len(block)]
    return len(piece) == len(block) and bool(np.abs(piece - block).max() <= 1)


def _find(
    sent: NDArray[np.float32], sample: int, block: NDArray[np.float32], known: int | None
) -> int | None:
    """The offset of a block: near the one known so far, or else the earliest that the media clock allows."""
    low = 0 if known is None else max(sample - known - SEARCH, 0)
    high = len(sent) if known is None else sample - known + SEARCH
    stretch = sent[low:high]
    size = len(stretch) + len(block)
    match = np.fft.irfft(np.fft.rfft(stretch, size) * np.conj(np.fft.rfft(block, size)), size)
    # A looped recording matches once a loop; the media clock began before the first word was spoken.
    places = [low + int(k) for k in np.argsort(match)[-8:] if _is_at(sent, low + int(k), block)]
    fitting = [sample - at for at in places if sample > at]
    return min(fitting, default=None)


@click.command()
@click.option("--streams", default=50, show_default=True, help="Live streams for the punctuality figure.")
@click.option("--few", default=10, show_default=True, help="Live streams for the latency figure.")
@click.option("--seconds", default=20.0, show_default=True, help="Length of each stream.")
@click.option("--character", default="einstein", show_default=True, help="Who is embodied.")
@click.option("--transport", type=click.Choice(["grpc", "ws"]), default="grpc", show_default=True,
              help="gRPC, or the WebSocket of pages and of Unity.")  # fmt: skip
@click.option("--server", default="", help="host:port of a running server's gRPC, or with --transport ws of "
              "its page; default: one is started.")  # fmt: skip
def live(streams: int, few: int, seconds: float, character: str, transport: str, server: str) -> None:
    """Live streams through the real server: latency, frames on time.

    Each stream is a microphone that sends packets of 20 ms on a connection of its own, from this machine, on
    the same cores, begun at a random moment. The clients write the protocol's frames themselves, so that
    little of the machine is theirs: their share is printed beside the server's.

    Latency: from sending the packet that completes a frame's look-ahead to the arrival of that frame. Frame
    and packet are matched by the sound, which the server sends back sample for sample.

    On time: a frame that arrives at most 60 ms (the server's lead of face over sound) later, by the media
    clock, than the most punctual frame from before the voice began: before its sound can. Frames that never
    come count as not on time; the first second of each voice is left out, and what is due after it, too.

    \b
    Examples:
      likeness bench live
      likeness bench live --streams 80 --seconds 60
      likeness bench live --streams 100 --transport ws
    """
    figures = run(streams, seconds, few, character, server, transport)
    name = "gRPC" if transport == "grpc" else "the WebSocket"
    if not print_figures(f"Live streams over {name}", figures):
        sys.exit(1)
