"""Character: who is portrayed, read from avatars/characters/<id>/character.toml."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from likeness.errors import InputError, NotFoundError
from likeness.head.frame import Float32
from likeness.head.head_file import head_path, read_identity_names
from likeness.head.places import asset_roots
from likeness.head.toml_table import TomlTable, read_toml, unknown_key

_FILES = ("character.toml", "avatar.glb", "avatar.lod1.glb")
CHARACTER_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How a character's synthetic voice sounds, in espeak-ng's terms."""

    language: str = "en-us"
    variant: str = ""
    pitch: int = 50
    """0..99."""
    rate: int = 165
    """Words per minute, 80..450."""
    range: int = 50
    """0..99: how far the pitch moves."""
    volume: int = 100
    """0..200."""


@dataclass(frozen=True, slots=True)
class IdleTemperament:
    """How lively a character is when nothing drives it; 0..1 except blink_rate (per second, 0..2)."""

    energy: float = 0.5
    blink_rate: float = 0.28
    gaze: float = 0.7
    nod: float = 0.5
    sway: float = 0.5


@dataclass(frozen=True, slots=True)
class Posture:
    """Offsets from the upright pose, in radians: pitch of neck and of head (+ bows), within +-0.6."""

    neck_pitch: float = 0.0
    head_pitch: float = 0.0


@dataclass(frozen=True, slots=True)
class Character:
    """A character as its folder describes it. The asset files are looked at only when they are asked for."""

    id: str
    name: str
    born: str
    died: str
    summary: str
    persona: str
    rights: str
    head: str
    """Name of the head whose psi the avatar plays."""
    identity: Float32
    """[S] coefficients of that head's identity basis; [0] where the avatar is fed controls."""
    voice: VoiceSettings
    idle: IdleTemperament
    posture: Posture
    folder: Path = field(repr=False)
    controls_only: bool = False
    """A guest model with ARKit-named morphs: its client is fed the 52 controls."""

    @property
    def avatar(self) -> Path:
        """Path of avatar.glb."""
        return self.folder / "avatar.glb"

    @property
    def far_avatar(self) -> Path:
        """Path of avatar.lod1.glb, lighter, for far seats and modest machines; a guest may have none."""
        return self.folder / "avatar.lod1.glb"

    @property
    def portrait(self) -> Path:
        """Path of portrait.png."""
        return self.folder / "portrait.png"

    @property
    def avatar_sha256(self) -> str:
        """SHA-256 of avatar.glb as hex digits.

        Raises:
            NotFoundError: the character has no avatar.glb.
        """
        return self.sha256(self.avatar)

    def sha256(self, asset: Path) -> str:
        """SHA-256 of one of the character's .glb files as hex digits; NotFoundError where it is missing."""
        try:
            stat = asset.stat()
        except OSError:
            raise NotFoundError(
                f"character {self.id!r} has no avatar: {asset} is missing. "
                f"Run `make avatars`, or copy its {asset.name} there."
            ) from None
        return _sha256(asset, stat.st_mtime_ns, stat.st_size)


def load_character(id: str) -> Character:
    """Load a character by its id.

    Raises:
        NotFoundError: no such character (names those there are), or its head is missing.
        InputError: its character.toml is wrong (names the key and the nearest right one).
    """
    folders = _folders()
    if id not in folders:
        known = ", ".join(folders) or "none is installed"
        raise NotFoundError(f"no character {id[:80]!r}; there are: {known}.")
    return read_character(folders[id])


def list_characters() -> list[Character]:
    """All characters, the person's own and the ones that come with Likeness, by id."""
    return [read_character(folder) for folder in _folders().values()]


def character_stamps() -> dict[str, tuple[object, ...]]:
    """The ids of all characters, loadable or not, each with what tells that it was changed."""
    return {id: (folder, *(_stamp(folder / name) for name in _FILES)) for id, folder in _folders().items()}


def read_character(folder: Path) -> Character:
    """Read a character's folder; see `load_character` for errors."""
    toml = read_toml(folder / "character.toml")
    head, guest = toml.text("head", "open", 200), toml.flag("controls_only", False)
    texts = {
        "name": toml.text("name", limit=200),
        "born": toml.text("born", "", 100),
        "died": toml.text("died", "", 100),
        "summary": toml.text("summary", "", 1000),
        "persona": toml.text("persona", ""),
        "rights": toml.text("rights"),
    }
    voice, idle, posture = (
        _voice(toml.table("voice")),
        _idle(toml.table("idle")),
        _posture(toml.table("posture")),
    )
    identity = toml.table("identity")
    toml.finish()
    return Character(
        id=folder.name,
        **texts,
        head=head,
        identity=_identity(identity, head, guest),
        voice=voice,
        idle=idle,
        posture=posture,
        folder=folder,
        controls_only=guest,
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root in asset_roots():
        for toml in sorted((root / "characters").glob("*/character.toml")):
            if CHARACTER_ID.fullmatch(toml.parent.name):
                found.setdefault(toml.parent.name, toml.parent)
    return dict(sorted(found.items()))


def _identity(table: TomlTable, head: str, guest: bool) -> Float32:
    if guest:
        table.finish()
        return np.zeros(0, np.float32)
    names = read_identity_names(head_path(head))
    for key in table.keys:
        if key not in names:
            raise InputError(unknown_key(f"[identity] of head {head!r}", key, list(names)))
    return np.array([table.number(n, 0.0, -10, 10) if n in table.keys else 0.0 for n in names], np.float32)


def _voice(table: TomlTable) -> VoiceSettings:
    d = VoiceSettings()
    voice = VoiceSettings(
        language=table.text("language", d.language, 40),
        variant=table.text("variant", d.variant, 40),
        pitch=table.integer("pitch", d.pitch, 0, 99),
        rate=table.integer("rate", d.rate, 80, 450),
        range=table.integer("range", d.range, 0, 99),
        volume=table.integer("volume", d.volume, 0, 200),
    )
    table.finish()
    return voice


def _idle(table: TomlTable) -> IdleTemperament:
    d = IdleTemperament()
    idle = IdleTemperament(
        energy=table.number("energy", d.energy, 0, 1),
        blink_rate=table.number("blink_rate", d.blink_rate, 0, 2),
        gaze=table.number("gaze", d.gaze, 0, 1),
        nod=table.number("nod", d.nod, 0, 1),
        sway=table.number("sway", d.sway, 0, 1),
    )
    table.finish()
    return idle


def _posture(table: TomlTable) -> Posture:
    posture = Posture(table.number("neck_pitch", 0.0, -0.6, 0.6), table.number("head_pitch", 0.0, -0.6, 0.6))
    table.finish()
    return posture


@lru_cache(maxsize=64)
def _sha256(path: Path, modified: int, size: int) -> str:
    # The key holds time and size, so that a replaced file is hashed again.
    del modified, size
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
