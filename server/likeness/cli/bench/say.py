"""`likeness bench say`: from sending a text to its first voice and face packet, over gRPC Join."""

import asyncio
import sys
import time
from contextlib import nullcontext

import click
import grpc.aio
import numpy as np

from likeness.cli.bench.browser import a_server
from likeness.cli.bench.figure import Figure, at_most, print_figures
from likeness.cli.bench.join_client import JoinClient
from likeness.cli.bench.live import SETTINGS
from likeness.cli.bench.server_use import grpc_address, load_note
from likeness.v1.room_pb2 import ClientMessage, Hello, Say, SpeechState

TEXTS = (
    "The important thing is not to stop questioning.",
    "Nothing in life is to be feared, ever.",
    "Please tell me what you think about time.",
    "Good morning, my name is written right here.",
)
"""Eight words each."""
AUDIBLE = 200
"""int16 peak from which a voice packet counts as sound, about -44 dB."""


def run(times: int = 20, character: str = "einstein", server: str = "") -> list[Figure]:
    """Say `times` texts one after another in one session."""
    with nullcontext() if server else a_server(SETTINGS) as own:
        voice, face, both = asyncio.run(_say(server or grpc_address(own), times, character))
    note = f"p90 {1000 * float(np.percentile(both, 90)):.0f} ms, {times} texts; {load_note()}"
    return [
        at_most(
            "text (8 words) -> first voice and face packet, p50",
            1000 * float(np.median(both)),
            150,
            "ms",
            note,
        ),
        Figure("text -> first audible voice packet, p50", 1000 * float(np.median(voice)), "ms"),
        Figure("text -> first frame that belongs to it, p50", 1000 * float(np.median(face)), "ms"),
    ]


async def _say(address: str, times: int, character: str) -> tuple[list[float], list[float], list[float]]:
    """Seconds from sending each text to its first audible voice packet, its first frame, and both."""
    voice: list[float] = []
    face: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        client = JoinClient(channel)
        await client.join(Hello(character=character, want_voice=True))
        await asyncio.sleep(1.0)
        for k in range(times):
            sent = time.perf_counter()
            await client.send(ClientMessage(say=Say(text=TEXTS[k % len(TEXTS)], id=k + 1)))
            start, _ = await _phase(client, k + 1, SpeechState.STARTED)
            await _phase(client, k + 1, SpeechState.FINISHED)
            voice.append(_first_sound(client, start) - sent)
            face.append(min(when for when, sample, _ in client.seen.frames() if sample >= start) - sent)
            client.seen.motion.clear()
            client.seen.voice.clear()
            await asyncio.sleep(0.2)
        await client.leave()
    return voice, face, [max(pair) for pair in zip(voice, face, strict=True)]


async def _phase(client: JoinClient, id: int, phase: "SpeechState.Phase") -> tuple[int, float]:
    """Wait for a phase of a text; its sample and when it came."""
    for _ in range(1000):
        for when, message in client.seen.others:
            if message.speech.id == id and message.speech.phase == phase:
                return message.speech.sample, when
            if message.speech.id == id and message.speech.phase == SpeechState.FAILED:
                raise RuntimeError(message.speech.error)
        await asyncio.sleep(0.02)
    raise RuntimeError(f"text {id} did not reach phase {SpeechState.Phase.Name(phase)} within 20 s")


def _first_sound(client: JoinClient, start: int) -> float:
    """When the first packet came that can be heard."""
    for when, sample, data in client.seen.voice:
        if sample + 960 > start and int(np.abs(np.frombuffer(data, "<i2").astype(np.int32)).max()) > AUDIBLE:
            return when
    raise RuntimeError("the voice never sounded")


@click.command()
@click.option("--times", default=20, show_default=True, help="How many texts.")
@click.option("--character", default="einstein", show_default=True, help="Who says them.")
@click.option("--server", default="", help="host:port of a running server's gRPC; default: one is started.")
def say(times: int, character: str, server: str) -> None:
    """Text in, first voice and face packet out.

    \b
    Example:
      likeness bench say --times 50
    """
    if not print_figures("Text to voice and face", run(times, character, server)):
        sys.exit(1)
