"""Writing a file whole or not at all."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from likeness.errors import InputError, MachineError


@contextmanager
def new_file(path: Path) -> Generator[BinaryIO]:
    """A file to write that takes its name only when all of it is on disk.

    Whatever goes wrong, nothing half-written is left, and what was at `path` before stays.

    Raises:
        InputError: the folder does not exist, or `path` is a folder. MachineError: the disk is full, the
        folder read-only or the like.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file in it.")
    if not path.parent.is_dir():
        raise InputError(
            f"{path} cannot be written: the folder {path.parent} does not exist; create it first."
        )
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise MachineError(
            f"{path} could not be written: {error.strerror or error}. "
            "Free some space or choose another folder."
        ) from error
    finally:
        part.unlink(missing_ok=True)
