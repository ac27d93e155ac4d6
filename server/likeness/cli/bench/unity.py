"""`likeness bench unity`: the C# core on Mono: many avatars, golden vectors, a stay with a real server."""

import json
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

import click

from likeness.cli.bench.browser import a_server, source_root
from likeness.cli.bench.figure import Figure, at_least, at_most, print_figures
from likeness.errors import MachineError

SYNC_MS: Final = 20.0
"""Between the sample that is heard and the face that is drawn."""


@click.command()
@click.option("--avatars", default=30, show_default=True)
@click.option("--hz", default=72, show_default=True, help="The headset's frame rate.")
@click.option("--seconds", default=60, show_default=True, help="Of media time.")
@click.option("--live-seconds", default=60, show_default=True, help="With a real server; 0: leave it out.")
def unity(avatars: int, hz: int, seconds: int, live_seconds: int) -> None:
    """Measure the Unity client's core on Mono (needs mcs, mono, and nunit-console for the golden vectors)."""
    if not print_figures("Unity client's core on Mono", run(avatars, hz, seconds, live_seconds)):
        raise click.exceptions.Exit(1)


def run(avatars: int, hz: int, seconds: int, live_seconds: int) -> list[Figure]:
    """Compile the core and the programs, run them, and read their figures."""
    programs = source_root() / "tests" / "unity" / "programs"
    if not programs.is_dir():
        raise MachineError(
            "The Unity benchmark needs the source tree: run it from a clone of the repository."
        )
    if not (shutil.which("mcs") and shutil.which("mono")):
        raise MachineError("Mono is not here: apt install mono-mcs mono-runtime.")
    with tempfile.TemporaryDirectory() as folder:
        found = _run(_compile(Path(folder), "Bench"), avatars, hz, seconds)
        figures = _many(avatars, hz, found) + _seals(found) + _golden(Path(folder))
        if live_seconds > 0:
            program = _compile(Path(folder), "Live")
            with a_server() as server:
                figures += _live(_run(program, server.url, live_seconds, "steady"), live_seconds)
    return figures


def _many(avatars: int, hz: int, found: dict[str, Any]) -> list[Figure]:
    note = f"{found['frames']} frames drawn"
    each = f"{avatars} avatars, one frame at {hz} Hz"
    return [
        at_most(f"{each}, processor time", found["cpu"], 1.0, "ms", "mean of one core"),
        Figure(f"{each}, wall p50", found["p50"], "ms"),
        Figure(f"{each}, wall p99", found["p99"], "ms", note="includes whatever else the machine does"),
        at_most("bytes allocated after warm-up", found["bytes"], 0, "", f"{note}; the runtime's own count"),
        at_most("garbage collections after warm-up", found["collections"], 0, "", note),
    ]


def _seals(found: dict[str, Any]) -> list[Figure]:
    return [
        Figure("a frame's digest for its seal", found["digestUs"], "us", note="processor time"),
        at_most("bytes allocated by digests", found["digestBytes"], 0),
        Figure(
            "one signature (Ed25519)", found["verifyMs"], "ms", note="one a second and avatar, off thread"
        ),
    ]


def _golden(folder: Path) -> list[Figure]:
    library = next(iter(sorted(Path("/usr/lib/cli").glob("nunit.framework-*/nunit.framework.dll"))), None)
    if library is None or not shutil.which("nunit-console"):
        return []
    package = source_root() / "unity_client"
    # The core's internals are open to tests of this name.
    core, tests = folder / "Likeness.Core.dll", folder / "Likeness.Core.Tests.dll"
    result = folder / "result.xml"
    _mcs(core, sorted((package / "Runtime/Core").glob("*.cs")), target="library")
    shutil.copy(library, folder)
    _mcs(tests, sorted((package / "Tests/Core").glob("*.cs")), core, library, target="library")
    subprocess.run(
        ["nunit-console", "-nologo", "-noshadow", f"-xml:{result}", str(tests)],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "LIKENESS_VECTORS": str(source_root() / "protos" / "vectors")},
    )
    summary = ET.parse(result).getroot().attrib
    failed = int(summary["failures"]) + int(summary["errors"]) + int(summary["not-run"])
    note = "golden frames, datagrams and seals among them"
    return [at_most(f"failures in {summary['total']} tests of the core", failed, 0, "", note)]


def _live(found: dict[str, Any], seconds: int) -> list[Figure]:
    stay = seconds - found["openAfter"]
    note = f"{seconds} s over a WebSocket, {found['received']} frames, {found['drawn']} pictures"
    return [
        at_least("frames a second", found["received"] / stay, 58.0, "", f"in {stay:.1f} s after the welcome"),
        at_most("sequence numbers lost", found["lost"], 0, "", note),
        at_most("messages not understood", found["malformed"], 0),
        at_most(
            "heard to drawn, worst", found["worstOffsetMs"], SYNC_MS, "ms", "a sound card of 10 ms blocks"
        ),
        Figure("voice gaps", found["underruns"], "", note="ends of utterances among them"),
        Figure("round trip", found["roundTripMs"], "ms", note="the last ping"),
        at_least(
            "frames with a checked seal", found["sealed"], found["received"] - 60, "", found["sealProblem"]
        ),
    ]


def _compile(folder: Path, name: str) -> Path:
    root = source_root()
    program = folder / f"{name}.exe"
    sources = sorted((root / "unity_client/Runtime/Core").glob("*.cs"))
    _mcs(program, [root / f"tests/unity/programs/{name}.cs", *sources], target="exe")
    return program


def _mcs(output: Path, sources: list[Path], *references: Path, target: str) -> None:
    command = ["mcs", "-langversion:7", "-optimize+", f"-target:{target}", f"-out:{output}"]
    command += [f"-r:{r}" for r in references] + [str(s) for s in sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"{output.name} does not compile:\n{done.stdout}{done.stderr}")


def _run(program: Path, *arguments: object) -> dict[str, Any]:
    done = subprocess.run(
        ["mono", str(program), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MachineError(f"{program.name} failed:\n{done.stdout}{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result
