"""Where heads, characters and a person's own data lie."""

import os
from pathlib import Path

import platformdirs

import likeness
from likeness.errors import MachineError


def avatars_root() -> Path:
    """The folder with `heads/` and `characters/`: $LIKENESS_AVATARS, the source tree's, or the wheel's.

    Raises:
        MachineError: none of them exists.
    """
    override = os.environ.get("LIKENESS_AVATARS")
    package = Path(likeness.__file__).resolve().parent
    places = [Path(override)] if override else [package.parent.parent / "avatars", package / "avatars"]
    for place in places:
        if place.is_dir():
            return place
    raise MachineError(
        f"the avatars folder is missing: looked for {' and '.join(map(str, places))}. "
        "Reinstall likeness, or set LIKENESS_AVATARS to the folder that holds heads/ and characters/."
    )


def data_dir() -> Path:
    """The folder for what this machine makes (keys, ledger, imported heads): $LIKENESS_DATA, or the system's.

    It need not exist yet; whoever writes creates it.
    """
    override = os.environ.get("LIKENESS_DATA")
    return Path(override) if override else Path(platformdirs.user_data_dir("likeness", appauthor=False))


def asset_roots() -> list[Path]:
    """Folders that are searched for heads and characters, the person's own first."""
    return [data_dir(), avatars_root()]
