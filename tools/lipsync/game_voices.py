"""Real people: the actors of the adventure game Flight of the Amazon Queen, aligned with their lines' text.

The Debian package `flight-of-the-amazon-queen` has the talking version, whose makers allow anybody to have
and to change it: one file with a table of contents, dialogues (numbered lines of the hero and of whom he
talks to) and an MP3 for each piece of a line. How the files are laid out is as the ScummVM project found it.
"""

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from likeness.speech.acoustic_model import AcousticModel
from tools.lipsync.aligned_voices import read_sound, recorded
from tools.lipsync.corpus import Utterance
from tools.lipsync.espeak_voices import Espeak

GAME: Final = Path("/usr/share/scummvm/flight-of-the-amazon-queen/queen.1c")
HERO: Final = "JOE"
_ENTRY: Final = struct.Struct(">12sBII")
_HEAD: Final = struct.Struct(">5h12x3H")
_MP3: Final = 1
_DIALOGUE: Final = 20
"""Bytes before a dialogue's own header."""
_CUE: Final = re.compile(r"\*(XY\d\d\(\d+,\d+\)|[A-Z]{2}|\d\d)")
_SILENT_CUES: Final = ("GD", "GM")
"""Cues that end no piece of a line."""


def synthesise(random: Random, most: int) -> Iterator[Utterance]:
    """So many utterances of each character at most, a few lines each whose text and sound agree, in random
    order.
    """
    if not GAME.is_file():
        raise SystemExit(f"{GAME} is missing: apt-get install flight-of-the-amazon-queen")
    files = _files(GAME.read_bytes())
    lines: dict[str, list[tuple[str, str]]] = {}
    for name, data in sorted(files.items()):
        if name.endswith(".DOG"):
            for actor, text, sound in _lines(re.sub(r"\d*\.DOG", "", name), data[_DIALOGUE:]):
                if sound in files:
                    lines.setdefault(actor, []).append((text, sound))
    espeak, model = Espeak(), AcousticModel()
    espeak.pronounce_as("en-us")
    for actor, said in lines.items():
        random.shuffle(said)
        told = ((text, read_sound(io.BytesIO(files[sound]), "mp3")) for text, sound in said)
        yield from recorded(f"game:{actor.lower()}", told, random, espeak, model, most)


def _files(game: bytes) -> dict[str, bytes]:
    """The game's files by name."""
    if game[:5] != b"QTBLC" or game[12] != _MP3:
        raise SystemExit(f"{GAME} is not the game's compressed talking version")
    (count,) = struct.unpack_from(">H", game, 13)
    files: dict[str, bytes] = {}
    for k in range(count):
        name, _, first, size = _ENTRY.unpack_from(game, 15 + k * _ENTRY.size)
        files[name.rstrip(b"\0").decode("ascii")] = game[first : first + size]
    return files


def _lines(person: str, dialogue: bytes) -> Iterator[tuple[str, str, str]]:
    """Actor, text and name of the sound of each piece of a dialogue's lines."""
    levels, _, key, of_hero, of_person, person_at, _, _ = _HEAD.unpack_from(dialogue)
    of_actors = (HERO, "J", of_hero, 32 + abs(levels) * 96), (person, "P", of_person, person_at)
    for actor, letter, count, first in of_actors:
        for number, line in _numbered(dialogue, first, count):
            for piece, text in enumerate(_pieces(line), 1):
                name = f"{key:2d}{number:4X}{letter}{piece}.SB".replace(" ", "0")
                if re.search("[a-z]", text) and not re.search(r"[\d()$<>/*]", text):
                    yield actor, text, name


def _numbered(dialogue: bytes, at: int, count: int) -> Iterator[tuple[int, str]]:
    """So many lines with their numbers, from a place on; each begins at a multiple of four bytes."""
    for _ in range(count):
        number, length = struct.unpack_from(">HB", dialogue, at + 2)
        yield number, dialogue[at + 5 : at + 5 + length].decode("cp850")
        at += 4 + (length + 4) // 4 * 4


def _pieces(line: str) -> list[str]:
    """A line as it was recorded: cut at its cues."""
    pieces, text, last = list[str](), "", 0
    for cue in _CUE.finditer(line):
        text += line[last : cue.start()]
        last = cue.end()
        if cue[1] not in _SILENT_CUES:
            pieces.append(text.strip())
            text = ""
    return [*pieces, (text + line[last:]).strip()]
