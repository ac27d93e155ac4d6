"""`likeness bench sync`: is the face in the picture the face of the sound in the ear?"""

import asyncio
import sys
from typing import Any, Final

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.browser import a_server, visit
from likeness.cli.bench.drawn import Drawn
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.errors import MachineError

EARLY_MS, LATE_MS = 40.0, -60.0
"""EBU R37: sound at most 40 ms before the picture, at most 60 ms after it."""
FRAME_MS: Final = 1000 / 60
SENTENCES: Final = (
    "The important thing is not to stop questioning. Curiosity has its own reason for existing.",
    "Peter Piper picked a peck of pickled peppers, and everybody but Bob was amazed.",
    "Nothing in life is to be feared, it is only to be understood.",
)


def run(seconds: float = 60, transport: str = "rtc", character: str = "einstein") -> list[Figure]:
    """Speak for `seconds` in a headless Chromium and compare heard and drawn samples of every frame."""
    with a_server() as server:
        seen = visit(
            "sync",
            server,
            timeout=3 * seconds + 120,
            seconds=seconds,
            sentences=list(SENTENCES),
            query={"transport": transport, "character": character},
        )
    drawn = Drawn.of(seen["history"])
    spans = [span for states in seen["speech"] if (span := _span(states)) is not None]
    if not spans:
        raise MachineError("Nothing was said in the browser, so there is nothing to compare.")
    voices = asyncio.run(_voices(character))
    offsets: list[NDArray[np.float64]] = []
    lags: list[float] = []
    for index, (start, end) in enumerate(spans):
        stretch = drawn.during(start, end)
        lags.append(stretch.sound_lag_ms(voices[index % len(SENTENCES)], start))
        offsets.append(stretch.offset_ms)
    lag = float(np.nanmedian(lags)) if np.isfinite(lags).any() else float("nan")
    return _figures(offsets, lag, drawn, seen["facts"]["transport"])


def _figures(offsets: list[NDArray[np.float64]], lag: float, drawn: Drawn, transport: str) -> list[Figure]:
    every = np.concatenate(offsets)
    third = max(1, len(offsets) // 3)
    drift = float(np.median(np.concatenate(offsets[-third:])) - np.median(np.concatenate(offsets[:third])))
    frames = (len(drawn.time) - 1) / (drawn.time[-1] - drawn.time[0]) * 1000
    return [
        at_most("sound early, p99", float(np.percentile(every, 99)), EARLY_MS, "ms", f"over {transport}"),
        at_least("sound late, p1", float(np.percentile(every, 1)), LATE_MS, "ms"),
        Figure("offset, median", float(np.median(every)), "ms"),
        at_most("drift, first to last third", abs(drift), FRAME_MS, "ms", "1 frame of 60"),
        # Independent of the RTP clock, but tapped behind Web Audio's own buffer, which no listener hears.
        Figure("tapped sound against that clock", lag, "ms", note="by loudness, with the tap's own delay"),
        Figure("frames compared", float(len(every)), note=f"drawn at {frames:.0f} a second"),
    ]


def _span(states: list[dict[str, Any]]) -> tuple[float, float] | None:
    at = {state["phase"]: float(state["sample"]) for state in states}
    return (at["STARTED"], at["FINISHED"]) if "STARTED" in at and "FINISHED" in at else None


async def _voices(character: str) -> list[NDArray[np.int16]]:
    """Each sentence as the server's voice says it, int16 at 48 kHz."""
    from likeness.head import load_character
    from likeness.speech import EspeakVoice

    voice = EspeakVoice()
    await voice.start()
    try:
        settings = load_character(character).voice
        return [
            np.concatenate([chunk.pcm async for chunk in voice.speak(sentence, settings)])
            for sentence in SENTENCES
        ]
    finally:
        await voice.aclose()


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long to speak.")
@click.option("--transport", type=click.Choice(["rtc", "ws"]), default="rtc", show_default=True)
@click.option("--character", default="einstein", show_default=True)
def sync(seconds: float, transport: str, character: str) -> None:
    """Heard-to-drawn offset in a headless Chromium, by the receiver's clock and by the sound itself.

    \b
    Example:
      likeness bench sync --seconds 60
    """
    if not print_figures(f"Sound and face, {seconds:g} s of speech", run(seconds, transport, character)):
        sys.exit(1)
