"""`likeness bench lips`: does the mouth say what the voice says?"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench import hard_voices
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.cli.progress import progress_bar
from likeness.errors import InputError
from likeness.head import VoiceSettings
from likeness.head.controls import CONTROLS
from likeness.speech.articulation import (
    CLASSES,
    FRAME,
    JAW,
    RATE,
    SILENCE,
    TimedPhone,
    articulate,
    curves_to_controls,
    ipa_classes,
)
from likeness.speech.lip_scores import Score, Span, closures_said, closures_shown, strict, tolerant

Float32 = NDArray[np.float32]

VOICES: Final = (
    VoiceSettings("en-gb-x-gbclan", pitch=40, rate=150),
    VoiceSettings("en-gb-x-gbcwmd", pitch=60, rate=165),
    VoiceSettings("en-gb-x-gbclan", variant="f4", pitch=70, rate=175),
    VoiceSettings("en-gb-x-gbcwmd", variant="m6", pitch=20, rate=160),
)
"""Accents of the built-in voice that training did not use; it did use the engine and its timbres."""
SENTENCES: Final = (
    "My baby brother may have bumped the lamp before supper.",
    "Please put the paper cup back upon the marble table.",
    "The museum keeps a map of every bridge and public bath.",
    "Two wolves ran through the blue woods in the early moonlight.",
    "Pamela bought a pound of plums and a bag of brown bread.",
    "Seven thousand curious children asked the same simple question.",
    "Bob promised to improve the problem by the first of November.",
    "A farmer from the village found five very fine violets.",
    "She sees these green leaves each evening near the sea.",
    "Maybe the ambitious captain will climb the mountain tomorrow.",
    "Who would choose to move the food into the cool room?",
    "The composer wrote a prelude, and the people applauded him.",
)
_SNRS: Final = (30.0, 15.0, 5.0)
_CHATTER: Final = 7
"""Closures in one second that nobody's lips would reach: "papapa" said as fast as people can has 6 or 7."""
_OPEN_ORDER: Final = ("i", "I", "E", "a")
_INDEX: Final = {name: i for i, name in enumerate(CONTROLS)}


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording whose phones are known: pcm float32 [S] at 48 kHz."""

    voice: str
    pcm: Float32
    phones: tuple[TimedPhone, ...]


@click.command("lips")
@click.option(
    "--voices",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of NAME.wav with NAME.phones (lines: start end IPA, seconds) to hear instead of espeak-ng.",
)
@click.option("--quick", is_flag=True, help="A third of the sentences, no noise.")
def lips(voices: Path | None, quick: bool) -> None:
    """Closures on p, b, m; openness, rounding, teeth on lip, time offset: per voice, noise and source."""
    if not print_figures("lips", run(voices, quick)):
        raise SystemExit(1)


def run(voices: Path | None = None, quick: bool = False) -> list[Figure]:
    """Measure phoneme-driven and heard mouths on voices of known phones."""
    sentences = SENTENCES[::3] if quick else SENTENCES
    clips = read_clips(voices) if voices else asyncio.run(_espeak_clips(VOICES, sentences))
    figures = _known_text(clips)
    with progress_bar("Listening") as progress:
        heard, network, loop = hear_sources(clips, progress)
    figures += _heard(clips, heard)
    for name, logits in (("network", network), ("phone loop", loop)):
        shown = [closures_shown(follow(x)) for x in logits]
        figures.append(_by_voice(f"{name} alone: strict F, mean over voices", clips, shown))
    if not quick:
        for snr in _SNRS:
            noisy = [Clip(c.voice, add_noise(c.pcm, snr, k), c.phones) for k, c in enumerate(clips)]
            shown = [closures_shown(shut_frames(h)) for h in hear(noisy)]
            figures.append(
                _by_voice(f"heard, {snr:g} dB signal to noise: strict F, mean over voices", noisy, shown)
            )
        figures += _hard(clips)
    return [*figures, *_stillness(), *_speed()]


def hear(clips: Sequence[Clip], progress: Callable[[float], None] | None = None) -> list[Float32]:
    """Controls [T, 52] of each clip from the streaming network, all clips at once, look-ahead taken out."""
    return hear_sources(clips, progress)[0]


def hear_sources(
    clips: Sequence[Clip], progress: Callable[[float], None] | None = None
) -> tuple[list[Float32], list[Float32], list[Float32]]:
    """As `hear`, with the logits [T] of a closure behind it: the network's and the phone loop's."""
    from likeness.speech.lipsync import LipSync

    lip_sync = LipSync(capacity=len(clips))
    slots = np.array([lip_sync.open() for _ in clips])
    lead = -lip_sync.look_ahead % FRAME
    late = (lip_sync.look_ahead + lead) // FRAME - 1
    frames = [-(-len(c.pcm) // FRAME) for c in clips]
    ticks = max(frames) + late
    sound = np.zeros((len(clips), ticks * FRAME), np.float32)
    for row, clip in zip(sound, clips, strict=True):
        row[lead : lead + len(clip.pcm)] = clip.pcm[: len(row) - lead]
    controls = np.empty((ticks, len(clips), 52), np.float32)
    logits = np.empty((2, ticks, len(clips)), np.float32)
    for tick in range(ticks):
        mouths = lip_sync.listen(slots, sound[:, tick * FRAME : (tick + 1) * FRAME])
        controls[tick], logits[0, tick], logits[1, tick] = mouths.controls, mouths.network, mouths.loop
        if progress is not None:
            progress((tick + 1) / ticks)
    one, two, three = (
        [rows[late : late + n, k] for k, n in enumerate(frames)] for rows in (controls, logits[0], logits[1])
    )
    return one, two, three


def follow(logits: Float32, shut: float = 0.0, part: float = -1.5) -> NDArray[np.bool_]:
    """Frames [T] in which one source alone would shut the lips: hysteresis and two frames at least."""
    out = np.zeros(len(logits), np.bool_)
    closed, held = False, 0
    for t, logit in enumerate(logits):
        held += 1
        wants = bool(logit > (part if closed else shut)) or (closed and held < 2)
        if wants != closed:
            closed, held = wants, 0
        out[t] = closed
    return out


def shut_frames(controls: Float32) -> NDArray[np.bool_]:
    """Frames [T] whose controls [T, 52] hold the lips shut: sealed against the jaw, and pressed."""
    sealed = controls[:, _INDEX["mouthClose"]] >= 0.9 * controls[:, _INDEX["jawOpen"]]
    return sealed & (controls[:, _INDEX["mouthPressLeft"]] > 0.2)


def add_noise(pcm: Float32, snr: float, seed: int) -> Float32:
    """Sound with noise falling 3 dB an octave, `snr` dB below its loudest half."""
    generator = np.random.default_rng(seed)
    spectrum = np.fft.rfft(generator.normal(size=len(pcm)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, len(pcm))
    loud = np.abs(pcm) > np.percentile(np.abs(pcm), 50)
    power = float((pcm[loud] ** 2).mean()) / float((noise**2).mean() + 1e-20)
    return (pcm + noise * np.sqrt(power) * 10 ** (-snr / 20)).astype(np.float32)


def read_clips(folder: Path) -> list[Clip]:
    """Recordings of a folder with their phones; the voice is the file name up to the first hyphen."""
    from likeness.speech.audio_file import read_audio

    clips: list[Clip] = []
    for path in sorted(folder.glob("*.wav")):
        phones: list[TimedPhone] = []
        label = path.with_suffix(".phones")
        if not label.is_file():
            raise InputError(f"{path} has no {label.name} beside it: lines of start, end (seconds) and IPA")
        for number, line in enumerate(label.read_text(encoding="utf-8").splitlines(), 1):
            fields = line.split()
            try:
                start, end = round(float(fields[0]) * RATE), round(float(fields[1]) * RATE)
            except (IndexError, ValueError):
                raise InputError(f"{label}, line {number}: write start, end (seconds) and IPA") from None
            phones.append(TimedPhone(fields[2] if len(fields) > 2 else "", start, end))
        clips.append(Clip(path.stem.partition("-")[0], read_audio(path), tuple(phones)))
    if not clips:
        raise InputError(f"{folder} has no .wav files")
    return clips


async def _espeak_clips(voices: Sequence[VoiceSettings], sentences: Sequence[str]) -> list[Clip]:
    from likeness.speech.voice import load_voice

    engine = load_voice("espeak")
    await engine.start()
    clips: list[Clip] = []
    try:
        for settings in voices:
            for sentence in sentences:
                sound: list[NDArray[np.int16]] = []
                phones: list[TimedPhone] = []
                async with aclosing(engine.speak(sentence, settings)) as chunks:
                    async for chunk in chunks:
                        sound.append(chunk.pcm)
                        phones += chunk.phones
                lead = RATE // 4
                pcm = np.concatenate([np.zeros(lead, np.int16), *sound, np.zeros(lead, np.int16)])
                moved = tuple(TimedPhone(p.phone, p.start + lead, p.end + lead) for p in phones)
                name = settings.language + (f"+{settings.variant}" if settings.variant else "")
                clips.append(Clip(name, pcm.astype(np.float32) / np.float32(32768), moved))
    finally:
        await engine.aclose()
    return clips


def _known_text(clips: Sequence[Clip]) -> list[Figure]:
    """Phoneme-driven mouths: what the phones say is what is shown."""
    total = Score()
    for clip in clips:
        frames = -(-len(clip.pcm) // FRAME)
        shown = closures_shown(shut_frames(curves_to_controls(articulate(clip.phones, 0, frames))))
        total += strict(closures_said(clip.phones), shown)
    return [
        at_least("phonemes: closures, strict recall", total.recall, 0.98, note=f"{total.said} closures"),
        at_least("phonemes: closures, strict precision", total.precision, 0.98),
    ]


def _heard(clips: Sequence[Clip], heard: Sequence[Float32]) -> list[Figure]:
    figures: list[Figure] = []
    voices = list(dict.fromkeys(c.voice for c in clips))
    close: list[Score] = []
    exact: list[Score] = []
    for voice in voices:
        pairs = [(c, h) for c, h in zip(clips, heard, strict=True) if c.voice == voice]
        near = sum((_tolerant(c, h) for c, h in pairs), Score())
        hard = sum((_strict(c, h) for c, h in pairs), Score())
        close.append(near)
        exact.append(hard)
        note = f"strict {hard.recall:.2f}/{hard.precision:.2f}; 40 ms {near.recall:.2f}/{near.precision:.2f}"
        figures.append(Figure(f"heard, {voice}: strict F", hard.f, note=note))
    figures += [
        at_least("heard: strict F, mean over voices", float(np.mean([s.f for s in exact])), 0.86),
        at_least("heard: recall at 40 ms, mean over voices", float(np.mean([s.recall for s in close])), 0.90),
        at_least(
            "heard: precision at 40 ms, mean over voices", float(np.mean([s.precision for s in close])), 0.88
        ),
    ]
    return figures + _shapes(clips, heard)


def _by_voice(name: str, clips: Sequence[Clip], shown: Sequence[Sequence[Span]]) -> Figure:
    """Mean strict F over voices; the note has each voice's, with recall and precision."""
    scores: dict[str, Score] = {}
    for clip, spans in zip(clips, shown, strict=True):
        scores[clip.voice] = scores.get(clip.voice, Score()) + strict(closures_said(clip.phones), spans)
    note = "; ".join(f"{v} {s.f:.2f} ({s.recall:.2f}/{s.precision:.2f})" for v, s in scores.items())
    return Figure(name, float(np.mean([s.f for s in scores.values()])), note=note)


