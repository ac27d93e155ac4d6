"""What each sound does to the mouth: phones -> articulation curves -> the 52 controls.

Every source of lip movement ends here. A voice that knows its phonemes, or a recording aligned with its
transcript, gives `TimedPhone`s; the streaming network predicts the same curves from sound alone.

The co-articulation follows the dominance model (Cohen & Massaro, "Modeling coarticulation in synthetic
visual speech", 1993): each phone pulls a channel towards its target with a strength of its own, over a
window that reaches further ahead (anticipation) than back (carry-over). Bilabial closures are not blended:
p, b and m shut the lips, whatever stands beside them.
"""

import math
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 48_000
"""Samples a second of the media clock."""
FRAME: Final = 800
"""Samples between two frames (60 Hz)."""

FloatArray = NDArray[np.float32]

CHANNELS: Final = ("jaw", "close", "funnel", "pucker", "stretch", "roll", "tongue", "voice")
"""Articulation channels, each 0..1: jaw drop, lip seal, rounding with open lips, rounding with tight lips,
spread, lower lip under the upper teeth, tongue at the teeth, and whether there is speech at all."""
JAW, CLOSE, FUNNEL, PUCKER, STRETCH, ROLL, TONGUE, VOICE = range(8)

SILENCE: Final = "sil"
# class: targets (jaw, funnel, pucker, stretch, roll, tongue), strengths (jaw, rounding, roll, tongue).
# Consonants that need a jaw position (s, f) pull hard on it; those that do not (h, k) follow their vowels.
_TARGETS: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    SILENCE: ((0.00, 0.00, 0.00, 0.00, 0.0, 0.00), (0.60, 0.35, 0.6, 0.6)),
    "p": ((0.04, 0.00, 0.00, 0.00, 0.0, 0.00), (1.20, 0.08, 1.0, 0.3)),
    "b": ((0.05, 0.00, 0.00, 0.00, 0.0, 0.00), (1.20, 0.08, 1.0, 0.3)),
    "m": ((0.06, 0.00, 0.00, 0.00, 0.0, 0.00), (1.20, 0.08, 1.0, 0.3)),
    "f": ((0.10, 0.10, 0.00, 0.10, 1.0, 0.00), (1.00, 0.25, 1.5, 0.3)),
    "v": ((0.11, 0.10, 0.00, 0.10, 0.9, 0.00), (1.00, 0.25, 1.5, 0.3)),
    "w": ((0.12, 0.35, 0.95, 0.00, 0.0, 0.10), (0.80, 1.20, 1.0, 0.4)),
    "th": ((0.15, 0.00, 0.00, 0.20, 0.0, 1.00), (0.70, 0.20, 1.0, 1.2)),
    "t": ((0.10, 0.05, 0.00, 0.25, 0.0, 0.80), (0.60, 0.15, 1.0, 1.0)),
    "d": ((0.12, 0.05, 0.00, 0.25, 0.0, 0.80), (0.60, 0.15, 1.0, 1.0)),
    "n": ((0.13, 0.05, 0.00, 0.20, 0.0, 0.80), (0.50, 0.15, 1.0, 1.0)),
    "l": ((0.22, 0.05, 0.00, 0.15, 0.0, 0.85), (0.50, 0.15, 1.0, 1.1)),
    "r": ((0.15, 0.45, 0.35, 0.00, 0.0, 0.50), (0.60, 0.60, 1.0, 0.6)),
    "s": ((0.05, 0.15, 0.00, 0.40, 0.0, 0.60), (1.00, 0.30, 1.0, 0.8)),
    "z": ((0.06, 0.15, 0.00, 0.40, 0.0, 0.60), (1.00, 0.30, 1.0, 0.8)),
    "sh": ((0.07, 0.80, 0.30, 0.00, 0.0, 0.55), (1.00, 0.90, 1.0, 0.7)),
    "zh": ((0.08, 0.80, 0.30, 0.00, 0.0, 0.55), (1.00, 0.90, 1.0, 0.7)),
    "k": ((0.20, 0.05, 0.00, 0.10, 0.0, 0.35), (0.40, 0.12, 1.0, 0.5)),
    "g": ((0.20, 0.05, 0.00, 0.10, 0.0, 0.35), (0.40, 0.12, 1.0, 0.5)),
    "ng": ((0.20, 0.05, 0.00, 0.10, 0.0, 0.35), (0.40, 0.12, 1.0, 0.5)),
    "h": ((0.30, 0.00, 0.00, 0.10, 0.0, 0.10), (0.15, 0.06, 1.0, 0.2)),
    "y": ((0.10, 0.00, 0.00, 0.60, 0.0, 0.55), (0.60, 0.60, 1.0, 0.6)),
    "i": ((0.13, 0.00, 0.00, 0.85, 0.0, 0.50), (0.80, 0.80, 1.0, 0.5)),
    "I": ((0.25, 0.00, 0.00, 0.55, 0.0, 0.35), (0.80, 0.70, 1.0, 0.4)),
    "E": ((0.42, 0.00, 0.00, 0.50, 0.0, 0.25), (0.90, 0.70, 1.0, 0.4)),
    "a": ((0.68, 0.00, 0.00, 0.40, 0.0, 0.10), (1.00, 0.70, 1.0, 0.4)),
    "A": ((0.62, 0.10, 0.00, 0.05, 0.0, 0.05), (1.00, 0.60, 1.0, 0.4)),
    "O": ((0.48, 0.65, 0.35, 0.00, 0.0, 0.00), (1.00, 0.90, 1.0, 0.4)),
    "u": ((0.18, 0.40, 0.90, 0.00, 0.0, 0.10), (0.80, 1.10, 1.0, 0.4)),
    "Y": ((0.22, 0.50, 0.75, 0.10, 0.0, 0.40), (0.80, 1.00, 1.0, 0.4)),
    "ax": ((0.26, 0.08, 0.00, 0.15, 0.0, 0.15), (0.50, 0.30, 1.0, 0.3)),
    "er": ((0.24, 0.40, 0.30, 0.00, 0.0, 0.40), (0.70, 0.60, 1.0, 0.5)),
}
CLASSES: Final = tuple(_TARGETS)
"""Phone classes: what the eye can tell apart, plus what the ear needs to tell them apart."""
CLASS_INDEX: Final = {name: index for index, name in enumerate(CLASSES)}
BILABIAL: Final = frozenset("pbm")

