"""Room codes: how a room is named aloud, and how it is named in links."""

import secrets
from collections.abc import Container
from typing import Final

from likeness.errors import InputError

LETTERS: Final = "acfhjkmpqrtwxy"
DIGITS: Final = "34679"
"""None is mistaken for another, written or spoken: no 0 and o, 1 and l, b and d, m and n, 5 and f."""
LENGTH: Final = 6
_NAME: Final = "abcdefghijkmnopqrstuvwxyz23456789"
_ALLOWED: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def new_room_code(taken: Container[str]) -> str:
    """A code to be read out or written on a board, e.g. "kq4mt7": four letters, two digits, in any order.

    There are 14 million; trying them is limited by rate where people enter.
    """
    while True:
        signs = [secrets.choice(LETTERS) for _ in range(4)] + [secrets.choice(DIGITS) for _ in range(2)]
        secrets.SystemRandom().shuffle(signs)
        code = "".join(signs)
        if code not in taken:
            return code


def new_room_id() -> str:
    """The name of a room in links: nobody guesses it (60 bits)."""
    return "".join(secrets.choice(_NAME) for _ in range(12))


def as_code(text: str) -> str:
    """The room code that somebody typed, in capitals, with blanks or hyphens; empty where it is none."""
    code = "".join(text.lower().replace("-", " ").split())
    digits = sum(sign in DIGITS for sign in code)
    known = len(code) == LENGTH and all(sign in LETTERS or sign in DIGITS for sign in code)
    return code if known and digits == 2 else ""


def check_room_id(id: str) -> str:
    """The id, if it is one.

    Raises:
        InputError: other than 1 to 40 small letters, digits and hyphens.
    """
    if not 1 <= len(id) <= 40 or not _ALLOWED.issuperset(id):
        raise InputError(f"{id[:60]!r} is no room name; use 1 to 40 small letters, digits and hyphens.")
    return id
