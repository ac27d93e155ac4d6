"""Writing a file whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from likeness.errors import MachineError


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside `path`, then move it there: readers see the old file or the new one, never half.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise MachineError(
            f"{path} cannot be written: {error.strerror or error}. Free some space, or set LIKENESS_DATA to "
            "a folder that you may write."
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
