"""Voice: text in, sound and timed phones out, piece by piece."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError, NotFoundError
from likeness.head.character import VoiceSettings
from likeness.speech.articulation import TimedPhone


class VoiceError(LikenessError):
    """A voice failed while speaking; the next sentence may work."""

    exit_code = 1
    code = "voice"
    grpc_status = "UNAVAILABLE"
    http_status = 503


@dataclass(frozen=True, slots=True)
class VoiceChunk:
    """A piece of one utterance; chunks follow each other without gap or overlap.

    first: index of its first sample in the utterance, 48 kHz; pcm: int16[n], mono, 48 kHz (n may be 0 in
    the final chunk); phones: timed in samples of the utterance, each reported once, at latest with the
    chunk that holds its start; empty for voices that do not know their phones. final: nothing follows.
    """

    first: int
    pcm: NDArray[np.int16]
    phones: tuple[TimedPhone, ...]
    final: bool


class Voice(Protocol):
    """A speech synthesiser, used by many speakers at once.

    Neural engines plug in through the entry point group `likeness.voices`: a package names a callable
    that returns a Voice and needs no arguments,

        [project.entry-points."likeness.voices"]
        myengine = "mypackage.voice:MyVoice"

    and `voice = "myengine"` in likeness.toml selects it. Engines that take longer than a tick must work
    in a process of their own, as `EspeakVoice` does.
    """

    async def start(self) -> None:
        """Make ready to speak. Raises MachineError when the machine lacks something."""
        ...

    async def aclose(self) -> None:
        """Stop everything and free what is held; utterances under way end with VoiceError."""
        ...

    def speak(self, text: str, settings: VoiceSettings) -> AsyncGenerator[VoiceChunk, None]:
        """Chunks of `text` as they are synthesised; closing the generator cancels the rest at once.

        Raises InputError or LimitError for a text or settings that cannot be spoken, and VoiceError when
        the engine fails; what was yielded before stays valid.
        """
        ...


def load_voice(name: str = "espeak") -> Voice:
    """A voice by name: "espeak", or one that an installed package offers in `likeness.voices`.

    The voice is not started. Raises NotFoundError with the known names.
    """
    if name == "espeak":
        from likeness.speech.espeak import EspeakVoice

        return EspeakVoice()
    offered = {point.name: point for point in entry_points(group="likeness.voices")}
    if name not in offered:
        known = sorted({"espeak", *offered})
        near = get_close_matches(name, known, 1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise NotFoundError(f'There is no voice engine "{name}". Installed: {", ".join(known)}.{hint}')
    return cast(Voice, offered[name].load()())
