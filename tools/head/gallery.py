"""Contact sheets and portraits: `python -m tools.head.gallery portraits cast controls visemes lighting`."""

import argparse
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__" and str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from likeness.head.controls import CONTROLS  # noqa: E402
from likeness.head.glb import read_glb  # noqa: E402
from tools.head.render import Shot, pose, render, sheet  # noqa: E402
from tools.head.rig import build_rig  # noqa: E402

CHARACTERS = ROOT / "avatars" / "characters"
GALLERY = ROOT / "docs" / "gallery"


_PHOTOGRAPHER: Shot = {
    "backdrop": [0x8C949E, 0x3A4048],
    "light": [0.5, 0.6, 0.95],
    "lightPower": 3.6,
    "ambient": 2.1,
    "rim": 2.6,
    "exposure": 1.22,
}
"""The light of portraits: soft, from the front, before a glow."""


def characters() -> list[str]:
    """The characters that have an avatar."""
    return sorted(p.parent.name for p in CHARACTERS.glob("*/avatar.glb"))


def portraits(names: list[str]) -> None:
    """Writes each character's three-quarter portrait.png (512 px)."""
    with tempfile.TemporaryDirectory() as folder:
        shots: list[Shot] = []
        for name in names:
            p = _pose(
                {
                    "mouthSmileLeft": 0.12,
                    "mouthSmileRight": 0.12,
                    "eyeLookInLeft": 0.22,
                    "eyeLookOutRight": 0.22,
                }
            )
            shots.append(
                {
                    "avatar": str(CHARACTERS / name / "avatar.glb"),
                    "out": f"{folder}/{name}.png",
                    "width": 512,
                    "height": 512,
                    "samples": 2,
                    "yaw": -20,
                    "pitch": 2,
                    **_framed(CHARACTERS / name / "avatar.glb"),
                    **_PHOTOGRAPHER,
                    **p,
                }
            )
        render(shots)
        for name in names:
            picture = (
                Image.open(f"{folder}/{name}.png").convert("RGB").resize((512, 512), Image.Resampling.LANCZOS)
            )
            _few_colours(picture).save(CHARACTERS / name / "portrait.png", optimize=True)


def _framed(avatar: Path) -> Shot:
    """Distance and target of a portrait from the collar to the top of the hair, as large as it fits."""
    glb = read_glb(avatar)
    drawn = [m["primitives"][0]["attributes"]["POSITION"] for m in glb.list("meshes") if m["name"] == "hair"]
    top = min(max((glb.list("accessors")[k]["max"][1] for k in drawn), default=0.12), 0.158)
    low = -0.172
    return {
        "distance": (top + 0.012 - low) / (2 * math.tan(math.radians(10))),
        "target": [0, (top + 0.012 + low) / 2, -0.05],
    }