_VALUES: Final = np.array([_TARGETS[c][0] for c in CLASSES], np.float32)
_STRENGTHS: Final = np.array([_TARGETS[c][1] for c in CLASSES], np.float32)
# The share of a bilabial during which the lips are shut: a p ends in a burst and aspiration, an m does not.
_SHUT: Final = {"p": 0.75, "b": 0.9, "m": 1.0}
_SHUT_LEAST: Final = 2 * FRAME
"""A closure is seen only when it lasts two frames."""
_CLOSING, _OPENING = int(0.035 * RATE), int(0.030 * RATE)
"""The time lips take to meet and to part."""


@dataclass(frozen=True, slots=True)
class TimedPhone:
    """One speech sound in time.

    `phone` is IPA as espeak-ng writes it (stress and length marks allowed; empty, "_" or a blank means
    silence); `start` and `end` are 48 kHz sample indices, start <= end.
    """

    phone: str
    start: int
    end: int


def ipa_classes(ipa: str) -> list[str]:
    """Phone classes of one IPA phone: one for most, two for affricates and diphthongs.

    Silence is ["sil"]; a string without any known symbol gives an empty list.
    """
    text = unicodedata.normalize("NFD", ipa.strip()).translate(_LIGATURES)
    text = text.replace("c\u0327", "ç")  # a letter of its own, no c with a mark
    text = "".join(ch for ch in text if ch not in _MARKS)
    if text in ("", "_", "|"):
        return [SILENCE]
    found: list[str] = []
    position = 0
    while position < len(text):
        pair = _PAIRS.get(text[position : position + 2])
        if pair is not None:
            found += pair
            position += 2
            continue
        single = _SYMBOLS.get(text[position])
        if single is not None and (not found or found[-1] != single):
            found.append(single)
        position += 1
    return found


