"""Make the lip-sync weights from nothing: voices, labels, training, tuning, figures.

    python -m tools.lipsync                   # everything; about two hours on two cores
    python -m tools.lipsync --minutes 20      # a shorter training

See tools/lipsync/README.md for what must be installed. The same seed gives the same voices and batches;
the length of the training, which --minutes sets, also depends on the machine.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

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
    espeak_voices,
    festival_voices,
    interference,
    kokoro_voices,
    piper_voices,
    plots,
    tune,
)
from tools.lipsync.corpus import RATE, Utterance, load, save
from tools.lipsync.examples import Examples, label, load_labelled
from tools.lipsync.network import folded
from tools.lipsync.sentences import Sentences
from tools.lipsync.train import Settings, train

SHARES = {"kokoro": 0.45, "festival": 0.3, "espeak": 0.25}
"""How often each family of voices is drawn in training."""
PHONE_LOOP = {"acoustic_scale": 0.25, "network_scale": 0.5, "network_floor": 0.003}
"""How much the phone loop believes the acoustic model and the network; chosen on the development voices."""


@click.command()
@click.option("--work", type=click.Path(path_type=Path), default=Path("build/lipsync"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--hours", type=(float, float, float), default=(3.5, 2.2, 0.6), show_default=True,
              help="Hours of espeak-ng, festival and Kokoro.")  # fmt: skip
@click.option("--minutes", default=78.0, show_default=True, help="Length of the training.")
@click.option("--steps", default=20_000, show_default=True, help="Most training steps.")
def main(
    work: Path, output: Path, seed: int, hours: tuple[float, float, float], minutes: float, steps: int
) -> None:
    """Synthesise, train, tune, measure; write the weights to OUTPUT and everything else to WORK."""
    torch.set_num_threads(1)
    console = Console()
    work.mkdir(parents=True, exist_ok=True)
    sentences = Sentences()
    corpora = _corpora(work, seed, hours, sentences)
    for name, (path, make) in corpora.items():
        if not path.is_file():
            with console.status(f"synthesising {name}"):
                save(path, make())
    prior = voice_prior([corpora[name][0] for name in ("festival", "espeak")])
    with console.status("labelling"):
        groups = [(share, load_labelled(corpora[name][0])) for name, share in SHARES.items()]
        sounds = [label(u) for u in interference.sounds(60, np.random.default_rng(seed + 6))]
    settings = replace(Settings(), steps=steps, seed=seed)
    state = train(Examples(groups, sounds, prior, seed), settings, work, minutes)

    development = [u for name in ("ked", "alpha", "joe") for u in list(load(corpora[name][0]))[:20]]
    write_weights(output, state, prior, tune.Fusion(0.5, 0.5, 0.0, 0.5, 0.25))
    evidence = tune.listen(development, output)
    fusion = tune.search(evidence)
    write_weights(output, state, prior, fusion)
    metrics = measure(development, evidence, fusion) | {"training": asdict(settings), "minutes": minutes}
    (work / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    plots.draw(work / "losses.jsonl", metrics, work / "training.png")
    console.print_json(data=metrics["voices"])


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


def write_weights(
    path: Path, state: dict[str, torch.Tensor], prior: NDArray[np.float32], fusion: tune.Fusion
) -> None:
    """The file that `likeness.speech.lipsync_network.load_weights` reads."""
    settings = PHONE_LOOP | {"fusion": asdict(fusion)}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **folded(state), voice_prior=prior, meta=np.array(json.dumps(settings)))


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


def _corpora(
    work: Path, seed: int, hours: tuple[float, float, float], sentences: Sentences
) -> dict[str, tuple[Path, Callable[[], Iterator[Utterance]]]]:
    """File and maker of each corpus; the last three are development voices."""

    def random(name: str) -> Random:
        return Random(f"{seed} {name}")

    voices = festival_voices.VOICES
    return {
        "espeak": (
            work / "espeak.npz",
            lambda: espeak_voices.synthesise(hours[0], random("espeak"), sentences),
        ),
        "festival": (
            work / "festival.npz",
            lambda: festival_voices.synthesise(hours[1], random("festival"), sentences, voices),
        ),
        "kokoro": (
            work / "kokoro.npz",
            lambda: kokoro_voices.synthesise(hours[2], random("kokoro"), sentences, work),
        ),
        "ked": (
            work / "ked.npz",
            lambda: festival_voices.synthesise(0.1, random("ked"), sentences, festival_voices.HELD_OUT),
        ),
        "alpha": (
            work / "alpha.npz",
            lambda: kokoro_voices.synthesise(0.08, random("alpha"), sentences, work, kokoro_voices.HELD_OUT),
        ),
        "joe": (work / "joe.npz", lambda: piper_voices.synthesise(0.08, random("joe"), sentences, work)),
    }


if __name__ == "__main__":
    main()
