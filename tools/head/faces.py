"""In how many renders MediaPipe finds a face: `python -m tools.head.faces [--character ID ...]`.

Every character that is not a drawing, as the page draws it, at yaw -35..35 and pitch -20..20 degrees. Needs
the tracking environment (`likeness track --setup`, or LIKENESS_TRACKING_PYTHON).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__" and str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from likeness.tracking.media_pipe import tracking_python  # noqa: E402
from tools.head.gallery import CHARACTERS, characters  # noqa: E402
from tools.head.look import read_look  # noqa: E402
from tools.head.render import Shot, render  # noqa: E402

YAWS = (-35, -18, 0, 18, 35)
PITCHES = (-20, 0, 20)
GOAL = 0.99


def found_faces(names: list[str], quality: str, size: int = 256) -> dict[str, list[bool]]:
    """For each character, whether a face is found at each pitch and yaw, row by row of PITCHES."""
    out: dict[str, list[bool]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            shots: list[Shot] = [
                {
                    "avatar": str(CHARACTERS / name / "avatar.glb"),
                    "out": f"{folder}/{name}{pitch:+d}{yaw:+d}.png",
                    "width": size,
                    "height": size,
                    "yaw": yaw,
                    "pitch": pitch,
                    "distance": 1.1,
                    "quality": quality,
                }
                for pitch in PITCHES
                for yaw in YAWS
            ]
            render(shots)
            told = subprocess.run(
                [str(tracking_python()), str(Path(__file__).with_name("find_faces.py"))]
                + [str(s["out"]) for s in shots],
                env={**os.environ, "GLOG_minloglevel": "3", "TF_CPP_MIN_LOG_LEVEL": "3"},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                check=True,
            )
            out[name] = [line == "1" for line in told.stdout.split()]
    return out


def main() -> int:
    """Prints a table; fails below 99 % in all."""
    parser = argparse.ArgumentParser(prog="python -m tools.head.faces", description=__doc__)
    parser.add_argument("--character", nargs="+", help="only these")
    parser.add_argument(
        "--quality", choices=["low", "high"], default="low", help="of the page's materials (default low)"
    )
    arguments = parser.parse_args()
    names: list[str] = arguments.character or [
        n for n in characters() if not read_look(CHARACTERS / n / "look.toml").skin.drawn
    ]
    found = found_faces(names, arguments.quality)
    table = Table(title=f"Faces found, yaw {YAWS[0]}..{YAWS[-1]}, pitch {PITCHES[0]}..{PITCHES[-1]} degrees")
    for heading in ("character", "pictures", "found", "missed at (pitch, yaw)"):
        table.add_column(heading)
    places = [f"({p}, {y})" for p in PITCHES for y in YAWS]
    for name, hits in found.items():
        missed = ", ".join(place for place, hit in zip(places, hits, strict=True) if not hit)
        table.add_row(name, str(len(hits)), str(sum(hits)), missed or "-")
    total, hit = sum(map(len, found.values())), sum(map(sum, found.values()))
    Console().print(table)
    print(f"{hit} of {total} pictures: {hit / total:.1%} (goal {GOAL:.0%})")
    return 0 if hit >= GOAL * total else 1


if __name__ == "__main__":
    sys.exit(main())
