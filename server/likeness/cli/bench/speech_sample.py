"""Synthetic speech for benchmarks, made on the spot."""

import asyncio
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.character import VoiceSettings
from likeness.speech import EspeakVoice

TEXTS: Final = (
    "The important thing is not to stop questioning. Curiosity has its own reason for existing.",
    "Nothing in life is to be feared, it is only to be understood.",
    "A map of the moon hung above the piano, and nobody remembered who had bought it.",
)


def speech_samples() -> list[NDArray[np.int16]]:
    """A few voices, mono int16 at 48 kHz, a second of silence after each."""
    return asyncio.run(_speak())


async def _speak() -> list[NDArray[np.int16]]:
    voice = EspeakVoice(processes=1)
    await voice.start()
    try:
        voices: list[NDArray[np.int16]] = []
        for k, text in enumerate(TEXTS):
            settings = VoiceSettings(pitch=35 + 15 * k, rate=150 + 10 * k)
            pieces = [chunk.pcm async for chunk in voice.speak(text, settings)]
            voices.append(np.concatenate([*pieces, np.zeros(48_000, np.int16)]))
        return voices
    finally:
        await voice.aclose()
