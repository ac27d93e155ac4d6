"""The hairstyles by name."""

from tools.head.hair_growth import Hairline, Style
from tools.head.hair_loose import bob, mane, short, wild
from tools.head.hair_made import cartoon, wig
from tools.head.hair_up import parted, updo

STYLES: dict[str, Style] = {
    "short": Style(Hairline(), short),
    "wild": Style(Hairline(front=(79, 80, 72, 62, 38, 4, -6), side=(-54, -66), side_low=(-36, -20)), wild),
    "updo": Style(
        Hairline(
            front=(62, 63, 61, 53, 34, 6, -4), side=(-46, -58), side_low=(-34, -18), back_low=(-72, -58)
        ),
        updo,
    ),
    "parted": Style(
        Hairline(
            front=(66, 64, 58, 48, 30, 6, -4), side=(-44, -56), side_low=(-30, -14), back_low=(-72, -58)
        ),
        parted,
    ),
    "mane": Style(Hairline(front=(68, 68, 65, 56, 34, 4, -6), side=(-50, -62), side_low=(-44, -28)), mane),
    "bob": Style(Hairline(front=(66, 66, 62, 52, 32, 6, -4), side=(-44, -56), side_low=(-30, -14)), bob),
    "wig": Style(Hairline(front=(64, 64, 61, 52, 34, 8, 0), side=(-40, -52), side_low=(-60, -40)), wig),
    "cartoon": Style(Hairline(front=(62, 62, 59, 50, 30, 4, -6)), cartoon),
}
"""Styles by name."""
