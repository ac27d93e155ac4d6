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

from likeness.speech.acoustic_model import AcousticModel
from tools.lipsync.aligned_voices import read_sound, recorded
from tools.lipsync.corpus import Utterance
from tools.lipsync.espeak_voices import Espeak

STAMPS: Final = Path("/usr/share/tuxpaint/stamps")
LANGUAGES: Final[Mapping[str, str]] = {
    "": "en-us", "be": "be", "bg": "bg", "ca": "ca", "da": "da", "el": "el", "es": "es", "fr": "fr",
    "nl": "nl", "ro": "ro", "ru": "ru",
}  # fmt: skip
"""The recordings' language, English without a name, and espeak's voice for it."""


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
        texts = ((path, _text(path, language)) for path in paths)
        told = ((text, read_sound(path)) for path, text in texts if text is not None)
        yield from recorded(name, told, random, espeak, model)


def _text(path: Path, language: str) -> str | None:
    """What a recording says, if its text is words alone."""
    file = path.with_name(re.sub(r"_desc(_\w+)?\.ogg$", ".txt", path.name))
    if not file.is_file():
        return None
    first, *rest = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    own = f"{language}.utf8="
    text = next((line.removeprefix(own) for line in rest if line.startswith(own)), "") if language else first
    return text.strip() if text.strip() and not re.search(r"[\d()$<>/]", text) else None