def _shapes(clips: Sequence[Clip], heard: Sequence[Float32]) -> list[Figure]:
    """Openness, rounding and teeth on lip at the middle of each phone, and the constant time offset."""
    at: dict[str, list[Float32]] = {name: [] for name in CLASSES}
    for clip, controls in zip(clips, heard, strict=True):
        for phone in clip.phones:
            classes = ipa_classes(phone.phone)
            middle = round((phone.start + phone.end) / 2 / FRAME)
            if len(classes) == 1 and 0 <= middle < len(controls):
                at[classes[0]].append(controls[middle])
    means = {name: np.mean(rows, 0) for name, rows in at.items() if len(rows) >= 3}
    figures: list[Figure] = []
    order = [float(means[v][_INDEX["jawOpen"]]) for v in _OPEN_ORDER if v in means]
    if len(order) > 1:
        rising = float(np.mean(np.diff(order) > 0))
        figures.append(
            at_least(
                "heard: vowels open in order i < ɪ < ɛ < a",
                rising,
                1.0,
                note=" ".join(f"{v:.2f}" for v in order),
            )
        )

    def separation(name: str, control: Sequence[str], inside: str, outside: str) -> None:
        a = [sum(float(r[_INDEX[c]]) for c in control) for p in inside.split() for r in at[p]]
        b = [sum(float(r[_INDEX[c]]) for c in control) for p in outside.split() for r in at[p]]
        if len(a) >= 5 and len(b) >= 5:
            wins = np.mean(np.array(a)[:, None] > np.array(b)[None, :])
            figures.append(at_least(name, float(wins), 0.85, note="chance that it exceeds another phone's"))

    separation("heard: rounding on w, u, o", ("mouthFunnel", "mouthPucker"), "w u O", "i I E a s t d n")
    separation("heard: teeth on lip on f, v", ("mouthRollLower",), "f v", "t d n s k l i I E a A")
    return [*figures, at_most("heard: constant time offset", *_offset(clips, heard))]


