"""Pictures of a training: its losses, and the closure scores of each development voice."""

import json
from pathlib import Path
from typing import Any


def draw(losses: Path, metrics: dict[str, Any], output: Path) -> None:
    """Write a picture (.png) of `losses.jsonl` and the scores in `metrics`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [json.loads(line) for line in losses.read_text(encoding="utf-8").splitlines()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    for name in ("closure", "curves"):
        left.plot([r["step"] for r in rows], [r[name] for r in rows], label=name)
    left.plot([r["step"] for r in rows], [r["phones"] / 10 for r in rows], label="phones / 10")
    left.set(xlabel="step", ylabel="training loss", ylim=(0, 0.5), title="losses")
    left.legend()
    voices: dict[str, Any] = metrics["voices"]
    sources = ("network", "phone loop", "fused")
    for k, source in enumerate(sources):
        at = [i + 0.25 * k for i in range(len(voices))]
        right.bar(at, [v[source]["strict_f"] for v in voices.values()], width=0.23, label=source)
    right.set_xticks([i + 0.25 for i in range(len(voices))], [v.replace(":", ":\n") for v in voices])
    right.set(ylabel="strict F", ylim=(0, 1), title="closures on p, b, m; voices never trained on")
    right.legend(loc="upper right", ncols=3)
    figure.tight_layout()
    figure.savefig(output, dpi=110)
