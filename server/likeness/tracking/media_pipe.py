"""The desktop tracker: MediaPipe's face mesh as a child process in its own environment."""

import asyncio
import os
import struct
import sys
import venv
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from likeness.errors import InputError, MachineError
from likeness.head.places import data_dir
from likeness.tracking.landmarks import LandmarkFrame, from_mesh

REQUIREMENTS: Final = (
    "mediapipe==0.10.21",
    "numpy==1.26.4",
    "opencv-python-headless==4.11.0.86",
    "protobuf==4.25.9",
)
"""All that the face mesh needs (some 100 MB to fetch): the last MediaPipe that carries its face models in the
wheel, without what its drawing, sound and language models would bring (jax alone has 350 MB)."""
_READY: Final = "ready"
"""Name of the file that says, and of which packages, that an environment is complete."""
_MESH_FLOATS: Final = 478 * 3
_RECORD: Final = struct.Struct("<dIIB")
_WORKER: Final = Path(__file__).with_name("mesh_worker.py")


@dataclass(frozen=True, slots=True)
class MeshStream:
    """An open source: its pictures per second, their number (0 when unknown), and its landmark frames."""

    rate: float
    count: int
    frames: AsyncIterator[LandmarkFrame]


def tracking_python() -> Path:
    """The Python that has MediaPipe: LIKENESS_TRACKING_PYTHON, or the environment of `install_tracking`.

    Raises:
        MachineError: there is none yet.
    """
    chosen = os.environ.get("LIKENESS_TRACKING_PYTHON")
    if chosen:
        if not Path(chosen).exists():
            raise MachineError(f"LIKENESS_TRACKING_PYTHON names {chosen}, which does not exist.")
        return Path(chosen)
    python, ready = _python(_environment()), _environment() / _READY
    if not python.exists() or not ready.exists() or ready.read_text().split() != [*REQUIREMENTS]:
        raise MachineError("The desktop tracker is not set up: run `likeness track --setup` once.")
    return python


async def install_tracking(say: Callable[[str], None]) -> Path:
    """Make the tracker's environment in the data folder and install MediaPipe there; returns its Python.

    Raises:
        MachineError: the packages cannot be had, or do not run here.
    """
    folder = _environment()
    python = _python(folder)
    say(f"Making {folder}")
    await asyncio.to_thread(venv.create, folder, with_pip=True, clear=True)
    say("Installing MediaPipe (some 100 MB)")
    pip = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", *REQUIREMENTS)
    process = await asyncio.create_subprocess_exec(str(python), *pip)
    if await process.wait():
        raise MachineError(
            "MediaPipe could not be installed: see pip's message above. It needs the network, and Python 3.9 "
            f"to 3.12 (this is {sys.version_info.major}.{sys.version_info.minor})."
        )
    check = await asyncio.create_subprocess_exec(
        str(python), str(_WORKER), "--check", env=_quiet(), stderr=asyncio.subprocess.PIPE
    )
    said = await _last_words(check)
    if check.returncode:
        raise MachineError(f"MediaPipe was installed but does not run here: {said}")
    (folder / _READY).write_text("\n".join(REQUIREMENTS) + "\n")
    return python


async def track_mesh(*, camera: int | None = None, video: Path | None = None) -> MeshStream:
    """Open a camera or a video file and track one face: the largest, and then the same person.

    Raises:
        InputError: the video or camera cannot be opened, or is lost midway.
        MachineError: the tracker is not set up.
    """
    source = ["--camera", str(camera or 0)] if video is None else ["--video", str(video)]
    if video is not None and not video.is_file():
        raise InputError(f"{video}: there is no such video file.")
    process = await asyncio.create_subprocess_exec(
        str(tracking_python()),
        str(_WORKER),
        *source,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_quiet(),
    )
    assert process.stdout is not None
    try:
        magic, count, rate = struct.unpack("<4sIf", await process.stdout.readexactly(12))
    except asyncio.IncompleteReadError:
        raise InputError(f"Tracking: {await _last_words(process)}") from None
    if magic != b"MESH":
        process.kill()
        raise MachineError(
            f"Tracking: {_WORKER.name} and this version do not fit together; reinstall Likeness."
        )
    return MeshStream(float(rate), int(count), _frames(process))


async def _frames(process: asyncio.subprocess.Process) -> AsyncIterator[LandmarkFrame]:
    assert process.stdout is not None
    sequence = 0
    try:
        while True:
            try:
                (length,) = struct.unpack("<I", await process.stdout.readexactly(4))
                body = await process.stdout.readexactly(length)
            except asyncio.IncompleteReadError:
                if await process.wait():
                    raise InputError(f"Tracking: {await _last_words(process)}") from None
                return
            seconds, width, height, found = _RECORD.unpack_from(body)
            points = None
            if found:
                mesh = np.frombuffer(body, "<f4", _MESH_FLOATS, _RECORD.size).reshape(-1, 3)
                points = from_mesh(mesh, width, height)
            yield LandmarkFrame(sequence, round(seconds * 1000), 1.0 if found else 0.0, points)
            sequence += 1
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _last_words(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    lines = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
    await process.wait()
    return lines[-1] if lines else f"the tracker ended with code {process.returncode}."


def _quiet() -> dict[str, str]:
    return {**os.environ, "GLOG_minloglevel": "3", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _environment() -> Path:
    return data_dir() / f"tracking-{sys.version_info.major}.{sys.version_info.minor}"
