"""Real people: what volunteers say of the stamps of Tux Paint, aligned with the stamps' own texts.

The Debian package `tuxpaint-stamps-default` (GPL-2) has some 7,000 short recordings, made at home with
whatever was at hand, by one person for most languages. espeak-ng says how the texts are pronounced; the
acoustic model finds where.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from likeness.speech.acoustic_model import AcousticModel
from tools.lipsync.aligned_voices import LEAST
from tools.lipsync.corpus import RATE, Utterance, join
from tools.lipsync.espeak_voices import Espeak, pause
from tools.lipsync.prompt_voices import align_ipa

STAMPS: Final = Path("/usr/share/tuxpaint/stamps")
LANGUAGES: Final[Mapping[str, str]] = {
    "": "en-us", "be": "be", "bg": "bg", "ca": "ca", "da": "da", "el": "el", "es": "es", "fr": "fr",
    "nl": "nl", "ro": "ro", "ru": "ru",
}  # fmt: skip
"""The recordings' language, English without a name, and espeak's voice for it."""
_FIT: Final = -4.5
"""Least agreement of text and recording: some texts were changed after they were read."""


def synthesise(random: Random) -> Iterator[Utterance]:
    """All recordings whose text and sound agree, a few at a time, in random order."""
    if not STAMPS.is_dir():
        raise SystemExit(f"{STAMPS} is missing: apt-get install tuxpaint-stamps-default")
    espeak, model = Espeak(), AcousticModel()
    for language, voice in LANGUAGES.items():
        espeak.pronounce_as(voice)
        name = f"stamps:{language or 'en'}"
        paths = sorted(STAMPS.rglob(f"*_desc_{language}.ogg" if language else "*_desc.ogg"))
        random.shuffle(paths)
        said: list[Utterance] = []
        heard = agreed = 0
        for path in paths:
            text = _text(path, language)
            if text is None:
                continue
            heard += 1
            aligned = align_ipa(name, _sound(path), espeak.ipa(text), model, _FIT)
            if aligned is None:
                continue
            agreed += 1
            said += [aligned, pause(name, random.uniform(0, 0.3))]
            if sum(u.seconds for u in said) >= LEAST:
                yield join(name, said)
                said = []
        print(f"{name}: {agreed} of {heard} recordings agree with their text")


def _text(path: Path, language: str) -> str | None:
    """What a recording says, if its text is words alone."""
    file = path.with_name(re.sub(r"_desc(_\w+)?\.ogg$", ".txt", path.name))
    if not file.is_file():
        return None
    first, *rest = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    own = f"{language}.utf8="
    text = next((line.removeprefix(own) for line in rest if line.startswith(own)), "") if language else first
    return text.strip() if text.strip() and not re.search(r"[\d()$<>/]", text) else None


def _sound(path: Path) -> NDArray[np.float64]:
    """A recording at 16 kHz, in int16's scale."""
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(str(path)) as file:
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([f.to_ndarray().ravel() for f in frames]).astype(np.float64)
