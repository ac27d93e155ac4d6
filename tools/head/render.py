"""Pictures of avatars: three.js in headless Chromium, and contact sheets of them."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tools.head.rig import Rig

STUDIO = Path(__file__).with_name("studio")
Shot = dict[str, object]


def node_modules() -> Path:
    """The folder with three and playwright-core: $LIKENESS_NODE_MODULES or the web client's.

    Raises:
        FileNotFoundError: neither has both packages.
    """
    places = [Path(os.environ["LIKENESS_NODE_MODULES"])] if "LIKENESS_NODE_MODULES" in os.environ else []
    places.append(STUDIO.parents[2] / "webxr_client" / "node_modules")
    for place in places:
        if (place / "three").is_dir() and (place / "playwright-core").is_dir():
            return place
    raise FileNotFoundError(
        "three and playwright-core are needed to render; run `make web`. "
        f"Looked in {', '.join(map(str, places))}."
    )


def render(shots: list[Shot], done: Callable[[], None] | None = None) -> None:
    """Renders each shot {avatar, out, width, height, yaw, pitch, distance, target, fov, morphs, joints, ...}.

    Raises:
        FileNotFoundError: Chromium, Node or the packages are missing.
        RuntimeError: the browser failed; the message carries its words.
    """
    chromium = (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    node = shutil.which("node")
    if not chromium or not node:
        raise FileNotFoundError("rendering needs Chromium and Node; install them or set CHROMIUM.")
    plan = {"modules": str(node_modules()), "chromium": chromium, "shots": shots}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jobs.json"
        file.write_text(json.dumps(plan))
        process = subprocess.Popen(
            [node, str(STUDIO / "shoot.mjs"), str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in process.stdout:
            if done:
                done()
        words = process.stderr.read()
        if process.wait():
            raise RuntimeError(f"the studio failed: {words[-800:]}")


def pose(rig: Rig, names: list[str], controls: dict[str, float], order: tuple[str, ...]) -> dict[str, object]:
    """Morph weights and joint turns of a shot for some controls."""
    c = np.array([controls.get(n, 0.0) for n in order])
    psi = rig.expression @ c + rig.corrective @ (c[rig.pairs[:, 0]] * c[rig.pairs[:, 1]])
    lids = np.clip(rig.eyelids @ c, 0, 1)
    morphs = {n: round(float(v), 5) for n, v in zip(names, psi, strict=True) if abs(v) > 1e-6}
    morphs |= {"eyelidLeft": float(lids[0]), "eyelidRight": float(lids[1])}
    turns = {"jaw": rig.jaw @ c, "left_eye": rig.eyes[0] @ c, "right_eye": rig.eyes[1] @ c}
    return {"morphs": morphs, "joints": {k: v.tolist() for k, v in turns.items() if np.abs(v).max() > 1e-6}}


def sheet(pictures: list[Path], labels: list[str], columns: int, out: Path, quality: int = 82) -> None:
    """A grid of pictures with labels, as JPEG or PNG by its suffix."""
    images = [Image.open(p).convert("RGB") for p in pictures]
    w, h = images[0].size
    rows = -(-len(images) // columns)
    grid = Image.new("RGB", (w * columns, h * rows), (40, 42, 46))
    draw = ImageDraw.Draw(grid)
    for k, image in enumerate(images):
        grid.paste(image, (k % columns * w, k // columns * h))
        draw.text((k % columns * w + 6, k // columns * h + 5), labels[k], fill=(255, 255, 255))
    out.parent.mkdir(parents=True, exist_ok=True)
    grid.save(out, quality=quality) if out.suffix == ".jpg" else grid.save(out)
