"""What a test shows to a page's fake camera: a film of one picture, and the others that take its place."""

import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from likeness.cli.bench.camera import numbered
from likeness.cli.bench.film import Picture, write_y4m
from likeness.cli.bench.speech_sample import speech_samples


def shown(folder: Path, pictures: Mapping[str, Picture], rate: int) -> dict[str, Any]:
    """Options of a scenario with projector.mjs: the film, `rate` pictures a second, shows the first picture
    until the scenario shows another. Each carries its number."""
    for number, (name, picture) in enumerate(pictures.items()):
        write_y4m(folder / f"{name}.y4m", [numbered(picture, number)] * 4, rate)
    film = folder / "film.y4m"
    film.write_bytes((folder / f"{next(iter(pictures))}.y4m").read_bytes())
    return {"film": str(film), "pictures": str(folder), "shown": list(pictures)}


def spoken(folder: Path) -> str:
    """A recording of somebody's speech for the fake microphone."""
    path = folder / "speech.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        out.writeframes(speech_samples()[0].tobytes())
    return str(path)
