"""Real people: the telephone prompts that Debian packages for Asterisk, aligned with their own texts.

Five professional speakers read about 570 short prompts each, at 16 kHz (G.722): Allison Smith in English and
in Spanish (CC BY-SA 3.0), June Wallack in French (CC BY-SA 3.0), Carlo Flora in Italian and ivrvoice.ru in
Russian (CC BY 3.0). espeak-ng says how the texts are pronounced; the acoustic model finds where.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import av
import numpy as np
import torch
from numpy.typing import NDArray

from likeness.speech.acoustic_model import AcousticModel
from likeness.speech.alignment import FRAME_RATE, best_path, phone_states, state_scores
from likeness.speech.articulation import SILENCE, ipa_classes
from tools.lipsync.corpus import RATE, Utterance, join, utterance
from tools.lipsync.espeak_voices import Espeak, pause
from tools.lipsync.kokoro_voices import ARPABET

SOUNDS: Final = Path("/usr/share/asterisk/sounds")
TEXTS: Final = Path("/usr/share/doc")
_FIT: Final = -9.0
"""Mean log-likelihood a frame below the best state's, under which text and recording do not agree."""
_STOPS: Final = frozenset("pbtdkg")
_LONGEST_CLOSURE: Final = 0.12
_TAIL: Final = 5  # prompts joined to one utterance


@dataclass(frozen=True, slots=True)
class Speaker:
    """A folder of prompts; `text` names the package with the list of what they say, `voice` espeak's."""

    folder: str
    text: str
    voice: str


SPEAKERS: Final = (
    Speaker("en_US_f_Allison", "en", "en-us"),
    Speaker("es_MX_f_Allison", "es", "es-419"),
    Speaker("fr_CA_f_June", "fr", "fr"),
    Speaker("it_IT_m_Carlo", "it", "it"),
)
VALIDATION: Final = (Speaker("ru_RU_f_IvrvoiceRU", "ru", "ru"),)
"""A speaker that tuning hears and training does not."""


def synthesise(random: Random, speakers: Sequence[Speaker] = SPEAKERS) -> Iterator[Utterance]:
    """All prompts whose text and sound agree, a few at a time, in random order."""
    espeak, model = Espeak(), AcousticModel()
    for speaker in speakers:
        texts = _texts(speaker)
        espeak.pronounce_as(speaker.voice)
        paths = sorted((SOUNDS / speaker.folder).rglob("*.g722"))
        random.shuffle(paths)
        said: list[Utterance] = []
        heard = dropped = 0
        for path in paths:
            text = texts.get(path.relative_to(SOUNDS / speaker.folder).with_suffix("").as_posix())
            if text is None:
                continue
            heard += 1
            aligned = align_ipa(f"prompts:{speaker.folder}", _sound(path), espeak.ipa(text), model)
            if aligned is None:
                dropped += 1
                continue
            said += [aligned, pause(aligned.voice, random.uniform(0, 0.3))]
            if len(said) == 2 * _TAIL:
                yield join(said[0].voice, said)
                said = []
        print(f"{speaker.folder}: {heard - dropped} of {heard} prompts agree with their text")


def _texts(speaker: Speaker) -> dict[str, str]:
    package = f"asterisk-core-sounds-{speaker.text}"
    path = TEXTS / package / f"core-sounds-{speaker.text}.txt.gz"
    if not path.is_file() or not (SOUNDS / speaker.folder).is_dir():
        raise SystemExit(f"{path} is missing: apt-get install {package} {package}-g722")
    texts: dict[str, str] = {}
    for line in gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines():
        name, _, text = line.partition(":")
        if text.strip() and not re.search(r"[\[\]<>{}]", text) and not name.startswith(";"):
            texts[name.strip()] = text.strip()
    return texts


def _sound(path: Path) -> NDArray[np.float64]:
    with av.open(str(path), format="g722") as file:
        parts = [frame.to_ndarray().ravel() for frame in file.decode(audio=0)]
    return np.concatenate(parts).astype(np.float64)


