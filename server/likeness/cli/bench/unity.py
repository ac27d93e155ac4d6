"""`likeness bench unity`: the C# core on Mono, many avatars at a headset's rate."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from likeness.cli.bench.figure import Figure, at_most, print_figures
from likeness.errors import MachineError


@click.command()
@click.option("--avatars", default=30, show_default=True)
@click.option("--hz", default=72, show_default=True, help="The headset's frame rate.")
@click.option("--seconds", default=60, show_default=True, help="Of media time.")
def unity(avatars: int, hz: int, seconds: int) -> None:
    """Decode and interpolate AVATARS in the Unity client's core, on Mono (needs mcs and mono)."""
    if not print_figures("Unity client's core on Mono", run(avatars, hz, seconds)):
        raise click.exceptions.Exit(1)


def run(avatars: int, hz: int, seconds: int) -> list[Figure]:
    """Compile the core and the benchmark, run it, and read its figures."""
    root = Path(__file__).resolve().parents[4]
    core, program = root / "unity_client/Runtime/Core", root / "tests/unity/programs/Bench.cs"
    if not program.exists():
        raise MachineError(
            "The Unity benchmark needs the source tree: run it from a clone of the repository."
        )
    if not (shutil.which("mcs") and shutil.which("mono")):
        raise MachineError("Mono is not here: apt install mono-mcs mono-runtime.")
    with tempfile.TemporaryDirectory() as folder:
        executable = Path(folder) / "Bench.exe"
        sources = [str(p) for p in sorted(core.glob("*.cs"))]
        subprocess.run(
            ["mcs", "-langversion:7", "-optimize+", f"-out:{executable}", str(program), *sources], check=True
        )
        done = subprocess.run(
            ["mono", str(executable), str(avatars), str(hz), str(seconds)], check=True, capture_output=True
        )
    found = json.loads(done.stdout)
    note = f"{found['frames']} frames drawn"
    each = f"{avatars} avatars, one frame at {hz} Hz"
    return [
        at_most(f"{each}, processor time", found["cpu"], 1.0, "ms", "mean of one core"),
        Figure(f"{each}, wall p50", found["p50"], "ms"),
        Figure(f"{each}, wall p99", found["p99"], "ms", note="includes whatever else the machine does"),
        at_most("garbage collections after warm-up", found["collections"], 0, "", note),
    ]
