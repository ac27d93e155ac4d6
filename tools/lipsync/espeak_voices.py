"""Formant voices of many languages and variants: espeak-ng, which reports its phonemes' times."""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from random import Random

import espeakng_loader
import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from likeness.speech.articulation import SILENCE, ipa_classes
from tools.lipsync.corpus import RATE, Utterance, join, utterance
from tools.lipsync.sentences import Sentences

# espeak voice, sentence language, share
LANGUAGES = (
    ("en-us", "en", 8), ("en", "en", 5), ("en-gb-x-rp", "en", 3), ("en-gb-scotland", "en", 4),
    ("en-029", "en", 1),
    ("en-us-nyc", "en", 2), ("de", "de", 3), ("fr", "fr", 3), ("es", "es", 3), ("es-419", "es", 1), ("it",
    "it", 3),
    ("ca", "ca", 2), ("pt", "es", 1), ("pt-br", "es", 1), ("nl", "de", 1), ("sv", "xx", 1), ("pl", "cs", 1),
    ("cs", "cs", 1), ("ru", "ru", 1), ("fi", "fi", 1), ("tr", "xx", 1), ("en-us", "xx", 2), ("ro", "it", 1),
)  # fmt: skip
_UNNATURAL = {
    "whisper",
    "whisperf",
    "fast",
    "Mr serious",
    "announcer",
    "anikaRobot",
    "UniRobot",
    "croak",
    "robosoft",
}
_BURST = frozenset("ptkcqʈbdɡg")
_SYNCHRONOUS, _PHONEME_EVENTS, _IPA = 2, 1, 2
_PHONEME, _UTF8 = 7, 1


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text", ctypes.c_int), ("length", ctypes.c_int),
        ("audio", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library, loaded once in this process (it keeps global state)."""

    def __init__(self) -> None:
        self.data = Path(espeakng_loader.get_data_path())
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.rate = int(
            self._library.espeak_Initialize(
                _SYNCHRONOUS, 0, str(self.data.parent).encode(), _PHONEME_EVENTS | _IPA
            )
        )
        if self.rate <= 0:
            raise SystemExit("espeak-ng did not start")
        self._sound: list[NDArray[np.int16]] = []
        self._events: list[tuple[str, int]] = []
        self._callback = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def variants(self) -> list[str]:
        """Voice variants that sound like people."""
        return sorted(p.name for p in (self.data / "voices" / "!v").iterdir() if p.name not in _UNNATURAL)

    def voice(self, name: str) -> bool:
        """Choose a voice; False when there is no such voice, and then the one before stays."""
        return self._library.espeak_SetVoiceByName(name.encode()) == 0

    def pronounce_as(self, name: str) -> None:
        """Choose a voice that must be there."""
        if not self.voice(name):
            raise SystemExit(f"espeak-ng has no voice {name}")

    def say(
        self, text: str, rate: int, pitch: int, pitch_range: int
    ) -> tuple[NDArray[np.int16], list[tuple[str, int]]]:
        """Sound at `self.rate` and (IPA, sample) events."""
        for parameter, value in ((1, rate), (2, 100), (3, pitch), (4, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._sound.clear()
        self._events.clear()
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        sound = np.concatenate(self._sound) if self._sound else np.zeros(0, np.int16)
        return sound, list(self._events)

    def ipa(self, text: str) -> str:
        """The pronunciation of a text by the chosen voice, IPA with stress marks and blanks between words."""
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        pointer, parts = ctypes.c_char_p(text.encode()), []
        while pointer.value:
            part = self._library.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, 0x02)
            parts.append((part or b"").decode("utf-8", "ignore"))
        return " ".join(parts)

    def _collect(self, wave, count, events) -> int:  # type: ignore[no-untyped-def]
        if wave and count > 0:
            self._sound.append(np.ctypeslib.as_array(wave, (count,)).copy())
        i = 0
        while events[i].type != 0:
            if events[i].type == _PHONEME:
                self._events.append((events[i].id.string.decode("utf-8", "ignore"), events[i].sample))
            i += 1
        return 0


def speak(espeak: Espeak, voice: str, text: str, rate: int, pitch: int, pitch_range: int) -> Utterance | None:
    """One utterance with its phones, or None when nothing came out."""
    sound, events = espeak.say(text, rate, pitch, pitch_range)
    if len(sound) < espeak.rate:
        return None
    phones: list[tuple[str, float, float]] = []
    for ipa, start, end in _stops_from_their_silence(sound, _spans(sound, events), espeak.rate):
        classes = [SILENCE] if not ipa else ipa_classes(ipa)
        if not classes:
            if phones:
                phones[-1] = (phones[-1][0], phones[-1][1], end / espeak.rate)
            continue
        step = (end - start) / len(classes)
        for k, name in enumerate(classes):
            phones.append((name, (start + k * step) / espeak.rate, (start + (k + 1) * step) / espeak.rate))
    wave = resample_poly(sound.astype(np.float64), RATE, espeak.rate)
    return utterance(voice, wave, phones)


def synthesise(hours: float, random: Random, sentences: Sentences) -> Iterator[Utterance]:
    """Utterances of random voices until `hours` are filled."""
    espeak = Espeak()
    variants, total = espeak.variants(), 0.0
    while total < hours * 3600:
        language, spelling, _ = random.choices(LANGUAGES, [w for _, _, w in LANGUAGES])[0]
        name = f"{language}+{random.choice(variants)}"
        if not espeak.voice(name):
            continue
        pitch, pitch_range, rate = random.randint(5, 95), random.randint(15, 90), random.randint(125, 250)
        parts: list[Utterance] = []
        for _ in range(4):
            said = speak(
                espeak,
                name,
                sentences.sentence(spelling, random),
                rate + random.randint(-15, 15),
                pitch,
                pitch_range,
            )
            if said is not None:
                parts += [said, pause(name, random.uniform(0, 0.5))]
        if parts:
            whole = join(f"espeak:{name}", parts)
            total += whole.seconds
            yield whole


def pause(voice: str, seconds: float) -> Utterance:
    """Silence between sentences."""
    pcm = np.zeros(int(seconds * RATE), np.int16)
    return Utterance(voice, pcm, np.zeros(1, np.int16), np.array([[0, len(pcm) / RATE]], np.float32))


def _spans(sound: NDArray[np.int16], events: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Events to spans; an event with an empty name is a pause only where there is silence."""
    spans: list[tuple[str, int, int]] = []
    for (ipa, start), (_, end) in zip(events, [*events[1:], ("", len(sound))], strict=True):
        if end <= start:
            continue
        if ipa == "" and spans and np.abs(sound[start:end].astype(np.float32)).mean() >= 50:
            spans[-1] = (spans[-1][0], spans[-1][1], end)
        else:
            spans.append((ipa, start, end))
    return spans


def _stops_from_their_silence(
    sound: NDArray[np.int16], spans: list[tuple[str, int, int]], rate: int
) -> list[tuple[str, int, int]]:
    """espeak marks the burst of a stop: move its start back over the silent closure before it."""
    hop = rate // 200
    blocks = sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float32)
    level = np.sqrt((blocks**2).mean(1) + 1)
    quiet = level < 0.06 * np.percentile(level, 80)
    out = list(spans)
    for i, (ipa, start, end) in enumerate(spans):
        first = start // hop
        if not ipa or ipa[0] not in _BURST or first == 0 or first > len(quiet) or not quiet[first - 1]:
            continue
        closed = first
        while closed > 0 and quiet[closed - 1] and (first - closed) * hop < 0.1 * rate:
            closed -= 1
        moved = closed * hop
        if i and out[i - 1][0]:
            moved = max(moved, out[i - 1][1] + int(0.02 * rate))
        if moved < start:
            out[i] = (ipa, moved, end)
            if i:
                out[i - 1] = (out[i - 1][0], out[i - 1][1], moved)
    return out
