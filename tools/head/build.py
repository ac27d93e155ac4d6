"""Builds the open head and the cast: `python -m tools.head.build [--character all|ID ...]`."""

import argparse
import sys
import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__" and str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools.head.character import build_character  # noqa: E402
from tools.head.open_head import build_open_head, write_open_head  # noqa: E402
from tools.head.skin_texture import Patterns  # noqa: E402


def main() -> int:
    """Writes avatars/heads/open.npz and the chosen characters' avatar.glb."""
    known = sorted(p.parent.name for p in (ROOT / "avatars" / "characters").glob("*/look.toml"))
    parser = argparse.ArgumentParser(prog="python -m tools.head.build", description=__doc__)
    parser.add_argument(
        "--character",
        nargs="+",
        default=["all"],
        metavar="ID",
        help=f"all, none, or some of: {', '.join(known)}",
    )
    parser.add_argument(
        "--texture", type=int, default=1024, help="size of the skin's textures (default 1024)"
    )
    arguments = parser.parse_args()
    chosen = (
        known
        if arguments.character == ["all"]
        else []
        if arguments.character == ["none"]
        else arguments.character
    )
    for name in chosen:
        if name not in known:
            print(f"no character {name!r}; there are: {', '.join(known)}.", file=sys.stderr)
            return 2
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("open head", total=1 + len(chosen))
        head = build_open_head()
        write_open_head(head, ROOT / "avatars" / "heads" / "open.npz")
        progress.advance(task)
        patterns = Patterns()
        for name in chosen:
            progress.update(task, description=name)
            start = time.perf_counter()
            made = build_character(head, ROOT / "avatars" / "characters" / name, patterns, arguments.texture)
            words = ", ".join(f"{k} {v}" for k, v in made.items())
            progress.console.print(f"{name}: {words}; {time.perf_counter() - start:.0f} s", soft_wrap=True)
            progress.advance(task)
    return 0


if __name__ == "__main__":
    sys.exit(main())
