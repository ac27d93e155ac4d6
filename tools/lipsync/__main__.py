"""Make the lip-sync weights from nothing: voices, labels, training, tuning, figures.

    python -m tools.lipsync                   # everything; about five hours on one core
    python -m tools.lipsync --pace 0.2        # a shorter training

See tools/lipsync/README.md for what must be installed. The same seed gives the same voices and batches;
the length of the training, which --pace sets, also depends on the machine.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from likeness.speech.acoustic_model import AcousticModel
from likeness.speech.articulation import articulate_classes
from likeness.speech.lipsync import WEIGHTS
from likeness.speech.mel import BANDS, FLOOR, mel_matrix, power_spectrum
from tools.lipsync import (
    distil,
    espeak_voices,
    festival_voices,
    game_voices,
    hibari_voices,
    interference,
    kokoro_voices,
    pico_voices,
    piper_voices,
    plots,
    prompt_voices,
    reading_voice,
    rhvoice_voices,
    stamp_voices,
    tune,
)
from tools.lipsync.corpus import RATE, Utterance, load, save
from tools.lipsync.examples import Examples, label, load_labelled
from tools.lipsync.network import folded
from tools.lipsync.sentences import Sentences
from tools.lipsync.train import Settings, train

STAGES = (
    ({"kokoro": 0.35, "rhvoice": 0.15, "pico": 0.1, "festival": 0.2, "espeak": 0.2}, 78.0, 2e-3),
    (
        {
            "prompts": 0.2,
            "stamps": 0.22,
            "kokoro": 0.27,
            "rhvoice": 0.12,
            "pico": 0.08,
            "festival": 0.07,
            "espeak": 0.04,
        },
        75.0,
        1.5e-3,
    ),
)
"""Share of each family of voices, minutes and learning rate: synthetic voices first, then real people too."""
VALIDATION = (
    "validation-hibari",
    "validation-kokoro",
    "validation-accents",
    "validation-prompts",
    "validation-pico",
    "validation-rhvoice",
)
"""Voices that training does not hear; the fusion is chosen on them."""
DEVELOPMENT = ("reading", "ked", "alpha", "joe")
"""Voices that neither training nor tuning hears: the final scores."""
ACTORS = ("actors",)
"""Real people who act, in a game's recordings: scored apart."""
SHARD = 0.14
"""Hours of Kokoro in one file: it speaks hardly faster than a person."""
LESSONS, LESSON_STEPS = 1_000_000, 6000
"""How much the network that stands for the acoustic model is taught."""
PHONE_LOOP = {"acoustic_scale": 0.2, "network_scale": 0.9, "network_floor": 0.01}
"""How much the phone loop believes the acoustic model and the network."""


