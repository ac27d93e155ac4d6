"""Train the network: closures, mouth curves and phone classes at once, averaged weights, cosine schedule."""

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.progress import Progress, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from likeness.speech.articulation import CLASSES
from tools.lipsync.examples import Batch, Examples
from tools.lipsync.network import Network


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how hard."""

    steps: int = 14_000
    batch: int = 16
    rate: float = 2e-3
    warm_up: int = 150
    decay: float = 0.02
    phone_share: float = 0.7
    width: int = 128
    seed: int = 1
    bfloat16: bool = True


def train(
    examples: Examples,
    settings: Settings,
    folder: Path,
    minutes: float | None = None,
    at_checkpoint: Callable[[int], None] | None = None,
    start: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Averaged weights after `settings.steps` steps, or after `minutes` when that is sooner, from `start` on.

    The schedule follows whichever limit is nearer. Losses go to `folder/losses.jsonl`, checkpoints to
    `folder/checkpoint.pt` every 500 steps.
    """
    torch.manual_seed(settings.seed)
    network = Network(settings.width)
    if start is not None:
        network.load_state_dict(start)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.decay, betas=(0.9, 0.98)
    )
    average = {k: v.detach().clone() for k, v in network.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    log = (folder / "losses.jsonl").open("w")
    began, sums = time.monotonic(), torch.zeros(3)
    with (
        Progress(*Progress.get_default_columns(), TimeElapsedColumn(), TimeRemainingColumn()) as progress,
        ThreadPoolExecutor(1) as drawer,  # the next batch is drawn on another core
    ):
        task = progress.add_task("training", total=1.0)
        drawn = drawer.submit(examples.draw, settings.batch)
        step = 0
        while step < settings.steps:
            done = step / settings.steps
            if minutes is not None:
                done = max(done, (time.monotonic() - began) / (60 * minutes))
            if done >= 1.0:
                break
            annealed = 0.49 * (1 + math.cos(math.pi * done)) + 0.02
            rate = settings.rate * annealed * min(1, (step + 1) / settings.warm_up)
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch, drawn = drawn.result(), drawer.submit(examples.draw, settings.batch)
            losses = _losses(network, batch, settings)
            total = 2 * losses[0] + 2 * losses[1] + settings.phone_share * losses[2]
            optimiser.zero_grad()
            total.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            _average(average, network.state_dict(), min(0.998, (step + 1) / (step + 20)))
            sums += torch.stack([loss.detach() for loss in losses])
            step += 1
            progress.update(task, completed=done)
            if step % 50 == 0:
                closure, curves, phones = (sums / 50).tolist()
                line = {"step": step, "seconds": round(time.monotonic() - began), "closure": closure}
                log.write(json.dumps(line | {"curves": curves, "phones": phones}) + "\n")
                log.flush()
                sums.zero_()
            if step % 200 == 0:
                _checkpoint(folder, average, settings, step)
                if at_checkpoint is not None:
                    at_checkpoint(step)
    _checkpoint(folder, average, settings, step)
    log.close()
    return average


def _losses(network: Network, batch: Batch, settings: Settings) -> tuple[Tensor, Tensor, Tensor]:
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
        out = network(batch.mels)
    out = out.float()[:, _WARM:]
    curves, shut, phones = batch.curves[:, _WARM:], batch.shut[:, _WARM:], batch.phone[:, _WARM:]
    closure = F.binary_cross_entropy_with_logits(
        out[..., 8], shut, _closure_weights(shut, phones), pos_weight=torch.tensor(1.5)
    )
    error = ((torch.sigmoid(out[..., :8]) - curves) ** 2).mean((0, 1))
    classes = F.cross_entropy(out[..., 9:].flatten(0, 1), phones.flatten(), label_smoothing=0.05)
    return closure, (error * _CURVE_WEIGHTS).sum(), classes


def _closure_weights(shut: Tensor, phones: Tensor) -> Tensor:
    """How much each tick's closure counts [B, T]: consonants that sound like p, b, m more, ticks beside the
    edge of a closure less, because sources differ in where they draw it.
    """
    weights = _MISTAKEN[phones]
    edge = torch.zeros_like(shut)
    edge[:, 1:] = (shut[:, 1:] != shut[:, :-1]).float()
    beside = torch.maximum(edge, F.pad(edge[:, 1:], (0, 1)))
    return weights * (1 - 0.6 * beside)


_MISTAKEN = torch.tensor([1.8 if name in "n ng t d k g v f w th l h".split() else 1.0 for name in CLASSES])  # noqa: SIM905
_WARM = 6  # ticks that a network with no past yet need not get right
_CURVE_WEIGHTS = torch.tensor([1.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.7])


def _average(average: dict[str, Tensor], state: dict[str, Tensor], keep: float) -> None:
    for name, value in state.items():
        if value.dtype.is_floating_point:
            average[name].mul_(keep).add_(value.detach(), alpha=1 - keep)
        else:
            average[name].copy_(value)


def _checkpoint(folder: Path, average: dict[str, Tensor], settings: Settings, step: int) -> None:
    torch.save({"state": average, "settings": asdict(settings), "step": step}, folder / "checkpoint.pt")
