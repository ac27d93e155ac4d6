"""A public-domain reading for the final scores only: five sentences of Jane Austen, read by a volunteer.

The source package of pocketsphinx carries them with their text among its tests.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from likeness.speech.alignment import align
from likeness.speech.articulation import RATE as MEDIA_RATE
from likeness.speech.articulation import ipa_classes
from tools.lipsync.corpus import Utterance, utterance

SOURCE: Final = "pocketsphinx-5.1.1.tar.gz"


def read(cache: Path) -> Iterator[Utterance]:
    """The sentences, aligned with their text by the acoustic model."""
    package = cache / SOURCE
    if not package.is_file():
        command = "pip download --no-binary pocketsphinx --no-deps pocketsphinx==5.1.1"
        raise SystemExit(f"{package} is missing: run `{command}` in {cache}")
    with tarfile.open(package) as archive:
        files = {Path(m.name): m for m in archive if "/test/data/librivox/" in m.name and m.isfile()}
        for path in sorted(p for p in files if p.suffix == ".wav" and p.with_suffix(".txt") in files):
            sound, text = (
                archive.extractfile(files[path]),
                archive.extractfile(files[path.with_suffix(".txt")]),
            )
            if sound is None or text is None:
                continue
            rate, samples = wavfile.read(io.BytesIO(sound.read()))
            wave = samples / 32768.0
            timed = align(
                resample_poly(wave, MEDIA_RATE // rate, 1).astype(np.float32), text.read().decode("utf-8")
            )
            phones: list[tuple[str, float, float]] = []
            for phone in timed:
                classes = ipa_classes(phone.phone)
                edges = np.linspace(phone.start, phone.end, len(classes) + 1) / MEDIA_RATE
                phones += [(c, float(edges[k]), float(edges[k + 1])) for k, c in enumerate(classes)]
            yield utterance("real:austen", wave, phones)