@click.command()
@click.option("--work", type=click.Path(path_type=Path), default=Path("build/lipsync"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--hours", type=(float, float, float), default=(3.5, 2.2, 1.4), show_default=True,
              help="Hours of espeak-ng, festival, Kokoro. Others: 5.8 in all.")  # fmt: skip
@click.option("--pace", default=1.0, show_default=True, help="Multiplies the minutes of the training.")
@click.option("--steps", default=30_000, show_default=True, help="Most training steps of a stage.")
@click.option("--only", type=click.Choice(["all", "speak", "train", "distil", "tune"]), default="all",
              help="Do one part, with what the parts before it have left in WORK.")  # fmt: skip
def main(
    work: Path, output: Path, seed: int, hours: tuple[float, float, float], pace: float, steps: int, only: str
) -> None:
    """Synthesise, train, tune, measure; write the weights to OUTPUT and everything else to WORK."""
    torch.set_num_threads(1)
    console = Console()
    work.mkdir(parents=True, exist_ok=True)
    families = _corpora(work, seed, hours, Sentences())
    if only in ("all", "speak"):
        for shards in families.values():
            for path, make in shards.items():
                if not path.is_file():
                    with console.status(f"speaking {path.stem}"):
                        save(path, make())
    if only in ("all", "train"):
        prior = voice_prior([next(iter(families[name])) for name in ("festival", "espeak")])
        np.save(work / "prior.npy", prior)
        sounds = [label(u) for u in interference.sounds(60, np.random.default_rng(seed + 6))]
        state: dict[str, torch.Tensor] | None = None
        for shares, minutes, rate in STAGES:
            with console.status("labelling"):
                groups = [
                    (share, [u for path in families[name] for u in load_labelled(path)])
                    for name, share in shares.items()
                ]
            settings = replace(Settings(), steps=steps, seed=seed, rate=rate)
            state = train(Examples(groups, sounds, prior, seed), settings, work, minutes * pace, start=state)
    if only in ("all", "distil"):
        heard = [[u for path in families[name] for u in load(path)] for name in STAGES[1][0]]
        lessons = distil.teach(heard, np.load(work / "prior.npy"), LESSONS, np.random.default_rng(seed))
        np.savez(work / "student.npz", **distil.student(lessons, LESSON_STEPS, seed))
    if only in ("all", "tune"):
        checkpoint = torch.load(work / "checkpoint.pt", weights_only=True)
        state, prior, student = (
            checkpoint["state"],
            np.load(work / "prior.npy"),
            np.load(work / "student.npz"),
        )
        write_weights(output, state, prior, student, tune.Fusion(0.5, 0.5, 0.0, 0.5, 0.25))
        with console.status("tuning"):
            fusion = tune.search(tune.listen(_some(families, VALIDATION), output))
        write_weights(output, state, prior, student, fusion)
        with console.status("measuring"):
            development = _some(families, DEVELOPMENT)
            metrics = measure(development, tune.listen(development, output), fusion)
            metrics["actors"] = means(tune.listen(_some(families, ACTORS, 200), output), fusion)
        metrics |= {"training": checkpoint["settings"] | {"steps": checkpoint["step"]}}
        (work / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        plots.draw(work / "losses.jsonl", metrics, work / "training.png")
        console.print_json(data=metrics["voices"])


def _some(families: "Families", names: tuple[str, ...], most: int = 20) -> list[Utterance]:
    """The first utterances of each family."""
    return [u for name in names for path in families[name] for u in list(load(path))[:most]]


def measure(
    utterances: list[Utterance], evidence: list[tune.Evidence], fusion: tune.Fusion
) -> dict[str, object]:
    """Scores by voice, of the fusion and of each opinion alone, and how well the curves follow."""
    sources = {
        "fused": fusion,
        "network": tune.Fusion(1.0, 0.0, 0.0, 0.5, 0.2),
        "phone loop": tune.Fusion(0.0, 1.0, 0.5, 0.5, 0.2),
    }
    voices: dict[str, dict[str, dict[str, float]]] = {}
    for source, weights in sources.items():
        for voice, (hard, near) in tune.score(evidence, weights).items():
            voices.setdefault(voice, {})[source] = {
                "strict_f": round(hard.f, 3),
                "strict_recall": round(hard.recall, 3),
                "strict_precision": round(hard.precision, 3),
                "recall_40ms": round(near.recall, 3),
                "precision_40ms": round(near.precision, 3),
            }
    wanted = [
        articulate_classes(
            u.phones,
            np.round(u.bounds * 48_000).astype(np.int64),
            800 * np.arange(len(e.curves), dtype=np.int64),
        )
        for u, e in zip(utterances, evidence, strict=True)
    ]
    return {
        "voices": voices,
        "strict_f_mean": round(float(np.mean([v["fused"]["strict_f"] for v in voices.values()])), 3),
        "curves": {k: round(v, 3) for k, v in tune.curve_matches(evidence, wanted).items()},
        "fusion": asdict(fusion),
    }


def means(evidence: list[tune.Evidence], fusion: tune.Fusion) -> dict[str, float]:
    """Mean scores of many voices, and how many they are."""
    scores = [(s.f, n.recall, n.precision) for s, n in tune.score(evidence, fusion).values()]
    hard, recall, precision = (round(float(mean), 3) for mean in np.mean(scores, 0))
    return {"strict_f": hard, "recall_40ms": recall, "precision_40ms": precision, "voices": len(scores)}


def write_weights(
    path: Path,
    state: dict[str, torch.Tensor],
    prior: NDArray[np.float32],
    student: Mapping[str, NDArray[Any]],
    fusion: tune.Fusion,
) -> None:
    """The file that `likeness.speech.lipsync_network.load_weights` reads."""
    settings = PHONE_LOOP | {"fusion": asdict(fusion)}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **folded(state), **student, voice_prior=prior, meta=np.array(json.dumps(settings)))


def voice_prior(shards: list[Path]) -> NDArray[np.float32]:
    """The average voice: mean log spectrum relative to its level, 64 mel bands and the model's 25 [89]."""
    model, mels = AcousticModel(), torch.from_numpy(mel_matrix())
    shapes: list[torch.Tensor] = []
    for shard in shards:
        for k, u in enumerate(load(shard)):
            if k % 12:
                continue
            sound = torch.from_numpy(u.pcm[: 8 * RATE].astype(np.float32) / 32768)
            power = power_spectrum(sound.unfold(0, 410, RATE // 120))
            bands = torch.cat([torch.log(power @ mels + FLOOR), model.log_mels(power)], 1)
            level = bands[:, :BANDS].mean(1)
            loud = level > level.max() - 4.5
            shapes.append((bands[loud] - level[loud, None]).mean(0))
    return torch.stack(shapes).mean(0).numpy().astype(np.float32)


Families = dict[str, dict[Path, Callable[[], Iterator[Utterance]]]]
"""The files of each family of voices, and their makers."""


def _corpora(work: Path, seed: int, hours: tuple[float, float, float], sentences: Sentences) -> Families:
    def random(name: str) -> Random:
        return Random(f"{seed} {name}")

    def kokoro(name: str, hours: float, voices: tuple[str, ...] = ()) -> Callable[[], Iterator[Utterance]]:
        return lambda: kokoro_voices.synthesise(hours, random(name), sentences, work, voices)

    def festival(name: str, hours: float, names: Iterable[str]) -> Callable[[], Iterator[Utterance]]:
        every = festival_voices.VOICES | festival_voices.HELD_OUT
        voices = {voice: every[voice] for voice in names}
        return lambda: festival_voices.synthesise(hours, random(name), sentences, voices)

    return {
        "kokoro": {
            work / f"kokoro{k}.npz": kokoro(f"kokoro {k}", SHARD) for k in range(round(hours[2] / SHARD))
        },
        "pico": {work / "pico.npz": lambda: pico_voices.synthesise(0.7, random("pico"), sentences)},
        "rhvoice": {
            work / "rhvoice.npz": lambda: rhvoice_voices.synthesise(0.6, random("rhvoice"), sentences)
        },
        "prompts": {work / "prompts.npz": lambda: prompt_voices.synthesise(random("prompts"))},
        "stamps": {work / "stamps.npz": lambda: stamp_voices.synthesise(random("stamps"))},
        "festival": {work / "festival.npz": festival("festival", hours[1], festival_voices.VOICES)},
        "espeak": {
            work / "espeak.npz": lambda: espeak_voices.synthesise(hours[0], random("espeak"), sentences)
        },
        "validation-hibari": {
            work / "validation-hibari.npz": lambda: hibari_voices.synthesise(
                0.06, random("validation"), sentences
            )
        },
        "validation-kokoro": {
            work / "validation-kokoro.npz": kokoro("validation", 0.02, kokoro_voices.VALIDATION)
        },
        "validation-accents": {
            work / "validation-accents.npz": kokoro("accents", 0.05, kokoro_voices.ACCENTS)
        },
        "validation-prompts": {
            work / "validation-prompts.npz": lambda: islice(
                prompt_voices.synthesise(random("validation"), prompt_voices.VALIDATION), 12
            )
        },
        "validation-pico": {
            work / "validation-pico.npz": lambda: pico_voices.synthesise(
                0.03, random("validation"), sentences, pico_voices.VALIDATION
            )
        },
        "validation-rhvoice": {
            work / "validation-rhvoice.npz": lambda: rhvoice_voices.synthesise(
                0.03, random("validation"), sentences, rhvoice_voices.VALIDATION
            )
        },
        "actors": {work / "actors.npz": lambda: game_voices.synthesise(random("actors"), 4)},
        "reading": {work / "reading.npz": lambda: reading_voice.read(work)},
        "ked": {work / "ked.npz": festival("ked", 0.1, festival_voices.HELD_OUT)},
        "alpha": {work / "alpha.npz": kokoro("alpha", 0.08, (kokoro_voices.HELD_OUT,))},
        "joe": {work / "joe.npz": lambda: piper_voices.synthesise(0.08, random("joe"), sentences, work)},
    }


if __name__ == "__main__":
    main()
