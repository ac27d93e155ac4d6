"""Contact sheets and portraits: `python -m tools.head.gallery [portraits|cast|controls ...]`."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__" and str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools.head.render import Shot, pose, render, sheet  # noqa: E402
from tools.head.rig import build_rig  # noqa: E402

from likeness.head.controls import CONTROLS  # noqa: E402

CHARACTERS = ROOT / "avatars" / "characters"
GALLERY = ROOT / "docs" / "gallery"


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
                    "eyeLookInLeft": 0.30,
                    "eyeLookOutRight": 0.30,
                }
            )
            shots.append(
                {
                    "avatar": str(CHARACTERS / name / "avatar.glb"),
                    "out": f"{folder}/{name}.png",
                    "width": 1024,
                    "height": 1024,
                    "yaw": -27,
                    "pitch": 2,
                    "distance": 1.18,
                    "target": [0, -0.035, -0.045],
                    "background": 0x23272D,
                    **p,
                }
            )
        render(shots)
        for name in names:
            picture = (
                Image.open(f"{folder}/{name}.png").convert("RGB").resize((512, 512), Image.Resampling.LANCZOS)
            )
            picture.quantize(200, dither=Image.Dither.FLOYDSTEINBERG).save(
                CHARACTERS / name / "portrait.png", optimize=True
            )


def cast(names: list[str]) -> None:
    """docs/gallery/cast.jpg: everyone from the front, the side, and smiling."""
    views: list[Shot] = [
        {"yaw": 0},
        {"yaw": -35, "pitch": 3},
        {"yaw": 88, "target": [0, -0.04, -0.07]},
        {
            "yaw": 20,
            **_pose(
                {
                    f"{c}{s}": v
                    for c, v in (("mouthSmile", 0.9), ("cheekSquint", 0.6), ("eyeSquint", 0.4))
                    for s in ("Left", "Right")
                }
                | {"jawOpen": 0.15}
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
                    "width": 330,
                    "height": 370,
                    "distance": 1.25,
                    "target": [0, -0.035, -0.04],
                    "background": 0x2B2E33,
                    **v,
                },
            )
            for n in names
            for v in views
        ],
        4,
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
        "what", nargs="*", default=["portraits", "cast", "controls"], help="portraits, cast, controls"
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
        else:
            print(f"no sheet {what!r}; there are portraits, cast, controls.", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
