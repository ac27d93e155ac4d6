"""`likeness doctor`: what this machine has, and what it lacks."""

import asyncio
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from likeness.errors import LikenessError, MachineError

Check = Callable[[], tuple[str, str]]
"""Returns (state, words): state is "ok", "note" or "missing"."""


@click.command()
def doctor() -> None:
    """Check this machine: Python, voice, lip-sync, characters, page, ports, data folder, extras.

    Exits with 1 when something that the server needs is missing.
    """
    checks: list[tuple[str, Check]] = [
        ("Python", _python),
        ("Processor", _processor),
        ("Data folder", _data_folder),
        ("Page", _page),
        ("Characters", _characters),
        ("Voice", _voice),
        ("Lip-sync", _lipsync),
        ("Opus", _opus),
        ("Ledger", _ledger),
        ("HTTP port 8080", lambda: _port(8080)),
        ("gRPC port 50051", lambda: _port(50051)),
        ("Desktop tracking", _tracking),
        ("Other voices", _voices),
    ]
    table = Table(title="likeness doctor", title_justify="left")
    table.add_column("what")
    table.add_column("")
    table.add_column("found", overflow="fold")
    failed = False
    for name, check in checks:
        try:
            state, words = check()
        except LikenessError as error:
            state, words = "missing", str(error)
        except Exception as error:  # a check must never hide the ones after it
            state, words = "missing", f"{type(error).__name__}: {error}"
        failed |= state == "missing"
        colour = {"ok": "green", "note": "yellow", "missing": "red"}[state]
        table.add_row(name, f"[{colour}]{state}[/]", words)
    Console().print(table)
    if failed:
        raise click.exceptions.Exit(1)


def _python() -> tuple[str, str]:
    words = f"{platform.python_version()} on {platform.platform()}"
    return ("ok" if sys.version_info >= (3, 11) else "missing"), words


def _processor() -> tuple[str, str]:
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU (none is needed)"
    return "ok", f"{os.cpu_count()} cores, PyTorch {torch.__version__}, {gpu}"


def _data_folder() -> tuple[str, str]:
    from likeness.head import data_dir

    folder = data_dir()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    with tempfile.TemporaryFile(dir=existing):
        pass
    free = shutil.disk_usage(existing).free / 2**30
    return ("ok" if free > 1 else "note"), f"{folder}, {free:.0f} GiB free"


def _page() -> tuple[str, str]:
    import likeness

    index = Path(likeness.__file__).parent / "web" / "index.html"
    return ("ok", str(index)) if index.exists() else ("missing", "the page is not built: run `make web`")


def _characters() -> tuple[str, str]:
    from likeness.head import list_characters

    cast = list_characters()
    lacking = [c.id for c in cast if not c.avatar.exists()]
    if not cast or lacking:
        return "missing", f"no avatar for {', '.join(lacking) or 'anyone'}: run `make avatars`"
    return "ok", ", ".join(c.id for c in cast)


def _voice() -> tuple[str, str]:
    from likeness.head import VoiceSettings
    from likeness.speech.espeak import EspeakVoice

    async def count() -> int:
        voice = EspeakVoice()
        await voice.start()
        try:
            return sum([len(chunk.pcm) async for chunk in voice.speak("Hello.", VoiceSettings())])
        finally:
            await voice.aclose()

    samples = asyncio.run(count())
    return (
        "ok" if samples > 4_800 else "missing"
    ), f"espeak-ng said hello in {samples / 48_000:.2f} s of sound"


def _lipsync() -> tuple[str, str]:
    from likeness.speech.lipsync import LipSync

    return "ok", f"look-ahead {LipSync().look_ahead / 48:.1f} ms"


def _opus() -> tuple[str, str]:
    import av

    av.CodecContext.create("libopus", "w")
    return "ok", f"libopus in PyAV {av.__version__}"


def _ledger() -> tuple[str, str]:
    from likeness.head import data_dir
    from likeness.provenance import verify_ledger

    path = data_dir() / "ledger.sqlite"
    if not path.exists():
        return "ok", "none yet; made at the first session"
    report = verify_ledger(path)
    return ("ok" if report.ok else "missing"), report.lines[-1]


def _port(port: int) -> tuple[str, str]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return "note", "in use: is a server running? Choose another with --port or --grpc-port"
    return "ok", "free"


def _tracking() -> tuple[str, str]:
    from likeness.tracking.media_pipe import tracking_python

    try:
        return "ok", f"MediaPipe, in {tracking_python()}"
    except MachineError as error:
        return "note", f"{error} Only `likeness track` needs it."


def _voices() -> tuple[str, str]:
    offered = sorted(point.name for point in entry_points(group="likeness.voices"))
    if offered:
        return "ok", f"installed beside espeak: {', '.join(offered)}"
    return "note", "none; espeak-ng speaks. docs/voices.md says how a package brings another voice"