def _offset(clips: Sequence[Clip], heard: Sequence[Float32]) -> tuple[float, float, str, str]:
    """Lag of the heard jaw behind the phones' jaw, magnitude in ms, by the peak of their correlation."""
    lags = np.arange(-6, 7)
    total = np.zeros(len(lags))
    for clip, controls in zip(clips, heard, strict=True):
        wanted = articulate(clip.phones, 0, len(controls))[:, JAW]
        wanted = wanted - wanted.mean()
        jaw = controls[:, _INDEX["jawOpen"]] - controls[:, _INDEX["jawOpen"]].mean()
        for k, lag in enumerate(lags):
            total[k] += float(np.dot(np.roll(wanted, lag)[8:-8], jaw[8:-8]))
    k = int(np.clip(total.argmax(), 1, len(lags) - 2))
    before, peak, after = total[k - 1 : k + 2]
    lag = (lags[k] + 0.5 * (before - after) / (before - 2 * peak + after)) * 1000 / 60
    return abs(float(lag)), 10.0, "ms", "the mouth is late" if lag > 0 else "the mouth is early"


def _hard(clips: Sequence[Clip]) -> list[Figure]:
    """Voices that training hardly knows: what is shown right, and that the lips never chatter."""
    turned = [*clips[len(clips) // 2 :], *clips[: len(clips) // 2]]  # another voice, another sentence
    spoilt: dict[str, Callable[[int, Clip], Float32]] = {
        "telephone, 8 kHz": lambda k, c: hard_voices.telephone(c.pcm),
        "clipped by 18 dB": lambda k, c: hard_voices.clipped(c.pcm),
        "whisper": lambda k, c: hard_voices.revoiced(c.pcm, None, k),
        "pitch 60 Hz": lambda k, c: hard_voices.revoiced(c.pcm, 60.0, k),
        "pitch 600 Hz": lambda k, c: hard_voices.revoiced(c.pcm, 600.0, k),
        "a second voice, 6 dB below": lambda k, c: hard_voices.together(c.pcm, turned[k - 1].pcm, -6.0),
        "two voices alike": lambda k, c: hard_voices.together(c.pcm, turned[k - 1].pcm),
    }
    figures: list[Figure] = []
    for name, spoil in spoilt.items():
        heard = [Clip(c.voice, spoil(k, c), c.phones) for k, c in enumerate(clips)]
        shown = [closures_shown(shut_frames(h)) for h in hear(heard)]
        figures.append(_by_voice(f"heard, {name}: strict F, mean over voices", heard, shown))
        near = sum(
            (tolerant(closures_said(c.phones), spans) for c, spans in zip(heard, shown, strict=True)), Score()
        )
        seconds = sum(len(c.pcm) for c in heard) / RATE
        most = max(hard_voices.most_in_a_second([a for a, _ in spans]) for spans in shown)
        unsaid = (near.shown - near.shown_hit) / seconds
        note = f"{near.shown / seconds:.2f} a second in all, {unsaid:.2f} of them nobody said"
        figures.append(at_most(f"heard, {name}: most closures in one second", most, _CHATTER, note=note))
    return figures


def _stillness() -> list[Figure]:
    """Sounds that are not speech must not move the mouth."""
    generator = np.random.default_rng(5)
    seconds = 8
    t = np.arange(seconds * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * t * h) / h for f in (220, 277, 330) for h in (1, 2, 3, 4))
    pulse = np.exp(-6 * (t % 0.5))
    breath = generator.normal(size=len(t)) * np.clip(np.sin(2 * np.pi * t / 1.6), 0, 1) * 0.05
    sounds = {
        "silence": np.zeros(len(t)),
        "noise": generator.normal(size=len(t)) * 0.05,
        "music": chord * pulse * 0.05,
        "breath": breath,
    }
    clips = [
        Clip(name, sound.astype(np.float32), (TimedPhone("", 0, len(t)),)) for name, sound in sounds.items()
    ]
    figures: list[Figure] = []
    for clip, controls in zip(clips, hear(clips), strict=True):
        moving = float((controls.max(1) > 0.1).mean())
        figures.append(
            at_most(
                f"{clip.voice}: share of frames in which the mouth moves",
                moving,
                0.0 if clip.voice == "silence" else 0.05,
            )
        )
    return figures


def _speed() -> list[Figure]:
    """Cost of a tick on one thread, and the look-ahead."""
    from likeness.speech.lipsync import LipSync

    lip_sync = LipSync(capacity=100)
    slots = np.array([lip_sync.open() for _ in range(100)])
    sound = np.random.default_rng(0).normal(0, 0.1, (100, FRAME)).astype(np.float32)
    figures = [
        at_most("look-ahead, all windows", lip_sync.look_ahead / 48, 80, "ms"),
        at_most("learned numbers", lip_sync.parameters / 1e6, 0.6, "million"),
    ]
    for count, limit in ((1, None), (50, 3.0), (100, 7.0)):
        taken: list[tuple[float, float]] = []
        for k in range(180):
            began = time.thread_time(), time.perf_counter()
            lip_sync.step(slots[:count], sound[:count])
            if k >= 30:
                taken.append(
                    ((time.thread_time() - began[0]) * 1000, (time.perf_counter() - began[1]) * 1000)
                )
        processor, wall = np.array(taken).T
        median = float(np.median(processor))
        note = f"by the clock {np.median(wall):.2f} ms, p99 {np.percentile(wall, 99):.2f} ms"
        name = f"one 60 Hz tick of {count} live stream{'s' if count > 1 else ''}, processor time, median"
        figures.append(
            Figure(name, median, "ms", note=note)
            if limit is None
            else at_most(name, median, limit, "ms", note)
        )
    return figures


def _tolerant(clip: Clip, controls: Float32) -> Score:
    return tolerant(closures_said(clip.phones), closures_shown(shut_frames(controls)), _pauses(clip))


def _strict(clip: Clip, controls: Float32) -> Score:
    return strict(closures_said(clip.phones), closures_shown(shut_frames(controls)))


def _pauses(clip: Clip) -> list[Span]:
    return [(p.start / RATE, p.end / RATE) for p in clip.phones if ipa_classes(p.phone) == [SILENCE]]