def align_ipa(
    voice: str, wave: NDArray[np.float64], ipa: str, model: AcousticModel, fit: float = _FIT
) -> Utterance | None:
    """A wave at 16 kHz that says an IPA text, with its phones in time; pauses may stand between words. None
    when the two do not agree as well as `fit`.
    """
    words = [[c for symbol in _phones(word) for c in ipa_classes(symbol)] for word in ipa.split()]
    words = [[c for c in word if c != SILENCE] for word in words]
    classes = [SILENCE]
    for word in words:
        classes += [*word, SILENCE] if word else []
    seconds = len(wave) / RATE
    if len(classes) < 4 or 3.2 * len(classes) / FRAME_RATE > seconds or seconds > 0.35 * len(classes) + 1.5:
        return None
    timed = align_classes(model, wave, classes, fit)
    return None if timed is None else utterance(voice, wave, timed)


def _phones(word: str) -> list[str]:
    """The symbols of an IPA word, marks with the letter before them, affricates and diphthongs whole."""
    return re.findall(
        r"(?:t͡?ʃ|d͡?ʒ|t͡?s|d͡?z|a[ɪʊ]|e[ɪ]|o[ʊ]|ɔ[ɪ]|[^\W\d_]|[ˈˌ])[ːʰʲ\u0300-\u036f]*",
        word.replace("ˈ", "").replace("ˌ", ""),
    )


def align_classes(
    model: AcousticModel, wave: NDArray[np.float64], classes: Sequence[str], fit: float = _FIT
) -> list[tuple[str, float, float]] | None:
    """(class, start, end) in seconds of phone classes said in order in a wave at 16 kHz; silences may be
    left out. None when what is heard does not agree: `fit` is the least mean log-likelihood of a spoken
    frame, relative to the best state's.
    """
    level = float(np.percentile(np.abs(wave), 99)) + 1e-9
    floor = 1e-5 * torch.randn(len(wave), generator=torch.Generator().manual_seed(0)).numpy()
    states = state_scores(model, (wave * (0.25 / level) + floor).astype(np.float32), RATE)
    index = {p: i for i, p in enumerate(model.phones)}
    pause = phone_states([index["SIL"]])
    states[:, pause] -= _too_loud(wave, len(states))[:, None]
    heard = {
        name: np.max([states[:, phone_states([index[p]])] for p in ARPABET[name]], axis=0)
        for name in set(classes)
    }
    scores = np.concatenate([heard[name] for name in classes], 1)
    optional = np.repeat([name == SILENCE for name in classes], 3)
    path = best_path(lambda t, low, high: scores[t, low:high], len(scores), optional)
    spoken = np.flatnonzero(~optional[path])
    if not len(spoken) or float((scores[spoken, path[spoken]] - states[spoken].max(1)).mean()) < fit:
        return None
    edges = np.flatnonzero(np.diff(path // 3)) + 1
    starts = [0.0, *((e - 0.5) / FRAME_RATE for e in edges), len(wave) / RATE]
    said = [classes[int(k)] for k in path[np.concatenate(([0], edges)).astype(np.int64)] // 3]
    for k in range(1, len(said)):
        silence = starts[k] - starts[k - 1]
        if said[k - 1] == SILENCE and said[k] in _STOPS:  # the silence before a burst is the stop's own
            starts[k] -= silence if silence <= _LONGEST_CLOSURE else 0.075
    return [
        (name, float(s), float(e)) for name, s, e in zip(said, starts[:-1], starts[1:], strict=True) if e > s
    ]


def _too_loud(wave: NDArray[np.float64], frames: int) -> NDArray[np.float32]:
    """What a frame's loudness says against a pause there: 2 for each dB above 25 dB below the voice."""
    hop = RATE / FRAME_RATE
    power = np.cumsum(np.pad((wave / 32768.0) ** 2, (200, 600)))
    at = np.minimum((np.arange(frames) * hop).astype(np.int64), len(power) - 401)
    level = 10 * np.log10((power[at + 400] - power[at]) / 400 + 1e-10)
    quiet, loud = np.percentile(level, (5, 90))
    return (2.0 * np.clip(level - max(loud - 25.0, quiet + 8.0), 0.0, 20.0)).astype(np.float32)