def _few_colours(picture: Image.Image, count: int = 224) -> Image.Image:
    """The picture in `count` colours, chosen so that a small patch of a rare colour, an iris, keeps it."""
    pixels = np.asarray(picture).reshape(-1, 3)
    _, which, often = np.unique(pixels // 12, axis=0, return_inverse=True, return_counts=True)
    weight = often[which.ravel()] ** -0.6
    side = 256
    chosen = np.random.default_rng(0).choice(len(pixels), side * side, p=weight / weight.sum())
    palette = Image.fromarray(pixels[chosen].reshape(side, side, 3)).quantize(count, kmeans=2)
    return picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def cast(names: list[str]) -> None:
    """docs/gallery/cast.jpg: everyone from the front, and smiling in three-quarter view."""
    views: list[Shot] = [
        {"yaw": 0},
        {
            "yaw": -32,
            "pitch": 3,
            **_pose(
                {
                    f"{c}{s}": v
                    for c, v in (("mouthSmile", 0.6), ("cheekSquint", 0.45), ("eyeSquint", 0.2))
                    for s in ("Left", "Right")
                }
                | {"jawOpen": 0.06}
            ),
        },
    ]
    _sheet(
        "cast",
        [
            (
                n,
                n,
                {
                    "width": 320,
                    "height": 350,
                    **_PHOTOGRAPHER,
                    "distance": 1.17,
                    "target": [0, -0.03, -0.04],
                    **v,
                },
            )
            for n in names
            for v in views
        ],
        6,
    )


def controls(name: str = "plain") -> None:
    """docs/gallery/controls.jpg: each of the 52 controls at 1."""
    shots = [
        (
            name,
            c,
            {
                "width": 220,
                "height": 240,
                "distance": 0.78,
                "target": [0, -0.025, 0],
                **_pose({c: 1.0} | ({"jawOpen": 1.0} if c in ("mouthClose", "tongueOut") else {})),
            },
        )
        for c in CONTROLS
    ]
    _sheet("controls", shots, 9)


VISEMES: dict[str, dict[str, float]] = {
    "rest": {},
    "p b m": {"jawOpen": 0.08, "mouthClose": 0.08, "mouthPressLeft": 0.5, "mouthPressRight": 0.5},
    "f v": {"jawOpen": 0.08, "mouthRollLower": 0.55, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2},
    "th": {"jawOpen": 0.18, "tongueOut": 0.3, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "t d n": {"jawOpen": 0.15, "mouthStretchLeft": 0.15, "mouthStretchRight": 0.15},
    "k g": {"jawOpen": 0.22},
    "ch sh": {"jawOpen": 0.10, "mouthFunnel": 0.55},
    "s z": {
        "jawOpen": 0.05,
        "mouthStretchLeft": 0.3,
        "mouthStretchRight": 0.3,
        "mouthLowerDownLeft": 0.3,
        "mouthLowerDownRight": 0.3,
    },
    "r": {"jawOpen": 0.15, "mouthFunnel": 0.35, "mouthPucker": 0.2},
    "a": {"jawOpen": 0.62},
    "e": {"jawOpen": 0.32, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3},
    "i": {"jawOpen": 0.14, "mouthSmileLeft": 0.4, "mouthSmileRight": 0.4},
    "o": {"jawOpen": 0.38, "mouthFunnel": 0.6, "mouthPucker": 0.2},
    "u w": {"jawOpen": 0.12, "mouthPucker": 0.85},
}
"""Mouth shapes of English sounds, for looking at."""


def visemes(names: list[str]) -> None:
    """docs/gallery/visemes.jpg: mouth shapes on a few faces."""
    view: Shot = {"width": 200, "height": 190, "distance": 0.55, "target": [0, -0.04, 0]}
    shots = [(n, f"{n}: {v}", {**view, **_pose(c)}) for n in names for v, c in VISEMES.items()]
    _sheet("visemes", shots, len(VISEMES) // 2)


def lighting(names: list[str]) -> None:
    """docs/gallery/lighting.jpg: the same face under different light."""
    lights: dict[str, Shot] = {
        "studio": {},
        "window from the left": {"light": [0.9, 0.25, 0.35], "lightColour": 0xE8F0FF, "ambient": 0.6},
        "noon": {"light": [0.05, 1.0, 0.25], "lightColour": 0xFFFFFF, "lightPower": 4.2, "ambient": 1.2},
        "lamp": {"light": [-0.5, 0.35, 0.6], "lightColour": 0xFFC98A, "lightPower": 3.2, "ambient": 0.4},
        "overcast": {"lightPower": 0.5, "ambient": 2.6},
        "from behind": {"light": [0.3, 0.5, -0.9], "lightPower": 4.0, "ambient": 0.9},
    }
    view: Shot = {"width": 300, "height": 330, "yaw": -20, "distance": 1.1, "target": [0, -0.035, -0.04]}
    _sheet(
        "lighting", [(n, f"{n}: {k}", {**view, **v}) for n in names for k, v in lights.items()], len(lights)
    )


def _pose(values: dict[str, float]) -> Shot:
    names = [str(n) for n in np.load(ROOT / "avatars" / "heads" / "open.npz")["expression_names"]]
    return pose(build_rig(names), names, values, CONTROLS)


def _sheet(title: str, shots: list[tuple[str, str, Shot]], columns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        jobs: list[Shot] = []
        for k, (name, _, shot) in enumerate(shots):
            jobs.append(
                {"avatar": str(CHARACTERS / name / "avatar.glb"), "out": f"{folder}/{k:03d}.png", **shot}
            )
        render(jobs)
        sheet(
            [Path(str(j["out"])) for j in jobs],
            [label for _, label, _ in shots],
            columns,
            GALLERY / f"{title}.jpg",
        )


def main() -> int:
    """Writes the chosen pictures."""
    parser = argparse.ArgumentParser(prog="python -m tools.head.gallery", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        default=["portraits", "cast", "controls", "visemes", "lighting"],
        help="portraits, cast, controls, visemes, lighting",
    )
    parser.add_argument("--character", nargs="+", help="only these")
    arguments = parser.parse_args()
    names = arguments.character or characters()
    for what in arguments.what:
        if what == "portraits":
            portraits(names)
        elif what == "cast":
            cast(names)
        elif what == "controls":
            controls()
        elif what == "visemes":
            visemes([n for n in ("man", "curie") if n in names])
        elif what == "lighting":
            lighting([n for n in ("einstein", "douglass", "lovelace") if n in names])
        else:
            print(
                f"no sheet {what!r}; there are portraits, cast, controls, visemes, lighting.", file=sys.stderr
            )
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