def arpabet_classes(phone: str) -> list[str]:
    """Phone classes of an ARPAbet phone (CMU dictionary, stress digits allowed; SIL, +NSN+ are silence)."""
    name = phone.rstrip("012").upper()
    return list(_ARPABET.get(name, (SILENCE,)))


def articulate(phones: Sequence[TimedPhone], first_sample: int, frames: int, step: int = FRAME) -> FloatArray:
    """Articulation curves float32[frames, 8] (`CHANNELS`) at first_sample + k * step.

    Phones must be ordered by start; gaps between them, and everything outside, are silence. Phones further
    than 0.3 s from the asked span do not matter and may be left out.
    """
    return _blend(_segments(phones), first_sample + step * np.arange(frames, dtype=np.int64))


def articulate_classes(
    classes: NDArray[np.integer], bounds: NDArray[np.integer], samples: NDArray[np.int64]
) -> FloatArray:
    """Curves float32[T, 8] at rising sample indices [T], from class indices [n] and their bounds [n, 2] in
    samples.
    """
    segments = [
        _Segment(int(c), int(s), int(e), 1.0) for c, (s, e) in zip(classes, bounds, strict=True) if e > s
    ]
    return _blend(segments, samples)


class Articulator:
    """Curves and controls from a stream of timed phones, as a voice reports them.

    Not thread-safe. Phones further than 0.5 s behind the last asked sample are forgotten.
    """

    def __init__(self) -> None:
        self._segments: list[_Segment] = []

    def push(self, phones: Iterable[TimedPhone]) -> None:
        """Add phones, ordered by start and not before those already pushed."""
        for segment in _segments(list(phones)):
            if self._segments and segment.start < self._segments[-1].start:
                # A corrected time from the voice: the newer report wins from its start on.
                keep = bisect_left(self._segments, segment.start, key=lambda s: s.start)
                del self._segments[keep:]
            self._segments.append(segment)

    def clear(self, from_sample: int | None = None) -> None:
        """Forget all phones, or those starting at or after `from_sample` (a barge-in cuts the rest)."""
        if from_sample is None:
            self._segments.clear()
        else:
            del self._segments[bisect_left(self._segments, from_sample, key=lambda s: s.start) :]

    @property
    def known_until(self) -> int:
        """The end of the last phone pushed, 48 kHz samples; 0 when there is none."""
        return self._segments[-1].end if self._segments else 0

    def curves(self, sample: int) -> FloatArray:
        """Articulation curves float32[8] at one sample."""
        past = bisect_left(self._segments, sample - RATE // 2, key=lambda s: s.end)
        if past:
            del self._segments[:past]
        ahead = bisect_right(self._segments, sample + _REACH, key=lambda s: s.start)
        return _blend(self._segments[:ahead], np.array([sample], np.int64))[0]

    def controls(self, sample: int, style: "Style | None" = None) -> FloatArray:
        """The 52 controls float32[52] at one sample."""
        return curves_to_controls(self.curves(sample), style)


@dataclass(frozen=True, slots=True)
class Style:
    """A way of speaking: gains on what the mouth does (1 = the phone's own target).

    `smile` lifts the mouth corners while speaking, 0..1; it is zero at rest.
    """

    name: str
    jaw: float = 1.0
    rounding: float = 1.0
    spread: float = 1.0
    teeth: float = 1.0
    smile: float = 0.0


STYLES: Final = (
    Style("neutral"),
    Style("clear", jaw=1.25, rounding=1.15, spread=1.15, teeth=1.2),
    Style("relaxed", jaw=0.72, rounding=0.8, spread=0.75, teeth=0.6),
    Style("warm", jaw=1.0, rounding=0.9, spread=1.25, teeth=1.1, smile=0.28),
    Style("grave", jaw=0.85, rounding=1.1, spread=0.55, teeth=0.7),
    Style("broad", jaw=1.4, rounding=1.25, spread=1.25, teeth=1.35, smile=0.1),
)
"""The speaking styles, by index; 0 is neutral."""


def curves_to_controls(curves: FloatArray, style: Style | None = None) -> FloatArray:
    """The 52 controls (ARKit names and order) float32[..., 52] from articulation curves [..., 8].

    A full closure has mouthClose == jawOpen, no opening control, and a little press: the lips are sealed.
    All-zero curves give all-zero controls.
    """
    s = style or STYLES[0]
    jaw, close, funnel, pucker, stretch, roll, tongue, voice = np.moveaxis(np.clip(curves, 0.0, 1.0), -1, 0)
    ajar = 1.0 - close
    drop = np.minimum(_JAW_GAIN * s.jaw * jaw, 1.0)
    spread = s.spread * stretch * (1.0 - 0.7 * pucker)
    rolled = roll * ajar
    out = np.zeros((*curves.shape[:-1], 52), np.float32)
    out[..., _JAW_OPEN] = drop
    out[..., _MOUTH_CLOSE] = close * drop
    out[..., _JAW_FORWARD] = 0.12 * funnel
    out[..., _MOUTH_FUNNEL] = np.minimum(0.75 * s.rounding * funnel * ajar, 1.0)
    out[..., _MOUTH_PUCKER] = np.minimum(0.85 * s.rounding * pucker * (1.0 - 0.25 * close), 1.0)
    out[..., _MOUTH_ROLL_LOWER] = 0.75 * rolled + 0.05 * close
    out[..., _MOUTH_ROLL_UPPER] = 0.04 * close
    smile = np.minimum(0.20 * spread + s.smile * voice, 1.0)
    side = np.minimum(0.38 * spread, 1.0)
    lower = np.clip(s.teeth * (0.22 * spread + 0.30 * drop + 0.18 * funnel) * ajar * (1.0 - roll), 0.0, 1.0)
    upper = np.clip(s.teeth * (0.12 * spread + 0.14 * drop + 0.22 * roll) * ajar, 0.0, 1.0)
    press = 0.30 * close
    for side_of in (0, 1):
        out[..., _SMILE + side_of] = smile
        out[..., _STRETCH + side_of] = side
        out[..., _PRESS + side_of] = press
        out[..., _LOWER_DOWN + side_of] = lower
        out[..., _UPPER_UP + side_of] = upper
    # Only th brings the tongue between the teeth; at 0.85 (t, d, n, l) it stays behind them.
    out[..., _TONGUE_OUT] = np.clip((tongue - 0.85) * 2.0, 0.0, 0.3) * ajar
    return out


_JAW_GAIN: Final = 0.62  # the widest vowel of a speaking voice against ARKit's fully open jaw
(_JAW_FORWARD, _JAW_OPEN, _MOUTH_CLOSE, _MOUTH_FUNNEL, _MOUTH_PUCKER) = (14, 17, 18, 19, 20)
(_SMILE, _STRETCH, _MOUTH_ROLL_LOWER, _MOUTH_ROLL_UPPER, _PRESS) = (23, 29, 31, 32, 35)
(_LOWER_DOWN, _UPPER_UP, _TONGUE_OUT) = (37, 39, 51)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A phone class in time; one TimedPhone may give two."""

    index: int
    start: int
    end: int
    stress: float


def _segments(phones: Sequence[TimedPhone]) -> list[_Segment]:
    out: list[_Segment] = []
    for phone in phones:
        classes = ipa_classes(phone.phone)
        if phone.end <= phone.start:
            continue
        if not classes:  # an unknown sound is still sound: let the mouth stay half open
            classes = ["ax"]
        stress = 1.15 if phone.phone.lstrip().startswith("ˈ") else 1.0
        length = phone.end - phone.start
        for k, name in enumerate(classes):
            start = phone.start + length * k // len(classes)
            end = phone.start + length * (k + 1) // len(classes)
            out.append(_Segment(CLASS_INDEX[name], start, end, stress))
    return out


_REACH: Final = int(0.3 * RATE)


def _reach_table(ahead: float, behind: float) -> FloatArray:
    """Integral from -inf to u of a Gaussian with two deviations (seconds), u on a 1 ms grid over +-0.3 s."""
    u = np.arange(-300, 301) / 1000.0
    half = np.array([math.erf(abs(x) / (ahead if x > 0 else behind) / math.sqrt(2)) for x in u])
    mass = np.where(u < 0, behind * (1 - half), behind + ahead * half) / (ahead + behind)
    mass[0], mass[-1] = 0.0, 1.0
    return mass.astype(np.float32)


# Anticipation and carry-over, seconds: lips round well ahead of a vowel, the jaw is quick, a roll quicker.
_JAW_REACH: Final = _reach_table(0.035, 0.030)
_ROUND_REACH: Final = _reach_table(0.060, 0.045)
_ROLL_REACH: Final = _reach_table(0.022, 0.020)
_VOICE_REACH: Final = _reach_table(0.030, 0.030)
_REST: Final = 0.004
"""Curves below this are the tail of a Gaussian, not movement: at rest the mouth is exactly at rest."""


def _blend(segments: Sequence[_Segment], samples: NDArray[np.int64]) -> FloatArray:
    """Curves [T, 8] of ordered segments at the given samples."""
    out = np.zeros((len(samples), 8), np.float32)
    if not segments or not len(samples):
        return out
    low, high = int(samples[0]) - _REACH, int(samples[-1]) + _REACH
    index, edges, stress = _timeline([s for s in segments if s.end > low and s.start < high], low, high)
    ahead = np.clip((edges[None, :] - samples[:, None]) / 48.0 + 300.0, 0.0, 600.0)
    grid = ahead.astype(np.int32)
    part = (ahead - grid).astype(np.float32)
    after = np.minimum(grid + 1, 600)

    def shares(table: FloatArray) -> FloatArray:
        """How much of the window each segment fills, [T, n]."""
        return np.diff(table[grid] * (1 - part) + table[after] * part, axis=1).astype(np.float32)

    values, strengths = _VALUES[index], _STRENGTHS[index]

    def mean(table: FloatArray, columns: list[int], strength: int, gain: FloatArray) -> FloatArray:
        pull = strengths[:, strength]
        weight = shares(table)
        wanted = values[:, columns] * (pull * gain)[:, None]
        return (weight @ wanted / (weight @ pull[:, None] + 1e-6)).astype(np.float32)

    plain = np.ones(len(index), np.float32)
    out[:, JAW] = mean(_JAW_REACH, [0], 0, stress)[:, 0]
    out[:, [FUNNEL, PUCKER, STRETCH]] = mean(_ROUND_REACH, [1, 2, 3], 1, plain)
    out[:, ROLL] = mean(_ROLL_REACH, [4], 2, plain)[:, 0]
    out[:, TONGUE] = mean(_JAW_REACH, [5], 3, plain)[:, 0]
    out[:, VOICE] = shares(_VOICE_REACH) @ (index > 0).astype(np.float32)
    out = np.clip((out - _REST) / (1 - _REST), 0.0, 1.0)
    for segment in segments:
        name = CLASSES[segment.index]
        if name in BILABIAL and segment.end > low and segment.start < high:
            start, end = shut(name, segment.start, segment.end)
            rise = (samples - (start - _CLOSING)) / _CLOSING
            fall = ((end + _OPENING) - samples) / _OPENING
            ramp = np.clip(np.minimum(rise, fall), 0.0, 1.0)
            out[:, CLOSE] = np.maximum(out[:, CLOSE], ramp * ramp * (3 - 2 * ramp))
    return out


def shut(name: str, start: int, end: int) -> tuple[int, int]:
    """The span, in samples, during which a bilabial ("p", "b", "m") from start to end holds the lips shut."""
    length = end - start
    closed = max(int(length * _SHUT[name]), min(length, _SHUT_LEAST))
    if closed < _SHUT_LEAST:  # too short to be seen: borrow from both neighbours
        spare = _SHUT_LEAST - closed
        return start - spare // 2, start - spare // 2 + _SHUT_LEAST
    return start, start + closed


def _timeline(
    segments: Sequence[_Segment], low: int, high: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Gap-free class indices [n], edges [n + 1] and stress [n] over low..high, silence between and around."""
    index: list[int] = []
    edges = [low]
    stress: list[float] = []
    for k, segment in enumerate(segments):
        start = max(segment.start, edges[-1])
        end = segment.end if k + 1 == len(segments) else min(segment.end, max(segments[k + 1].start, start))
        if start > edges[-1]:
            index.append(0)
            stress.append(1.0)
            edges.append(start)
        if end > start:
            index.append(segment.index)
            stress.append(segment.stress)
            edges.append(end)
    if edges[-1] < high:
        index.append(0)
        stress.append(1.0)
        edges.append(high)
    return np.array(index, np.int64), np.array(edges, np.int64), np.array(stress, np.float32)


_MARKS: Final = frozenset("ˈˌːˑ.ʲʰ'’ˤ~*-0123456789") | {chr(c) for c in range(0x300, 0x370)}
# Combining marks (nasal, rhotic, voiceless, syllabic) change the sound, not what the lips do.
_LIGATURES: Final = str.maketrans(
    {"ʧ": "tʃ", "ʤ": "dʒ", "ʦ": "ts", "ʣ": "dz", "ʨ": "tɕ", "ʥ": "dʑ", "ᵊ": "ə", "ᶑ": "ɖ"}
)
_PAIRS: Final = {
    "tʃ": ["t", "sh"], "dʒ": ["d", "zh"], "ts": ["t", "s"], "dz": ["d", "z"], "tɕ": ["t", "s"],
    "dʑ": ["d", "z"], "tʂ": ["t", "sh"], "dʐ": ["d", "zh"], "pf": ["p", "f"],
}  # fmt: skip
_SYMBOLS: Final = {
    symbol: name
    for name, symbols in {
        "p": "pƥ", "b": "bɓʙ", "m": "mɱ", "f": "fɸ", "v": "vʋβⱱ", "w": "wʍɥ", "th": "θð", "t": "tʈcƭ",
        "d": "dɖɟɾɗɽʄ", "n": "nɲɳ", "l": "lɫʎɭɬɮʟɺ", "r": "rɹɻʁʀ", "s": "sɕ", "z": "zʑ", "sh": "ʃʂ",
        "zh": "ʒʐ",
        "k": "kq", "g": "ɡgɣɠɢʛɰ", "ng": "ŋɴ", "h": "hxɦħχçʔʕɧ", "y": "jʝ", "i": "iɨɯ", "I": "ɪeᵻ", "E": "ɛ",
        "a": "æa", "A": "ɑʌɐɒ", "O": "ɔoɤ", "u": "uʊʉᵿ", "Y": "yøœʏɵɞ", "ax": "əɘ", "er": "ɜɚɝ",
    }.items()
    for symbol in symbols
}  # fmt: skip
_ARPABET: Final[dict[str, tuple[str, ...]]] = {
    "AA": ("A",), "AE": ("a",), "AH": ("A",), "AO": ("O",), "AW": ("a", "u"), "AX": ("ax",), "AXR": ("er",),
    "AY": ("a", "I"), "B": ("b",), "CH": ("t", "sh"), "D": ("d",), "DH": ("th",), "DX": ("d",), "EH": ("E",),
    "EL": ("ax", "l"), "EM": ("ax", "m"), "EN": ("ax", "n"), "ER": ("er",), "EY": ("I", "i"), "F": ("f",),
    "G": ("g",), "HH": ("h",), "HV": ("h",), "IH": ("I",), "IY": ("i",), "JH": ("d", "zh"), "K": ("k",),
    "L": ("l",), "M": ("m",), "N": ("n",), "NG": ("ng",), "NX": ("n",), "OW": ("O", "u"), "OY": ("O", "I"),
    "P": ("p",), "R": ("r",), "S": ("s",), "SH": ("sh",), "T": ("t",), "TH": ("th",), "UH": ("u",),
    "UW": ("u",), "V": ("v",), "W": ("w",), "Y": ("y",), "Z": ("z",), "ZH": ("zh",),
}  # fmt: skip
