"""What a character looks like beyond its bones: read from avatars/characters/<id>/look.toml."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

Colour = tuple[float, float, float]
"""Linear red, green, blue, 0..1."""


@dataclass(frozen=True, slots=True)
class SkinLook:
    """Skin: tone, how red cheeks and nose are, wrinkles 0..1, freckles and age spots 0..1, beard shadow 0..1,
    lips; `drawn` makes the whole character a drawing: flat colours, toon shading."""

    tone: Colour = (0.64, 0.368, 0.25)
    redness: float = 1.0
    wrinkles: float = 0.2
    spots: float = 0.3
    shadow: float = 0.2
    lips: Colour = (0.43, 0.185, 0.155)
    lip_strength: float = 0.85
    lids: float = 0.35
    pores: float = 1.0
    roughness: float = 0.52
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class EyeLook:
    """Eyes: iris colour, how yellow or red the white is 0..1."""

    iris: Colour = (0.085, 0.075, 0.040)
    white: Colour = (0.80, 0.765, 0.735)


@dataclass(frozen=True, slots=True)
class BrowLook:
    """Brows: colour, thickness in mm (half), length of hairs in mm, disorder 0..1, density 0..1, how much
    higher they arch at two thirds of their length in mm; lashes: length factor, colour."""

    colour: Colour = (0.06, 0.04, 0.03)
    thickness: float = 3.2
    length: float = 8.0
    disorder: float = 0.15
    density: float = 0.8
    arch: float = 0.0
    lash_length: float = 1.0
    lash_colour: Colour = (0.015, 0.012, 0.01)


@dataclass(frozen=True, slots=True)
class HairLook:
    """Hair: a style of tools.head.hairstyle, its colour, a second colour mixed in by share, and a seed."""

    style: str = "none"
    colour: Colour = (0.085, 0.052, 0.034)
    second: Colour = (0.085, 0.052, 0.034)
    share: float = 0.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class BeardLook:
    """Facial hair: style none, moustache or beard, and colours."""

    style: str = "none"
    colour: Colour = (0.4, 0.38, 0.36)
    second: Colour = (0.2, 0.18, 0.17)
    share: float = 0.2


@dataclass(frozen=True, slots=True)
class ClothesLook:
    """Clothes: a style of tools.head.clothes and its colours."""

    style: str = "sweater"
    colour: Colour = (0.045, 0.05, 0.065)
    second: Colour = (0.75, 0.73, 0.68)
    third: Colour = (0.03, 0.03, 0.035)


@dataclass(frozen=True, slots=True)
class Look:
    """All of it."""

    skin: SkinLook = field(default_factory=SkinLook)
    eyes: EyeLook = field(default_factory=EyeLook)
    brows: BrowLook = field(default_factory=BrowLook)
    hair: HairLook = field(default_factory=HairLook)
    beard: BeardLook = field(default_factory=BeardLook)
    clothes: ClothesLook = field(default_factory=ClothesLook)


def read_look(path: Path) -> Look:
    """Reads a look.toml.

    Raises:
        ValueError: an unknown table or key; the message names it and the keys there are.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    kinds = {
        "skin": SkinLook,
        "eyes": EyeLook,
        "brows": BrowLook,
        "hair": HairLook,
        "beard": BeardLook,
        "clothes": ClothesLook,
    }
    made: dict[str, object] = {}
    for table, values in data.items():
        if table not in kinds:
            raise ValueError(f"{path}: unknown table [{table}]; there are {', '.join(kinds)}.")
        known = [f.name for f in fields(kinds[table])]
        for key in values:
            if key not in known:
                raise ValueError(f"{path}: [{table}] has no key {key!r}; it has {', '.join(known)}.")
        made[table] = kinds[table](**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    return Look(**made)  # pyright: ignore[reportArgumentType]
