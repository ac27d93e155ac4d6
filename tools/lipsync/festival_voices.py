"""Voices cut or trained from real speech: festival's diphone, unit-selection and HMM voices, with their
segment times.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from tools.lipsync.corpus import RATE, Utterance, join, utterance
from tools.lipsync.espeak_voices import pause
from tools.lipsync.sentences import Sentences

# voice: sentence language, spelling of the text file, phone set, share
VOICES = {
    "lp_diphone": ("it", "iso-8859-1", "italian", 10), "pc_diphone": ("it", "iso-8859-1", "italian", 10),
    "czech_dita": ("cs", "iso-8859-2", "czech", 9), "czech_krb": ("cs", "iso-8859-2", "czech", 7),
    "czech_machac": ("cs", "iso-8859-2", "czech", 9), "czech_ph": ("cs", "iso-8859-2", "czech", 9),
    "hy_fi_mv_diphone": ("fi", "iso-8859-1", "finnish", 9), "suo_fi_lj_diphone": ("fi", "iso-8859-1",
    "finnish", 9),
    "msu_ru_nsh_clunits": ("ru", "utf-8", "russian", 16), "upc_ca_ona_hts": ("ca", "iso-8859-15",
    "catalan", 16),
    "hindi_NSK_diphone": ("hi", "utf-8", "indic", 12), "telugu_NSK_diphone": ("te", "utf-8", "indic", 10),
}  # fmt: skip
HELD_OUT = {"ked_diphone": ("en", "ascii", "american", 1)}
"""A voice that only the final scores hear."""
_BATCH = 40
_TAIL = 4  # sentences joined to one utterance


def synthesise(
    hours: float, random: Random, sentences: Sentences, voices: dict[str, tuple[str, str, str, int]]
) -> Iterator[Utterance]:
    """Utterances of each voice, by its share of `hours`. Voices that fail to synthesise are reported and
    left out.
    """
    total = sum(share for *_, share in voices.values())
    for name, (language, encoding, phone_set, share) in voices.items():
        wanted = int(hours * share / total * 3600 / 3.4)
        for first in range(0, wanted, _BATCH):
            said = list(
                _batch(name, language, encoding, phone_set, min(_BATCH, wanted - first), random, sentences)
            )
            if not said:
                print(f"festival voice {name}: no sound (is its package installed?)")
                break
            for k in range(0, len(said), _TAIL):
                parts = [p for u in said[k : k + _TAIL] for p in (u, pause(name, random.uniform(0, 0.4)))]
                yield join(f"festival:{name}", parts)


def _batch(
    name: str, language: str, encoding: str, phone_set: str, count: int, random: Random, sentences: Sentences
) -> Iterator[Utterance]:
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{name})"]
        for i in range(count):
            text = sentences.sentence(language, random).encode(encoding, "ignore").decode(encoding)
            lines.append(f"(Parameter.set 'Duration_Stretch {random.uniform(0.75, 1.25):.2f})")
            lines.append(f"(set! u (utt.synth (eval (list 'Utterance 'Text \"{text}\"))))")
            lines.append(f'(utt.save.wave u "{folder}/{i}.wav") (utt.save.segs u "{folder}/{i}.lab")')
        script = Path(folder) / "say.scm"
        script.write_bytes("\n".join(lines).encode(encoding))
        subprocess.run(["festival", "-b", str(script)], check=False, capture_output=True, timeout=600)
        for i in range(count):
            wave, label = Path(folder) / f"{i}.wav", Path(folder) / f"{i}.lab"
            if wave.is_file() and label.is_file():
                yield _read(name, wave, label, PHONE_SETS[phone_set])


def _read(name: str, wave: Path, label: Path, phone_set: dict[str, str]) -> Utterance:
    rate, sound = wavfile.read(wave)
    samples = sound.astype(np.float64)
    if rate != RATE:
        samples = resample_poly(samples, RATE, rate)
    phones: list[tuple[str, float, float]] = []
    start = 0.0
    for line in label.read_text(encoding="latin1").splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        end, classes = float(fields[0]), phone_set.get(fields[2], "ax").split()
        step = (end - start) / len(classes)
        for k, cls in enumerate(classes):
            phones.append((cls, start + k * step, start + (k + 1) * step))
        start = end
    phones.append(("sil", start, max(start, len(samples) / RATE)))
    return utterance(name, samples, phones)


def _phone_set(**changes: str) -> dict[str, str]:
    """The phones most voices share, and a voice's own; a class per phone, or two for affricates and
    diphthongs.
    """
    plain = "p b m f v w t d n l r s z k g h i a u"
    common = {c: c for c in plain.split()} | {
        "rr": "r", "j": "y", "e": "E", "E": "E", "o": "O", "O": "O", "N": "ng", "ng": "ng", "nf": "n",
        "pau": "sil", "#": "sil", "##": "sil", "h#": "sil", "brth": "sil",
    }  # fmt: skip
    return common | changes


_SAMPA = _phone_set(tS="t sh", dZ="d zh", ts="t s", dz="d z", J="n", S="sh", Z="zh", L="l", ax="ax", e="I")
_ITALIAN = _SAMPA | {f"{v}1": _SAMPA[v] for v in "aeiouEO"}
_CZECH = _phone_set(
    i="I", ch="h", c="t s", dz="d z", _="ax",
    **{"i:": "i", "e:": "E", "a:": "a", "o:": "O", "u:": "u", "s~": "sh", "z~": "zh", "r~": "r", "r~*": "sh",
       "c~": "t sh", "t~": "t", "d~": "d", "n~": "n", "n*": "ng", "dz~": "d zh"},
)  # fmt: skip
_FINNISH = _phone_set(y="Y", a="A", **{"7": "Y", "@": "a"})
_RUSSIAN = _phone_set(
    ay="I", ae="ax", aa="a", a="ax", ur="ax", ee="E", e="E", y="I", yy="I", ii="i", uu="u", oo="O", sch="sh",
    sh="sh", zh="zh", ch="t sh", c="t s",
)  # fmt: skip
_INDIC = _phone_set(
    aw="a u", ay="a I", dh="d", th="t", T="t", D="d", tth="t", ddh="d", kh="k", gh="g", bh="b", ph="p",
        oh="O",
    oo="O", ee="I", eh="E", ih="I", iy="i", uw="u", uh="u", sh="sh", ch="t sh", jh="d zh", aa="a", a="ax",
        j="d zh",
    y="y",
)  # fmt: skip
_AMERICAN = _phone_set(
    aa="A", ae="a", ah="A", ao="O", aw="a u", ax="ax", axr="er", ay="a I", ch="t sh", dh="th", dx="d", eh="E",
    el="ax l", em="ax m", en="ax n", er="er", ey="I i", hh="h", hv="h", ih="I", iy="i", jh="d zh", nx="n",
    ow="O u", oy="O I", sh="sh", th="th", uh="u", uw="u", y="y", zh="zh",
)  # fmt: skip
PHONE_SETS = {
    "italian": _ITALIAN,
    "czech": _ITALIAN | _CZECH,
    "finnish": _FINNISH | {f"{k}:": v for k, v in _FINNISH.items()},
    "russian": _RUSSIAN | {k + k: _RUSSIAN[k] for k in "pbmfvdtnlszkghr"},
    "indic": _ITALIAN | _INDIC,
    "catalan": _ITALIAN | _AMERICAN,
    "american": _AMERICAN,
}
